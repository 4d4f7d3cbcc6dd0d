import ArgumentParser
import Columnar
import PlainYAML

/// `--format`, `--encoding`, `--delimiter`, …: how an input is read.
struct InputOption: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case auto, csv, ndjson, json
        case accessLog = "access-log"
        case fixedWidth = "fixed-width"
    }

    enum MalformedRows: String, ExpressibleByArgument, CaseIterable {
        case fail, pad, quarantine
    }

    @Option(
        help: ArgumentHelp(
            "The form of the records; auto: JSON by the first bytes, else CSV. Compression (gzip, zstd, ZIP) is found "
                + "by itself."))
    var format: Format?
    @Option(
        help: ArgumentHelp(
            "How the text is stored: auto (UTF-8, or UTF-16 that shows itself), utf-8, latin-1, windows-1252, utf-16, "
                + "utf-16le, utf-16be.", valueName: "name"))
    var encoding: String?
    @Option(help: ArgumentHelp("The character between fields, or `tab`; found by itself unless given.", valueName: "c"))
    var delimiter: String?
    @Option(help: ArgumentHelp("The character around fields, or `none`; \" unless given.", valueName: "c"))
    var quote: String?
    @Option(help: ArgumentHelp("The character that takes the meaning from the next one, such as \\.", valueName: "c"))
    var escape: String?
    @Option(help: ArgumentHelp("The character at the start of lines to skip.", valueName: "c")) var comment: String?
    @Flag(help: "The first record holds no names.") var noHeader = false
    @Option(help: ArgumentHelp("Names of the columns of a file without a header, by commas.", valueName: "names"))
    var columnNames: String?
    @Flag(help: "Drop blanks around fields.") var trim = false
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("An unquoted text that means null; may be repeated.", valueName: "text"))
    var nullToken: [String] = []
    @Option(
        help: ArgumentHelp(
            "Of an access log: common, combined, vhost_combined, nginx, or a format string of Apache or nginx.",
            valueName: "format"))
    var logFormat: String?
    @Option(
        help: ArgumentHelp(
            "Of fixed-width text: the columns as YAML, a list `columns` of {name, start, width, type}.",
            valueName: "file.yaml"))
    var layout: String?
    @Option(
        help: ArgumentHelp(
            "Of fixed-width text: a column, such as id:1-6 or price:7-16:decimal(10,2); may be repeated.",
            valueName: "name:first-last"))
    var column: [String] = []
    @Option(help: "What becomes of rows that cannot be read as they stand.") var malformedRows = MalformedRows.fail
    @Option(
        help: ArgumentHelp(
            "Where rows that are left out go, one JSON object a line; means --malformed-rows quarantine.",
            valueName: "file.ndjson"))
    var quarantine: String?

    func validate() throws {
        guard layout == nil || column.isEmpty else { throw ValidationError("Give --layout or --column, not both.") }
        guard quarantine != nil || malformedRows != .quarantine else {
            throw ValidationError("--malformed-rows quarantine needs --quarantine FILE.")
        }
        guard quarantine == nil || malformedRows != .pad else {
            throw ValidationError("Give --malformed-rows pad or --quarantine FILE, not both: one keeps such rows.")
        }
        guard columnNames == nil || noHeader else { throw ValidationError("--column-names needs --no-header.") }
        guard column.isEmpty || (format ?? .fixedWidth) == .fixedWidth else {
            throw ValidationError("--column is for --format fixed-width.")
        }
        // What the words alone can have wrong; the layout's file is read later.
        guard layout == nil else { return }
        var options = ConversionOptions()
        do {
            try apply(to: &options)
        } catch let error as ColumnarError {
            throw ValidationError(error.message)
        }
    }

    /// The files that are read beside the input.
    var files: [Destinations.Named] { [("--layout", layout)] }

    /// Sets what was asked for.
    func apply(to options: inout ConversionOptions) throws {
        var settings = InputSettings()
        settings.format = format?.rawValue
        (settings.encoding, settings.logFormat) = (encoding, logFormat)
        (settings.delimiter, settings.quote, settings.escape, settings.comment) = (delimiter, quote, escape, comment)
        if noHeader { settings.header = false }
        if trim { settings.trim = true }
        settings.columnNames = columnNames?.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        settings.nullTokens = nullToken.isEmpty ? nil : nullToken
        settings.layout = try fixedWidthLayout()
        try settings.apply(to: &options)
        switch quarantine == nil ? malformedRows : .quarantine {
        case .fail: options.csv.badRecords = .fail
        case .pad: options.csv.badRecords = .pad
        case .quarantine:
            options.csv.badRecords = .reject
            if options.mismatches == .fail { options.mismatches = .reject }
        }
    }

    /// How a conversion goes on that an error ended; nil where there is no way but to mend the file.
    func hint(_ error: ColumnarError) -> String? {
        guard quarantine == nil, error.code == .malformedRow else { return nil }
        return "--quarantine FILE leaves such rows out and keeps them there, with the reason"
    }

    /// Warns of a delimiter that leaves all fields of a row in one column.
    static func warn(of report: ConversionReport, _ input: String) {
        guard let likely = report.likelyDelimiter else { return }
        func word(_ character: Character) -> String { character == "\t" ? "tab" : "`\(character)`" }
        Failure.warn(
            "\(input): with \(word(report.delimiter)) as delimiter there is one column, and with \(word(likely)) there would "
                + "be several", hint: "leave --delimiter out, so that it is found, or give the right one")
    }

    private func fixedWidthLayout() throws -> FixedWidthLayout? {
        if !column.isEmpty { return try FixedWidthLayout(column.map { try FixedWidthLayout.Column($0) }) }
        guard let layout else { return nil }
        let text = String(decoding: try InputFile.bytes(of: layout), as: UTF8.self)
        do {
            return try PlainYAML.decode(FixedWidthLayout.self, from: text)
        } catch {
            throw Failure.undecodable(layout, error, hint: "columns: [{name: id, start: 1, width: 6}]")
        }
    }

    /// Runs `body` with the receiver of rows that are left out, and writes what it holds back at the end.
    /// - Parameter source: the input's name, for the first line.
    func withQuarantine<Result>(
        of source: String, _ body: ((any RejectedRecords)?) throws -> Result
    ) throws -> Result {
        guard let quarantine else { return try body(nil) }
        try FileCheck.writable(quarantine)
        let file = StagedFile(quarantine)
        let writer = QuarantineWriter(try file.sink(), source: source)
        let result = try body(writer)
        try writer.finish()
        try file.publish()
        return result
    }
}

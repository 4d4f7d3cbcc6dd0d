/// How an input is to be read, in the words of configuration files and command lines; each may be left out.
///
///     format: access-log
///     logFormat: combined
///     encoding: windows-1252
public struct InputSettings: Codable, Sendable, Hashable {
    /// `auto` (the default: JSON by the first bytes, else CSV), `csv`, `ndjson`, `json`, `access-log` or `fixed-width`.
    public var format: String?
    /// `auto` (the default), `utf-8`, `latin-1`, `windows-1252`, `utf-16`, `utf-16le` or `utf-16be`.
    public var encoding: String?
    /// One ASCII character, or `tab`; found by itself unless given.
    public var delimiter: String?
    /// One ASCII character, or `none`.
    public var quote: String?
    /// One ASCII character, such as `\`.
    public var escape: String?
    /// One ASCII character at the start of lines to skip.
    public var comment: String?
    /// Whether the first record holds names (it does by default).
    public var header: Bool?
    /// Names for a file without a header.
    public var columnNames: [String]?
    /// Whether blanks around fields are dropped.
    public var trim: Bool?
    /// Unquoted texts that mean null, beside the empty field.
    public var nullTokens: [String]?
    /// Of an access log: a known name or a format string (`AccessLogFormat`); `combined` unless given.
    public var logFormat: String?
    /// Of fixed-width text.
    public var layout: FixedWidthLayout?

    public init() {}

    /// Sets what is given.
    /// - Throws: `InvalidConfiguration` for words that do not exist and settings that need each other.
    public func apply(to options: inout ConversionOptions) throws(ColumnarError) {
        if let delimiter { options.csv.delimiter = try Self.character(delimiter, "delimiter") }
        if let quote { options.csv.quote = quote == "none" ? nil : try Self.character(quote, "quote") }
        if let escape { options.csv.escape = try Self.character(escape, "escape") }
        if let comment { options.csv.comment = try Self.character(comment, "comment") }
        if let header { options.csv.hasHeader = header }
        if let columnNames {
            guard header == false else {
                throw Self.wrong("columnNames are for files without a header: say header: false")
            }
            options.csv.columnNames = columnNames
        }
        if let trim { options.csv.trimsFields = trim }
        if let nullTokens { options.csv.nullTokens = nullTokens }
        if let encoding {
            guard let known = TextEncoding(rawValue: encoding) else {
                let words = TextEncoding.allCases.map(\.rawValue).joined(separator: ", ")
                throw Self.wrong("encoding is \"\(encoding)\"; choose one of \(words)")
            }
            options.csv.encoding = known
        }
        if let format = try inputFormat() { options.format = format }
    }

    private func inputFormat() throws(ColumnarError) -> InputFormat? {
        let word = format ?? (logFormat != nil ? "access-log" : layout != nil ? "fixed-width" : nil)
        guard logFormat == nil || word == "access-log" else { throw Self.wrong("logFormat is for format: access-log") }
        guard layout == nil || word == "fixed-width" else { throw Self.wrong("layout is for format: fixed-width") }
        switch word {
        case nil: return nil
        case "auto": return .automatic
        case "csv": return .csv
        case "ndjson": return .ndjson
        case "json": return .json
        case "access-log": return .accessLog(try AccessLogFormat(logFormat ?? "combined"))
        case "fixed-width":
            guard let layout else { throw Self.wrong("fixed-width text needs a layout: the places of its columns") }
            return .fixedWidth(layout)
        default:
            throw Self.wrong(
                "format is \"\(word ?? "")\"; choose one of auto, csv, ndjson, json, access-log, fixed-width")
        }
    }

    private static func character(_ text: String, _ name: String) throws(ColumnarError) -> Character {
        if text == "tab" || text == "\\t" { return "\t" }
        guard text.utf8.count == 1, let character = text.first, !character.isNewline else {
            throw wrong("\(name) is \"\(text)\"; give one ASCII character, or tab")
        }
        return character
    }

    private static func wrong(_ reason: String) -> ColumnarError {
        ColumnarError(.invalidConfiguration, "\(reason).")
    }
}

import Glibc

/// The records of a quarantine file as the delimited text they came from, to be judged and converted anew.
///
/// Whoever corrects a quarantine file changes the `raw` of its lines (JSON text) and may delete lines; everything else
/// but the first line is ignored. `QualityFilter` and `CSVConverter` recognise such a file by its first bytes.
public final class QuarantineSource: ByteSource {
    /// How every quarantine file begins.
    static let mark = "{\"sluice\":\"quarantine\""
    /// How one of JSON records begins.
    static let markOfJSON = mark + ",\"version\":1,\"header\":\"\""
    /// The longest line, in bytes.
    private static let mostLineBytes = 64 << 20

    private let base: any ByteSource
    /// How the records are written.
    public private(set) var layout: RejectedLayout
    /// Where they come from, as the writer of the file was told.
    public private(set) var origin: String?
    private let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
    private var input: [UInt8] = []
    private var inputPosition = 0
    private var reachedEnd = false
    private var line: Int64 = 0
    private var output: [UInt8] = []
    private var outputPosition = 0

    /// A source that is a quarantine file as the text that its records come from, delimited text with its header; every
    /// other one as it is.
    /// - Parameter format: what the records are to be read as. As JSON, a quarantine file of other records is read as
    ///   the JSON that it is.
    /// - Throws: `CorruptFile` where the first line is broken, `ReadFailed`.
    static func recognizing(
        _ source: any ByteSource, format: InputFormat = .automatic
    ) throws(ColumnarError) -> (source: any ByteSource, feed: QuarantineSource?) {
        // The members of an archive are read one by one.
        if source is ZipSource { return (source, nil) }
        let mark = Array((format.isJSON ? markOfJSON : mark).utf8)
        let whole = try PeekedSource(source, count: mark.count)
        guard whole.head == mark else { return (whole, nil) }
        let feed = try QuarantineSource(whole)
        return (feed, feed)
    }

    /// Where the rows of a quarantine file come from, empty where it does not say; nil where `source` is no such file.
    /// Goes back to its beginning.
    /// - Throws: `CorruptFile` where the first line is broken, `ReadFailed`.
    public static func origin(of source: any ByteSource) throws(ColumnarError) -> String? {
        let feed = try recognizing(source).feed
        try source.rewind()
        return feed.map { $0.origin ?? "" }
    }

    private init(_ base: any ByteSource) throws(ColumnarError) {
        self.base = base
        layout = RejectedLayout(header: "", delimiter: ",")
        try readFirstLine()
    }

    deinit { chunk.deallocate() }

    private func readFirstLine() throws(ColumnarError) {
        guard let first = try nextLine() else { throw fault("it is empty") }
        let members = try first.withUnsafeBufferPointer { bytes throws(ColumnarError) in try self.members(bytes) }
        guard let header = members["header"], let delimiter = members["delimiter"]?.first,
            delimiter.isASCII, members["version"] == "1"
        else { throw fault("its first line has no header and delimiter, or another version than 1") }
        // JSON records have no header; other formats are named.
        let format =
            members["format"].map { RejectedLayout.Format(rawValue: $0) } ?? (header.isEmpty ? .json : .delimited)
        guard let format else { throw fault("its format \(members["format"] ?? "") is not known") }
        layout = RejectedLayout(
            header: header, delimiter: delimiter, quote: members["quote"]?.first, escape: members["escape"]?.first,
            format: format)
        origin = members["source"]
        output = format == .delimited ? Array(header.utf8) + [10] : []
        outputPosition = 0
    }

    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(ColumnarError) -> Int {
        while outputPosition == output.count {
            guard let next = try nextLine() else { return 0 }
            if next.allSatisfy(Blank.isBlank) { continue }
            let members = try next.withUnsafeBufferPointer { bytes throws(ColumnarError) in try self.members(bytes) }
            outputPosition = 0
            if let raw = members["raw"] {
                output = Array(raw.utf8)
            } else if let encoded = members["rawBase64"] {
                guard let bytes = Self.decode(encoded) else { throw fault("rawBase64 is not base64") }
                output = bytes
            } else {
                throw fault("the line has neither raw nor rawBase64")
            }
            output.append(10)
        }
        let count = min(buffer.count, output.count - outputPosition)
        output.withUnsafeBytes { bytes in
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[outputPosition..<outputPosition + count]))
        }
        outputPosition += count
        return count
    }

    public func rewind() throws(ColumnarError) {
        try base.rewind()
        input.removeAll(keepingCapacity: true)
        (inputPosition, reachedEnd, line) = (0, false, 0)
        try readFirstLine()
    }

    private func fault(_ problem: String) -> ColumnarError {
        ColumnarError(
            .corruptFile,
            "Line \(max(1, line)) of the quarantine file cannot be read: \(problem). Correct or delete it.",
            line: max(1, line))
    }

    // MARK: lines

    /// The next line without its end; nil at the end of the file.
    private func nextLine() throws(ColumnarError) -> [UInt8]? {
        while true {
            if let end = input[inputPosition...].firstIndex(of: 10) {
                defer { inputPosition = end + 1 }
                line += 1
                return Array(input[inputPosition..<end])
            }
            if reachedEnd {
                guard inputPosition < input.count else { return nil }
                defer { inputPosition = input.count }
                line += 1
                return Array(input[inputPosition...])
            }
            input.removeFirst(inputPosition)
            inputPosition = 0
            guard input.count < Self.mostLineBytes else {
                throw ColumnarError(
                    .limitExceeded,
                    "Line \(line + 1) of the quarantine file is longer than \(Self.mostLineBytes) bytes.",
                    line: line + 1)
            }
            let count = try base.read(into: chunk)
            input.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[..<count]))
            reachedEnd = count == 0
        }
    }

    /// The texts and numbers of an object in a line; members of other kinds are left out.
    private func members(_ bytes: UnsafeBufferPointer<UInt8>) throws(ColumnarError) -> [String: String] {
        var scanner = FlatJSON(bytes)
        guard let members = scanner.members() else { throw fault("it is no JSON object") }
        return members
    }

    private static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var word: UInt32 = 0
        var bits = 0
        for character in text.utf8 where character != UInt8(ascii: "=") {
            let value: UInt8
            switch character {
            case 0x41...0x5A: value = character - 0x41
            case 0x61...0x7A: value = character - 0x61 + 26
            case 0x30...0x39: value = character - 0x30 + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            default: return nil
            }
            word = word << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
            }
        }
        return bytes
    }
}

extension RejectedLayout.Format {
    var words: String {
        switch self {
        case .delimited: "delimited text"
        case .json: "JSON"
        case .fixedWidth: "fixed-width text"
        case .accessLog: "lines of an access log"
        }
    }
}

extension ConversionOptions {
    /// Reads as records were written that come from another file.
    /// - Throws: `Unsupported` where that takes what the quarantine file does not have.
    mutating func apply(_ layout: RejectedLayout) throws(ColumnarError) {
        switch (layout.format, format) {
        case (.delimited, .csv), (.delimited, .automatic):
            csv.apply(layout)
            format = .csv
        case (.json, .csv), (.json, .automatic), (.json, .json), (.json, .ndjson):
            format = .json
        case (.fixedWidth, .fixedWidth(var columns)):
            // What was skipped at the beginning of the file is not in the quarantine.
            columns.skippedLines = 0
            format = .fixedWidth(columns)
        case (.accessLog, .accessLog): break
        default:
            let advice =
                switch layout.format {
                case .delimited, .json: "Leave the format to be recognised."
                case .fixedWidth, .accessLog: "Read it with the format and layout of the file they come from."
                }
            throw ColumnarError(
                .unsupported, "The records of this quarantine file are \(layout.format.words). \(advice)")
        }
    }
}

extension CSVOptions {
    /// Reads as records were written that come from another file.
    mutating func apply(_ layout: RejectedLayout) {
        delimiter = layout.delimiter
        quote = layout.quote
        escape = layout.escape
        comment = nil
        hasHeader = true
        columnNames = nil
    }
}

/// How the file is written of which records are rejected: what one needs to read a rejected record by itself.
public struct RejectedLayout: Sendable, Hashable {
    /// What form the records have.
    public enum Format: String, Sendable, Hashable {
        case delimited
        /// One object each; there is no header.
        case json
        /// Lines that only a layout of columns can read, or the format of an access log: whoever reads them again has
        /// to give it again.
        case fixedWidth = "fixed-width"
        case accessLog = "access-log"
    }

    public var format: Format
    /// The names, as a line of the file (quoted where they must be), without its line end.
    public var header: String
    public var delimiter: Character
    /// Nil where fields are never quoted.
    public var quote: Character?
    /// The character before a quote within quotes; nil where quotes are doubled.
    public var escape: Character?

    public init(
        header: String, delimiter: Character, quote: Character? = "\"", escape: Character? = nil,
        format: Format = .delimited
    ) {
        self.format = format
        self.header = header
        self.delimiter = delimiter
        self.quote = quote
        self.escape = escape
    }
}

extension RejectedLayout {
    init(columns: [CSVColumn], dialect: CSVDialect, format: Format = .delimited) {
        func character(_ byte: UInt8) -> Character { Character(Unicode.Scalar(byte)) }
        let header = CSVHeader.line(columns, dialect)
        self.init(
            header: String(decoding: header, as: UTF8.self), delimiter: character(dialect.delimiter),
            quote: dialect.quote.map(character), escape: dialect.escape.map(character), format: format)
    }
}

/// The header of a file, written anew.
enum CSVHeader {
    /// All names with what must stand between and around them, without a line end.
    static func line(_ columns: [CSVColumn], _ dialect: CSVDialect) -> [UInt8] {
        var line: [UInt8] = []
        for (index, column) in columns.enumerated() {
            if index > 0 { line.append(dialect.delimiter) }
            line += field(Array(column.sourceName.utf8), dialect)
        }
        return line
    }

    /// A text as it must stand in a file.
    static func field(_ bytes: [UInt8], _ dialect: CSVDialect, isQuoted: Bool = false) -> [UInt8] {
        guard let quote = dialect.quote else {
            guard let escape = dialect.escape else { return bytes }
            let isSpecial = { $0 == dialect.delimiter || $0 == dialect.lineEnd || $0 == escape }
            return bytes.flatMap { isSpecial($0) ? [escape, $0] : [$0] }
        }
        let needsQuotes =
            isQuoted
            || bytes.contains {
                $0 == quote || $0 == dialect.delimiter || $0 == 10 || $0 == 13 || $0 == dialect.escape
            }
            || (bytes.first != nil && bytes.first == dialect.comment)
        guard needsQuotes else { return bytes }
        let escape = dialect.escape ?? quote
        return [quote] + bytes.flatMap { $0 == quote || $0 == dialect.escape ? [escape, $0] : [$0] } + [quote]
    }
}

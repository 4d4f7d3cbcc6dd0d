/// How the file is written of which records are rejected: what one needs to read a rejected record by itself.
public struct RejectedLayout: Sendable, Hashable {
    /// The names, as a line of the file (quoted where they must be), without its line end.
    public var header: String
    public var delimiter: Character
    /// Nil where fields are never quoted.
    public var quote: Character?
    /// The character before a quote within quotes; nil where quotes are doubled.
    public var escape: Character?

    public init(header: String, delimiter: Character, quote: Character? = "\"", escape: Character? = nil) {
        self.header = header
        self.delimiter = delimiter
        self.quote = quote
        self.escape = escape
    }
}

extension RejectedLayout {
    init(columns: [CSVColumn], dialect: CSVDialect) {
        func character(_ byte: UInt8) -> Character { Character(Unicode.Scalar(byte)) }
        let header = CSVHeader.line(columns, dialect)
        self.init(
            header: String(decoding: header, as: UTF8.self), delimiter: character(dialect.delimiter),
            quote: dialect.quote.map(character), escape: dialect.escape.map(character))
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
        guard let quote = dialect.quote else { return bytes }
        let needsQuotes =
            isQuoted || bytes.contains { $0 == quote || $0 == dialect.delimiter || $0 == 10 || $0 == 13 }
            || (bytes.first != nil && bytes.first == dialect.comment)
        guard needsQuotes else { return bytes }
        let escape = dialect.escape ?? quote
        return [quote] + bytes.flatMap { $0 == quote || $0 == dialect.escape ? [escape, $0] : [$0] } + [quote]
    }
}

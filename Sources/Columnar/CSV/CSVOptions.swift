/// How a delimited text file is to be read. The defaults read what spreadsheets and databases export.
///
/// Gzip, Zstandard and ZIP are recognised by the content. The members of a ZIP archive are read one after the other,
/// and must have the same header.
public struct CSVOptions: Sendable {
    /// What becomes of a record that cannot be read as it stands: too few or too many fields, text after a closing
    /// quote, invalid UTF-8.
    public enum BadRecords: Sendable {
        /// The file is refused with an error that names the place.
        case fail
        /// Missing fields at the end of a record are null; everything else is refused.
        case pad
        /// The record goes to the `RejectedRecords` of the conversion and is left out.
        case reject
    }

    /// Whether an empty line is a record.
    public enum BlankLines: Sendable {
        /// Skipped, except in files of one column, where it is a record with one empty field.
        case automatic
        case skip
    }

    /// ASCII character between fields; nil: the one of `, ; tab |` that splits the first records evenly.
    public var delimiter: Character?
    /// ASCII character around fields; nil: no quoting.
    public var quote: Character? = "\""
    /// ASCII character, such as `\`, that takes its meaning from the next one: from a quote or another escape
    /// character, and outside quotes also from a delimiter or line end. Before anything else it is a character like
    /// others (`\n` is two, `\N` can be a null token). Quotes may be doubled all the same. Nil: quotes are only
    /// doubled.
    public var escape: Character?
    /// ASCII character at the start of lines to skip.
    public var comment: Character?
    /// Whether the first record holds names.
    public var hasHeader = true
    /// Names for files without a header; nil: `column_1`, `column_2`, …
    public var columnNames: [String]?
    /// Whether spaces and tabs around fields (outside quotes) are dropped.
    public var trimsFields = false
    /// Unquoted texts that mean null, beside the empty field. A quoted empty field is an empty text in text columns
    /// and null elsewhere; a quoted token is its text in text columns and null elsewhere.
    public var nullTokens: [String] = []
    public var blankLines = BlankLines.automatic
    /// How the text is stored.
    public var encoding = TextEncoding.automatic
    public var badRecords = BadRecords.fail
    /// Bytes of the window that is read and processed at a time; records may be larger.
    public var batchBytes = 512 << 10
    /// The largest record, in bytes. A quote that is never closed is noticed when this much follows it.
    public var maximumRecordBytes = 16 << 20

    public init() {}
}

/// The characters that shape a file, as bytes.
package struct CSVDialect: Sendable, Hashable {
    package var delimiter: UInt8 = UInt8(ascii: ",")
    package var quote: UInt8? = UInt8(ascii: "\"")
    package var escape: UInt8?
    package var comment: UInt8?
    /// Line feed, or carriage return in files that know no line feed. A carriage return before a line feed belongs
    /// to the line end.
    package var lineEnd: UInt8 = UInt8(ascii: "\n")
    package var trimsFields = false

    package init() {}

    /// Takes everything but the delimiter (when nil) and the line end from the options.
    init(_ options: CSVOptions) throws(ColumnarError) {
        if let character = options.delimiter { delimiter = try Self.byte(character, "delimiter") }
        quote = try options.quote.map { character throws(ColumnarError) in try Self.byte(character, "quote") }
        escape = try options.escape.map { character throws(ColumnarError) in try Self.byte(character, "escape") }
        comment = try options.comment.map { character throws(ColumnarError) in try Self.byte(character, "comment") }
        if escape == quote { escape = nil }
        let roles = [
            ("delimiter", options.delimiter == nil ? nil : delimiter), ("quote", quote), ("escape", escape),
            ("comment", comment),
        ]
        for (index, role) in roles.enumerated() {
            guard let byte = role.1, let other = roles[..<index].first(where: { $0.1 == byte }) else { continue }
            throw ColumnarError(
                .invalidConfiguration,
                "The \(other.0) and the \(role.0) character are both \"\(Character(Unicode.Scalar(byte)))\". Choose different "
                    + "ones.")
        }
        trimsFields = options.trimsFields
    }

    private static func byte(_ character: Character, _ role: String) throws(ColumnarError) -> UInt8 {
        guard let byte = character.asciiValue, byte != 10, byte != 13 else {
            throw ColumnarError(
                .unsupported, "The \(role) character must be one ASCII character other than a line end.")
        }
        return byte
    }
}

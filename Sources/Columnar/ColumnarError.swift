/// What went wrong while reading, converting or writing a file, and where.
///
/// Equality and `switch` go by `code`; `message` is for people and says what, where and what to do next. The place is
/// given as far as it is known: `row` counts records of data from 1 (the header and skipped lines are not counted),
/// `line` counts physical lines from 1, `byteOffset` counts bytes of the input from 0: of the text as UTF-8, after
/// decompressing and decoding, or of the compressed file where that is damaged.
public struct ColumnarError: Error, Sendable, Hashable {
    /// The kind of failure: a stable word that scripts and retry rules may compare.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private let word: String

        /// The word itself, such as `SchemaMismatch`.
        public var description: String { word }

        /// A code by its word; used by libraries on top of Columnar to add kinds of their own.
        public init(_ word: String) { self.word = word }

        /// The input has no bytes at all (a byte order mark alone counts as none).
        public static let emptyFile = Code("EmptyFile")
        /// The input is binary, or in an encoding other than the one it is read in.
        public static let notText = Code("NotText")
        /// The records are JSON, a log or fixed-width text where only delimited text will do.
        public static let notDelimited = Code("NotDelimited")
        /// A record holds a byte sequence that is no UTF-8.
        public static let invalidUTF8 = Code("InvalidUTF8")
        /// The input breaks the rules of the encoding it is read in (an unpaired UTF-16 surrogate, a byte that
        /// Windows-1252 does not have).
        public static let invalidEncoding = Code("InvalidEncoding")
        /// A member of an archive has other columns than the first one.
        public static let headerMismatch = Code("HeaderMismatch")
        /// A record has fewer or more fields than the header, or misplaced quotes.
        public static let malformedRow = Code("MalformedRow")
        /// A quoted field is still open at the end of the input, or grew beyond the record limit.
        public static let unclosedQuote = Code("UnclosedQuote")
        /// Two columns have the same name after normalising.
        public static let duplicateColumn = Code("DuplicateColumn")
        /// A column has no name.
        public static let emptyColumnName = Code("EmptyColumnName")
        /// A value does not fit the type that the schema demands.
        public static let schemaMismatch = Code("SchemaMismatch")
        /// The source could not be read.
        public static let readFailed = Code("ReadFailed")
        /// The sink could not be written.
        public static let writeFailed = Code("WriteFailed")
        /// The system gives no more memory.
        public static let outOfMemory = Code("OutOfMemory")
        /// A feature, option or type that this version does not do.
        public static let unsupported = Code("Unsupported")
        /// Options that do not exist or do not go together.
        public static let invalidConfiguration = Code("InvalidConfiguration")
        /// A limit was exceeded: a record or header larger than allowed.
        public static let limitExceeded = Code("LimitExceeded")
        /// The file is no Parquet file.
        public static let notParquet = Code("NotParquet")
        /// The file claims to be Parquet (or compressed) and breaks its format's rules.
        public static let corruptFile = Code("CorruptFile")
    }

    public var code: Code
    public var message: String
    /// Record of data, counted from 1.
    public var row: Int64?
    /// Physical line, counted from 1.
    public var line: Int64?
    /// Offset of the record or value in the decompressed input, in bytes from 0.
    public var byteOffset: Int64?
    public var column: String?
    /// The file within an archive; `line` and `byteOffset` count from its beginning.
    public var member: String?
    /// The offending value or record, shortened to at most 200 characters.
    public var text: String?

    public init(
        _ code: Code, _ message: String, row: Int64? = nil, line: Int64? = nil, byteOffset: Int64? = nil,
        column: String? = nil, member: String? = nil, text: String? = nil
    ) {
        self.code = code
        self.message = message
        self.row = row
        self.line = line
        self.byteOffset = byteOffset
        self.column = column
        self.member = member
        self.text = text
    }
}

extension ColumnarError: CustomStringConvertible {
    /// `SchemaMismatch: message (row 3, line 5, byte 120)`.
    public var description: String {
        var place: [String] = []
        if let row { place.append("row \(row)") }
        if let line { place.append("line \(line)") }
        if let byteOffset { place.append("byte \(byteOffset)") }
        return "\(code): \(message)" + (place.isEmpty ? "" : " (\(place.joined(separator: ", ")))")
    }
}

public import Columnar
public import FunctionKit

extension TableLoader {
    /// Settings of the `configuration` of function.yaml; each may be left out.
    public struct Settings: Decodable, Sendable {
        /// The bucket of the Parquet files.
        public var targetBucket: String?
        /// `auto` (the default), `snappy`, `zstd`, `gzip` or `none`, or with a level `zstd:9`, `gzip:1`.
        public var compression: String?
        /// Most rows of a row group, and compressed bytes at which one ends.
        public var rowGroupRows: Int?
        public var rowGroupBytes: Int?
        /// Free entries of each file's footer.
        public var metadata: [String: String]?
        /// `current` (the default), `legacy` for readers of Parquet 1.0, or `newest` with encodings that few readers
        /// know.
        public var compatibility: String?
        /// Divides the rows among files in folders: `region`, `at:day`, `at:yyyy/MM/dd/HH`, or several with commas.
        public var partitionBy: String?
        /// Compressed bytes at which a file ends and another one begins.
        public var fileBytes: Int64?
        /// Most files that are written at the same time, 100 unless given.
        public var openFiles: Int?
        /// Unquoted texts that mean a missing value, beside the empty field.
        public var nullTokens: [String]?
        /// How the files are read: format, encoding, dialect.
        public var input: InputSettings?
        /// What becomes of rows that cannot be read as they stand: `fail` (the default) fails the file, `pad` takes
        /// missing fields for nulls, `quarantine` leaves them out, and those that do not fit the table, and puts them
        /// with their reasons into the quarantine bucket.
        public var malformedRows: String?
        /// `quarantine` unless given.
        public var quarantineBucket: String?
        /// Quality rules, as ValidateCSV has them, judged while converting: rows that break one go to quarantine.
        public var rules: QualityRules?
        /// Columns whose values are masked.
        public var mask: MaskSettings?
        /// Whether a profile of the values is put beside each Parquet file, as `_<hash>.profile.json`.
        public var profile: Bool?
        /// Free properties of the table, such as `owner`.
        public var properties: [String: String]?

        public init() {}
    }

    /// What came of a file; the output of the functions that load one.
    public struct Loaded: Codable, Sendable, Hashable {
        public var database: String
        public var table: String
        public var bucket: String
        /// The Parquet file, the first of several; empty where no row came.
        public var key: String
        public var rows: Int64
        public var columns: [TableColumn]
        /// Names of columns that the table did not have before.
        public var newColumns: [String]
        /// How the file differs from the table: `new column city string`, `missing column age bigint`.
        public var drift: [String]
        /// All files, with the values of the table's partition keys.
        public var files: [File]
        /// Rows that went to quarantine.
        public var rejectedRows: Int64
        /// `bucket/key` of them; nil where there are none.
        public var quarantine: String?
        /// `bucket/key` of the profile; nil where none was asked for.
        public var profile: String?
        /// What the rules said; nil without rules.
        public var quality: QualityReport?
        /// What was done to columns that were masked; nil where none was.
        public var masked: [String: String]?
        /// What looks like personal data and was left as it is by automatic masks; nil where nothing was.
        public var unmasked: [UnmaskedValues]?

        /// One Parquet file.
        public struct File: Codable, Sendable, Hashable {
            public var key: String
            public var rows: Int64
            public var partition: [String]
        }
    }
}

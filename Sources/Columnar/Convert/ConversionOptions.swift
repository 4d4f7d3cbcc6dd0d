/// How a file of records becomes a Parquet file.
public struct ConversionOptions: Sendable {
    /// What becomes of a value that does not fit a column of the given schema.
    public enum Mismatches: Sendable {
        /// The conversion ends with `SchemaMismatch`.
        case fail
        /// Its record is left out and goes to the `RejectedRecords`.
        case reject
        /// The file is converted again with a type for the column that holds the schema's values and the file's; the
        /// report's `drift` tells.
        case widen
    }

    /// The form of the records.
    public var format = InputFormat.automatic
    public var csv = CSVOptions()
    public var parquet = ParquetWriterOptions()
    /// The columns that the table has already, by normalised name. They come first in the output, in this order; one
    /// that the file lacks is null throughout; further columns of the file follow, with inferred types.
    /// Nil: all types are inferred.
    public var schema: [ColumnSchema]?
    public var mismatches = Mismatches.fail
    /// Rules on the records and on the file as a whole. A record that breaks one is left out and goes to the
    /// `RejectedRecords`; whether the file passes is in the report (`QualityReport.requirePass`).
    public var quality: QualityRules?
    /// Columns whose values are masked before they are written; they are text in the table.
    public var masking: Masking?
    /// How many frequent values of each column the report's profile has; nil: no profile is made. Not for
    /// partitioned output.
    public var profile: Int?
    /// 1 or 2.
    public var threads = 1

    public init() {}
}

extension ConversionOptions {
    /// Whether null means the same to rules and columns.
    var judgesWhatColumnsSee: Bool {
        guard let rules = quality else { return false }
        return rules.nullTokens.allSatisfy(csv.nullTokens.contains)
    }
}

/// What a conversion did.
public struct ConversionReport: Sendable, Hashable {
    /// Rows written.
    public var rows: Int64 = 0
    /// Records left out by policy or by the processor.
    public var rejectedRows: Int64 = 0
    /// Bytes read in the last pass, after decompressing.
    public var inputBytes: Int64 = 0
    /// Size of the Parquet file, or of all files.
    public var outputBytes: Int64 = 0
    public var rowGroups = 0
    /// Columns of the output.
    public var columns: [ColumnSchema] = []
    /// The files of a partitioned conversion, by path; empty otherwise.
    public var files: [PartitionFile] = []
    /// The columns that the paths of `files` stand for.
    public var partitionColumns: [ColumnSchema] = []
    /// Columns of the output that the given schema lacks; empty without a schema.
    public var newColumns: [ColumnSchema] = []
    /// Columns of the given schema that the file lacks; they are null in the output.
    public var missingColumns: [ColumnSchema] = []
    /// Names of columns whose type a late value made wider than the first records suggested.
    public var widenedColumns: [String] = []
    /// How the file differs from the given schema; empty without one.
    public var drift = SchemaDrift()
    /// What the rules said; nil without rules.
    public var quality: QualityReport?
    /// Columns whose values were masked, with what was done: `email: sha256`.
    public var masked: [String: String] = [:]
    /// With automatic masks: values that look like personal data in columns that were not masked.
    public var unmasked: [UnmaskedValues] = []
    /// What the written values are like; nil unless asked for.
    public var profile: FileProfile?
    /// Columns of the file.
    public var fileColumns: [CSVColumn] = []
    /// The character between fields, given or found.
    public var delimiter: Character = ","
    /// Where the delimiter that was asked for gives a single column, the one that would give several.
    public var likelyDelimiter: Character?

    public init() {}
}

/// Sees every record of a conversion: to judge it, and to compute further columns.
///
/// One processor serves one conversion, on one thread at a time, record by record in the order of the file.
public protocol RecordProcessor: AnyObject {
    /// Columns that `process` computes, with normalised names that the file does not have.
    var derivedColumns: [ColumnSchema] { get }

    /// A pass over the file begins. A conversion may make several passes (a late value can demand a wider type): what
    /// was counted or kept before is void, all records come again.
    /// - Parameter columns: the file's columns, by which records are addressed.
    func beginPass(columns: [CSVColumn]) throws(ColumnarError)

    /// Judges a record and computes its derived values.
    /// - Parameters:
    ///   - record: valid until this call returns.
    ///   - derived: takes a value for each derived column; what is not set is null. Ignored for rejected records.
    /// - Throws: an error ends the conversion; for the fault of a single record, return `.reject`.
    func process(_ record: CSVRecord, derived: inout DerivedValues) throws(ColumnarError) -> RecordDecision
}

extension RecordProcessor {
    public var derivedColumns: [ColumnSchema] { [] }
}

/// What becomes of a record.
public enum RecordDecision: Sendable {
    case keep
    /// Left out; goes to the `RejectedRecords` of the conversion with this code and reason.
    case reject(ColumnarError.Code, reason: String, column: String? = nil)
}

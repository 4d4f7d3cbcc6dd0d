/// The narrowest type that holds all values of a column without changing one, as conversions infer it.
public struct InferredType: Sendable {
    private var kinds = ValueKinds()

    public init() {}

    /// Takes in a field of a record. Nulls say nothing about the type, nor does an empty text, which is null in every
    /// type but text.
    public mutating func look(at record: CSVRecord, _ column: Int) {
        guard !kinds.isText, !record.isNull(column) else { return }
        let bytes = record.bytes(column)
        guard bytes.count > 0, let text = bytes.assumingMemoryBound(to: UInt8.self).baseAddress else { return }
        kinds.formUnion(ValueKinds(text, bytes.count))
    }

    /// Nil where no value was seen.
    public var type: ColumnType? { kinds.type }
}

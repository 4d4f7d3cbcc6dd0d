/// Takes the fields of a line into a batch: as they stand, or by way of its annex where they have to look otherwise.
struct LineFields {
    let batch: RecordBatch
    private let slots: UnsafeMutablePointer<UInt32>
    private static let quote = UInt8(ascii: "\"")

    /// - Parameter slots: room for two numbers a column.
    init(_ batch: RecordBatch, slots: UnsafeMutablePointer<UInt32>) {
        self.batch = batch
        self.slots = slots
    }

    /// The bytes of the batch. Moves when something goes into the annex.
    var bytes: UnsafePointer<UInt8> { UnsafePointer(batch.base) }

    func setNull(_ column: Int) {
        set(column, raw: batch.start..<batch.start)
    }

    /// A value that is no text, and cannot be mistaken for a quoted one.
    func set(_ column: Int, raw range: Range<Int>) {
        slots[2 * column] = UInt32(truncatingIfNeeded: range.lowerBound - 1)
        slots[2 * column + 1] = UInt32(truncatingIfNeeded: range.upperBound)
    }

    /// A text; an empty one, and one that would pass for quoted, goes quoted into the annex.
    func set(_ column: Int, text range: Range<Int>) {
        guard range.isEmpty || batch.base[range.lowerBound] == Self.quote else { return set(column, raw: range) }
        batch.reserveAnnex(2 * range.count + 2)
        let target = batch.base + batch.annexEnd
        target[0] = Self.quote
        var count = 1
        for position in range {
            let byte = batch.base[position]
            if byte == Self.quote {
                target[count] = byte
                count += 1
            }
            target[count] = byte
            count += 1
        }
        target[count] = Self.quote
        let start = batch.commitAnnex(count + 1)
        set(column, raw: start..<start + count + 1)
    }

    /// Puts bytes that are not in the input into the annex.
    /// - Returns: where they lie, for `set`.
    func keep(_ bytes: [UInt8]) -> Range<Int> {
        batch.reserveAnnex(bytes.count)
        for (index, byte) in bytes.enumerated() { batch.base[batch.annexEnd + index] = byte }
        let start = batch.commitAnnex(bytes.count)
        return start..<start + bytes.count
    }
}

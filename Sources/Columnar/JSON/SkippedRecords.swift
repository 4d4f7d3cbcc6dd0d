/// Numbers of records that are to be passed over, in ascending order: a byte or two each.
final class SkippedRecords {
    /// A place among the numbers. Asking for ascending numbers moves it on.
    struct Cursor {
        fileprivate var position = 0
        fileprivate var next: Int64 = 0
    }

    private var deltas = RawBuffer(capacity: 64)
    private var last: Int64 = 0
    private(set) var count: Int64 = 0
    /// Where the reader of the records is.
    var cursor = Cursor()

    deinit { deltas.free() }

    /// - Parameter ordinal: larger than all before.
    func add(_ ordinal: Int64) {
        deltas.append(varint: UInt64(bitPattern: ordinal &- last))
        last = ordinal
        count += 1
    }

    /// Whether a record is among them; it is none before those that were asked for.
    func contains(_ ordinal: Int64, _ cursor: inout Cursor) -> Bool {
        while cursor.next < ordinal, cursor.position < deltas.count {
            var (delta, shift, byte): (UInt64, UInt64, UInt8) = (0, 0, 0x80)
            while byte >= 0x80, cursor.position < deltas.count {
                byte = deltas.base[cursor.position]
                delta |= UInt64(byte & 0x7F) << shift
                shift += 7
                cursor.position += 1
            }
            cursor.next &+= Int64(bitPattern: delta)
        }
        return cursor.next == ordinal
    }
}

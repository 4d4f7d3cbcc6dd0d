/// Counts distinct keys and those that occur once, exactly (see `KeyHash`), in bounded memory.
///
/// Up to 650,000 keys are kept in a table of 16 MB. When there are more, hashes go to a temporary file in parts, and the
/// parts are counted one by one at the end: a file of 100 million distinct keys takes 1.6 GB of disk and 50 MB of memory.
final class DistinctKeys {
    private static let mostSlots = 1 << 20

    private var table = KeyTable()
    private var spill: KeySpill?
    /// Keys seen.
    private(set) var total: Int64 = 0
    private let mostSlots: Int

    /// - Parameter mostSlots: slots of the table before keys are spilled; a power of two.
    init(mostSlots: Int = DistinctKeys.mostSlots) {
        self.mostSlots = max(1024, mostSlots)
    }

    /// - Throws: `WriteFailed` where the temporary file cannot be written.
    @inline(__always)
    func insert(_ key: KeyHash) throws(ColumnarError) {
        total &+= 1
        if let spill {
            try spill.add(key)
        } else {
            table.insert(key)
            if table.isFull { try enlarge() }
        }
    }

    @inline(never)
    private func enlarge() throws(ColumnarError) {
        guard table.slotCount >= mostSlots else { return table.grow() }
        let spill = try KeySpill()
        try table.forEach { key throws(ColumnarError) in try spill.add(key) }
        self.spill = spill
        table = KeyTable()
    }

    /// Distinct keys, and those of them that occur once.
    /// - Throws: `ReadFailed`, `WriteFailed`.
    func counts() throws(ColumnarError) -> (distinct: Int64, once: Int64) {
        guard let spill else { return (Int64(table.count), Int64(table.count - table.repeated)) }
        var distinct: Int64 = 0
        var once: Int64 = 0
        for part in 0..<KeySpill.parts {
            let table = KeyTable()
            try spill.forEach(part: part) { key in
                table.insert(key)
                if table.isFull { table.grow() }
            }
            distinct += Int64(table.count)
            once += Int64(table.count - table.repeated)
        }
        return (distinct, once)
    }
}

/// Counts distinct keys and those that occur once, exactly (see `KeyHash`), in bounded memory.
///
/// Few keys stay in a small table. When there are more, their hashes are only collected, in 64 parts by some of their
/// bits, since a large table would wait for memory with every key; each part is counted by itself, in the cache. At a
/// million hashes (16 MB) the parts are counted in between; where most of them were different, hashes go to a temporary
/// file from then on: a file of 100 million distinct keys takes 1.6 GB of disk and 50 MB of memory.
package final class DistinctKeys {
    private static let mostKeys = 1 << 20
    private static let smallSlots = 4096

    private var small: KeyTable? = KeyTable(slots: smallSlots)
    private var parts: KeyParts?
    private var spill: KeySpill?
    /// Keys seen.
    private(set) var total: Int64 = 0
    private let mostKeys: Int

    /// - Parameter mostKeys: hashes in memory before they go to a file.
    package init(mostKeys: Int? = nil) {
        self.mostKeys = mostKeys ?? Self.mostKeys
    }

    /// Adds a text.
    /// - Throws: `WriteFailed`.
    package func insert(_ text: String) throws(ColumnarError) {
        let key = PaddedText.with(text) { KeyHash.Hasher().hash($0, $1) }
        if let key { try insert(key) }
    }

    /// - Throws: `WriteFailed` where the temporary file cannot be written.
    func insert(_ key: KeyHash) throws(ColumnarError) {
        try withUnsafeTemporaryAllocation(of: KeyHash.self, capacity: 1) { keys throws(ColumnarError) in
            keys[0] = key
            try insert(UnsafeBufferPointer(keys))
        }
    }

    /// Adds many keys.
    /// - Throws: `WriteFailed` where the temporary file cannot be written.
    func insert(_ keys: UnsafeBufferPointer<KeyHash>) throws(ColumnarError) {
        total += Int64(keys.count)
        var rest = keys[...]
        if let small {
            while let key = rest.first, !small.isFull {
                small.insert(key)
                rest = rest.dropFirst()
            }
            if small.isFull { try leaveSmallTable(small) }
        }
        if let spill {
            for key in rest { try spill.add(key) }
        } else if let parts {
            for key in rest { parts.add(key) }
            if parts.count >= mostKeys { try relieve(parts) }
        }
    }

    private func leaveSmallTable(_ table: KeyTable) throws(ColumnarError) {
        let parts = KeyParts()
        try table.forEach { key in parts.add(key) }
        self.parts = parts
        small = nil
    }

    /// Makes room: keys that came several times are kept twice, which says as much.
    private func relieve(_ parts: KeyParts) throws(ColumnarError) {
        try parts.compact()
        guard parts.count > mostKeys / 2 else { return }
        let spill = try KeySpill()
        try parts.forEach { key throws(ColumnarError) in try spill.add(key) }
        self.spill = spill
        self.parts = nil
    }

    /// Distinct keys, and those of them that occur once.
    /// - Throws: `ReadFailed`, `WriteFailed`.
    package func counts() throws(ColumnarError) -> (distinct: Int64, once: Int64) {
        if let small { return (Int64(small.count), Int64(small.count - small.repeated)) }
        var distinct: Int64 = 0
        var once: Int64 = 0
        let table = KeyTable()
        for part in 0..<KeySpill.parts {
            table.clear()
            if let parts {
                parts.count(part, in: table)
            } else if let spill {
                try spill.forEach(part: part) { key in
                    table.insert(key)
                    if table.isFull { table.grow() }
                }
            }
            distinct += Int64(table.count)
            once += Int64(table.count - table.repeated)
        }
        return (distinct, once)
    }
}

/// Hashes in memory, in the parts of `KeySpill`.
private final class KeyParts {
    private let buffers: UnsafeMutablePointer<RawBuffer>
    private(set) var count = 0

    init() {
        buffers = .allocate(capacity: KeySpill.parts)
        for part in 0..<KeySpill.parts { (buffers + part).initialize(to: RawBuffer(capacity: 4096)) }
    }

    deinit {
        for part in 0..<KeySpill.parts { buffers[part].free() }
        buffers.deinitialize(count: KeySpill.parts)
        buffers.deallocate()
    }

    @inline(__always)
    func add(_ key: KeyHash) {
        let buffer = buffers + KeySpill.part(of: key)
        buffer.pointee.append(littleEndian: key.high)
        buffer.pointee.append(littleEndian: key.low)
        count &+= 1
    }

    private func forEach(part: Int, _ body: (KeyHash) throws(ColumnarError) -> Void) throws(ColumnarError) {
        let words = UnsafeRawPointer(buffers[part].base).assumingMemoryBound(to: UInt64.self)
        for index in 0..<buffers[part].count / 16 {
            try body(KeyHash(high: words[2 * index], low: words[2 * index + 1]))
        }
    }

    func forEach(_ body: (KeyHash) throws(ColumnarError) -> Void) throws(ColumnarError) {
        for part in 0..<KeySpill.parts { try forEach(part: part, body) }
    }

    /// Puts the keys of a part into an empty table.
    func count(_ part: Int, in table: KeyTable) {
        let words = UnsafeRawPointer(buffers[part].base).assumingMemoryBound(to: UInt64.self)
        for index in 0..<buffers[part].count / 16 {
            table.insert(KeyHash(high: words[2 * index], low: words[2 * index + 1]))
            if table.isFull { table.grow() }
        }
    }

    /// Leaves each key once, or twice where it came more often.
    func compact() throws(ColumnarError) {
        let table = KeyTable()
        for part in 0..<KeySpill.parts {
            table.clear()
            count(part, in: table)
            count -= buffers[part].count / 16
            buffers[part].count = 0
            try table.forEach { key in add(key) }
        }
    }
}

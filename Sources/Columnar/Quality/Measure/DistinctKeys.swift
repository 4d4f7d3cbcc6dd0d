import Glibc

/// Counts distinct keys and those that occur once, exactly (see `KeyHash`), in bounded memory.
///
/// Whole numbers in ascending order are kept as runs (see `AscendingKeys`), until another key comes. Few keys stay in a
/// small table. When there are more, their hashes are only collected, in 64 parts by some of their
/// bits, since a large table would wait for memory with every key; each part is counted by itself, in the cache. At a
/// million hashes (16 MB) the parts are counted in between; where most of them were different, hashes go to a temporary
/// file from then on: a file of 100 million distinct keys takes 1.6 GB of disk and 50 MB of memory.
package final class DistinctKeys {
    private static let mostKeys = 1 << 20
    private static let smallSlots = 4096

    private var ascending: AscendingKeys? = AscendingKeys()
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
        let number = PaddedText.with(text) { IntegerText.parse($0, $1) }
        if isAscending, let number = number.flatMap(\.self), add(number) { return }
        let key = PaddedText.with(text) { KeyHash.Hasher().hash($0, $1) }
        if let key { try insert(key) }
    }

    // MARK: numbers in ascending order

    /// Whether all keys so far were whole numbers in ascending order, so that the next may be given to `add`.
    var isAscending: Bool { ascending != nil }

    /// Adds the number that a key's text reads as. The text of a number is that of no other (`IntegerText`).
    /// - Returns: false where it is not larger than those before; it must then be added by its hash.
    @inline(__always)
    func add(_ number: Int64) -> Bool {
        guard let ascending, ascending.add(number) else { return false }
        total &+= 1
        return true
    }

    /// Adds numbers as long as they ascend.
    /// - Returns: how many were added.
    func add(_ numbers: UnsafeBufferPointer<Int64>) -> Int {
        guard let ascending else { return 0 }
        var taken = 0
        while taken < numbers.count, ascending.add(numbers[taken]) { taken &+= 1 }
        total += Int64(taken)
        return taken
    }

    /// Goes over to hashes.
    private func leaveAscending() throws(ColumnarError) {
        guard let ascending else { return }
        self.ascending = nil
        let seen = total
        let hasher = KeyHash.Hasher()
        var text = NumberText()
        defer { text.free() }
        try ascending.forEach { number throws(ColumnarError) in
            text.set(number)
            try insert(hasher.hash(text.start, text.length))
        }
        total = seen
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
        if keys.isEmpty { return }
        if isAscending { try leaveAscending() }
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
            parts.add(rest)
            if parts.count >= mostKeys { try relieve(parts) }
        }
    }

    private func leaveSmallTable(_ table: KeyTable) throws(ColumnarError) {
        let parts = KeyParts()
        try table.forEach { key in parts.add(CollectionOfOne(key)) }
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
        if let ascending, ascending.count > 0 { return (total, total) }
        if let small { return (Int64(small.count), Int64(small.count - small.repeated)) }
        var distinct: Int64 = 0
        var once: Int64 = 0
        let table = KeyTable()
        for part in 0..<KeySpill.parts {
            table.clear()
            if let parts {
                let alone = try parts.countAlone(part, others: table)
                distinct += alone
                once += alone
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

/// Hashes in memory, in the parts of `KeySpill`: blocks, so that what is there already is never copied to grow.
private final class KeyParts {
    private static let blockKeys = 256

    private struct Part {
        var next: UnsafeMutablePointer<KeyHash>
        var end: UnsafeMutablePointer<KeyHash>
        var blocks: [UnsafeMutablePointer<KeyHash>] = []

        var count: Int { blocks.count * KeyParts.blockKeys - (end - next) }

        init() {
            next = .allocate(capacity: KeyParts.blockKeys)
            end = next + KeyParts.blockKeys
            blocks = [next]
        }

        @inline(__always)
        mutating func add(_ key: KeyHash) {
            if next == end { grow() }
            next.initialize(to: key)
            next += 1
        }

        @inline(never)
        private mutating func grow() {
            next = .allocate(capacity: KeyParts.blockKeys)
            end = next + KeyParts.blockKeys
            blocks.append(next)
        }

        func forEach(_ body: (KeyHash) throws(ColumnarError) -> Void) throws(ColumnarError) {
            for (index, block) in blocks.enumerated() {
                let filled = index == blocks.count - 1 ? next - block : KeyParts.blockKeys
                for key in 0..<filled { try body(block[key]) }
            }
        }

        func free() { for block in blocks { block.deallocate() } }
    }

    private let parts: UnsafeMutablePointer<Part>
    private(set) var count = 0

    init() {
        parts = .allocate(capacity: KeySpill.parts)
        for part in 0..<KeySpill.parts { (parts + part).initialize(to: Part()) }
    }

    deinit {
        for part in 0..<KeySpill.parts { parts[part].free() }
        parts.deinitialize(count: KeySpill.parts)
        parts.deallocate()
    }

    func add(_ keys: some Sequence<KeyHash>) {
        let parts = parts
        var added = 0
        for key in keys {
            parts[KeySpill.part(of: key)].add(key)
            added &+= 1
        }
        count += added
    }

    func forEach(_ body: (KeyHash) throws(ColumnarError) -> Void) throws(ColumnarError) {
        for part in 0..<KeySpill.parts { try parts[part].forEach(body) }
    }

    /// Puts the keys of a part into an empty table.
    func count(_ part: Int, in table: KeyTable) throws(ColumnarError) {
        try parts[part].forEach { key throws(ColumnarError) in
            table.insert(key)
            if table.isFull { table.grow() }
        }
    }

    /// Counts the keys of a part that have a place in a bit map for themselves, as most of different keys have: those
    /// need no table.
    /// - Parameter others: an empty table, for the other keys.
    func countAlone(_ part: Int, others table: KeyTable) throws(ColumnarError) -> Int64 {
        let keys = parts[part]
        // Sixteen places a key, as long as both maps stay in the nearest cache.
        var bits: UInt64 = 6
        while bits < 17, 1 << bits < 16 * keys.count { bits += 1 }
        let words = 1 << Int(bits - 6)
        let mask = ~(~UInt64(0) << bits)
        return try withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2 * words) {
            maps throws(ColumnarError) -> Int64 in
            guard let taken = maps.baseAddress else { return 0 }
            let shared = taken + words
            memset(taken, 0, 16 * words)
            try keys.forEach { key in
                let (word, bit) = (Int((key.high & mask) >> 6), UInt64(1) << (key.high & 63))
                shared[word] |= taken[word] & bit
                taken[word] |= bit
            }
            var alone: Int64 = 0
            try keys.forEach { key in
                if shared[Int((key.high & mask) >> 6)] >> (key.high & 63) & 1 == 0 {
                    alone += 1
                } else {
                    table.insert(key)
                    if table.isFull { table.grow() }
                }
            }
            return alone
        }
    }

    /// Leaves each key once, or twice where it came more often.
    func compact() throws(ColumnarError) {
        let table = KeyTable()
        for part in 0..<KeySpill.parts {
            table.clear()
            try count(part, in: table)
            count -= parts[part].count
            parts[part].free()
            parts[part] = Part()
            try table.forEach { key in add(CollectionOfOne(key)) }
        }
    }
}

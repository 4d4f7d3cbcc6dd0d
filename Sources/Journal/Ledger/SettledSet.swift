/// The ordinals of one subscription that have left the log's care: everything up to `floor`, and blocks of bits above.
///
/// Settling in order touches nothing but `floor`. Out of order, a block of 8,192 ordinals costs at most 1 KB however
/// the settled ones are spread, so a backlog with a hole at every other ordinal stays as cheap as one with none.
package struct SettledSet: Sendable {
    /// Ordinals in a block.
    package static let blockSize: Int64 = 8192
    private static let wordCount = Int(blockSize / 64)

    /// Bits of one block; `words` is empty when all bits are set.
    package struct Block: Sendable, Equatable {
        package var words: [UInt64]
        package var count: Int

        package static let empty = Block(words: [UInt64](repeating: 0, count: SettledSet.wordCount), count: 0)
        package static let full = Block(words: [], count: Int(SettledSet.blockSize))

        package var isFull: Bool { count == Int(SettledSet.blockSize) }

        package func contains(_ bit: Int) -> Bool { isFull || words[bit >> 6] & (1 << UInt64(bit & 63)) != 0 }

        /// The first bit at or after `bit` that is not set; the block size if there is none.
        func firstClear(from bit: Int) -> Int {
            guard !isFull else { return Int(SettledSet.blockSize) }
            var word = bit >> 6
            guard word < words.count else { return Int(SettledSet.blockSize) }
            var clear = ~words[word] & (UInt64.max << UInt64(bit & 63))
            while clear == 0 {
                word += 1
                guard word < words.count else { return Int(SettledSet.blockSize) }
                clear = ~words[word]
            }
            return word << 6 + clear.trailingZeroBitCount
        }
    }

    /// Every ordinal up to this one is settled.
    package private(set) var floor: Int64
    /// How many ordinals above the floor are settled.
    package private(set) var above: Int64 = 0
    /// By `(ordinal - 1) / blockSize`. Bits at or below the floor mean nothing.
    package private(set) var blocks: [Int64: Block] = [:]

    package init(floor: Int64 = 0) { self.floor = floor }

    /// All settled ordinals.
    package var count: Int64 { floor + above }
    /// The block that holds ordinal `floor + 1`.
    package var floorBlock: Int64 { floor / Self.blockSize }

    package static func block(of ordinal: Int64) -> Int64 { (ordinal - 1) / blockSize }
    private static func bit(of ordinal: Int64) -> Int { Int((ordinal - 1) % blockSize) }

    package func contains(_ ordinal: Int64) -> Bool {
        if ordinal <= floor { return true }
        guard above > 0, let block = blocks[Self.block(of: ordinal)] else { return false }
        return block.contains(Self.bit(of: ordinal))
    }

    /// True if every ordinal of the range is settled.
    package func contains(all range: ClosedRange<Int64>) -> Bool {
        var next = max(range.lowerBound, floor + 1)
        while next <= range.upperBound {
            guard let block = blocks[Self.block(of: next)] else { return false }
            let bit = Self.bit(of: next)
            let clear = block.firstClear(from: bit)
            guard clear > bit else { return false }
            next += Int64(clear - bit)
        }
        return true
    }

    /// Settles an ordinal. False, and nothing changed, if it was settled already.
    package mutating func insert(_ ordinal: Int64) -> Bool {
        if ordinal == floor + 1 {
            floor += 1
            if above > 0 { advance() } else if floor % Self.blockSize == 0 { blocks[floorBlock - 1] = nil }
            return true
        }
        guard ordinal > floor else { return false }
        let index = Self.block(of: ordinal)
        let bit = Self.bit(of: ordinal)
        guard var block = blocks.removeValue(forKey: index) else {
            var block = Block.empty
            block.words[bit >> 6] = 1 << UInt64(bit & 63)
            block.count = 1
            blocks[index] = block
            above += 1
            return true
        }
        let isNew = !block.contains(bit)
        if isNew {
            block.words[bit >> 6] |= 1 << UInt64(bit & 63)
            block.count += 1
            if block.isFull { block.words = [] }
            above += 1
        }
        blocks[index] = block
        return isNew
    }

    /// Moves the floor over what is settled just above it.
    private mutating func advance() {
        // A block that the floor just left has no meaning any more.
        if floor % Self.blockSize == 0 { blocks[floorBlock - 1] = nil }
        while above > 0, let block = blocks[floorBlock] {
            let start = Int(floor % Self.blockSize)
            let moved = Int64(block.firstClear(from: start) - start)
            floor += moved
            above -= moved
            guard floor % Self.blockSize == 0, moved > 0 else { return }
            blocks[floorBlock - 1] = nil
        }
    }

    /// Puts back a block read from disk. Bits at or below the floor are not counted.
    package mutating func restore(_ block: Block, at index: Int64) {
        guard index >= floorBlock else { return }
        var settled = Int64(block.count)
        if index == floorBlock, !block.isFull {
            settled = 0
            for bit in Int(floor % Self.blockSize)..<Int(Self.blockSize) where block.contains(bit) { settled += 1 }
        }
        blocks[index] = block
        above += settled
    }
}

extension SettledSet.Block {
    /// The bits as alternating run lengths (clear first), or as they are where that is shorter.
    /// First byte: 0 all set, 1 runs, 2 the 1,024 bytes of the bitmap.
    package func encoded() -> [UInt8] {
        guard !isFull else { return [0] }
        var writer = ByteWriter()
        writer.raw(CollectionOfOne(1))
        var bit = 0
        while bit < Int(SettledSet.blockSize), writer.bytes.count < words.count * 8 {
            let set = firstSet(from: bit)
            writer.varint(set - bit)
            let clear = firstClear(from: min(set, Int(SettledSet.blockSize) - 1))
            guard set < Int(SettledSet.blockSize) else { return writer.bytes }
            writer.varint(clear - set)
            bit = clear
        }
        guard bit < Int(SettledSet.blockSize) else { return writer.bytes }
        var bitmap = ByteWriter()
        bitmap.raw(CollectionOfOne(2))
        for word in words { bitmap.fixed(word) }
        return bitmap.bytes
    }

    package init(decoding bytes: [UInt8]) throws(MalformedBlob) {
        var reader = ByteReader(bytes, what: "settled block")
        switch try reader.byte() {
        case 0: self = .full
        case 1:
            self = .empty
            var bit = 0
            while !reader.isAtEnd {
                let clear = try reader.count()
                guard clear <= Int(SettledSet.blockSize) - bit else { throw reader.malformed }
                bit += clear
                guard !reader.isAtEnd else { break }
                let set = try reader.count()
                guard set <= Int(SettledSet.blockSize) - bit else { throw reader.malformed }
                for bit in bit..<bit + set { words[bit >> 6] |= 1 << UInt64(bit & 63) }
                bit += set
                count += set
            }
            if isFull { words = [] }
        case 2:
            self = .empty
            for index in words.indices {
                words[index] = try reader.fixed64()
                count += words[index].nonzeroBitCount
            }
            if isFull { words = [] }
        default: throw reader.malformed
        }
        guard reader.isAtEnd else { throw reader.malformed }
    }

    /// The first bit at or after `bit` that is set; the block size if there is none.
    private func firstSet(from bit: Int) -> Int {
        var word = bit >> 6
        guard word < words.count else { return Int(SettledSet.blockSize) }
        var set = words[word] & (UInt64.max << UInt64(bit & 63))
        while set == 0 {
            word += 1
            guard word < words.count else { return Int(SettledSet.blockSize) }
            set = words[word]
        }
        return word << 6 + set.trailingZeroBitCount
    }
}

import Journal
import Testing

@Suite("Settled ordinals")
struct SettledSetTests {
    @Test("Agrees with a plain set, whatever the order", arguments: [1, 2, 3, 4] as [UInt64])
    func random(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        // Near the edges of blocks is where it can go wrong.
        let count = SettledSet.blockSize * 3 + Int64.random(in: -1...1, using: &random)
        var order = Array(1...count)
        let spread = [1, 64, 5_000, Int(count)][Int(seed) % 4]
        for start in stride(from: 0, to: order.count, by: spread) {
            order[start..<min(start + spread, order.count)].shuffle(using: &random)
        }
        var set = SettledSet()
        var plain: Set<Int64> = []
        for (step, ordinal) in order.enumerated() {
            #expect(insert(ordinal, &set))
            plain.insert(ordinal)
            if step % 1_500 == 0 {
                #expect(!insert(ordinal, &set))
                var floor: Int64 = 0
                while plain.contains(floor + 1) { floor += 1 }
                try #require(set.floor == floor)
                try #require(set.count == Int64(plain.count))
                for _ in 0..<200 {
                    let probe = Int64.random(in: 1...count, using: &random)
                    try #require(set.contains(probe) == plain.contains(probe))
                    let range = probe...min(count, probe + Int64.random(in: 0...300, using: &random))
                    try #require(set.contains(all: range) == range.allSatisfy(plain.contains))
                }
                try check(restored(set), set)
            }
        }
        #expect(set.floor == count && set.above == 0 && set.blocks.count <= 1)
    }

    /// The macro cannot call what mutates.
    private func insert(_ ordinal: Int64, _ set: inout SettledSet) -> Bool { set.insert(ordinal) }

    /// As it comes back from its stored blocks.
    private func restored(_ set: SettledSet) throws -> SettledSet {
        var result = SettledSet(floor: set.floor)
        for (index, block) in set.blocks where index >= set.floorBlock && set.above > 0 {
            result.restore(try SettledSet.Block(decoding: block.encoded()), at: index)
        }
        return result
    }

    private func check(_ restored: SettledSet, _ set: SettledSet) throws {
        try #require(restored.floor == set.floor)
        try #require(restored.above == set.above)
    }

    @Test("What is settled, or is no ordinal, is refused")
    func refused() {
        var set = SettledSet(floor: 10)
        #expect(!insert(10, &set))
        #expect(!insert(0, &set))
        #expect(!insert(-5, &set))
        #expect(insert(12, &set))
        #expect(!insert(12, &set))
        #expect(insert(11, &set))
        #expect(set.floor == 12)
    }

    @Test("A block is never stored in more than a bitmap's size")
    func size() throws {
        var set = SettledSet()
        for ordinal in stride(from: Int64(2), through: SettledSet.blockSize, by: 2) { #expect(insert(ordinal, &set)) }
        let block = try #require(set.blocks[0])
        #expect(block.encoded().count == 1_025)
        #expect(try SettledSet.Block(decoding: block.encoded()) == block)
        #expect(try SettledSet.Block(decoding: SettledSet.Block.full.encoded()).isFull)
        #expect(SettledSet.Block.full.encoded().count == 1)
    }

    @Test("A damaged block is an error or another block, never a crash")
    func damaged() {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<3_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            if let block = try? SettledSet.Block(decoding: bytes) {
                #expect(block.count >= 0 && block.count <= Int(SettledSet.blockSize))
            }
        }
        #expect(throws: MalformedBlob.self) { try SettledSet.Block(decoding: []) }
        #expect(throws: MalformedBlob.self) { try SettledSet.Block(decoding: [9]) }
        #expect(throws: MalformedBlob.self) { try SettledSet.Block(decoding: [0, 0]) }
        #expect(throws: MalformedBlob.self) { try SettledSet.Block(decoding: [2, 1, 2]) }
    }
}

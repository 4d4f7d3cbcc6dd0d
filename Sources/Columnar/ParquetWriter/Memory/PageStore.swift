import Glibc

/// The finished pages of a column chunk, in blocks: nothing is copied or moved as they become more. Its owner must call
/// `free()`.
struct PageStore {
    private struct Block {
        var base: UnsafeMutablePointer<UInt8>
        var size: Int
    }

    private let memory: ColumnMemory
    private var blocks: [Block] = []
    /// Bytes of the last block that are in use.
    private var used = 0
    private(set) var count = 0

    /// A block has a twelfth of what there is already, within these.
    private static let smallestBlock = 2 << 10
    private static let largestBlock = 256 << 10

    init(_ memory: ColumnMemory) {
        self.memory = memory
    }

    mutating func free() {
        for block in blocks { memory.deallocate(block.base, block.size) }
        blocks.removeAll(keepingCapacity: true)
        (used, count) = (0, 0)
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard var source = bytes.baseAddress else { return }
        var rest = bytes.count
        count += rest
        while rest > 0 {
            var room = (blocks.last?.size ?? 0) - used
            if room == 0 {
                let size = ColumnMemory.blockSize(min(max(Self.smallestBlock, (count - rest) / 12), Self.largestBlock))
                blocks.append(Block(base: memory.allocate(size).assumingMemoryBound(to: UInt8.self), size: size))
                (used, room) = (0, size)
            }
            let part = min(room, rest)
            memcpy(blocks[blocks.count - 1].base + used, source, part)
            used += part
            source += part
            rest -= part
        }
    }

    /// Copies bytes from `offset` on.
    func copy(from offset: Int, to target: UnsafeMutableRawBufferPointer) {
        guard var address = target.baseAddress else { return }
        var (skip, rest) = (offset, target.count)
        for block in blocks where rest > 0 {
            if skip >= block.size {
                skip -= block.size
                continue
            }
            let part = min(block.size - skip, rest)
            memcpy(address, block.base + skip, part)
            address += part
            rest -= part
            skip = 0
        }
    }

    /// All bytes in their order, block by block; valid until the store changes.
    var filledBlocks: [UnsafeRawBufferPointer] {
        blocks.indices.map { index in
            UnsafeRawBufferPointer(
                start: blocks[index].base, count: index == blocks.count - 1 ? used : blocks[index].size)
        }
    }
}

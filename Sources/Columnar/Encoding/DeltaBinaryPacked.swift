/// Parquet's DELTA_BINARY_PACKED: differences of neighbours, less the least difference of their block, in bits.
///
/// Blocks of 128 values, four miniblocks each, as every other writer has them.
/// Source: https://parquet.apache.org/docs/file-format/data-pages/encodings/ (DELTA_BINARY_PACKED)
enum DeltaBinaryPacked {
    private static let blockSize = 128
    private static let miniblockSize = 32

    /// Encodes values of 64 bits, or of 32 whose differences then wrap in 32 bits.
    static func encode(_ values: UnsafePointer<Int64>, count: Int, is32Bit: Bool, into buffer: inout RawBuffer) {
        buffer.append(varint: UInt64(blockSize))
        buffer.append(varint: UInt64(blockSize / miniblockSize))
        buffer.append(varint: UInt64(count))
        buffer.append(zigzag: count > 0 ? values[0] : 0)
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: blockSize) { deltas in
            guard let deltas = deltas.baseAddress else { return }
            var position = 1
            while position < count {
                let length = min(blockSize, count - position)
                encodeBlock(values + position, length, is32Bit, deltas, &buffer)
                position += length
            }
        }
    }

    private static func encodeBlock(
        _ values: UnsafePointer<Int64>, _ length: Int, _ is32Bit: Bool, _ deltas: UnsafeMutablePointer<UInt64>,
        _ buffer: inout RawBuffer
    ) {
        var least = Int64.max
        if is32Bit {
            for index in 0..<length {
                let delta = Int64(Int32(truncatingIfNeeded: values[index] &- values[index - 1]))
                deltas[index] = UInt64(bitPattern: delta)
                least = min(least, delta)
            }
        } else {
            for index in 0..<length {
                let delta = values[index] &- values[index - 1]
                deltas[index] = UInt64(bitPattern: delta)
                least = min(least, delta)
            }
        }
        let mask: UInt64 = is32Bit ? 0xFFFF_FFFF : ~0
        for index in 0..<length { deltas[index] = (deltas[index] &- UInt64(bitPattern: least)) & mask }
        for index in length..<max(length, blockSize) { deltas[index] = 0 }

        buffer.append(zigzag: least)
        let widthOffset = buffer.count
        buffer.append(littleEndian: UInt32(0))
        for miniblock in 0..<blockSize / miniblockSize {
            let start = miniblock * miniblockSize
            // Miniblocks without values take no room.
            if start >= length { break }
            var union: UInt64 = 0
            for index in start..<start + miniblockSize { union |= deltas[index] }
            let width = BitPacking.width(union)
            buffer.base[widthOffset + miniblock] = UInt8(width)
            BitPacking.pack64(deltas + start, count: miniblockSize, width: width, into: &buffer)
        }
    }

    /// The bits per value that `encode` would take, roughly.
    static func estimatedBits(_ values: UnsafePointer<Int64>, count: Int) -> Double {
        guard count > 1 else { return 0 }
        var total = 0
        var position = 1
        while position < count {
            let end = min(position + miniblockSize, count)
            var least = Int64.max
            var most = Int64.min
            for index in position..<end {
                let delta = values[index] &- values[index - 1]
                least = min(least, delta)
                most = max(most, delta)
            }
            total += BitPacking.width(UInt64(bitPattern: most &- least)) * (end - position) + 24
            position = end
        }
        return Double(total) / Double(count)
    }
}

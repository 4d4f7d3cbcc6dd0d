/// Packed integers of Parquet, least significant bit first, many at once.
enum BitUnpacking {
    /// Unpacks `count` numbers of `width` (0...32) bits that start at bit `bit`; the caller has checked that they lie
    /// within the buffer.
    static func unpack(
        _ buffer: UnsafeRawBufferPointer, bit: Int, width: Int, count: Int, into target: UnsafeMutablePointer<UInt32>
    ) {
        guard width > 0, let base = buffer.baseAddress else {
            target.update(repeating: 0, count: count)
            return
        }
        // As long as eight bytes can be loaded, a word holds a whole number.
        let safe = max(0, min(count, ((buffer.count - 8) * 8 - bit) / width))
        let mask = UInt32(truncatingIfNeeded: (UInt64(1) &<< UInt64(width)) &- 1)
        let step = UInt64(truncatingIfNeeded: width)
        var index = 0
        if bit & 7 == 0, width <= 8 {
            // Eight numbers in one word.
            var source = base + (bit >> 3)
            while index &+ 8 <= safe {
                let word = UInt64(littleEndian: source.loadUnaligned(as: UInt64.self))
                let out = target + index
                out[0] = UInt32(truncatingIfNeeded: word) & mask
                out[1] = UInt32(truncatingIfNeeded: word &>> step) & mask
                out[2] = UInt32(truncatingIfNeeded: word &>> (2 &* step)) & mask
                out[3] = UInt32(truncatingIfNeeded: word &>> (3 &* step)) & mask
                out[4] = UInt32(truncatingIfNeeded: word &>> (4 &* step)) & mask
                out[5] = UInt32(truncatingIfNeeded: word &>> (5 &* step)) & mask
                out[6] = UInt32(truncatingIfNeeded: word &>> (6 &* step)) & mask
                out[7] = UInt32(truncatingIfNeeded: word &>> (7 &* step)) & mask
                source += width
                index &+= 8
            }
        }
        var position = bit &+ index &* width
        while index < safe {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: position &>> 3, as: UInt64.self))
            target[index] =
                UInt32(truncatingIfNeeded: word &>> UInt64(truncatingIfNeeded: position & 7)) & mask
            position &+= width
            index &+= 1
        }
        while index < count {
            target[index] = UInt32(truncatingIfNeeded: packedBits(buffer, bit: position, width: width))
            position += width
            index += 1
        }
    }

    /// Adds `minimum` and `count` packed differences of `width` (0...64) bits to `value`, one after the other.
    /// - Returns: the last value.
    static func accumulate(
        _ buffer: UnsafeRawBufferPointer, bit: Int, width: Int, count: Int, minimum: Int64, from value: Int64,
        into target: UnsafeMutablePointer<Int64>
    ) -> Int64 {
        var last = value
        var index = 0
        guard width > 0, let base = buffer.baseAddress else {
            while index < count {
                last = last &+ minimum
                target[index] = last
                index &+= 1
            }
            return last
        }
        var position = bit
        if width <= 56 {
            let safe = max(0, min(count, ((buffer.count - 8) * 8 - bit) / width))
            let mask = (UInt64(1) &<< UInt64(width)) &- 1
            while index < safe {
                let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: position &>> 3, as: UInt64.self))
                let delta = (word &>> UInt64(truncatingIfNeeded: position & 7)) & mask
                last = last &+ minimum &+ Int64(bitPattern: delta)
                target[index] = last
                position &+= width
                index &+= 1
            }
        }
        while index < count {
            last = last &+ minimum &+ Int64(bitPattern: packedBits(buffer, bit: position, width: width))
            target[index] = last
            position += width
            index += 1
        }
        return last
    }
}

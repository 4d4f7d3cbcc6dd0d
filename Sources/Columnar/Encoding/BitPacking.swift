/// Packs numbers of equal width, least significant bit first, as Parquet's RLE and delta encodings want them.
enum BitPacking {
    /// The width that holds every number up to `maximum`.
    @inline(__always)
    static func width(_ maximum: UInt64) -> Int { 64 - maximum.leadingZeroBitCount }

    /// Packs `count` 32-bit numbers, padded with zeros to a multiple of eight.
    static func pack(
        _ values: UnsafePointer<UInt32>, count: Int, width: Int, into buffer: inout RawBuffer
    ) {
        let groups = (count + 7) / 8
        buffer.reserve(groups * width + 32)
        var out = UnsafeMutableRawPointer(buffer.base + buffer.count)
        let whole = count / 8
        for group in 0..<whole {
            packGroup(values + 8 * group, width, out)
            out += width
        }
        if whole < groups {
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 8) { last in
                guard let last = last.baseAddress else { return }
                for index in 0..<8 { last[index] = 8 * whole + index < count ? values[8 * whole + index] : 0 }
                packGroup(last, width, out)
            }
        }
        buffer.count += groups * width
    }

    /// Eight numbers of `width` bits become `width` bytes; up to 16 bytes more are overwritten.
    @inline(__always)
    private static func packGroup(_ values: UnsafePointer<UInt32>, _ width: Int, _ out: UnsafeMutableRawPointer) {
        let step = UInt64(truncatingIfNeeded: width)
        if width <= 16 {
            var low = UInt64(values[0]) | UInt64(values[1]) &<< step
            low |= UInt64(values[2]) &<< (2 &* step) | UInt64(values[3]) &<< (3 &* step)
            var high = UInt64(values[4]) | UInt64(values[5]) &<< step
            high |= UInt64(values[6]) &<< (2 &* step) | UInt64(values[7]) &<< (3 &* step)
            let half = 4 &* step
            if half == 64 {
                out.storeBytes(of: low, as: UInt64.self)
                out.storeBytes(of: high, toByteOffset: 8, as: UInt64.self)
            } else {
                out.storeBytes(of: low | high &<< half, as: UInt64.self)
                if width > 8 { out.storeBytes(of: high &>> (64 &- half), toByteOffset: 8, as: UInt64.self) }
            }
            return
        }
        var word: UInt64 = 0
        var bits: UInt64 = 0
        var offset = 0
        for index in 0..<8 {
            word |= UInt64(values[index]) &<< bits
            bits &+= step
            if bits >= 32 {
                out.storeBytes(of: UInt32(truncatingIfNeeded: word), toByteOffset: offset, as: UInt32.self)
                offset &+= 4
                word &>>= 32
                bits &-= 32
            }
        }
        if bits > 0 { out.storeBytes(of: UInt32(truncatingIfNeeded: word), toByteOffset: offset, as: UInt32.self) }
    }

    /// Packs 64-bit numbers; `count * width` must be a multiple of 8.
    @inline(__always)
    static func pack64(
        _ values: UnsafePointer<UInt64>, count: Int, width: Int, into buffer: inout RawBuffer
    ) {
        guard width > 0 else { return }
        let size = count * width / 8
        buffer.reserve(size + 16)
        let out = UnsafeMutableRawPointer(buffer.base + buffer.count)
        let step = UInt64(truncatingIfNeeded: width)
        var word: UInt64 = 0
        var bits: UInt64 = 0
        var offset = 0
        for index in 0..<count {
            let value = values[index]
            word |= value &<< bits
            if bits &+ step >= 64 {
                out.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
                offset &+= 8
                word = bits == 0 ? 0 : value &>> (64 &- bits)
                bits = bits &+ step &- 64
            } else {
                bits &+= step
            }
        }
        if offset < size { out.storeBytes(of: word, toByteOffset: offset, as: UInt64.self) }
        buffer.count += size
    }
}

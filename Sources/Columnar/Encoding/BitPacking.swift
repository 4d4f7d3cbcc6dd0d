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
        let size = groups * width
        buffer.reserve(size + 16)
        let out = UnsafeMutableRawPointer(buffer.base + buffer.count)
        let step = UInt64(truncatingIfNeeded: width)
        var word: UInt64 = 0
        var bits: UInt64 = 0
        var offset = 0
        for index in 0..<count {
            word |= UInt64(values[index]) &<< bits
            bits &+= step
            if bits >= 32 {
                out.storeBytes(of: UInt32(truncatingIfNeeded: word), toByteOffset: offset, as: UInt32.self)
                offset &+= 4
                word &>>= 32
                bits &-= 32
            }
        }
        // Zeros up to the end of the last group.
        while offset < size {
            out.storeBytes(of: UInt32(truncatingIfNeeded: word), toByteOffset: offset, as: UInt32.self)
            word = 0
            offset &+= 4
        }
        buffer.count += size
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

import CSnappy
import CZstd

/// Expands pages. The size that the page header claims is checked against the compressed data before memory is taken.
enum PageDecompressor {
    /// The bytes of `range`, expanded to exactly `size` bytes.
    static func expand(
        _ bytes: [UInt8], _ range: Range<Int>, codec: CompressionCodec, size: Int
    ) throws(DecodeFault) -> [UInt8] {
        switch codec {
        case .uncompressed:
            guard size == range.count else {
                throw DecodeFault("is uncompressed, and claims \(size) bytes where \(range.count) are stored")
            }
            return range == 0..<bytes.count ? bytes : Array(bytes[range])
        case .snappy: return try snappy(bytes, range, size)
        case .zstd: return try zstd(bytes, range, size)
        case .gzip, .lz4Raw:
            let expanded = bytes.withUnsafeBytes { buffer in
                let source = UnsafeRawBufferPointer(rebasing: buffer[range])
                return codec == .gzip ? GzipPage.expand(source, size: size) : LZ4Block.expand(source, size: size)
            }
            guard let expanded else { throw DecodeFault("does not expand: its \(codec.word) data is damaged") }
            return expanded
        default:
            throw .unsupported(
                "is compressed with \(codec.word); this reader knows snappy, zstd, gzip, lz4_raw and none. "
                    + "Rewrite the file with one of them")
        }
    }

    private static func snappy(_ bytes: [UInt8], _ range: Range<Int>, _ size: Int) throws(DecodeFault) -> [UInt8] {
        let result = bytes.withUnsafeBytes { buffer -> [UInt8]? in
            let source = UnsafeRawBufferPointer(rebasing: buffer[range]).assumingMemoryBound(to: CChar.self)
            var length = 0
            guard let base = source.baseAddress,
                snappy_uncompressed_length(base, source.count, &length) == SNAPPY_OK, length == size
            else { return nil }
            var isWhole = false
            let expanded = [UInt8](room: size) { target, initialized in
                var written = size
                isWhole = target.withMemoryRebound(to: CChar.self) { characters in
                    guard let output = characters.baseAddress else { return size == 0 }
                    return snappy_uncompress(base, source.count, output, &written) == SNAPPY_OK && written == size
                }
                initialized = isWhole ? size : 0
            }
            return isWhole ? expanded : nil
        }
        guard let result else { throw DecodeFault("does not expand: its snappy data is damaged") }
        return result
    }

    private static func zstd(_ bytes: [UInt8], _ range: Range<Int>, _ size: Int) throws(DecodeFault) -> [UInt8] {
        let result = bytes.withUnsafeBytes { buffer -> [UInt8]? in
            let source = UnsafeRawBufferPointer(rebasing: buffer[range])
            // Where the frame tells its size (the two highest numbers mean that it does not) it must fit; where it does
            // not, the capacity below is the limit.
            let told = ZSTD_getFrameContentSize(source.baseAddress, source.count)
            let isTold = told != UInt64.max && told != UInt64.max - 1
            guard !isTold || told <= UInt64(size) else { return nil }
            var isWhole = false
            let expanded = [UInt8](room: size) { target, initialized in
                let written = ZSTD_decompress(target.baseAddress, size, source.baseAddress, source.count)
                isWhole = ZSTD_isError(written) == 0 && written == size
                initialized = isWhole ? size : 0
            }
            return isWhole ? expanded : nil
        }
        guard let result else { throw DecodeFault("does not expand: its zstd data is damaged") }
        return result
    }
}

/// Parquet's BYTE_STREAM_SPLIT: the first bytes of all values, then the second ones, and so on. It makes nothing
/// smaller by itself, but compressors find more in it.
///
/// Source: https://parquet.apache.org/docs/file-format/data-pages/encodings/ (BYTE_STREAM_SPLIT)
enum ByteStreamSplit {
    /// Encodes values of eight bytes.
    static func encode(_ values: UnsafePointer<Int64>, count: Int, into buffer: inout RawBuffer) {
        buffer.reserve(count * 8)
        let bytes = UnsafeRawPointer(values).assumingMemoryBound(to: UInt8.self)
        var out = buffer.base + buffer.count
        for rank in 0..<8 {
            for index in 0..<count { out[index] = bytes[8 &* index &+ rank] }
            out += count
        }
        buffer.count += count * 8
    }
}

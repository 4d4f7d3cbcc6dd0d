import CZlib

/// Pages that are compressed with gzip; some writers leave several members in one page.
enum GzipPage {
    /// The data expanded to exactly `size` bytes; nil where it is damaged.
    static func expand(_ source: UnsafeRawBufferPointer, size: Int) -> [UInt8]? {
        // Deflate stands for 1032 bytes a byte at most.
        guard size <= source.count * 1032 + 64, size <= Int(UInt32.max), source.count <= Int(UInt32.max) else {
            return nil
        }
        var isWhole = false
        let expanded = [UInt8](room: size) { target, initialized in
            isWhole = inflate(source, into: target)
            initialized = isWhole ? size : 0
        }
        return isWhole ? expanded : nil
    }

    private static func inflate(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<UInt8>)
        -> Bool
    {
        var stream = z_stream()
        // 15 bits of window, and 32: gzip or zlib by its header.
        guard czlib_inflate_init(&stream, 15 + 32) == Z_OK else { return false }
        defer { inflateEnd(&stream) }
        // zlib does not write to its input.
        stream.next_in = source.baseAddress.map {
            UnsafeMutablePointer(mutating: $0.assumingMemoryBound(to: UInt8.self))
        }
        stream.avail_in = UInt32(source.count)
        // An empty page has no place, and zlib wants one.
        var nothing: UInt8 = 0
        return withUnsafeMutablePointer(to: &nothing) { nothing in
            stream.next_out = target.baseAddress ?? nothing
            stream.avail_out = UInt32(target.count)
            while true {
                let result = CZlib.inflate(&stream, Z_FINISH)
                guard result == Z_STREAM_END else { return false }
                if stream.avail_in == 0 { return stream.avail_out == 0 }
                guard inflateReset(&stream) == Z_OK else { return false }
            }
        }
    }
}

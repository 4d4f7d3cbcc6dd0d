/// The LZ4 block format, which Parquet calls LZ4_RAW: runs of literals, each followed by a copy of what came before.
/// Source: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
enum LZ4Block {
    /// The block expanded to exactly `size` bytes; nil where it is damaged.
    static func expand(_ source: UnsafeRawBufferPointer, size: Int) -> [UInt8]? {
        // A byte of the block stands for 255 bytes at most.
        guard size <= source.count * 255 + 16 else { return nil }
        var isWhole = false
        let expanded = [UInt8](room: size) { target, initialized in
            isWhole = expand(source, target)
            initialized = isWhole ? size : 0
        }
        return isWhole ? expanded : nil
    }

    private static func expand(_ source: UnsafeRawBufferPointer, _ target: UnsafeMutableBufferPointer<UInt8>) -> Bool {
        var (position, written) = (0, 0)
        while position < source.count {
            let token = source[position]
            position += 1
            guard let literals = length(Int(token >> 4), source, &position), literals <= source.count - position,
                literals <= target.count - written
            else { return false }
            for index in 0..<literals { target[written + index] = source[position + index] }
            position += literals
            written += literals
            // The last run has no copy after it.
            if position == source.count { return written == target.count }
            guard source.count - position >= 2 else { return false }
            let distance = Int(source[position]) | Int(source[position + 1]) << 8
            position += 2
            guard let more = length(Int(token & 15), source, &position) else { return false }
            let count = more + 4
            guard distance > 0, distance <= written, count <= target.count - written else { return false }
            // Byte by byte: a copy may reach into what it writes.
            for index in written..<written + count { target[index] = target[index - distance] }
            written += count
        }
        return written == target.count
    }

    /// A length of four bits, and further bytes where it is 15.
    private static func length(_ start: Int, _ source: UnsafeRawBufferPointer, _ position: inout Int) -> Int? {
        var length = start
        if start < 15 { return length }
        while position < source.count {
            let byte = Int(source[position])
            position += 1
            length += byte
            if byte < 255 { return length }
        }
        return nil
    }
}

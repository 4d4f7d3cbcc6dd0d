import Glibc

/// Hashes of keys in a temporary file, in parts: equal keys are in the same part. The file has no name, so nothing is
/// left of it however the process ends.
final class KeySpill {
    static let parts = 64
    /// Hashes in a block of a part.
    private static let blockKeys = 512

    private let descriptor: Int32
    private var size: off_t = 0
    /// The block under way of each part, one after the other.
    private let buffer: UnsafeMutablePointer<UInt64>
    private var counts = [Int](repeating: 0, count: parts)
    /// Offsets of the full blocks.
    private var blocks = [[off_t]](repeating: [], count: parts)

    /// - Throws: `WriteFailed`.
    init() throws(ColumnarError) {
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var path = Array("\(folder)/sluice-keys-XXXXXX".utf8CString)
        descriptor = path.withUnsafeMutableBufferPointer { $0.baseAddress.map { mkstemp($0) } ?? -1 }
        guard descriptor >= 0 else {
            throw ColumnarError(
                .writeFailed,
                "There are too many distinct values to count in memory, and no temporary file can be made in "
                    + "\(folder): \(systemMessage(errno)). Set TMPDIR to a folder that can be written.")
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unlink(path)
        buffer = .allocate(capacity: 2 * Self.blockKeys * Self.parts)
    }

    deinit {
        close(descriptor)
        buffer.deallocate()
    }

    /// The part that a key belongs to.
    @inline(__always)
    static func part(of key: KeyHash) -> Int { Int(truncatingIfNeeded: key.low &>> 58) }

    @inline(__always)
    func add(_ key: KeyHash) throws(ColumnarError) {
        let part = Self.part(of: key)
        let slot = buffer + 2 &* (part &* Self.blockKeys &+ counts[part])
        slot[0] = key.high
        slot[1] = key.low
        counts[part] &+= 1
        if counts[part] == Self.blockKeys { try write(part) }
    }

    private func write(_ part: Int) throws(ColumnarError) {
        let bytes = 16 * Self.blockKeys
        var written = 0
        let start = UnsafeRawPointer(buffer + 2 * part * Self.blockKeys)
        while written < bytes {
            let count = pwrite(descriptor, start + written, bytes - written, size + off_t(written))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                throw ColumnarError(
                    .writeFailed,
                    "Cannot write distinct values to the temporary file: \(systemMessage(errno)). Make room in TMPDIR.")
            }
            written += count
        }
        blocks[part].append(size)
        size += off_t(bytes)
        counts[part] = 0
    }

    /// All keys of a part.
    func forEach(part: Int, _ body: (KeyHash) -> Void) throws(ColumnarError) {
        let bytes = 16 * Self.blockKeys
        let block = UnsafeMutablePointer<UInt64>.allocate(capacity: 2 * Self.blockKeys)
        defer { block.deallocate() }
        for offset in blocks[part] {
            var read = 0
            while read < bytes {
                let count = pread(descriptor, UnsafeMutableRawPointer(block) + read, bytes - read, offset + off_t(read))
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else {
                    throw ColumnarError(
                        .readFailed, "Cannot read the temporary file of distinct values: \(systemMessage(errno)).")
                }
                read += count
            }
            for index in 0..<Self.blockKeys { body(KeyHash(high: block[2 * index], low: block[2 * index + 1])) }
        }
        let rest = buffer + 2 * part * Self.blockKeys
        for index in 0..<counts[part] { body(KeyHash(high: rest[2 * index], low: rest[2 * index + 1])) }
    }
}

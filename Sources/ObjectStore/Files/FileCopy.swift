import CLinux
import Glibc

/// Copies between open files.
enum FileCopy {
    /// Copied without asking whether to go on: seconds on a slow disk.
    private static let part: Int64 = 64 << 20

    enum Means: Sendable {
        /// Blocks are shared until one side writes: free, whatever the size.
        case reflink
        case copy
    }

    /// Makes the empty file `destination` equal to the first `size` bytes of `source`. `reflinkOnly` fails with
    /// EOPNOTSUPP where blocks cannot be shared. Once `isStopped` it fails with ECANCELED.
    static func copy(
        from source: Int32, to destination: Int32, size: Int64, path: String, reflinkOnly: Bool = false,
        isStopped: () -> Bool = { false }
    ) throws(SystemError) -> Means {
        if clinux_reflink(destination, source) == 0 { return .reflink }
        if reflinkOnly { throw SystemError(EOPNOTSUPP, "reflink", path) }
        var offset: Int64 = 0
        while offset < size {
            if isStopped() { throw SystemError(ECANCELED, "copy", path) }
            let copied = clinux_copy_file_range(source, &offset, destination, Int(min(size - offset, part)))
            if copied > 0 { continue }
            if copied == 0 { break }
            if errno == EINTR { continue }
            // Between some file systems the kernel cannot do it; then through a buffer.
            if offset == 0, [EXDEV, EINVAL, ENOSYS, EOPNOTSUPP].contains(errno) {
                try copyThroughBuffer(from: source, to: destination, size: size, path: path, isStopped: isStopped)
                return .copy
            }
            throw .last("copy", path)
        }
        // The source shrank: the copy would silently be short.
        if offset < size { throw SystemError(EIO, "copy (the source became shorter)", path) }
        return .copy
    }

    private static func copyThroughBuffer(
        from source: Int32, to destination: Int32, size: Int64, path: String, isStopped: () -> Bool
    ) throws(SystemError) {
        let failure = withUnsafeTemporaryAllocation(byteCount: 256 * 1024, alignment: 16) { buffer -> SystemError? in
            var offset: Int64 = 0
            while offset < size {
                if isStopped() { return SystemError(ECANCELED, "copy", path) }
                let wanted = Int(min(Int64(buffer.count), size - offset))
                let read = pread(source, buffer.baseAddress, wanted, off_t(offset))
                if read < 0, errno == EINTR { continue }
                if read < 0 { return .last("read", path) }
                if read == 0 { return SystemError(EIO, "copy (the source became shorter)", path) }
                var written = 0
                while written < read {
                    let count = pwrite(
                        destination, buffer.baseAddress?.advanced(by: written), read - written,
                        off_t(offset) + off_t(written))
                    if count < 0, errno == EINTR { continue }
                    if count < 0 { return .last("write", path) }
                    written += count
                }
                offset += Int64(read)
            }
            return nil
        }
        if let failure { throw failure }
    }
}

import CLinux
import Glibc

/// A file by its path that is only open while it is read: for more files than a process may have open.
public final class ParquetPathInput: ParquetInput {
    private let path: String
    public let size: Int64
    private let identity: Identity

    /// What changes when another file takes the place of this one.
    private struct Identity: Equatable {
        var device: UInt64
        var inode: UInt64
        var modified: Int
        var nanoseconds: Int
    }

    /// Looks at a file. Fails with `ReadFailed`.
    public init(path: String) throws(ColumnarError) {
        self.path = path
        size = try ParquetFileInput(path: path).size
        identity = try Self.identity(path)
    }

    private static func identity(_ path: String) throws(ColumnarError) -> Identity {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw ColumnarError(.readFailed, "cannot look at \(path): \(String(cString: strerror(errno)))")
        }
        return Identity(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino), modified: status.st_mtim.tv_sec,
            nanoseconds: status.st_mtim.tv_nsec)
    }

    public func read(at offset: Int64, count: Int) throws(ColumnarError) -> [UInt8] {
        let file = try ParquetFileInput(path: path)
        guard file.size == size, try Self.identity(path) == identity else {
            throw ColumnarError(.readFailed, "\(path) was replaced or changed while it was read", byteOffset: offset)
        }
        return try file.read(at: offset, count: count)
    }
}

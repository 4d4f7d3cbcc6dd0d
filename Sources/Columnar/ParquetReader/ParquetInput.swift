import CLinux
import Glibc

/// Random access to the bytes of a file.
public protocol ParquetInput: Sendable {
    /// In bytes.
    var size: Int64 { get }

    /// Exactly `count` bytes from `offset`; the caller asks for nothing beyond `size`. Fails with `ReadFailed`, also
    /// where the file has become shorter meanwhile.
    func read(at offset: Int64, count: Int) throws(ColumnarError) -> [UInt8]
}

/// A file in memory.
public struct ParquetMemoryInput: ParquetInput {
    private let bytes: [UInt8]

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    public var size: Int64 { Int64(bytes.count) }

    public func read(at offset: Int64, count: Int) throws(ColumnarError) -> [UInt8] {
        guard offset >= 0, count >= 0, offset <= size - Int64(count) else {
            throw ColumnarError(.readFailed, "cannot read \(count) bytes of \(size)", byteOffset: offset)
        }
        return Array(bytes[Int(offset)..<Int(offset) + count])
    }
}

/// A file by its descriptor, read with `pread`: its file position is neither used nor moved.
public final class ParquetFileInput: ParquetInput {
    private let descriptor: CInt
    private let isOwned: Bool
    private let name: String
    public let size: Int64

    /// Opens a file for reading; it is closed with this object. Fails with `ReadFailed`.
    public init(path: String) throws(ColumnarError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ColumnarError(.readFailed, "cannot open \(path): \(String(cString: strerror(errno)))")
        }
        self.descriptor = descriptor
        isOwned = true
        name = path
        size = try Self.regularSize(descriptor, path)
    }

    /// Reads a descriptor of a regular file, which stays the caller's and must be open as long as this object is used.
    public init(borrowing descriptor: CInt, name: String) throws(ColumnarError) {
        self.descriptor = descriptor
        isOwned = false
        self.name = name
        size = try Self.regularSize(descriptor, name)
    }

    deinit {
        if isOwned { close(descriptor) }
    }

    private static func regularSize(_ descriptor: CInt, _ name: String) throws(ColumnarError) -> Int64 {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw ColumnarError(.readFailed, "cannot look at \(name): \(String(cString: strerror(errno)))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw ColumnarError(.readFailed, "\(name) is no regular file: Parquet is read from its end")
        }
        return Int64(status.st_size)
    }

    public func read(at offset: Int64, count: Int) throws(ColumnarError) -> [UInt8] {
        var failure: CInt?
        let bytes = [UInt8](room: count) { buffer, initialized in
            while initialized < count {
                let done = pread(
                    descriptor, buffer.baseAddress?.advanced(by: initialized), count - initialized,
                    off_t(offset) + initialized)
                if done > 0 {
                    initialized += done
                } else if done == 0 {
                    break
                } else if errno != EINTR {
                    failure = errno
                    break
                }
            }
        }
        if let failure {
            throw ColumnarError(
                .readFailed, "cannot read \(name): \(String(cString: strerror(failure)))", byteOffset: offset)
        }
        guard bytes.count == count else {
            throw ColumnarError(
                .readFailed, "\(name) has become shorter while it was read", byteOffset: offset + Int64(bytes.count))
        }
        return bytes
    }
}

import CLinux
import Glibc

/// A file, or any descriptor that can be read.
public final class FileSource: RandomAccessSource {
    private let descriptor: Int32
    private let isOwner: Bool
    private let name: String
    /// Where the descriptor stood at the beginning; nil where it cannot seek.
    private let start: off_t?

    /// Opens the file at `path`.
    public init(path: String) throws(ColumnarError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ColumnarError(.readFailed, "Cannot open \(path): \(systemMessage(errno)).")
        }
        self.descriptor = descriptor
        isOwner = true
        name = path
        start = 0
    }

    /// Reads from an open descriptor, which stays open and belongs to the caller.
    public init(descriptor: Int32, name: String = "the input") {
        self.descriptor = descriptor
        isOwner = false
        self.name = name
        let position = lseek(descriptor, 0, SEEK_CUR)
        start = position >= 0 ? position : nil
    }

    deinit {
        if isOwner { close(descriptor) }
    }

    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(ColumnarError) -> Int {
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            if errno != EINTR {
                throw ColumnarError(.readFailed, "Cannot read \(name): \(systemMessage(errno)).")
            }
        }
    }

    /// Nil where the descriptor is no regular file.
    public var byteCount: Int64? {
        var status = stat()
        guard let start, fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return max(0, Int64(status.st_size) - Int64(start))
    }

    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(ColumnarError) -> Int {
        while true {
            let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset) + (start ?? 0))
            if count >= 0 { return count }
            if errno != EINTR {
                throw ColumnarError(.readFailed, "Cannot read \(name): \(systemMessage(errno)).", byteOffset: offset)
            }
        }
    }

    public func rewind() throws(ColumnarError) {
        guard let start else {
            throw ColumnarError(
                .readFailed,
                "\(name) cannot be read twice (it is a pipe or socket), and a late value needs a wider column type. "
                    + "Save it to a file first, or give a schema.")
        }
        guard lseek(descriptor, start, SEEK_SET) >= 0 else {
            throw ColumnarError(.readFailed, "Cannot go back to the start of \(name): \(systemMessage(errno)).")
        }
    }
}

/// The system's words for an error number.
func systemMessage(_ code: Int32) -> String {
    String(cString: strerror(code))
}

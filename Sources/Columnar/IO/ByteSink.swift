import Glibc

/// Where a writer puts its bytes. A sink is used by one thread at a time.
public protocol ByteSink: AnyObject {
    /// Writes all bytes.
    /// - Throws: `WriteFailed`.
    func write(_ bytes: UnsafeRawBufferPointer) throws(ColumnarError)

    /// Takes back everything that was written, so that a conversion can start again with wider types.
    /// - Throws: `WriteFailed` where the sink cannot take anything back (a pipe).
    func reset() throws(ColumnarError)
}

/// Collects the bytes in memory.
public final class MemorySink: ByteSink {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    public func write(_ bytes: UnsafeRawBufferPointer) throws(ColumnarError) {
        self.bytes.append(contentsOf: bytes)
    }

    public func reset() throws(ColumnarError) {
        bytes.removeAll(keepingCapacity: true)
    }
}

/// A file, or any descriptor that can be written. Nothing is synced: durability is the caller's business.
public final class FileSink: ByteSink {
    private let descriptor: Int32
    private let isOwner: Bool
    private let name: String
    private let start: off_t?
    private var hasWritten = false

    /// Creates the file at `path`, or empties it.
    public init(path: String) throws(ColumnarError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw ColumnarError(.writeFailed, "Cannot create \(path): \(systemMessage(errno)).")
        }
        self.descriptor = descriptor
        isOwner = true
        name = path
        start = 0
    }

    /// Writes to an open descriptor from its present position; it stays open and belongs to the caller.
    public init(descriptor: Int32, name: String = "the output") {
        self.descriptor = descriptor
        isOwner = false
        self.name = name
        let position = lseek(descriptor, 0, SEEK_CUR)
        start = position >= 0 ? position : nil
    }

    deinit {
        if isOwner { close(descriptor) }
    }

    public func write(_ bytes: UnsafeRawBufferPointer) throws(ColumnarError) {
        guard var address = bytes.baseAddress else { return }
        var rest = bytes.count
        hasWritten = true
        while rest > 0 {
            let count = Glibc.write(descriptor, address, rest)
            if count < 0 {
                if errno == EINTR { continue }
                throw ColumnarError(.writeFailed, "Cannot write to \(name): \(systemMessage(errno)).")
            }
            address += count
            rest -= count
        }
    }

    public func reset() throws(ColumnarError) {
        guard hasWritten else { return }
        guard let start, ftruncate(descriptor, start) == 0, lseek(descriptor, start, SEEK_SET) >= 0 else {
            throw ColumnarError(
                .writeFailed,
                "\(name) cannot be written again from its start, as a late value makes necessary. "
                    + "Write to a file, or give the schema and the masks.")
        }
        hasWritten = false
    }
}

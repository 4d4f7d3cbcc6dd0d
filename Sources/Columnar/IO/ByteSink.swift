import CLinux
import Glibc

/// Where a writer puts its bytes. A sink is used by one thread at a time.
public protocol ByteSink: AnyObject {
    /// Writes all bytes.
    /// - Throws: `WriteFailed`.
    func write(_ bytes: UnsafeRawBufferPointer) throws(ColumnarError)

    /// Writes all bytes of all pieces, in their order. A sink that has no better way writes one after the other.
    /// - Throws: `WriteFailed`.
    func write(gathering pieces: [UnsafeRawBufferPointer]) throws(ColumnarError)

    /// Takes back everything that was written, so that a conversion can start again with wider types.
    /// - Throws: `WriteFailed` where the sink cannot take anything back (a pipe).
    func reset() throws(ColumnarError)
}

extension ByteSink {
    public func write(gathering pieces: [UnsafeRawBufferPointer]) throws(ColumnarError) {
        for piece in pieces { try write(piece) }
    }
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
                throw refusal(errno)
            }
            address += count
            rest -= count
        }
    }

    /// What one call may have at most (IOV_MAX).
    private static let piecesAtOnce = 1024

    /// In few calls: each takes the pages of the file that it touches by themselves, and a large one takes large ones.
    /// A Parquet file of many columns is many small pieces, and was written four times as slowly one by one.
    public func write(gathering pieces: [UnsafeRawBufferPointer]) throws(ColumnarError) {
        hasWritten = true
        var vectors = pieces.filter { !$0.isEmpty }.map {
            iovec(iov_base: UnsafeMutableRawPointer(mutating: $0.baseAddress), iov_len: $0.count)
        }
        var first = 0
        while first < vectors.count {
            let written = vectors.withUnsafeBufferPointer { buffer in
                let some = UnsafeBufferPointer(rebasing: buffer[first...].prefix(Self.piecesAtOnce))
                return writev(descriptor, some.baseAddress, Int32(some.count))
            }
            if written < 0 {
                if errno == EINTR { continue }
                throw refusal(errno)
            }
            // A full disk or a signal may end it within a piece.
            var rest = written
            while first < vectors.count, rest >= vectors[first].iov_len {
                rest -= vectors[first].iov_len
                first += 1
            }
            guard rest > 0 else { continue }
            vectors[first].iov_base = vectors[first].iov_base?.advanced(by: rest)
            vectors[first].iov_len -= rest
        }
    }

    private func refusal(_ code: Int32) -> ColumnarError {
        ColumnarError(.writeFailed, "Cannot write to \(name): \(systemMessage(code)).")
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

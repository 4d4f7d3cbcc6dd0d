import Columnar
import CLinux
import Glibc

/// A file that is written beside its place and renamed when it is complete, so that a failure leaves nothing behind. A
/// device or a pipe is written as it is.
final class StagedFile: PartitionedOutput {
    private let path: String
    /// Nil for what is no plain file.
    private let staged: String?
    private var descriptor: CInt = -1
    private var isPublished = false

    init(_ path: String) {
        self.path = path
        staged = Self.isSpecial(path) ? nil : "\(path).\(getpid()).tmp"
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        if !isPublished, let staged { unlink(staged) }
    }

    /// Where its bytes go; what was written before is gone.
    func sink() throws(ColumnarError) -> any ByteSink {
        if descriptor >= 0 { close(descriptor) }
        descriptor = open(staged ?? path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw ColumnarError(.writeFailed, "Cannot create \(path): \(String(cString: strerror(errno))).")
        }
        return FileSink(descriptor: descriptor, name: path)
    }

    func begin(_ file: PartitionFile) throws(ColumnarError) -> any ByteSink { try sink() }
    func complete(_ file: PartitionFile) throws(ColumnarError) {}
    func reset() throws(ColumnarError) { if let staged { unlink(staged) } }

    /// Gives the file its place.
    /// - Parameter isDurable: only once its bytes are on disk.
    func publish(isDurable: Bool = false) throws {
        guard let staged else { return }
        if isDurable { try Self.sync(staged) }
        guard rename(staged, path) == 0 else { throw Failure.file("write", path) }
        isPublished = true
        if isDurable { try Self.sync(Self.folder(of: path)) }
    }

    /// Writes a file by way of a sink.
    @discardableResult
    static func write<Result>(_ path: String, _ body: (any ByteSink) throws -> Result) throws -> Result {
        let file = StagedFile(path)
        let result = try body(try file.sink())
        try file.publish()
        return result
    }

    /// Writes a file from memory.
    static func write(_ path: String, _ bytes: [UInt8]) throws {
        try write(path) { sink in
            // A throwing closure of its own error type crashes the compiler here.
            let result = bytes.withUnsafeBytes { bytes -> Swift.Result<Void, ColumnarError> in
                do throws(ColumnarError) {
                    return .success(try sink.write(bytes))
                } catch {
                    return .failure(error)
                }
            }
            try result.get()
        }
    }

    static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }

    /// Brings a file or folder to disk.
    static func sync(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure.file("read", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Failure.system("cannot bring \(path) to disk") }
    }

    fileprivate static func isSpecial(_ path: String) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0 else { return false }
        return ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
    }
}

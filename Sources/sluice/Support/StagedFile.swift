import Columnar
import Glibc

/// A file that is written beside its place and renamed when it is complete, so that a failure leaves nothing behind.
final class StagedFile: PartitionedOutput {
    private let path: String
    private let staged: String
    private var isPublished = false

    init(_ path: String) {
        self.path = path
        staged = "\(path).\(getpid()).tmp"
    }

    deinit {
        if !isPublished { unlink(staged) }
    }

    func begin(_ file: PartitionFile) throws(ColumnarError) -> any ByteSink { try FileSink(path: staged) }
    func complete(_ file: PartitionFile) throws(ColumnarError) {}
    func reset() throws(ColumnarError) { unlink(staged) }

    /// Gives the file its place.
    /// - Parameter isDurable: only once its bytes are on disk.
    func publish(isDurable: Bool = false) throws {
        if isDurable { try Self.sync(staged) }
        guard rename(staged, path) == 0 else { throw Failure.system("cannot make \(path)") }
        isPublished = true
        if isDurable { try Self.sync(Self.folder(of: path)) }
    }

    /// Writes a file by way of a sink.
    @discardableResult
    static func write<Result>(_ path: String, _ body: (any ByteSink) throws -> Result) throws -> Result {
        let file = StagedFile(path)
        let result = try body(FileSink(path: file.staged))
        try file.publish()
        return result
    }

    static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }

    /// Brings a file or folder to disk.
    static func sync(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure.system("cannot open \(path)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Failure.system("cannot bring \(path) to disk") }
    }
}

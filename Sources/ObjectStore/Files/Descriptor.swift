import CLinux
import Glibc

/// A file descriptor that closes itself.
struct Descriptor: ~Copyable {
    let number: Int32

    init(_ number: Int32) {
        self.number = number
    }

    deinit { close(number) }

    /// Gives the number away; the receiver closes it.
    consuming func release() -> Int32 {
        let number = number
        discard self
        return number
    }

    /// Opens `path` beneath `root` through no symbolic link. `flags` as open(2); close-on-exec always.
    static func open(
        beneath root: Int32, _ path: String, flags: Int32, mode: UInt32 = 0, call: String = "open"
    ) throws(SystemError) -> Descriptor {
        let number = clinux_open_beneath(root, path.isEmpty ? "." : path, flags, mode)
        if number < 0 { throw .last(call, path) }
        return Descriptor(number)
    }

    func status(_ path: String) throws(SystemError) -> FileStatus {
        var raw = stat()
        if fstat(number, &raw) != 0 { throw .last("stat", path) }
        return FileStatus(raw)
    }
}

extension FileStatus {
    init(_ raw: stat) {
        var raw = raw
        let kind: Kind =
            switch raw.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .folder
            case S_IFLNK: .symbolicLink
            default: .other
            }
        self.init(
            kind: kind,
            stamp: ObjectStamp(
                device: UInt64(raw.st_dev), inode: UInt64(raw.st_ino), size: Int64(raw.st_size),
                modified: clinux_modified(&raw), changed: clinux_changed(&raw)),
            links: Int(raw.st_nlink))
    }
}

enum FileLease {
    /// Whether anybody has the file open for writing (a mapping counts), by asking for a read lease and giving it back.
    /// `descriptor` must be open for reading only.
    static func writers(_ descriptor: Int32) -> WriterState {
        withLease(descriptor) { $0 }
    }

    /// Runs `body` while a read lease keeps writers out, when one can be had: what it reads then is one consistent
    /// version. A writer that comes meanwhile waits in its open(2), so `body` must be short.
    static func withLease<Result>(_ descriptor: Int32, _ body: (WriterState) -> Result) -> Result {
        _ = signalIgnored
        if clinux_take_read_lease(descriptor) == 0 {
            let result = body(.none)
            _ = clinux_drop_lease(descriptor)
            return result
        }
        // EAGAIN is the one answer that means a writer (fcntl(2), F_SETLEASE).
        return body(errno == EAGAIN ? .open : .unknown)
    }

    /// The kernel tells a lease holder by SIGIO that somebody wants the file; unhandled, that would end the process.
    private static let signalIgnored: Bool = {
        signal(SIGIO, SIG_IGN)
        return true
    }()
}

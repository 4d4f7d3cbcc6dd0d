import Foundation

/// The places of the journal in a data folder, and what must be true of the folder before a database is opened in it.
struct DataFolder: Sendable {
    let root: String

    var folder: String { root + "/journal" }
    var database: String { folder + "/journal.sqlite" }
    var ballast: String { folder + "/ballast" }
    var lock: String { root + "/lock" }

    init(_ root: String) { self.root = root }

    /// Makes the folders, those above them too, and makes them durable.
    func make() throws(JournalError) {
        var parents: [String] = []
        var parent = root
        while let slash = parent.lastIndex(of: "/"), slash != parent.startIndex {
            parent = String(parent[..<slash])
            parents.append(parent)
        }
        for path in parents.reversed() { mkdir(path, 0o755) }
        for path in [root, folder] where mkdir(path, 0o700) != 0 && errno != EEXIST {
            throw systemError("The data folder cannot be made", at: path)
        }
        try sync(folder)
        try sync(root)
        try sync(parents.first ?? (root.hasPrefix("/") ? "/" : "."))
    }

    /// fsync of a folder: makes the names in it durable.
    func sync(_ path: String) throws(JournalError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw systemError("The data folder cannot be opened", at: path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw systemError("The data folder cannot be synced", at: path) }
    }

    /// fsync of a file that no connection has open.
    func syncFile(_ path: String) throws(JournalError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw systemError("The file cannot be opened", at: path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw systemError("The file cannot be synced", at: path) }
    }

    func systemError(_ what: String, at path: String) -> JournalError {
        let code = errno
        return JournalError(
            code == ENOSPC || code == EDQUOT ? .diskFull : .inputOutput,
            "\(what): \(String(cString: strerror(code))).", path: path)
    }

    /// Refuses file systems whose fsync and locks mean nothing certain.
    func checkFileSystem() throws(JournalError) {
        guard let resolved = realpath(folder, nil) else {
            throw systemError("The data folder cannot be examined", at: folder)
        }
        defer { free(resolved) }
        // Without /proc nothing can be told, and nothing is refused.
        guard let mounts = FileManager.default.contents(atPath: "/proc/self/mountinfo") else { return }
        let type = MountTable(mountinfo: String(decoding: mounts, as: UTF8.self)).type(of: String(cString: resolved))
        if let type, let name = MountTable.unsuitable(type) {
            throw JournalError(
                .unsuitableFileSystem,
                "The data folder is on \(name) (\(type)), where neither fsync nor locks can be trusted; put it on a "
                    + "local file system (ext4, xfs, btrfs, zfs).", path: root)
        }
    }

    /// Removes the ballast before there is a writer that owns it; true if there was one.
    func giveUpBallast() -> Bool { unlink(ballast) == 0 }

    /// Bytes that an unprivileged writer may still use; nil if that cannot be told.
    func freeBytes() -> Int64? { Self.freeBytes(near: folder) }

    /// Whether the disk of a file has not even room for what SQLite makes beside a database: 32 KiB of shared memory.
    static func isFull(near path: String) -> Bool { freeBytes(near: path).map { $0 < 64 << 10 } ?? false }

    private static func freeBytes(near path: String) -> Int64? {
        var info = statvfs()
        guard statvfs(path, &info) == 0 else { return nil }
        return Int64(clamping: UInt64(info.f_bavail) &* UInt64(info.f_frsize))
    }
}

/// Holds the data folder against a second host for as long as it lives.
///
/// flock belongs to the open file description: a second open in the same process is refused as well, and the kernel
/// gives it back however the host dies. O_CLOEXEC, or a worker would keep it.
final class DataFolderLock: Sendable {
    private let descriptor: Int32

    init(_ folder: DataFolder) throws(JournalError) {
        let opened = open(folder.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard opened >= 0 else { throw folder.systemError("The lock file cannot be opened", at: folder.lock) }
        do throws(JournalError) {
            try Self.lock(opened, folder)
        } catch {
            close(opened)
            throw error
        }
        let owner = Array("\(getpid())\n".utf8)
        // The pid is a help for people; the lock holds without it.
        if ftruncate(opened, 0) == 0 { _ = pwrite(opened, owner, owner.count, 0) }
        descriptor = opened
    }

    private static func lock(_ descriptor: Int32, _ folder: DataFolder) throws(JournalError) {
        let began = ContinuousClock.now
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK else {
                throw folder.systemError("The lock file cannot be locked", at: folder.lock)
            }
            var bytes = [UInt8](repeating: 0, count: 32)
            let count = pread(descriptor, &bytes, bytes.count, 0)
            let owner = String(decoding: bytes.prefix(max(0, count)).prefix { $0 != 0x0A }, as: UTF8.self)
            // A host that was killed is on its way out for a while, and one that was killed while it forked leaves the
            // lock with the child until that has called exec.
            let isDead = pid_t(owner).map(Self.isDead) ?? false
            guard ContinuousClock.now - began < (isDead ? .seconds(10) : .seconds(2)) else {
                throw JournalError(
                    .locked,
                    "\(folder.root) is in use by another host (process \(owner.isEmpty ? "unknown" : owner)).",
                    path: folder.root)
            }
            usleep(5_000)
        }
    }

    /// Whether a process is gone, or as good as: a zombie is there still, and runs no more.
    private static func isDead(_ process: pid_t) -> Bool {
        guard process > 0 else { return false }
        if kill(process, 0) != 0, errno == ESRCH { return true }
        guard let status = FileManager.default.contents(atPath: "/proc/\(process)/stat"),
            // The name before it, in brackets, may hold anything.
            let bracket = status.lastIndex(of: UInt8(ascii: ")"))
        else { return false }
        return status[bracket...].dropFirst(2).first.map { "ZXx".utf8.contains($0) } ?? false
    }

    deinit {
        // Explicitly: a child that is between fork and exec has the same lock open.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}

/// A file that occupies space until the disk is full, and is then given up so that what was accepted can be settled.
struct Ballast {
    let folder: DataFolder
    let size: Int64
    private(set) var isThere = false

    init(_ folder: DataFolder, size: Int64) {
        self.folder = folder
        self.size = size
    }

    /// Makes the file if there is room for it and `reserve` more.
    mutating func make(reserve: Int64) {
        guard size > 0 else { return }
        var info = stat()
        if stat(folder.ballast, &info) == 0, Int64(info.st_blocks) * 512 >= size {
            isThere = true
            return
        }
        guard let free = folder.freeBytes(), free >= size + reserve else { return }
        let descriptor = open(folder.ballast, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // Real blocks, not a hole.
        if posix_fallocate(descriptor, 0, off_t(size)) == 0, fsync(descriptor) == 0 {
            isThere = true
        } else {
            unlink(folder.ballast)
        }
    }

    /// True if there was something to give up.
    mutating func release() -> Bool {
        guard isThere else { return false }
        isThere = false
        return unlink(folder.ballast) == 0
    }
}

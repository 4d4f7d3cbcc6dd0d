import CLinux
import Glibc

/// Copies objects of a bucket that is in use into another folder, with their times: by size, time and content the copy
/// is known again. A file that changes while it is copied is copied again, or left out: half a file is no object.
package struct BucketCopy {
    /// What became of an object. Only of one that was copied there is anything in the copy.
    package enum Outcome: Sendable, Hashable {
        case copied(size: Int64, modified: Int64)
        /// It is not there any more.
        case missing
        /// Somebody goes on writing it.
        case changing
    }

    /// The bucket's folder, whatever is at its path.
    private final class Source: Sendable {
        let number: Int32
        init(_ number: Int32) { self.number = number }
        deinit { close(number) }
    }

    private struct FileNumber: Equatable {
        var device: dev_t
        var inode: ino_t
    }

    private static let attempts = 3

    private let source: Source
    private let destination: String
    private let isStopped: @Sendable () -> Bool
    /// Folders that are there; by their bytes, as the file system tells them apart.
    private var made: Set<ByteKey> = []
    /// Which file was copied last.
    private var latest: FileNumber?
    /// For tests: a file's content has been copied, and it is not known yet whether it changed meanwhile.
    package var copied: () -> Void = {}

    /// Makes the folder `destination`.
    /// - Parameter isStopped: asked between objects, and between parts of large ones; then the copy fails.
    package init(
        of bucket: Bucket, to destination: String, isStopped: @escaping @Sendable () -> Bool
    ) throws(FolderCopy.Fault) {
        try self.init(opened: fcntl(bucket.root, F_DUPFD_CLOEXEC, 0), bucket.path, destination, isStopped)
    }

    /// A folder that no host has open.
    package init(
        from source: String, to destination: String, isStopped: @escaping @Sendable () -> Bool = { false }
    ) throws(FolderCopy.Fault) {
        try self.init(opened: open(source, O_RDONLY | O_DIRECTORY | O_CLOEXEC), source, destination, isStopped)
    }

    private init(
        opened number: Int32, _ path: String, _ destination: String, _ isStopped: @escaping @Sendable () -> Bool
    ) throws(FolderCopy.Fault) {
        guard number >= 0 else { throw .of("read", path) }
        source = Source(number)
        (self.destination, self.isStopped) = (destination, isStopped)
        try makeFolder(destination, like: number)
    }

    /// Copies one object, or another file of the bucket, by its key. Blocking; durable only with `sync`.
    package mutating func copy(_ key: String) throws(FolderCopy.Fault) -> Outcome {
        let outcome = try attempt(key)
        // What was copied before it went, or in part, would be an object of the copy.
        if case .copied = outcome { return outcome }
        try remove(key)
        return outcome
    }

    /// Takes a file out of the copy. One that is not there is none.
    private func remove(_ key: String) throws(FolderCopy.Fault) {
        let path = "\(destination)/\(key)"
        guard unlink(path) != 0, ![ENOENT, ENOTDIR, EISDIR].contains(errno) else { return }
        throw .of("remove", path)
    }

    /// Copies what an outcome that is decided has staged, and what is at its key, so that the copy can carry it out:
    /// what is carried out meanwhile is found under the other of its names. Under both it would be in its own way.
    /// - Returns: what became of the key.
    package mutating func copy(_ publication: Publication) throws(FolderCopy.Fault) -> Outcome {
        latest = nil
        _ = try copy(publication.staged)
        let staged = latest
        latest = nil
        let outcome = try copy(publication.key)
        // The very same file: others may have its size and time.
        if let staged, staged == latest { try remove(publication.staged) }
        return outcome
    }

    private mutating func attempt(_ key: String) throws(FolderCopy.Fault) -> Outcome {
        let to = "\(destination)/\(key)"
        for _ in 0..<Self.attempts {
            guard !isStopped() else { throw .stopped }
            // Through no link, also in the middle of the key: what it leads to is no object of this bucket.
            let file = Descriptor(
                clinux_open_beneath(source.number, key, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0))
            var before = stat()
            guard file.number >= 0 else {
                // Gone, or something else is in its place.
                if [ENOENT, ENOTDIR, ELOOP, ENXIO, EXDEV].contains(errno) { return .missing }
                throw .of("read", key)
            }
            guard fstat(file.number, &before) == 0 else { throw .of("look at", key) }
            guard before.st_mode & S_IFMT == S_IFREG else { return .missing }
            try makeFolder(of: key)
            let target = Descriptor(open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, before.st_mode & 0o777))
            guard target.number >= 0 else {
                // A file has become a folder meanwhile, or a folder a file.
                if [EISDIR, ENOTDIR].contains(errno) { return .changing }
                throw .of("make", to)
            }
            do throws(SystemError) {
                _ = try FileCopy.copy(
                    from: file.number, to: target.number, size: Int64(before.st_size), path: to, isStopped: isStopped)
            } catch {
                guard error.errno != ECANCELED else { throw .stopped }
                // It became shorter: that is seen below.
                guard error.errno == EIO || error.errno == ESTALE else { throw FolderCopy.Fault(message: "\(error)") }
                var now = stat()
                guard fstat(file.number, &now) == 0, now.st_size < before.st_size else {
                    throw FolderCopy.Fault(message: "\(error)")
                }
            }
            copied()
            var after = stat()
            guard fstat(file.number, &after) == 0 else { throw .of("look at", key) }
            guard Self.isSame(before, after) else { continue }
            let times = [before.st_atim, before.st_mtim]
            guard futimens(target.number, times) == 0 else { throw .of("set the times of", to) }
            latest = FileNumber(device: before.st_dev, inode: before.st_ino)
            return .copied(size: Int64(before.st_size), modified: Self.modified(before))
        }
        return .changing
    }

    /// Copies what the host keeps in the bucket's own folder: its number, and the inputs of dead letters.
    /// - Parameter identity: the number that it is known to have: without it the copy would be no copy of this bucket.
    package mutating func copyOwn(identity: String? = nil) throws(FolderCopy.Fault) {
        // The folder's own mode; nobody else is to read what is staged there.
        let own = "\(destination)/\(Bucket.ownFolder)"
        guard mkdir(own, 0o700) == 0 || errno == EEXIST else { throw .of("make", own) }
        made.insert(ByteKey(Bucket.ownFolder))
        _ = try copy(Bucket.identityFile)
        if let identity, Bucket.identity(at: destination) != identity {
            throw FolderCopy.Fault(message: "\(Bucket.identityFile) is not there any more, or is another one's")
        }
        let folder = clinux_open_beneath(source.number, Bucket.keptFolder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        if folder < 0, errno == ENOENT { return }
        guard folder >= 0, let kept = fdopendir(folder) else {
            let fault = FolderCopy.Fault.of("read", Bucket.keptFolder)
            if folder >= 0 { close(folder) }
            throw fault
        }
        defer { closedir(kept) }
        while true {
            errno = 0
            guard let entry = readdir(kept) else { break }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { _ = try copy("\(Bucket.keptFolder)/\(name)") }
        }
        guard errno == 0 else { throw .of("read", Bucket.keptFolder) }
    }

    /// Makes durable what was copied, with all else on that file system.
    package func sync() throws(FolderCopy.Fault) {
        let folder = Descriptor(open(destination, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        guard folder.number >= 0, clinux_sync_file_system(folder.number) == 0 else { throw .of("write", destination) }
    }

    private static func isSame(_ one: stat, _ other: stat) -> Bool {
        one.st_size == other.st_size && modified(one) == modified(other)
            && one.st_ctim.tv_sec == other.st_ctim.tv_sec && one.st_ctim.tv_nsec == other.st_ctim.tv_nsec
    }

    private static func modified(_ file: stat) -> Int64 {
        Int64(file.st_mtim.tv_sec) * 1_000_000_000 + Int64(file.st_mtim.tv_nsec)
    }

    private mutating func makeFolder(of key: String) throws(FolderCopy.Fault) {
        let folder = ObjectKey.folder(of: key)
        guard !folder.isEmpty, !made.contains(ByteKey(folder)) else { return }
        try makeFolder(of: folder)
        let original = Descriptor(
            clinux_open_beneath(source.number, folder, clinux_o_path | O_DIRECTORY | O_CLOEXEC, 0))
        try makeFolder("\(destination)/\(folder)", like: original.number)
        // Of very many folders the latest are remembered.
        if made.count > 10_000 { made = [] }
        made.insert(ByteKey(folder))
    }

    /// Who may not look into a folder may not look into its copy. `original`: -1 where it has gone meanwhile.
    private func makeFolder(_ path: String, like original: Int32) throws(FolderCopy.Fault) {
        var found = stat()
        let isThere = original >= 0 && fstat(original, &found) == 0
        // Its owner, who makes the copy, has to get in.
        let mode = isThere ? found.st_mode & 0o777 | 0o700 : 0o755
        guard mkdir(path, mode) == 0 || errno == EEXIST || errno == ENOTDIR else { throw .of("make", path) }
    }
}

extension FolderCopy.Fault {
    static func of(_ doing: String, _ path: String) -> FolderCopy.Fault {
        FolderCopy.Fault(message: "cannot \(doing) \(path): \(String(cString: strerror(errno)))")
    }

    static var stopped: FolderCopy.Fault { FolderCopy.Fault(message: "the host stops") }
}

import CLinux
import Glibc

/// Copies objects of a bucket that is in use into another folder, with their times: by size, time and content the copy
/// is known again. A file that changes while it is copied is copied again, or left out: half a file is no object.
package struct BucketCopy {
    /// What became of an object.
    package enum Outcome: Sendable, Hashable {
        case copied(size: Int64, modified: Int64)
        /// It is not there any more.
        case missing
        /// Somebody goes on writing it.
        case changing
    }

    private static let attempts = 3

    private let source: String
    private let destination: String
    /// Folders that are there.
    private var made: Set<String> = []

    /// Makes the folder `destination`.
    package init(from source: String, to destination: String) throws(FolderCopy.Fault) {
        (self.source, self.destination) = (source, destination)
        guard mkdir(destination, 0o755) == 0 || errno == EEXIST else { throw .of("make", destination) }
    }

    /// Copies one object, or another file of the bucket, by its key. Blocking; durable only with `sync`.
    package mutating func copy(_ key: String) throws(FolderCopy.Fault) -> Outcome {
        let (from, to) = ("\(source)/\(key)", "\(destination)/\(key)")
        for _ in 0..<Self.attempts {
            let file = Descriptor(open(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC))
            var before = stat()
            guard file.number >= 0 else {
                // Gone, or something else is in its place.
                if [ENOENT, ENOTDIR, ELOOP, ENXIO].contains(errno) { return .missing }
                throw .of("read", from)
            }
            guard fstat(file.number, &before) == 0 else { throw .of("look at", from) }
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
                    from: file.number, to: target.number, size: Int64(before.st_size), path: to)
            } catch {
                // It became shorter: that is seen below.
                guard error.errno == EIO || error.errno == ESTALE else { throw FolderCopy.Fault(message: "\(error)") }
                var now = stat()
                guard fstat(file.number, &now) == 0, now.st_size < before.st_size else {
                    throw FolderCopy.Fault(message: "\(error)")
                }
            }
            var after = stat()
            guard fstat(file.number, &after) == 0 else { throw .of("look at", from) }
            guard Self.isSame(before, after) else { continue }
            let times = [before.st_atim, before.st_mtim]
            guard futimens(target.number, times) == 0 else { throw .of("set the times of", to) }
            return .copied(
                size: Int64(before.st_size),
                modified: Int64(before.st_mtim.tv_sec) * 1_000_000_000 + Int64(before.st_mtim.tv_nsec))
        }
        unlink(to)
        return .changing
    }

    /// Copies what the host keeps in the bucket's own folder: its number, and the inputs of dead letters.
    package mutating func copyOwn() throws(FolderCopy.Fault) {
        // The folder's own mode; nobody else is to read what is staged there.
        let own = "\(destination)/\(Bucket.ownFolder)"
        guard mkdir(own, 0o700) == 0 || errno == EEXIST else { throw .of("make", own) }
        made.insert(Bucket.ownFolder)
        _ = try copy(Bucket.identityFile)
        guard let kept = opendir("\(source)/\(Bucket.keptFolder)") else { return }
        defer { closedir(kept) }
        while let entry = readdir(kept) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
                String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { _ = try copy("\(Bucket.keptFolder)/\(name)") }
        }
    }

    /// Makes durable what was copied, with all else on that file system.
    package func sync() throws(FolderCopy.Fault) {
        let folder = Descriptor(open(destination, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        guard folder.number >= 0, clinux_sync_file_system(folder.number) == 0 else { throw .of("write", destination) }
    }

    private static func isSame(_ one: stat, _ other: stat) -> Bool {
        one.st_size == other.st_size && one.st_mtim.tv_sec == other.st_mtim.tv_sec
            && one.st_mtim.tv_nsec == other.st_mtim.tv_nsec && one.st_ctim.tv_sec == other.st_ctim.tv_sec
            && one.st_ctim.tv_nsec == other.st_ctim.tv_nsec
    }

    private mutating func makeFolder(of key: String) throws(FolderCopy.Fault) {
        let folder = ObjectKey.folder(of: key)
        guard !folder.isEmpty, !made.contains(folder) else { return }
        try makeFolder(of: folder)
        let path = "\(destination)/\(folder)"
        guard mkdir(path, 0o755) == 0 || errno == EEXIST || errno == ENOTDIR else { throw .of("make", path) }
        // Of very many folders the latest are remembered.
        if made.count > 10_000 { made = [] }
        made.insert(folder)
    }
}

extension FolderCopy.Fault {
    static func of(_ doing: String, _ path: String) -> FolderCopy.Fault {
        FolderCopy.Fault(message: "cannot \(doing) \(path): \(String(cString: strerror(errno)))")
    }
}

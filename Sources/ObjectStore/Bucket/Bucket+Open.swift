import CLinux
import Glibc
import Synchronization

extension Bucket {
    /// What the journal knows of a bucket's folder: another folder in its place (a disk that is not mounted, a folder
    /// made anew) must not make every object count as deleted.
    package enum KnownFolder: Sendable, Hashable {
        /// No objects, and no outcome on its way: any folder will do.
        case nothing
        /// A folder that had no `.sluice` (it could only be read): an empty folder is another one.
        case objects
        /// A folder with `.sluice` of which nobody has written down the number: one without is another one.
        case marked
        /// The folder with this number (`identity`).
        case id(String)
    }

    /// Opens the folder at `path` as the bucket `name`, making it (and its parents) if `create` and the journal knows
    /// no objects of it. `BucketLost`: it is not the folder that the journal knows.
    ///
    /// Refused (`BucketRefused`) are: a path that is not a folder, a folder that contains `dataFolder` (the journal's
    /// own writes would be objects) or another bucket, and a folder into which a file cannot be renamed from
    /// `.sluice/`, proven by doing it: a rename across a bind mount fails although the device numbers are equal. A
    /// folder that may only be read is opened; `notWritableReason` then says why nothing can be published there.
    ///
    /// `before` is the same bucket as it was open until now: what stages and publishes there goes on here.
    ///
    /// `owner`: opened for a host, named so for others, that stages and publishes there; `BucketInUse` when another one
    /// has it (docs/architecture.md, Publication), and does not let go of it for `patience` milliseconds.
    package static func open(
        name: String, path: String, configuration: BucketConfiguration = BucketConfiguration(), create: Bool = true,
        known: KnownFolder = .nothing, dataFolder: String? = nil, others: [Bucket] = [],
        owner: String? = nil, patience: Int = 0, succeeding before: Bucket? = nil
    ) throws(ObjectStoreError) -> Bucket {
        if let flaw = flaw(inName: name) {
            throw ObjectStoreError(.bucketRefused, "the bucket name \"\(name)\" \(flaw)", bucket: name)
        }
        if create, known == .nothing { try makeFolders(path, bucket: name) }
        let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor < 0 {
            let error = SystemError.last("open", path)
            if known != .nothing, error.isMissing { throw lost(name, path, known, "it is not there") }
            throw ObjectStoreError(
                .bucketRefused, "cannot open its folder \(path): \(error.reason)", bucket: name, path: path,
                errno: error.errno, permanent: !(error.errno == EMFILE || error.errno == ENFILE), cause: error)
        }
        let files = LinuxFileSystem(root: descriptor)
        if let dataFolder, isInside(dataFolder, descriptor) {
            throw ObjectStoreError(
                .bucketRefused,
                "the data folder \(dataFolder) lies inside the bucket's folder; choose another folder for either",
                bucket: name, path: path)
        }
        for other in others where isInside(other.path, descriptor) || isInside(path, other.root) {
            throw ObjectStoreError(
                .bucketRefused,
                "the folders of the buckets \(name) and \(other.name) lie inside each other: every file "
                    + "there would be two objects; choose another folder for one of them", bucket: name, path: path)
        }
        let bucket = Bucket(
            name: name, path: path, files: files, configuration: configuration,
            kind: FileSystemKind(magic: clinux_file_system_type(descriptor)), owner: owner, succeeding: before)
        // Before the proof of writing, which makes `.sluice` and gives it its number.
        if let reason = bucket.contradiction(of: known) { throw lost(name, path, known, reason) }
        if case .id(let id) = known { bucket.state.withLock { $0.identity = id } }
        let reason = bucket.probeWriting()
        if let reason, reason.code == .bucketRefused { throw reason }
        // Also where nothing can be written at the moment: on a full disk files can be removed.
        if let other = bucket.takeLock(patience: patience, isWritable: reason == nil) { throw other }
        if let reason { bucket.state.withLock { $0.notWritable = reason } }
        if bucket.identity == nil, let found = identity(at: path) { bucket.state.withLock { $0.identity = found } }
        return bucket
    }

    /// `.sluice` is there.
    package var isMarked: Bool { (try? files.status(Self.ownFolder))?.kind == .folder }

    private static func lost(
        _ name: String, _ path: String, _ known: KnownFolder, _ reason: String
    ) -> ObjectStoreError {
        var command = "mkdir -p \(path)/\(ownFolder)"
        if case .id(let id) = known { command += " && echo \(id) > \(path)/\(identityFile)" }
        return ObjectStoreError(
            .bucketLost,
            "the folder \(path) is not the one whose objects the journal knows: \(reason). Mount the disk, or bring the "
                + "folder back (a backup of the journal has no buckets: copy them beside it with cp -a); only if the "
                + "objects are gone for good, `\(command)` says so, and what is missing counts as deleted",
            bucket: name,
            path: path)
    }

    static func isEmpty(_ path: String) -> Bool {
        guard let folder = opendir(path) else { return false }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { $0.prefix { $0 != 0 }.map { $0 } }
            if name != Array(".".utf8), name != Array("..".utf8) { return false }
        }
        return true
    }

    /// Names are folders, parts of addresses and labels of metrics: S3's rules without the lower bound on length.
    private static func flaw(inName name: String) -> String? {
        let bytes = Array(name.utf8)
        if bytes.isEmpty || bytes.count > 63 { return "must have 1 to 63 characters" }
        let fits = bytes.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
        }
        if !fits { return "may hold lower-case letters, digits, - and . only" }
        if bytes.first == UInt8(ascii: ".") || bytes.first == UInt8(ascii: "-") {
            return "must begin with a letter or digit"
        }
        return nil
    }

    private static func makeFolders(_ path: String, bucket: String) throws(ObjectStoreError) {
        if mkdir(path, 0o777) == 0 {
            syncFolder(containing: path)
            return
        }
        if errno == ENOENT, path.contains("/"), ObjectKey.folder(of: path) != "" {
            try makeFolders(ObjectKey.folder(of: path), bucket: bucket)
            if mkdir(path, 0o777) == 0 {
                syncFolder(containing: path)
                return
            }
        }
        if errno != EEXIST {
            let error = SystemError.last("mkdir", path)
            throw ObjectStoreError(
                .bucketRefused, "cannot make its folder \(path): \(error.reason)", bucket: bucket,
                path: path, errno: error.errno, cause: error)
        }
    }

    private static func syncFolder(containing path: String) {
        let folder = ObjectKey.folder(of: path)
        let descriptor = Glibc.open(
            folder.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor >= 0 {
            // A new, still empty folder: were its name lost, the next start would make it again.
            _ = fsync(descriptor)
            close(descriptor)
        }
    }

    /// Whether `path` is the bucket's folder or lies below it, also where it is not made yet. Blocking.
    package func contains(_ path: String) -> Bool { Self.isInside(path, root) }

    /// Whether `path` is the folder `root` has open or lies below it, by walking up: names may be links or mounts.
    static func isInside(_ path: String, _ root: Int32) -> Bool {
        var target = Glibc.stat()
        guard fstat(root, &target) == 0 else { return false }
        var current = Glibc.open(path, clinux_o_path | O_DIRECTORY | O_CLOEXEC)
        if current < 0 {
            // Not made yet: ask for the nearest ancestor that is.
            let parent = ObjectKey.folder(of: path)
            return errno == ENOENT && !parent.isEmpty && parent != path && isInside(parent, root)
        }
        defer { close(current) }
        var previous: (UInt64, UInt64)?
        while true {
            var here = Glibc.stat()
            guard fstat(current, &here) == 0 else { return false }
            if here.st_dev == target.st_dev, here.st_ino == target.st_ino { return true }
            if let previous, previous == (UInt64(here.st_dev), UInt64(here.st_ino)) { return false }
            previous = (UInt64(here.st_dev), UInt64(here.st_ino))
            let above = openat(current, "..", clinux_o_path | O_DIRECTORY | O_CLOEXEC)
            if above < 0 { return false }
            close(current)
            current = above
        }
    }

    /// Makes `.sluice` and proves both kinds of rename from there into the bucket. nil: all is well. `BucketRefused`:
    /// it can never work; anything else: not now (read-only, no permission, no space).
    func probeWriting() -> ObjectStoreError? {
        let number = Self.probes.withLock { number in
            number += 1
            return number
        }
        let staged = "\(Self.ownFolder)/probe-\(getpid())-\(number)"
        let target = ".sluice-probe-\(getpid())-\(number)"
        defer {
            try? files.removeFile(staged)
            try? files.removeFile(target)
        }
        do throws(SystemError) {
            try makeOwnFolder()
            close(try files.createFile(staged, mode: 0o600))
            try files.rename(staged, to: target, .noReplace)
            close(try files.createFile(staged, mode: 0o600))
            try files.rename(staged, to: target, .exchange)
            return nil
        } catch {
            if error.call == "rename", ![EROFS, EACCES, EPERM, ENOSPC, EDQUOT, EIO].contains(error.errno) {
                return ObjectStoreError(
                    .bucketRefused,
                    "a file cannot be renamed from \(path)/\(Self.ownFolder) into the bucket (\(error.reason)): the "
                        + "whole bucket must be one mount of a file system with renameat2, or outputs could not "
                        + "appear at once", bucket: name, path: path, errno: error.errno, cause: error)
            }
            return failure(error, doing: "write to bucket \(name)")
        }
    }

    private static let probes = Mutex(0)

    func makeOwnFolder() throws(SystemError) {
        do throws(SystemError) {
            try files.makeFolder(Self.ownFolder, mode: 0o700)
        } catch {
            if error.errno != EEXIST { throw error }
        }
        // Also when it was there: the host that made it may have died before this.
        try files.syncFolder("")
        try makeIdentity()
    }
}

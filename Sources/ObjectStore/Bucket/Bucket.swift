import CLinux
import Glibc
import Synchronization

/// A bucket: a plain directory whose files are objects, with staging and kept inputs in its hidden folder `.sluice`.
///
/// Every call blocks on the disk: call from file threads only. Safe to use from many of them.
package final class Bucket: Sendable {
    /// Sluice's own folder in every bucket.
    package static let ownFolder = ".sluice"
    /// Inputs of dead letters, below `ownFolder`.
    package static let keptFolder = ".sluice/kept"

    package let name: String
    /// As given to `open`.
    package let path: String
    package let configuration: BucketConfiguration
    package let fileSystem: FileSystemKind
    /// Which folder it is as long as it stays on its disk; a copy of it is another one.
    package let folder: FolderStamp
    /// The host's own outputs that are not in the index yet.
    package let publications: PublicationRegistry
    let stages: StageNumbers
    /// Whose it is, for those whom its lock keeps out; nil: it is shared.
    let owner: String?
    let files: any FileSystem
    let state: Mutex<State>
    /// Mode of published files: 0644 less the host's umask.
    let publishedMode: UInt32
    let folderMode: UInt32

    struct State {
        /// Why nothing can be published here; nil once the proof has succeeded.
        var notWritable: ObjectStoreError?
        /// What is written in `.sluice/id`.
        var identity: String?
        /// Keeps other hosts out; nil where nobody asked for it, or it is not to be had.
        var lock: BucketLock?
        var lockWarning: String?
        var folderLook = FolderLook.system
        /// Folders whose names are durable, with their inodes: their fsync is not paid again for every file.
        var durableFolders: [ByteKey: UInt64] = [:]
    }

    /// For tests: a bucket on any file system, taken as writable, its own folder not yet made.
    package init(name: String, files: any FileSystem, configuration: BucketConfiguration = BucketConfiguration()) {
        self.name = name
        path = ""
        owner = nil
        self.configuration = configuration
        self.files = files
        publications = PublicationRegistry()
        stages = StageNumbers()
        fileSystem = FileSystemKind(name: "given", reportsChanges: false)
        folder = FolderStamp(device: 0, inode: 0)
        state = Mutex(State())
        publishedMode = 0o644
        folderMode = 0o755
    }

    init(
        name: String, path: String, files: LinuxFileSystem, configuration: BucketConfiguration, kind: FileSystemKind,
        owner: String?, succeeding before: Bucket?
    ) {
        self.owner = owner
        publications = before?.publications ?? PublicationRegistry()
        stages = before?.stages ?? StageNumbers()
        self.name = name
        self.path = path
        self.files = files
        self.configuration = configuration
        fileSystem = kind
        folder = FolderStamp(descriptor: files.root)
        state = Mutex(State())
        let mask = ProcessMask.umask
        publishedMode = 0o644 & ~mask
        folderMode = 0o777 & ~mask
    }

    /// The root folder's descriptor, open as long as the bucket lives; -1 on a simulated file system.
    package var root: Int32 { linuxFiles?.root ?? -1 }

    var linuxFiles: LinuxFileSystem? { files as? LinuxFileSystem }

    /// Why nothing can be published here (read-only, no permission, no space), or nil. Asks anew while there is a
    /// reason, so a corrected permission counts at once.
    package var notWritableReason: ObjectStoreError? {
        guard state.withLock({ $0.notWritable }) != nil else { return nil }
        let reason = probeWriting() ?? takeLock()
        state.withLock { $0.notWritable = reason }
        return reason
    }

    /// For tests: another way of reading folders, for the scans that begin from now on.
    package var folderLook: FolderLook {
        get { state.withLock { $0.folderLook } }
        set { state.withLock { $0.folderLook = newValue } }
    }

    func requireWritable() throws(ObjectStoreError) {
        if let reason = notWritableReason { throw reason }
    }

    func failure(_ error: SystemError, doing: String, key: String? = nil) -> ObjectStoreError {
        ObjectStoreError(error, doing: doing, bucket: name, key: key)
    }
}

/// The process's file creation mask.
enum ProcessMask {
    /// Read from /proc/self/status, as umask(2) can only be asked by changing it for all threads.
    static let umask: UInt32 = {
        let file = open("/proc/self/status", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return 0o022 }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(file, &buffer, buffer.count)
        let text = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("Umask:") }),
            let digits = line.split(whereSeparator: { $0 == "\t" || $0 == " " }).last
        else { return 0o022 }
        return UInt32(digits, radix: 8) ?? 0o022
    }()
}

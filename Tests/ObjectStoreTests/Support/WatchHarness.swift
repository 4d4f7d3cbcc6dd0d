import Glibc
import ObjectStore
import Synchronization

/// A bucket with a watcher, and the means to wait until all that happened has been reported.
final class WatchHarness {
    let folder: TemporaryFolder
    let index = MemoryIndex()
    private(set) var bucket: Bucket
    private(set) var watcher: BucketWatcher?
    private let configuration: BucketConfiguration
    private var sentinels = 0
    /// How the next watcher reads folders.
    var look: FolderLook?
    /// Outside of the bucket, on the same disk.
    let outside: String

    init(_ configuration: BucketConfiguration = BucketConfiguration(), start: Bool = true) throws {
        folder = try TemporaryFolder()
        self.configuration = configuration
        bucket = try folder.bucket("bucket", configuration)
        outside = "\(folder.path)/outside"
        mkdir(outside, 0o755)
        if start { try self.start() }
    }

    var path: String { bucket.path }

    /// Starts a watcher and waits for its first scan.
    func start(_ options: BucketWatcher.Options = BucketWatcher.Options(), wait: Bool = true) throws {
        bucket = try folder.bucket("bucket", configuration)
        if let look { bucket.folderLook = look }
        let watcher = try BucketWatcher.start(bucket, index: index, sink: index, options: options)
        self.watcher = watcher
        if wait { try self.wait("the first scan") { watcher.status.isReady } }
    }

    func stop() {
        watcher?.stop()
        watcher = nil
    }

    deinit { watcher?.stop() }

    /// Runs a command in the bucket's folder.
    func sh(_ command: String) throws {
        try shell(command, in: path)
    }

    func wait(_ what: String, seconds: Int = 60, until condition: () -> Bool) throws {
        try index.wait(what, seconds: seconds, { "\(self.watcher.map { "\($0.status)" } ?? "no watcher")" }) { _ in
            condition()
        }
    }

    func waitFor(_ key: String) throws {
        try wait(key) { index.row(key) != nil }
    }

    /// Waits until everything that happened before is reported: files put in afterwards have come, and nothing waits.
    /// `waiting` files may still have a writer.
    func settle(waiting: Int = 0) throws {
        for round in 0... {
            sentinels += 1
            let name = "sentinel-\(sentinels)"
            try writeFile("\(outside)/\(name)", "")
            guard rename("\(outside)/\(name)", "\(path)/\(name)") == 0 else { throw TestFailure("rename: \(errno)") }
            try wait("a sentinel") { index.row(name) != nil }
            guard let status = watcher?.status, round > 0 else { continue }
            if status.isIdle || (waiting > 0 && status.waiting == waiting && !status.isScanning) { return }
        }
    }

    /// All changes so far as text, `created <key>`, in order, without the sentinels'.
    var changes: [String] {
        index.log.compactMap { change in
            if change.key.hasPrefix("sentinel-") { return nil }
            return switch change {
            case .created(let sighting): "created \(sighting.key)"
            case .deleted(let known): "deleted \(known.key)"
            case .adopted(let sighting): "adopted \(sighting.key)"
            case .refreshed: nil
            }
        }
    }

    /// The changes that `body` causes, once all is settled.
    func changes(settlingWith waiting: Int = 0, _ body: () throws -> Void) throws -> [String] {
        let before = changes.count
        try body()
        try settle(waiting: waiting)
        return Array(changes.dropFirst(before))
    }
}

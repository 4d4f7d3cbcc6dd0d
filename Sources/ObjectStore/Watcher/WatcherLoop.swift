import CLinux
import Glibc
import Synchronization

/// The thread that turns inotify events and scans into changes. All its state is confined to that thread; one pass
/// takes what has come up, looks at it, and commits what it found in one batch, so batches grow with the load and a
/// lone file waits for nothing.
final class WatcherLoop {
    static let batchLimit = 500
    /// How many objects a scan goes on for between two looks at live events.
    static let scanBudget = 300

    let bucket: Bucket
    let index: any ObjectIndexReading
    var look: KeyLook
    /// nil where the file system does not report changes, or inotify is not to be had.
    let reader: InotifyReader?
    let shared: WatcherShared
    let watchLimit: Int?
    /// Why all of the bucket is polled; nil: it is watched.
    let unwatched: String?
    /// Why the bucket's own folder has no watch where others can have one; nil: it has.
    var unwatchedRoot: String?
    /// Why the names in the bucket's own folder could not all be told; nil: they could.
    var unreadRoot: String?

    var watches = WatchTable()
    var mounts: MountTable
    /// When the table of mounts is to be read.
    var mountsDue: Int64 = 0
    var lastMountsLook: Int64 = .min / 2
    static let mountsInterval: Int64 = 100_000_000
    static let mountsPause: Int64 = 500_000_000
    var polled: [ByteKey: String] = [:]
    var queue = LookQueue()
    var later = LookLater()
    var folderScans: [BucketScan] = []
    var wantedFolders: [ByteKey] = []
    var fullScan: BucketScan?
    var fullScanWanted = true
    var nextPoll: Int64 = .max
    var adoptBefore: Int64?
    /// Until the first scan is done.
    var isCopy: Bool
    var refused: [ByteKey: String] = [:] {
        didSet { refusedChanged = true }
    }
    private var refusedChanged = false
    var status: BucketStatus
    var lost = false
    private var isOver = false
    var finishedFullScan = false
    /// Why the sink has not taken what the scan that runs has found new or gone; nil: it has.
    var refusal: String?
    var isRefusalTold = false
    /// The keys of the batch that is being gathered.
    var batchKeys: Set<ByteKey> = []
    /// How long the last commit that failed was waited for; 0: none has failed since the last that did not.
    var pause: Int64 = 0
    var isHeldUp: Bool { pause > 0 }
    /// The last look into the index failed, which fails for every key. A file that cannot be looked at does not count.
    var isBlind = false
    /// What was reported was left with the reader.
    var isUntaken = false
    /// How many keys may wait while nothing gets further.
    let waitingLimit: Int

    init(
        bucket: Bucket, index: any ObjectIndexReading, reader: InotifyReader?, shared: WatcherShared,
        options: BucketWatcher.Options, unwatched: String?
    ) {
        self.bucket = bucket
        self.index = index
        self.reader = reader
        self.shared = shared
        adoptBefore = options.adoptBefore
        isCopy = options.isCopy
        watchLimit = options.watchLimit
        waitingLimit = options.waitingLimit
        mounts = MountTable(read: options.mountTable)
        self.unwatched = unwatched
        look = KeyLook(bucket: bucket, index: index)
        look.clockLag = options.clockLag.nanoseconds
        status = BucketStatus(bucket: bucket.name)
        if let unwatched { polled[ByteKey("")] = unwatched }
    }

    /// Until the watcher is stopped, or its bucket lost.
    func run() {
        // What is mounted now is looked through by the first scan.
        if mounts.update(below: bucket.root) != nil { mountsDue = .max }
        while !isEnding {
            takeEvents()
            guard pass() else { break }
            waitForWork()
        }
        lost = lost || shared.isLost
        if lost { tellTheRest() }
        isOver = true
        publishStatus()
        shared.ended()
    }

    /// Looks, and commits what was found; false when the watcher has ended instead.
    private func pass() -> Bool {
        bucket.publications.beginLooks()
        defer { bucket.publications.endLooks() }
        var batch: [Found] = []
        var unconfirmed: [Found] = []
        lookAtQueue(&batch, &unconfirmed)
        // While nothing can be committed, what is to be looked at must not grow.
        if !isHeldUp, !isFull {
            advanceScans()
            lookAtQueue(&batch, &unconfirmed)
        }
        confirm(unconfirmed, &batch)
        guard commit(batch) else { return false }
        finishScans()
        forgetMoved()
        publishStatus()
        return true
    }

    /// What was reported before the folder went is true of it, wherever it is: the deletions of `rm -r`, say, after
    /// which nothing is left to be lost.
    private func tellTheRest() {
        guard status.isReady, !shared.isStopping else { return }
        _ = reader?.drain()
        takeEvents()
        while hasWork, !shared.isStopping { guard pass() else { return } }
    }

    var isEnding: Bool { lost || shared.isStopping || shared.isLost }

    // MARK: Looking

    private func lookAtQueue(_ batch: inout [Found], _ unconfirmed: inout [Found]) {
        for (key, cause) in later.due(now: Clock.monotonic, limit: Self.batchLimit / 2) {
            lookAt(key, cause, &batch, &unconfirmed)
        }
        var looked = 0
        while batch.count + unconfirmed.count < Self.batchLimit, looked < 2 * Self.batchLimit, let next = queue.next() {
            looked += 1
            lookAt(next.key, next.cause, &batch, &unconfirmed)
        }
    }

    /// `unconfirmed`: what stands only if no completed write of its key is still to be read from the kernel.
    private func lookAt(_ key: String, _ cause: LookCause, _ batch: inout [Found], _ unconfirmed: inout [Found]) {
        // One change a key and batch: the index does not know the first yet.
        if batchKeys.contains(ByteKey(key)) {
            later.add(key, cause, now: Clock.monotonic, delay: 0, atMost: 0)
            return
        }
        let cause = cause.union(later.cause(key) ?? [])
        do {
            switch try look.look(key, cause, adoptBefore: adoptBefore) {
            case .nothing:
                later.resolve(key)
            case .change(.created(let sighting)) where !cause.isCompletion:
                later.resolve(key)
                unconfirmed.append(Found(change: .created(sighting), cause: cause))
            case .change(let change):
                later.resolve(key)
                add(Found(change: change, cause: cause), &batch)
            case .refreshed(let known):
                later.resolve(key)
                unconfirmed.append(Found(change: .refreshed(known), cause: cause))
            case .later(let delay, let limit):
                later.add(key, cause, now: Clock.monotonic, delay: delay, atMost: limit)
            case .refused(let reason, let deleted):
                later.resolve(key)
                refuse(key, reason)
                isBlind = false
                if let deleted { add(Found(change: .deleted(deleted), cause: cause), &batch) }
                return
            }
            if !refused.isEmpty { refused[ByteKey(key)] = nil }
            status.failure = nil
            isBlind = false
        } catch {
            // The index or the disk: nothing is known of the key, so it stays to be looked at.
            status.failure = "\(error)"
            if !(error is SystemError) { isBlind = true }
            later.add(key, cause, now: Clock.monotonic, delay: 50_000_000, atMost: 5_000_000_000)
        }
    }

    private func add(_ found: Found, _ batch: inout [Found]) {
        batch.append(found)
        batchKeys.insert(ByteKey(found.change.key))
    }

    /// The kernel queues a close before it lets a lease be taken, so once its queue was emptied after the look, the
    /// close that completed what was seen is here. Then it decides, with whatever happened to the file since. A refresh
    /// would deny the completed write that moved the stamps (`cp -p` of the same content); a version found by its
    /// name's creation would be found again by its close, if its times were set in between (Python's `copy2`).
    private func confirm(_ unconfirmed: [Found], _ batch: inout [Found]) {
        if unconfirmed.isEmpty { return }
        let drained = (reader?.drain() ?? true) && takeEvents()
        for found in unconfirmed {
            let key = found.change.key
            if !drained {
                // A refresh of a completed write was the host's own doing, which is known no second time.
                let cause = found.cause.subtracting([.closed, .arrived])
                later.add(key, cause, now: Clock.monotonic, delay: 10_000_000, atMost: 1_000_000_000)
            } else if !batchKeys.contains(ByteKey(key)), stands(found.change, beside: queue.cause(key) ?? []) {
                add(found, &batch)
            }
        }
    }

    /// `waiting`: why its key is to be looked at again.
    private func stands(_ change: ObjectChange, beside waiting: LookCause) -> Bool {
        if case .refreshed = change { return waiting.isSubset(of: .attributes) }
        return !waiting.isCompletion
    }

    // MARK: Waiting and telling

    private func waitForWork() {
        if hasWork || isEnding { return }
        let now = Clock.monotonic
        let due = min(later.nextDue ?? .max, polled.isEmpty || isFull ? .max : nextPoll, mountsDue)
        if due <= now { return }
        shared.wake.wait(nanoseconds: due == .max ? nil : due - now)
    }

    private var hasWork: Bool {
        if !queue.isEmpty { return true }
        // Then neither events nor scans are taken up.
        if isFull { return false }
        return isUntaken || fullScan != nil || fullScanWanted || !folderScans.isEmpty || !wantedFolders.isEmpty
    }

    func refuse(_ path: String, _ reason: String) {
        if refused.count < 10_000 { refused[ByteKey(path)] = reason }
    }

    func publishStatus() {
        status.watchedFolders = watches.count
        status.waiting = later.count
        status.isScanning = fullScan != nil || fullScanWanted
        status.isIdle = status.isReady && !hasWork && later.count == 0
        status.isLost = lost && isOver
        status.polled = polled.map { BucketStatus.PolledFolder(path: $0.key.string, reason: $0.value) }
        if refusedChanged {
            refusedChanged = false
            status.refusedCount = refused.count
            status.refused = refused.prefix(1000).map { BucketStatus.Refused(path: $0.key.string, reason: $0.value) }
        }
        let status = status
        shared.status.withLock { $0 = status }
    }
}

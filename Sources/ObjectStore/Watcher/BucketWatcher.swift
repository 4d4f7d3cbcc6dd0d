import CLinux
import Glibc
import Synchronization

/// Watches one bucket and hands every change of it to a sink: each complete version of each key once, however it got
/// there, also across restarts, overflows and crashes.
///
/// Two threads of its own: one does nothing but empty inotify's queue, one looks at files, compares them with the index
/// and calls the sink. `start` returns at once; `stop` blocks until the threads have ended.
package final class BucketWatcher: Sendable {
    package let bucket: Bucket
    private let shared: WatcherShared
    private let reader: InotifyReader?
    private let threads: Mutex<[NativeThread]>

    /// What a start knows of the bucket.
    package struct Options: Sendable {
        /// Given for a bucket that the journal has never seen and whose existing objects are to be ignored: what a scan
        /// finds unchanged since this time (`BucketWatcher.now`, taken before the watcher was first started) is
        /// adopted without events. It must be stored durably before that start, and given again until `ready` was
        /// called once. nil: everything unknown is announced.
        package var adoptBefore: Int64?
        /// The journal is a copy, and so is the bucket, perhaps: what the first scan finds with the size, the time and
        /// the content of the known version is that version, whatever its inode.
        package var isCopy: Bool
        /// Poll beyond so many watches, as if the system's limit were there.
        package var watchLimit: Int?
        /// For tests: how far the host's clock is behind that of the bucket's files.
        package var clockLag: Duration
        /// How many keys may wait to be looked at while the index cannot be read or the sink takes nothing; what is
        /// reported beyond that waits unread.
        package var waitingLimit: Int
        /// For tests: in place of the system's table of mounts; nil where it cannot be read.
        package var mountTable: (@Sendable () -> [UInt8]?)?
        /// Called once, on the watcher's thread, when the first scan is done and committed.
        package var ready: @Sendable (BucketStatus) -> Void
        /// Called once, on the watcher's thread, when a first scan has looked at everything and the sink has not taken
        /// what it found new or gone (only what makes no events): it is tried again from time to time, and `ready`
        /// comes after all that. With why.
        package var refused: @Sendable (String) -> Void
        /// Called once, on the watcher's thread, when it ends: stopped, or its bucket lost.
        package var ended: @Sendable () -> Void

        package init(
            adoptBefore: Int64? = nil, isCopy: Bool = false, watchLimit: Int? = nil, waitingLimit: Int = 100_000,
            clockLag: Duration = .zero,
            ready: @escaping @Sendable (BucketStatus) -> Void = { _ in },
            refused: @escaping @Sendable (String) -> Void = { _ in }, ended: @escaping @Sendable () -> Void = {}
        ) {
            self.refused = refused
            self.ended = ended
            self.adoptBefore = adoptBefore
            self.isCopy = isCopy
            self.watchLimit = watchLimit
            self.waitingLimit = waitingLimit
            self.clockLag = clockLag
            self.ready = ready
        }
    }

    /// The time for `Options.adoptBefore`: nanoseconds since 1970 by the clock that file systems stamp with.
    package static var now: Int64 { Clock.files }

    /// Starts watching. Where inotify cannot be had (a network file system, the user's instance limit) the bucket is
    /// polled, and `status` says so. Throws only when there are no threads or descriptors to be had.
    package static func start(
        _ bucket: Bucket, index: any ObjectIndexReading, sink: any ChangeSink, options: Options = Options()
    ) throws(ObjectStoreError) -> BucketWatcher {
        do throws(SystemError) {
            return try BucketWatcher(bucket, index, sink, options)
        } catch {
            throw bucket.failure(error, doing: "watch bucket \(bucket.name)")
        }
    }

    private init(
        _ bucket: Bucket, _ index: any ObjectIndexReading, _ sink: any ChangeSink, _ options: Options
    ) throws(SystemError) {
        self.bucket = bucket
        let shared = try WatcherShared(bucket: bucket.name, sink: sink, options: options)
        var unwatched: String?
        var reader: InotifyReader?
        if bucket.fileSystem.reportsChanges {
            do throws(SystemError) {
                reader = try InotifyReader(wake: shared.wake)
            } catch {
                unwatched =
                    "inotify is not to be had (\(error.reason)); the limit may be fs.inotify.max_user_instances"
            }
        } else {
            unwatched = "\(bucket.fileSystem.name) does not report changes"
        }
        self.shared = shared
        self.reader = reader
        threads = Mutex([])
        let body = Startup(
            bucket: bucket, index: index, reader: reader, shared: shared, options: options, unwatched: unwatched)
        let looking = try NativeThread(name: "look:\(bucket.name)") { body.run() }
        threads.withLock { $0.append(looking) }
        if let reader {
            do throws(SystemError) {
                let draining = try NativeThread(name: "drain:\(bucket.name)") { reader.run() }
                threads.withLock { $0.append(draining) }
            } catch {
                stop()
                throw error
            }
        }
    }

    /// What the looking thread starts with; the loop itself is made on that thread and never leaves it.
    private struct Startup: Sendable {
        var bucket: Bucket
        var index: any ObjectIndexReading
        var reader: InotifyReader?
        var shared: WatcherShared
        var options: Options
        var unwatched: String?

        func run() {
            WatcherLoop(
                bucket: bucket, index: index, reader: reader, shared: shared, options: options,
                unwatched: unwatched
            ).run()
        }
    }

    deinit { stop() }

    /// Ends both threads; waits for a commit that runs. What was not committed is found by the scan of the next start.
    /// Not to be called from the sink.
    package func stop() {
        shared.stop()
        reader?.stop()
        let threads = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in threads { thread.join() }
    }

    /// Its folder is no longer where it was (`Bucket.isInPlace`): it ends, and says so in `status`.
    package func lose() { shared.lose() }

    package var status: BucketStatus { shared.status.withLock { $0 } }

    /// For tests of overflow: while paused, inotify's queue is not read.
    package func setDrainingPaused(_ paused: Bool) {
        reader?.setPaused(paused)
    }
}

/// What the looking thread and the watcher's owner share.
final class WatcherShared: Sendable {
    let sink: any ChangeSink
    let ready: @Sendable (BucketStatus) -> Void
    let refused: @Sendable (String) -> Void
    let ended: @Sendable () -> Void
    /// There may be events.
    let wake: EventFlag
    /// `stop` or `lose` was called; stays raised.
    let stopping: EventFlag
    let status: Mutex<BucketStatus>
    private let stopped = Atomic<Bool>(false)
    private let lost = Atomic<Bool>(false)

    init(bucket: String, sink: any ChangeSink, options: BucketWatcher.Options) throws(SystemError) {
        self.sink = sink
        ready = options.ready
        refused = options.refused
        ended = options.ended
        wake = try EventFlag()
        stopping = try EventFlag()
        status = Mutex(BucketStatus(bucket: bucket))
    }

    var isStopping: Bool { stopped.load(ordering: .acquiring) }
    var isLost: Bool { lost.load(ordering: .acquiring) }

    func stop() {
        stopped.store(true, ordering: .releasing)
        raise()
    }

    func lose() {
        lost.store(true, ordering: .releasing)
        raise()
    }

    private func raise() {
        stopping.raise()
        wake.raise()
    }
}

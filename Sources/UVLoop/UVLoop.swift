internal import CLibUV
internal import CLinux
internal import Glibc
internal import Synchronization

/// libuv as a Swift executor: one loop on one thread of its own. Jobs of other threads arrive through a locked queue
/// and one `uv_async` wake-up per batch; without work the thread sleeps in epoll.
///
/// Jobs run in the order in which they were enqueued. They are drained in batches, and between two batches the loop
/// looks at its descriptors and timers, so that a stream of jobs cannot starve them.
///
/// Callbacks of libuv are written in nonisolated types: a C callback formed in an actor's context checks that actor's
/// executor and traps.
///
/// `@unchecked Sendable`: `queue` is behind a lock; `thread` is written before the initialiser returns and never again;
/// everything else is touched by the loop's thread alone (each method says so and checks).
package final class UVLoop: SerialExecutor, @unchecked Sendable {
    /// The host's loop: that of `LoopActor`. Starts at the first use and lives as long as the process.
    package static let shared: UVLoop = {
        do {
            return try UVLoop(name: "sluice-loop")
        } catch {
            // Out of descriptors or memory before the first line of work: there is no host to report to.
            preconditionFailure("The event loop cannot start: \(error)")
        }
    }()

    private enum Item {
        case job(UnownedJob)
        case block(@Sendable () -> Void)
    }

    private struct Queue {
        var items: [Item] = []
        /// A drain is certain to come: the async handle was signalled, or the loop's thread is in a callback.
        var drainPending = false
        var stopping = false
    }

    /// After so many rounds of jobs the loop polls before it goes on.
    private static let roundsPerDrain = 16

    private let queue = Mutex(Queue())
    private var thread: pthread_t = 0
    let loop: UnsafeMutablePointer<uv_loop_t>
    private let async: UnsafeMutablePointer<uv_async_t>
    /// Owned by the loop's thread.
    private(set) var timers: LoopTimers?
    /// The array that was drained last, kept for its storage. Owned by the loop's thread.
    private var spare: [Item] = []

    /// Starts the loop on a new thread.
    /// - Throws: `UVError` where the kernel gives no epoll descriptor, eventfd or thread.
    package init(name: String) throws(UVError) {
        loop = .allocate(capacity: 1)
        async = .allocate(capacity: 1)
        try UVError.check(uv_loop_init(loop), "uv_loop_init")
        try UVError.check(uv_async_init(loop, async) { UVLoop.of($0).drain() }, "uv_async_init")
        async.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        timers = try LoopTimers(loop: self)
        try startThread(name: name)
    }

    /// Nanoseconds of CLOCK_MONOTONIC.
    package static func now() -> UInt64 { uv_hrtime() }

    // MARK: Executor

    package func enqueue(_ job: consuming ExecutorJob) {
        append(.job(UnownedJob(job)))
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    package var isOnLoop: Bool { pthread_equal(pthread_self(), thread) != 0 }

    package func checkIsolated() {
        precondition(isOnLoop, "This code belongs on the event loop's thread, and runs on another.")
    }

    package func isIsolatingCurrentContext() -> Bool? { isOnLoop }

    /// Runs `block` on the loop's thread, in the order of submission and of enqueued jobs.
    package func submit(_ block: @escaping @Sendable () -> Void) {
        append(.block(block))
    }

    /// Runs what was enqueued before, closes every handle and ends the thread; returns when it has ended. Not from the
    /// loop's own thread. What is enqueued later never runs (the handles' memory stays, so that it does no harm).
    package func stop() {
        precondition(!isOnLoop, "An event loop cannot wait for its own end.")
        append(.block { [self] in queue.withLock { $0.stopping = true } })
        pthread_join(thread, nil)
        uv_loop_close(loop)
    }

    private func append(_ item: Item) {
        let signal = queue.withLock { queue -> Bool in
            queue.items.append(item)
            defer { queue.drainPending = true }
            return !queue.drainPending
        }
        if signal { uv_async_send(async) }
    }

    // MARK: On the loop's thread

    /// Wraps every callback of libuv: jobs that it enqueues run right after it, without a system call.
    func inCallback(_ body: () -> Void) {
        // Where a drain is pending already, its own signal brings it; otherwise this callback stands in for it.
        let mine = queue.withLock { queue -> Bool in
            defer { queue.drainPending = true }
            return !queue.drainPending
        }
        body()
        if mine { drain() }
    }

    private func drain() {
        for _ in 0..<Self.roundsPerDrain {
            var items = spare
            spare = []
            let stopping = queue.withLock { queue -> Bool in
                swap(&items, &queue.items)
                if items.isEmpty { queue.drainPending = false }
                return queue.stopping
            }
            if items.isEmpty {
                spare = items
                if stopping { closeHandles() }
                return
            }
            for item in items {
                switch item {
                case .job(let job): job.runSynchronously(on: asUnownedSerialExecutor())
                case .block(let block): block()
                }
            }
            items.removeAll(keepingCapacity: items.count <= 4096)
            spare = items
        }
        uv_async_send(async)
    }

    private func closeHandles() {
        // Closing ends uv_run: no active handle is left. The boxes of polls free themselves in their close callbacks.
        uv_walk(
            loop, { handle, _ in if let handle, uv_is_closing(handle) == 0 { uv_close(handle, LoopPoll.freeIfPoll) } },
            nil)
    }

    private func startThread(name: String) throws(UVError) {
        let started = UnsafeMutablePointer<uv_sem_t>.allocate(capacity: 1)
        defer { started.deallocate() }
        try UVError.check(uv_sem_init(started, 0), "uv_sem_init")
        defer { uv_sem_destroy(started) }
        let box = Unmanaged.passRetained(Launch(loop: self, name: name, started: started))
        var handle: pthread_t = 0
        let status = pthread_create(
            &handle, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Launch>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        guard status == 0 else {
            box.release()
            throw UVError(call: "pthread_create", status: -status)
        }
        uv_sem_wait(started)
    }

    /// What the new thread is given; it writes `thread` before the initialiser goes on.
    private final class Launch {
        let loop: UVLoop
        let name: String
        let started: UnsafeMutablePointer<uv_sem_t>

        init(loop: UVLoop, name: String, started: UnsafeMutablePointer<uv_sem_t>) {
            self.loop = loop
            self.name = name
            self.started = started
        }

        func run() {
            loop.thread = pthread_self()
            clinux_name_thread(name)
            // Beside a handler that computes, what hands out work must not wait until that one has had its turn.
            clinux_ask_short_turns()
            uv_sem_post(started)
            uv_run(loop.loop, UV_RUN_DEFAULT)
        }
    }

    private static func of(_ handle: UnsafeMutablePointer<uv_async_t>?) -> UVLoop {
        guard let data = handle?.pointee.data else { preconditionFailure("libuv gave back no handle") }
        return Unmanaged<UVLoop>.fromOpaque(data).takeUnretainedValue()
    }
}

import Glibc
import Synchronization

/// A few threads for blocking calls (stat, fsync, rename, hashing, database reads), so that neither the loop nor
/// Swift's cooperative pool ever waits for a disk.
package final class FileThreads: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var head = 0
        var stopping = false
    }

    /// A condition variable at a stable address. Unchecked: all access is under its own mutex.
    private final class Gate: @unchecked Sendable {
        let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
        var state = State()

        init() {
            pthread_mutex_init(mutex, nil)
            pthread_cond_init(condition, nil)
        }

        deinit {
            pthread_cond_destroy(condition)
            pthread_mutex_destroy(mutex)
            condition.deallocate()
            mutex.deallocate()
        }

        func push(_ job: @escaping @Sendable () -> Void) {
            pthread_mutex_lock(mutex)
            state.jobs.append(job)
            pthread_cond_signal(condition)
            pthread_mutex_unlock(mutex)
        }

        /// The next job; nil once stopped and drained.
        func pop() -> (@Sendable () -> Void)? {
            pthread_mutex_lock(mutex)
            defer { pthread_mutex_unlock(mutex) }
            while state.head == state.jobs.count {
                if state.stopping { return nil }
                pthread_cond_wait(condition, mutex)
            }
            let job = state.jobs[state.head]
            state.head += 1
            if state.head > 64, state.head * 2 > state.jobs.count {
                state.jobs.removeFirst(state.head)
                state.head = 0
            }
            return job
        }

        func stop() {
            pthread_mutex_lock(mutex)
            state.stopping = true
            pthread_cond_broadcast(condition)
            pthread_mutex_unlock(mutex)
        }
    }

    private let gate = Gate()
    /// Why there is no thread; nil: there is one at least. To be asked by whoever makes threads: a handler that forks
    /// without end may have taken all that there can be. Without a thread each call does its work itself: what blocks
    /// the caller for a while is better than a caller that waits for ever.
    package let refusal: String?

    package typealias Body = @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?

    /// Starts `count` threads, which end when `stop` is called and the queue is empty.
    /// - Parameter create: makes a detached one; an error number where that cannot be.
    package init(count: Int, create: (@escaping Body, UnsafeMutableRawPointer) -> Int32 = FileThreads.create) {
        var (made, refused): (Int, Int32) = (0, 0)
        for _ in 0..<max(1, count) {
            let context = Unmanaged.passRetained(gate).toOpaque()
            let status = create(FileThreads.run, context)
            if status == 0 {
                made += 1
            } else {
                Unmanaged<Gate>.fromOpaque(context).release()
                refused = status
            }
        }
        refusal = made > 0 ? nil : "no thread can be made: \(String(cString: strerror(refused)))"
    }

    package static func create(_ body: @escaping Body, _ context: UnsafeMutableRawPointer) -> Int32 {
        var thread = pthread_t()
        let status = pthread_create(&thread, nil, body, context)
        if status == 0 { pthread_detach(thread) }
        return status
    }

    private static let run: Body = { context in
        guard let context else { return nil }
        let gate = Unmanaged<Gate>.fromOpaque(context).takeRetainedValue()
        while let job = gate.pop() { job() }
        return nil
    }

    private func push(_ job: @escaping @Sendable () -> Void) {
        if refusal == nil { gate.push(job) } else { job() }
    }

    /// Runs blocking work on one of the threads.
    package func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            push { continuation.resume(with: Result { try body() }) }
        }
    }

    /// Runs blocking work that cannot fail.
    package func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            push { continuation.resume(returning: body()) }
        }
    }

    /// Runs blocking work nobody waits for.
    package func perform(_ body: @escaping @Sendable () -> Void) {
        push(body)
    }

    package func stop() {
        gate.stop()
    }
}

import CLinux
import Glibc
import Synchronization

/// What two threads do together.
protocol PairedWork: AnyObject {
    /// Called once on each thread; returns when nothing is left for it to do.
    func run(side: ThreadPair.Side)
}

/// A second thread that joins the caller for short rounds of work.
///
/// A round is far shorter than a time slice (a batch of half a megabyte takes less than a millisecond), and to wake a
/// sleeping thread takes a tenth of that: so both sides watch for the other for a while before they sleep.
final class ThreadPair {
    enum Side: Int {
        case caller = 0
        case helper = 1
    }

    private final class Counter {
        let value = Atomic<Int>(0)
    }

    /// What the threads share; outlives both.
    private final class Shared {
        /// Rounds begun; the helper waits for it to change. -1 ends the helper.
        let begun = Counter()
        /// Rounds that the helper has finished.
        let finished = Counter()
        /// Set before `begun` rises, read by the helper after it saw that, and not touched until `finished` rises.
        var work: (any PairedWork)?
        let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

        init() {
            pthread_mutex_init(mutex, nil)
            pthread_cond_init(changed, nil)
        }

        deinit {
            pthread_cond_destroy(changed)
            pthread_mutex_destroy(mutex)
            changed.deallocate()
            mutex.deallocate()
        }

        /// Waits until a counter has another value.
        func wait(_ counter: Counter, from old: Int) -> Int {
            let start = ThreadPair.nanoseconds()
            repeat {
                for _ in 0..<64 {
                    let value = counter.value.load(ordering: .acquiring)
                    if value != old { return value }
                }
            } while ThreadPair.nanoseconds() &- start < ThreadPair.patience
            pthread_mutex_lock(mutex)
            defer { pthread_mutex_unlock(mutex) }
            while true {
                let value = counter.value.load(ordering: .acquiring)
                if value != old { return value }
                pthread_cond_wait(changed, mutex)
            }
        }

        func set(_ counter: Counter, _ value: Int) {
            pthread_mutex_lock(mutex)
            counter.value.store(value, ordering: .releasing)
            pthread_cond_broadcast(changed)
            pthread_mutex_unlock(mutex)
        }
    }

    /// Nanoseconds of watching before sleeping.
    private static let patience: Int64 = 20_000

    private static func nanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    private let shared = Shared()
    private var thread = pthread_t()
    private var round = 0

    /// - Throws: `Unsupported` where the system gives no further thread.
    init() throws(ColumnarError) {
        let context = Unmanaged.passRetained(shared).toOpaque()
        let result = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let shared = Unmanaged<Shared>.fromOpaque(context).takeRetainedValue()
                var seen = 0
                while true {
                    seen = shared.wait(shared.begun, from: seen)
                    if seen < 0 { return nil }
                    shared.work?.run(side: .helper)
                    shared.set(shared.finished, seen)
                }
            }, context)
        guard result == 0 else {
            Unmanaged<Shared>.fromOpaque(context).release()
            throw ColumnarError(.unsupported, "Cannot start a second thread: \(systemMessage(result)). Use one.")
        }
    }

    deinit {
        shared.set(shared.begun, -1)
        pthread_join(thread, nil)
    }

    /// Runs both sides of the work, and returns when both have returned.
    func run(_ work: any PairedWork) {
        shared.work = work
        let before = round
        round += 1
        shared.set(shared.begun, round)
        work.run(side: .caller)
        _ = shared.wait(shared.finished, from: before)
        shared.work = nil
    }
}

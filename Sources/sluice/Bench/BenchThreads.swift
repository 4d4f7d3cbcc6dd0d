import CLinux
import Glibc
import Synchronization

/// The monotonic clock that all processes share.
enum BenchClock {
    static var nanoseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    static func sleep(until due: Int64) {
        var time = timespec(tv_sec: Int(due / 1_000_000_000), tv_nsec: Int(due % 1_000_000_000))
        while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
    }
}

/// A few threads that are waited for.
struct BenchThreads {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private var threads: [pthread_t] = []

    static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) -> BenchThreads {
        var result = BenchThreads()
        for index in 0..<count {
            var thread = pthread_t()
            let box = Unmanaged.passRetained(Body { body(index) })
            pthread_create(
                &thread, nil,
                { context in
                    if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
                    return nil
                }, box.toOpaque())
            result.threads.append(thread)
        }
        return result
    }

    func join() {
        for thread in threads { pthread_join(thread, nil) }
    }
}

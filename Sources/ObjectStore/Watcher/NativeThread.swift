import CLinux
import Glibc
import Synchronization

/// A thread of its own for code that blocks.
final class NativeThread: Sendable {
    private let handle: Mutex<pthread_t?>

    private final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void

        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// Starts `body`; the kernel shows the first 15 bytes of `name`.
    init(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        let box = Unmanaged.passRetained(Body(name: name, run: body))
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                // Signals are for the threads that wait for them.
                var all = sigset_t()
                sigfillset(&all)
                pthread_sigmask(SIG_BLOCK, &all, nil)
                _ = clinux_name_thread(body.name)
                body.run()
                return nil
            }, box.toOpaque())
        if result != 0 {
            box.release()
            throw SystemError(result, "start a thread for", name)
        }
        handle = Mutex(thread)
    }

    /// Waits until the body has returned. Once; not from the thread itself.
    func join() {
        let thread = handle.withLock { handle in
            defer { handle = nil }
            return handle
        }
        if let thread { pthread_join(thread, nil) }
    }
}

/// Something one thread raises and another waits for: an eventfd, so that it can be polled beside other descriptors.
final class EventFlag: Sendable {
    let descriptor: Int32

    init() throws(SystemError) {
        descriptor = clinux_eventfd()
        if descriptor < 0 { throw .last("eventfd", "") }
    }

    deinit { close(descriptor) }

    func raise() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }

    func lower() {
        var value: UInt64 = 0
        _ = read(descriptor, &value, 8)
    }

    /// Waits until it is raised, at most so long (nil: for ever), and leaves it raised.
    func wait(nanoseconds: Int64?) {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // Rounded up: waking early would only mean to wait again.
        let milliseconds = nanoseconds.map { Int32(clamping: ($0 + 999_999) / 1_000_000) } ?? -1
        _ = poll(&wanted, 1, max(milliseconds, -1))
    }
}

enum Clock {
    /// Nanoseconds since some start, never going back.
    static var monotonic: Int64 { read(CLOCK_MONOTONIC) }

    /// The clock that file systems stamp with, in nanoseconds since 1970: no file changed after this call has a ctime
    /// below it (the precise clock runs up to one tick ahead of stamps).
    static var files: Int64 { read(CLOCK_REALTIME_COARSE) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension Duration {
    var nanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
}

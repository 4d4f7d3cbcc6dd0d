import CLinux
import Glibc
import Synchronization

/// Empties an inotify descriptor on a thread that does nothing else, so that the kernel's queue (16,384 events by
/// default) overflows only when the machine is starved, not when the disk or the journal is slow.
final class InotifyReader: Sendable {
    let descriptor: Int32
    /// The kernel says on it when something is mounted or unmounted, which inotify does not; -1: not to be had.
    private let mounts: Int32
    private let state: Mutex<State>
    /// Raised when there is something to take.
    private let wake: EventFlag
    /// Raised to make the thread look at `state`.
    private let control: EventFlag
    /// What may wait here before it is treated like an overflow of the kernel's queue.
    private static let limit = 64 << 20

    private struct State {
        var bytes: [UInt8] = []
        var lost = false
        var mounted = false
        var paused = false
        var stopped = false
    }

    init(wake: EventFlag) throws(SystemError) {
        control = try EventFlag()
        descriptor = clinux_inotify_create()
        if descriptor < 0 { throw .last("inotify_init", "") }
        mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)
        state = Mutex(State())
        self.wake = wake
    }

    deinit {
        close(descriptor)
        if mounts >= 0 { close(mounts) }
    }

    /// The thread's body; returns after `stop`.
    func run() {
        while true {
            let (paused, stopped) = state.withLock { ($0.paused, $0.stopped) }
            if stopped { return }
            var wanted = [
                pollfd(fd: control.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: mounts, events: Int16(POLLPRI), revents: 0),
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
            ]
            _ = poll(&wanted, paused ? 2 : 3, -1)
            if wanted[0].revents != 0 { control.lower() }
            if wanted[1].revents != 0 {
                state.withLock { $0.mounted = true }
                wake.raise()
            }
            if !paused, wanted[2].revents != 0, drain() { wake.raise() }
        }
    }

    /// Reads what the kernel has, until it has nothing more. Also called by the consumer when it must know that what
    /// happened before is in `take`'s result. False while paused.
    @discardableResult
    func drain() -> Bool {
        state.withLock { state in
            if state.paused { return false }
            withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 8) { buffer in
                while true {
                    let count = read(descriptor, buffer.baseAddress, buffer.count)
                    if count < 0, errno == EINTR { continue }
                    if count <= 0 { return }
                    if state.bytes.count + count > Self.limit {
                        state.lost = true
                        state.bytes = []
                    } else if !state.lost {
                        state.bytes.append(contentsOf: buffer[..<count])
                    }
                }
            }
            return true
        }
    }

    /// What was read since the last call, as the kernel wrote it; `lost` when there was too much of it to keep;
    /// `mounted` when something was mounted or unmounted, anywhere.
    func take() -> (bytes: [UInt8], lost: Bool, mounted: Bool) {
        state.withLock { state in
            let result = (state.bytes, state.lost, state.mounted)
            state.bytes = []
            state.lost = false
            state.mounted = false
            return result
        }
    }

    /// For tests: a reader that is paused lets the kernel's queue fill.
    func setPaused(_ paused: Bool) {
        state.withLock { $0.paused = paused }
        control.raise()
    }

    func stop() {
        state.withLock { $0.stopped = true }
        control.raise()
    }
}

/// One event of inotify(7).
struct InotifyEvent {
    var watch: Int32
    var mask: UInt32
    var name: ArraySlice<UInt8>

    var isFolder: Bool { has(IN_ISDIR) }

    func has(_ flag: Int32) -> Bool { mask & UInt32(bitPattern: flag) != 0 }

    /// Calls `body` with each event of a run of `struct inotify_event`: int wd, uint32 mask, cookie, len, name[len]
    /// padded with NUL.
    static func forEach(in bytes: [UInt8], _ body: (InotifyEvent) -> Void) {
        var offset = 0
        while offset + 16 <= bytes.count {
            let (watch, mask, length) = bytes.withUnsafeBytes {
                (
                    $0.loadUnaligned(fromByteOffset: offset, as: Int32.self),
                    $0.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self),
                    Int($0.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
                )
            }
            let start = offset + 16
            guard start + length <= bytes.count else { return }
            let padded = bytes[start..<(start + length)]
            let name = padded.prefix { $0 != 0 }
            body(InotifyEvent(watch: watch, mask: mask, name: name))
            offset = start + length
        }
    }
}

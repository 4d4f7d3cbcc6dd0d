import Foundation

/// Wakes a test whenever the host's journal commits something: tests wait for that, never for time.
final class JournalWatch: Sendable {
    private let descriptor: Int32

    init(dataFolder: String) {
        descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        inotify_add_watch(descriptor, dataFolder + "/journal", UInt32(IN_MODIFY | IN_CREATE))
    }

    deinit { close(descriptor) }

    /// Waits until something was written since the last call, at most `milliseconds`. False: nothing was.
    func written(milliseconds: Int32) async -> Bool {
        await blocking { [self] in
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&poller, 1, milliseconds) > 0 else { return false }
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            while read(descriptor, &buffer, buffer.count) > 0 {}
            return true
        }
    }
}

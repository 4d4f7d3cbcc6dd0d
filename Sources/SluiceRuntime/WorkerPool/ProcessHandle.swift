import CLinux
import Glibc
import UVLoop

/// A process by its pidfd: killed and waited for without the races of a bare pid. It keeps itself alive until the
/// process has ended, so that a child is always reaped.
@LoopActor
final class ProcessHandle {
    let pid: pid_t
    private var descriptor: Int32
    private let isChild: Bool
    private var poll: LoopPoll?
    private var ended: ((_ status: Int32?) -> Void)?

    /// Owns `descriptor`. `ended` is called once, when the process has ended: with its wait status where it is this
    /// process's child (it is reaped then), else with nil.
    init(pid: pid_t, descriptor: Int32, isChild: Bool, ended: @escaping @LoopActor (Int32?) -> Void) {
        self.pid = pid
        self.descriptor = descriptor
        self.isChild = isChild
        self.ended = ended
        // The closure holds `self` until `finish`.
        poll = try? LoopPoll(descriptor: descriptor, events: .readable) { _, _ in self.finish() }
        if poll == nil {
            // No descriptor, or none to be had for watching it: what cannot be watched must not run.
            Glibc.kill(pid, SIGKILL)
            LoopActor.submit { self.finish() }
        }
    }

    /// SIGKILL for the process and for all it has started (it leads a session of its own).
    func kill() {
        guard descriptor >= 0, ended != nil else { return }
        _ = clinux_pidfd_send_signal(descriptor, SIGKILL)
        if pid > 1 { Glibc.kill(-pid, SIGKILL) }
    }

    private func finish() {
        guard let ended else { return }
        var status: Int32?
        if isChild {
            // Before it is reaped: until then nobody else can have its number.
            if pid > 1 { Glibc.kill(-pid, SIGKILL) }
            var reaped: Int32 = 0
            if clinux_pidfd_reap(descriptor, &reaped) == 1 { status = reaped }
        }
        poll?.cancel()
        poll = nil
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
        self.ended = nil
        ended(status)
    }
}

import Synchronization
import UVLoop

/// Rings at each commit of a journal: what tests of hosts wait for.
final class CommitBell: Sendable {
    private struct State {
        var count = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var count: Int { state.withLock { $0.count } }

    func ring() {
        let waiting = state.withLock { state in
            state.count += 1
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Returns when it has rung since it had rung `count` times, or after a while: what follows a commit on the loop
    /// rings no bell of its own.
    @LoopActor
    func rung(after count: Int) async {
        let timer = LoopTimer.after(.milliseconds(100)) { [self] in ring() }
        defer { timer.cancel() }
        await withCheckedContinuation { continuation in
            let isNow = state.withLock { state in
                if state.count == count { state.waiting.append(continuation) }
                return state.count != count
            }
            if isNow { continuation.resume() }
        }
    }
}

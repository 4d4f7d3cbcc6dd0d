package import HostAPI
import Synchronization

/// One backup at a time, which a host that stops ends.
package final class BackupTurn: Sendable {
    private struct State {
        var isTaken = false
        var isStopped = false
    }

    private let state = Mutex(State())

    package init() {}

    package var isStopped: Bool { state.withLock { $0.isStopped } }

    package func begin() throws(APIError) {
        let (isStopped, wasTaken) = state.withLock { state in
            defer { if !state.isStopped { state.isTaken = true } }
            return (state.isStopped, state.isTaken)
        }
        if isStopped { throw .unavailable("no backup was made: the host stops") }
        if wasTaken {
            throw .conflict(
                "no backup was made: another one is being made",
                hint: "it goes on also where its command was ended; wait for it")
        }
    }

    package func end() { state.withLock { $0.isTaken = false } }

    /// The one that is being made fails, and none is begun any more.
    package func stop() { state.withLock { $0.isStopped = true } }
}

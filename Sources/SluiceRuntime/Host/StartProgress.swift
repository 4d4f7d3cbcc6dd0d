import Glibc
import Synchronization

/// How far a host's start is, for those who wait for it: `up` prints it, and commands read it from the data folder,
/// where nothing answers them yet. And whether somebody wants the host to end before it has started.
package final class StartProgress: Sendable {
    /// In the data folder: the process on the first line, what it does on the second.
    package static let fileName = "starting"

    private struct State {
        var step = "opening the journal"
        var isEnded = false
        var isInterrupted = false
        var onInterrupt: (@Sendable () -> Void)?
    }

    private let file: String
    private let state = Mutex(State())
    /// Held while the file is written: what is there is always the last step. Whether one was written: a host that is
    /// refused for another one must leave that one's.
    private let writing = Mutex(false)

    package init(dataFolder: String) {
        file = "\(dataFolder)/\(Self.fileName)"
    }

    /// What is being done; nil once the host accepts work.
    package var step: String? { state.withLock { $0.isEnded ? nil : $0.step } }

    package var isInterrupted: Bool { state.withLock(\.isInterrupted) }

    /// Begins the next step; throws `StartInterrupted` where the host is to end instead. `keep` writes it down.
    func begin(_ step: String) throws(StartInterrupted) {
        let isInterrupted = state.withLock { state in
            state.step = step
            return state.isInterrupted
        }
        if isInterrupted { throw StartInterrupted() }
    }

    /// Writes the step into the data folder. Blocking; a disk that refuses costs nobody anything.
    package func keep() {
        writing.withLock { hasWritten in
            guard let step else { return }
            let text = Array("\(getpid())\n\(step)\n".utf8)
            let descriptor = open("\(file).new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { return }
            let count = write(descriptor, text, text.count)
            close(descriptor)
            hasWritten = true
            if count == text.count { rename("\(file).new", file) } else { unlink("\(file).new") }
        }
    }

    /// The host has started, or will not.
    package func end() {
        state.withLock { $0.isEnded = true }
        // Once: a file that is there later is another host's.
        writing.withLock { hasWritten in
            if hasWritten { unlink(file) }
            hasWritten = false
        }
    }

    /// The host is to end: its start goes no further than to the next step, and ends cleanly.
    package func interrupt() {
        let act = state.withLock { state in
            state.isInterrupted = true
            return state.onInterrupt
        }
        act?()
    }

    /// `act` is called when the host is to end, at once if that is known already.
    func onInterrupt(_ act: @escaping @Sendable () -> Void) {
        let isInterrupted = state.withLock { state in
            state.onInterrupt = act
            return state.isInterrupted
        }
        if isInterrupted { act() }
    }
}

/// A host was told to end before it had started. What it had begun is ended in order.
package struct StartInterrupted: Error {}

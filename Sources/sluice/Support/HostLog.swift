import Glibc
import HostAPI
import Logging
import SluiceRuntime
import Synchronization

/// The host's own log: one line each on stderr, and in the log files beside its functions'.
struct HostLog: LogHandler {
    let label: String
    let keeper: HostLogKeeper
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .notice

    init(label: String, keeper: HostLogKeeper) {
        self.label = label
        self.keeper = keeper
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// A value with blanks ends where its quotes do.
    private static func quoted(_ value: String) -> String {
        guard value.isEmpty || value.contains(where: { $0 == " " || $0 == "\"" }) else { return value }
        return "\"" + value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let details = all.sorted { $0.key < $1.key }.map { " \($0.key)=\(Self.quoted("\($0.value)"))" }.joined()
        let time = Human.now()
        let text = "\(event.message)\(details)"
        let line = Text.shown("\(APITime(milliseconds: time)) \(event.level) \(text)", lineEnd: "\n  ") + "\n"
        _ = line.utf8.withContiguousStorageIfAvailable { write(2, $0.baseAddress, $0.count) }
        keeper.add("\(event.level)", text, at: time)
    }
}

/// Hands the host's lines to its log files; what is said before they are open waits.
final class HostLogKeeper: Sendable {
    private struct State {
        var store: LogStore?
        var early: [(level: String, text: String, time: Int64)] = []
    }

    private static let maximumEarly = 1000
    private let state = Mutex(State())

    func add(_ level: String, _ text: String, at time: Int64) {
        state.withLock { state in
            if let store = state.store {
                store.append(host: level, text, at: time)
            } else if state.early.count < Self.maximumEarly {
                state.early.append((level, text, time))
            }
        }
    }

    func keep(in store: LogStore) {
        state.withLock { state in
            for line in state.early { store.append(host: line.level, line.text, at: line.time) }
            state = State(store: store)
        }
    }
}

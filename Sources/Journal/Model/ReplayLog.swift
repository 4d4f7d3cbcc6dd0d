/// The logs of replays: what a replay delivers again is a record of its own in a log that is no bus, so that the
/// archive stays what it is and the copy is delivered, retried and recovered like any other record.
package enum ReplayLog {
    private static let prefix = "replay/"

    package static func name(of replay: String) -> String { prefix + replay }

    package static func isReplay(_ log: String) -> Bool { log.hasPrefix(prefix) }

    /// The replay's name; nil for a bus.
    package static func replay(of log: String) -> String? {
        isReplay(log) ? String(log.dropFirst(prefix.count)) : nil
    }
}

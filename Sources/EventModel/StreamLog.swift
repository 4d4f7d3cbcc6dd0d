/// The logs of streams, beside those of buses: `stream/NAME`, which no bus can be called.
package enum StreamLog {
    private static let prefix = "stream/"

    package static func name(of stream: String) -> String { prefix + stream }

    package static func isStream(_ log: String) -> Bool { log.hasPrefix(prefix) }

    /// The stream's name; nil for a bus.
    package static func stream(of log: String) -> String? {
        isStream(log) ? String(log.dropFirst(prefix.count)) : nil
    }
}

/// The deduplication ids of the host's own events. They share a log with those of producers, which must not be able to
/// name one: the host's event would be taken for known, and lost.
package enum HostDeduplication {
    static let schedule = "schedule/"
    static let manifest = "manifest/"
    static let alarm = "alarm/"
    private static let producer = "producer/"
    private static let reserved = [schedule, manifest, alarm, producer]

    /// A producer's id as the journal has it: another one only where it begins like one of the host's, so that what
    /// earlier versions have stored stays known.
    package static func producers(_ id: String) -> String {
        reserved.contains { id.utf8.starts(with: $0.utf8) } ? producer + id : id
    }
}

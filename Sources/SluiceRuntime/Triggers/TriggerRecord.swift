import HostAPI
import Journal

/// Events for what a bucket already has, as the journal keeps the job: where it is commits with the events it has made,
/// so the next host goes on there.
struct TriggerRecord: Codable, Sendable {
    var id: String
    var bucket: String
    var prefix: String
    var rate: Double?
    /// The last key that was announced.
    var after: String?
    // Of jobs that an earlier version of Sluice has begun nothing of this is known.
    /// Objects beneath the prefix when it was asked for.
    var selected: Int64?
    var sent: Int64?
    /// Who asked, as the client says.
    var by: String?
    var created: Milliseconds?
    var ended: Milliseconds?
    var cancelled: Bool?
    /// Why it ended before everything was announced.
    var reason: String?

    static let prefix = "trigger/"
    var name: String { Self.prefix + id }

    /// For the same objects.
    func isAlike(_ other: TriggerRecord) -> Bool {
        bucket == other.bucket && prefix.utf8.elementsEqual(other.prefix.utf8)
    }

    /// As it is told.
    var job: TriggerJob {
        let state: JobState =
            ended == nil ? .running : reason != nil ? .failed : cancelled == true ? .cancelled : .completed
        return TriggerJob(
            id: id, state: state, reason: reason, bucket: bucket, prefix: prefix, rate: rate, selected: selected ?? 0,
            sent: sent ?? 0, by: by, started: created.map { .init($0) }, ended: ended.map { .init($0) })
    }
}

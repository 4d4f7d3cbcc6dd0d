import CLinux
import EventModel
import EventPatterns
import FunctionJSON
import FunctionProtocol
import Journal

/// What a page of the log has for manifest rules. Made on a file thread: it blocks, and parses.
struct ManifestPage: Sendable {
    /// An object that some rules take for a manifest.
    struct Arrival: Sendable {
        var position: Position
        var eventID: String
        var ingested: Milliseconds
        var lineage: String
        var input: ObjectInput
        var rules: [ManifestRule]
    }

    private static let maximumRecords = 500
    private static let maximumBytes = 8 << 20

    /// The last record that was read.
    var end: Position
    /// Objects that came, were replaced, or went.
    var changed: [ObjectAddress] = []
    var arrivals: [Arrival] = []

    /// The next page behind the rules' cursor; nil at the end of the log.
    /// - Parameter ruleSet: the deployment after the one whose rules these are. What lies behind it is the next rules'.
    init?(of journal: any JournalStore, for rules: ManifestRules, before ruleSet: Int64) throws {
        var records = try journal.records(
            log: "default", after: rules.cursor, limit: Self.maximumRecords, bytes: Self.maximumBytes)
        // Asked for afterwards: a record behind the deployment is never read without it.
        if let deployed = try journal.position(ofRuleSet: ruleSet) {
            records.removeLast(records.count - (records.firstIndex { $0.position >= deployed } ?? records.count))
        }
        guard let last = records.last else { return nil }
        end = last.position
        for record in records where Self.mayTellOfObject(record) {
            guard let address = Self.address(in: record.payload) else { continue }
            changed.append(address)
            guard let input = EventReading.objectInput(of: record.payload) else { continue }
            let taking = rules.rules.filter {
                $0.takes(record.position) && (try? $0.pattern?.matches(record.payload)) == true
            }
            if taking.isEmpty { continue }
            arrivals.append(
                Arrival(
                    position: record.position, eventID: record.eventID, ingested: record.ingested,
                    lineage: String(decoding: record.lineage, as: UTF8.self), input: input, rules: taking))
        }
    }

    private static let quotedSource = Array("\"\(ObjectCreated.source)\"".utf8)

    /// A cheap look at an event's head, where the host writes the source: false for what cannot be about an object.
    static func mayTellOfObject(_ record: CommittedRecord) -> Bool {
        guard record.log == "default" else { return false }
        return record.payload.withUnsafeBytes { text in
            quotedSource.withUnsafeBytes { word in
                clinux_contains(text.baseAddress, min(text.count, 512), word.baseAddress, word.count)
            }
        }
    }

    private static func address(in payload: [UInt8]) -> ObjectAddress? {
        guard let root = try? JSONDocument(parsing: payload).root, root["source"]?.string == ObjectCreated.source,
            let bucket = root["detail"]?["bucket"]?["name"]?.string,
            let key = root["detail"]?["object"]?["key"]?.string
        else { return nil }
        return ObjectAddress(bucket: bucket, key: key)
    }
}

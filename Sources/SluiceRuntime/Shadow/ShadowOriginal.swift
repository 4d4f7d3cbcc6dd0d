import EventModel
import FunctionJSON
import FunctionProtocol
import HostAPI
import Journal

/// The run that an event had the first time: its row is kept if it had effects, log output or an error.
struct ShadowOriginal {
    var effects: [EffectInfo] = []
    /// It ran in a batch, and what it has made cannot be told from what others have.
    var isBatch = false
    /// It never succeeded.
    var failure: (code: String, message: String)?

    init(of record: StoredRecord, _ path: ReplayRecord.Path, _ journal: any JournalStore) throws {
        guard let subscription = path.original else { return }
        let rows = try journal.invocations(eventID: record.eventID).filter { $0.subscription == subscription }
        let partial = rows.last { $0.outcome == "partial" }
        if let row = rows.last(where: { $0.outcome == "succeeded" }) ?? partial {
            effects = JSONText.decode(InvocationDetails.self, from: row.details)?.effects ?? []
            if row.eventIDs.count > 1 {
                let index = row.eventIDs.firstIndex(of: record.eventID)
                // Of a row from before this was kept, and of what a batch made together, nobody knows whose it is.
                isBatch = effects.contains { $0.record == nil }
                if !isBatch { effects = effects.filter { $0.record == index } }
            }
            if row.outcome == "succeeded" { return }
        }
        guard let failed = partial ?? rows.last(where: { $0.outcome == "failed" }) else { return }
        // A success without effects leaves no row: only its dead letter tells that it failed for good.
        guard let delivery = record.deliveries.first(where: { $0.subscription == subscription }) else { return }
        let filter = DeadLetterFilter(
            states: [.dead, .redriving, .purged], subscription: subscription, ordinal: delivery.ordinal, limit: 1)
        guard let letter = try journal.deadLetters(filter).first else { return }
        // A batch's row tells of the first record that failed, and what it published is that of others.
        failure = failed.eventIDs.count > 1 ? (letter.code, letter.message) : (failed.code, failed.message)
        effects = []
    }
}

/// An event as it is compared: the order of its detail's members means nothing.
struct ShadowEvent: Hashable {
    var subject: String
    var value: JSONValue

    /// Byte by byte, with the members of objects in one order.
    private let exact: [UInt8]

    static func == (left: ShadowEvent, right: ShadowEvent) -> Bool {
        left.isAbout(right) && left.exact == right.exact
    }

    func hash(into hasher: inout Hasher) { hasher.combine(exact) }

    /// Whether bus, source and detail-type are the same, or stream and partition key.
    func isAbout(_ other: ShadowEvent) -> Bool { subject.utf8.elementsEqual(other.subject.utf8) }

    private init(_ subject: String, _ value: JSONValue) {
        self.subject = subject
        self.value = value
        exact = Self.inOrder(value).serialized()
    }

    private static func inOrder(_ value: JSONValue) -> JSONValue {
        switch value {
        case .null, .bool, .number, .string: return value
        case .array(let elements): return .array(elements.map(inOrder))
        case .object(let object):
            // Of a name that is there twice the last one counts.
            var last: [[UInt8]: JSONObject.Member] = [:]
            for member in object.members {
                last[Array(member.name.utf8)] = .init(name: member.name, value: inOrder(member.value))
            }
            let names = last.keys.sorted { $0.lexicographicallyPrecedes($1) }
            return .object(JSONObject(members: names.compactMap { last[$0] }))
        }
    }

    var detail: String { String(decoding: value.serialized(), as: UTF8.self) }

    init(_ entry: PutEventsRequest.Entry) {
        self.init(
            "\(entry.bus ?? "default") \(entry.source) \(entry.detailType)",
            (try? JSONValue(parsing: Array(entry.detail.utf8))) ?? .string(entry.detail))
    }

    init(_ entry: PutRecordsRequest.Entry) {
        self.init(
            "\(StreamLog.name(of: entry.stream)) \(entry.partitionKey)", Self.value(ofData: Array(entry.data.utf8)))
    }

    /// The data of a stream's record: JSON where it is some.
    private static func value(ofData text: [UInt8]) -> JSONValue {
        Base64.decode(text).flatMap { try? JSONValue(parsing: $0) } ?? .string(String(decoding: text, as: UTF8.self))
    }

    init(_ record: StoredRecord) {
        if let parts = StreamRecordText.Parts(record.payload) {
            self.init("\(record.log) \(parts.partitionKey)", Self.value(ofData: parts.data))
            return
        }
        let root = try? JSONDocument(parsing: record.payload).root
        self.init(
            "\(record.log) \(root?["source"]?.string ?? "") \(root?["detail-type"]?.string ?? "")",
            root?["detail"].flatMap { try? JSONValue(parsing: Array($0.sourceBytes)) } ?? .null)
    }
}

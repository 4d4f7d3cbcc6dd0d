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

    var detail: String { String(decoding: value.serialized(), as: UTF8.self) }

    init(_ entry: PutEventsRequest.Entry) {
        subject = "\(entry.bus ?? "default") \(entry.source) \(entry.detailType)"
        value = (try? JSONValue(parsing: Array(entry.detail.utf8))) ?? .string(entry.detail)
    }

    init(_ entry: PutRecordsRequest.Entry) {
        subject = "\(StreamLog.name(of: entry.stream)) \(entry.partitionKey)"
        value = Self.value(ofData: Array(entry.data.utf8))
    }

    /// The data of a stream's record: JSON where it is some.
    private static func value(ofData text: [UInt8]) -> JSONValue {
        Base64.decode(text).flatMap { try? JSONValue(parsing: $0) } ?? .string(String(decoding: text, as: UTF8.self))
    }

    init(_ record: StoredRecord) {
        if let parts = StreamRecordText.Parts(record.payload) {
            subject = "\(record.log) \(parts.partitionKey)"
            value = Self.value(ofData: parts.data)
            return
        }
        let root = try? JSONDocument(parsing: record.payload).root
        subject = "\(record.log) \(root?["source"]?.string ?? "") \(root?["detail-type"]?.string ?? "")"
        value = root?["detail"].flatMap { try? JSONValue(parsing: Array($0.sourceBytes)) } ?? .null
    }
}

package import EventModel
import EventPatterns
package import Journal

/// Routing records of streams: to a shard by their key, to subscriptions by what their data says.
extension EventRouter {
    /// A valid record for a stream, in its shard and with the subscriptions that want it; nil where there is no such
    /// stream.
    /// - Parameter arrived: milliseconds since 1970.
    package func record(
        to stream: String, id: String, _ entry: PutRecordsEntry, explicitHash: UInt128?, arrived: Milliseconds,
        lineage: [UInt8] = []
    ) -> Append? {
        let session = session()
        defer { end(session) }
        guard let target = session.rules.streams[stream] else { return nil }
        let shard = target.shard(for: explicitHash ?? ShardMap.hash(of: entry.partitionKey))
        let payload = StreamRecordText.bytes(
            stream: stream, shard: shard, partitionKey: entry.partitionKey, data: entry.data.utf8, arrived: arrived)
        let record = Append(
            log: StreamLog.name(of: stream), eventID: id, ingested: arrived, payload: payload, subscriptions: [],
            ruleSet: session.rules.number, lineage: lineage, marks: Self.marks)
        return matched(record, target, session) {
            StreamFilter.document(
                stream: stream, partitionKey: entry.partitionKey, data: StreamFilter.json(of: entry.data.utf8))
        }
    }

    /// A record that was made earlier, as the effect of an invocation: as the rules in force have it. One whose stream
    /// is gone since is kept in its log, where nobody wants it.
    package func record(
        _ payload: [UInt8], to log: String, id: String, ingested: Milliseconds, lineage: [UInt8]
    ) -> Append {
        let session = session()
        defer { end(session) }
        let record = Append(
            log: log, eventID: id, ingested: ingested, payload: payload, subscriptions: [],
            ruleSet: session.rules.number,
            lineage: lineage, marks: Self.marks)
        guard let stream = StreamLog.stream(of: log) else { return record }
        return rematch(record, of: stream, session)
    }

    /// A record as other rules than those it was made with have it: they may have other shards, too.
    func rematch(_ append: Append, of stream: String, _ session: Session) -> Append {
        var record = append
        record.ruleSet = session.rules.number
        record.subscriptions = []
        guard let target = session.rules.streams[stream], let old = StreamRecordText.shard(of: append.payload) else {
            record.lineage = Lineage.marking(append.lineage, undecided: [])
            return record
        }
        if let open = target.generations.last, old < open.firstShard,
            let key = StreamRecordText.partitionKey(of: append.payload)
        {
            record.payload = StreamRecordText.moved(append.payload, to: target.shard(for: key, before: old))
        }
        return matched(record, target, session) { StreamFilter.subject(of: append.payload) }
    }

    /// The same with its subscriptions. `document` is asked for only where there are patterns.
    private func matched(
        _ record: Append, _ target: StreamRoute, _ session: Session, document: () -> [UInt8]
    ) -> Append {
        var record = record
        record.subscriptions = target.everything
        var undecided: [SubscriptionID] = []
        if session.rules.matchers[record.log] != nil {
            let route = match(document(), .strict, record.log, session)
            record.subscriptions += route.subscriptions + route.undecided
            undecided = route.undecided
        }
        record.lineage = Lineage.marking(record.lineage, undecided: undecided)
        return record
    }

    private static let marks = PositionMarks(ends: StreamRecordText.sequenceEnds)
}

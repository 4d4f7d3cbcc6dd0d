import AppConfig
import EventModel
package import HostAPI
import Journal
import UVLoop

extension HostController {
    package func listStreams() async throws -> [StreamInfo] {
        let deployment = await host.deployment
        let statuses = try await subscriptionStatuses()
        var streams: [StreamInfo] = []
        for settings in deployment.streams where settings.isRemoved != true {
            streams.append(try await info(settings, deployment, statuses))
        }
        return streams
    }

    package func stream(name: String) async throws -> StreamInfo {
        let settings = try await settings(of: name)
        return try await info(settings, await host.deployment, try await subscriptionStatuses())
    }

    package func putRecords(stream: String, submission: RecordSubmission) async throws -> RecordReceipt {
        guard (1...PutRecordsEntry.maximumRecords).contains(submission.records.count) else {
            throw APIError.invalidRequest(
                "a submission must have between 1 and \(PutRecordsEntry.maximumRecords) records, this one has "
                    + "\(submission.records.count)")
        }
        var bytes = 0
        let entries = try submission.records.enumerated().map { index, record in
            let entry = PutRecordsEntry(
                partitionKey: record.partitionKey, explicitHashKey: record.explicitHashKey, data: record.data)
            do throws(PutRecordsEntry.Refusal) {
                let valid = try entry.validate()
                bytes += valid.byteCount
                return (entry: entry, valid: valid)
            } catch {
                throw APIError.invalidRequest("record \(index + 1): \(error.message)")
            }
        }
        guard bytes <= PutRecordsEntry.maximumBytes else {
            throw APIError.invalidRequest(
                "the records have \(bytes) bytes together, and a submission at most \(PutRecordsEntry.maximumBytes)")
        }
        let places: [StreamWriter.Place]?
        do {
            try host.admission.check()
            places = try await streams.put(entries, to: stream)
        } catch let error as JournalError {
            throw APIError.unavailable(
                "nothing was accepted: \(error.message)",
                hint: error.code == .diskFull ? "free space on the data folder's disk" : nil)
        }
        guard let places else {
            try await requireStream(stream)
            throw APIError.notFound("stream", stream, hint: "sluice.yaml declares them")
        }
        return RecordReceipt(
            results: places.map {
                .init(
                    shardID: StreamSequence.shardID($0.shard), sequenceNumber: StreamSequence.text(of: $0.position))
            })
    }

    package func streamPosition(stream: String, start: StreamStart) async throws -> StreamPosition {
        let reading = try await reading(of: stream)
        let after: Position
        switch start {
        case .trimHorizon: after = try await files.run { try reading.position(from: 0) }
        case .latest: after = try await read { try $0.lastRecords(log: nil, limit: 1).last?.position ?? 0 }
        case .atSequenceNumber(let text): after = max(0, try position(text) - 1)
        case .afterSequenceNumber(let text): after = try position(text)
        case .atTimestamp(let time): after = try await files.run { try reading.position(from: time.milliseconds) }
        }
        return StreamPosition(after: max(0, after))
    }

    private func position(_ sequenceNumber: String) throws -> Position {
        guard let position = StreamSequence.position(of: sequenceNumber) else {
            throw APIError.invalidRequest(
                "`\(sequenceNumber.prefix(80))` is no sequence number of a stream",
                hint: "take one that a put or a read has answered")
        }
        return position
    }

    package func streamRecords(_ query: StreamQuery) async throws -> StreamPage {
        let reading = try await reading(of: query.stream)
        var shard: Int?
        if let id = query.shard {
            guard let number = StreamSequence.shardNumber(id),
                reading.settings.generations.contains(where: {
                    $0.firstShard <= number && number < $0.firstShard + $0.shards
                })
            else {
                throw APIError.notFound(
                    "shard", id, hint: "`sluice streams show \(query.stream)` lists those of the stream")
            }
            shard = number
        }
        let number = shard
        let page = try await read { _ in
            try reading.page(
                after: query.after, shard: number, limit: max(1, min(query.limit, StreamQuery.maximumRecords)),
                bytes: StreamQuery.maximumBytes)
        }
        return StreamPage(
            records: page.records.compactMap(StreamPage.Record.init), next: StreamPosition(after: page.next),
            behindMilliseconds: page.behind, isEnd: page.isEnd)
    }

    /// The record with an event's id or, of a stream, with its sequence number.
    func record(_ id: String) async throws -> StoredRecord? {
        guard let position = StreamSequence.ofRecord(id) else { return try await read { try $0.record(eventID: id) } }
        let record = try await read { try $0.record(at: position) }
        return record.flatMap { StreamLog.isStream($0.log) ? $0 : nil }
    }

    /// Throws `NotFound` for a stream that the app does not have.
    func requireStream(_ name: String) async throws { _ = try await settings(of: name) }

    private func settings(of name: String) async throws -> StreamSettings {
        let deployment = await host.deployment
        if let settings = deployment.stream(name) { return settings }
        let names = deployment.streams.filter { $0.isRemoved != true }.map(\.name)
        throw APIError.notFound(
            "stream", name, hint: NearestName.hint(for: name, among: names, known: "streams of sluice.yaml"))
    }

    private func reading(of name: String) async throws -> StreamReading {
        StreamReading(settings: try await settings(of: name), journal: journal, now: host.clock.wall)
    }

    private func info(
        _ settings: StreamSettings, _ deployment: Deployment, _ statuses: [SubscriptionStatus]
    ) async throws -> StreamInfo {
        let reading = StreamReading(settings: settings, journal: journal, now: host.clock.wall)
        let log = StreamLog.name(of: settings.name)
        let wanted = deployment.subscriptions.filter { $0.bus == log }
        let (shards, newest, oldest) = try await read { journal in
            (try reading.shards(), try reading.newest(), try Self.oldest(of: wanted.map(\.id), journal))
        }
        return StreamInfo(
            name: settings.name, arn: StreamRecordText.arn(of: settings.name), created: .init(settings.created),
            retentionHours: settings.retentionHours,
            shards: shards.map { shard in
                StreamInfo.Shard(
                    id: StreamSequence.shardID(shard.number), parents: shard.parents.map(StreamSequence.shardID),
                    startingHashKey: String(shard.hashes.lowerBound), endingHashKey: String(shard.hashes.upperBound),
                    startingSequenceNumber: StreamSequence.text(of: shard.first),
                    endingSequenceNumber: shard.last.map(StreamSequence.text))
            },
            consumers: wanted.map { one in
                let status = statuses.first { $0.bus == log && $0.rule == one.rule && $0.target == one.target }
                return StreamInfo.Consumer(
                    rule: one.rule, target: one.target, function: one.function,
                    waiting: status.map { $0.waiting + $0.retrying + $0.parked + $0.redriven } ?? 0,
                    dead: status?.dead ?? 0,
                    iteratorAgeMilliseconds: oldest[one.id].map { max(0, reading.now - $0) })
            }, newestSequenceNumber: newest.map { StreamSequence.text(of: $0.position) })
    }

    /// When the oldest unsettled record of each subscription arrived.
    private static func oldest(
        of ids: [SubscriptionID], _ journal: any JournalStore
    ) throws -> [SubscriptionID: Milliseconds] {
        var oldest: [SubscriptionID: Milliseconds] = [:]
        for id in ids {
            let waiting = try journal.waiting(id, after: 0, limit: 1).first?.ingested
            let pending = try journal.pending(id, after: 0, limit: 1).first?.ingested
            oldest[id] = [waiting, pending].compactMap(\.self).min()
        }
        return oldest
    }
}

extension StreamPage.Record {
    init?(_ record: StoredRecord) {
        guard let parts = StreamRecordText.Parts(record.payload) else { return nil }
        self.init(
            shardID: StreamSequence.shardID(parts.shard), sequenceNumber: parts.sequenceNumber,
            partitionKey: parts.partitionKey, arrived: .init(parts.arrived),
            data: String(decoding: parts.data, as: UTF8.self))
    }
}

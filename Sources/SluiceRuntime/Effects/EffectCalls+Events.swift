import AppConfig
import EventModel
import FunctionProtocol
import Journal
import ObjectStore
import UVLoop

extension EffectCalls {
    /// Notes events. Their ids derive from the delivery and their number in it: every attempt names the same event
    /// alike.
    func putEvents(_ request: PutEventsRequest, for context: AttemptContext) throws -> WorkerReply {
        try context.effects.admit(count: request.entries.count)
        let grants = context.version.definition.grants
        for entry in request.entries {
            let bus = entry.bus ?? "default"
            guard router.hasBus(bus) else {
                throw CallRefusal("NoSuchBus", "there is no event bus \(bus); declare it in sluice.yaml")
            }
            guard grants.mayPutEvents(bus: bus) else {
                throw CallRefusal(
                    "AccessDenied",
                    "function \(context.attempt.function) may not put events on bus \(bus); "
                        + grants.hint("events", grants.events, adding: bus))
            }
            do throws(PutEventsEntry.Refusal) {
                _ = try PutEventsEntry(
                    eventBusName: bus, source: entry.source, detailType: entry.detailType, detail: entry.detail,
                    resources: entry.resources, time: entry.time
                ).validate()
            } catch {
                throw CallRefusal("InvalidEvent", error.description, retry: false)
            }
        }
        let ids = try context.nextEventIDs(request.entries.count, of: request.record)
        for (entry, id) in zip(request.entries, ids) {
            context.effects.add(.init(record: request.record, operation: .event(entry, id: id)))
        }
        return Self.reply(PutEventsReply(eventIDs: ids))
    }

    /// Notes records for streams, with names like those of events.
    func putRecords(_ request: PutRecordsRequest, for context: AttemptContext) throws -> WorkerReply {
        guard request.entries.count <= PutRecordsEntry.maximumRecords else {
            throw CallRefusal(
                "InvalidRecord",
                "\(request.entries.count) records in one call; put at most \(PutRecordsEntry.maximumRecords)",
                retry: false
            )
        }
        try context.effects.admit(count: request.entries.count)
        let grants = context.version.definition.grants
        var shards: [Int] = []
        for entry in request.entries {
            guard let target = router.current.streams[entry.stream] else {
                throw CallRefusal("NoSuchStream", "there is no stream \(entry.stream); declare it in sluice.yaml")
            }
            guard grants.mayPutRecords(stream: entry.stream) else {
                throw CallRefusal(
                    "AccessDenied",
                    "function \(context.attempt.function) may not put records to stream \(entry.stream); "
                        + grants.hint("streams", grants.streams ?? [], adding: entry.stream))
            }
            do throws(PutRecordsEntry.Refusal) {
                let valid = try PutRecordsEntry(entry).validate()
                shards.append(target.shard(for: valid.explicitHash ?? ShardMap.hash(of: entry.partitionKey)))
            } catch {
                throw CallRefusal("InvalidRecord", error.message, retry: false)
            }
        }
        let ids = try context.nextEventIDs(request.entries.count, of: request.record)
        for (index, entry) in request.entries.enumerated() {
            let operation = EffectSet.Operation.record(entry, id: ids[index], shard: shards[index])
            context.effects.add(.init(record: request.record, operation: operation))
        }
        return Self.reply(PutRecordsReply(eventIDs: ids))
    }

    func table(_ request: TableRequest) async throws -> WorkerReply {
        let journal = journal
        let stored = try await files.run { try journal.table(database: request.database, table: request.table) }
        return Self.reply(TableReply(table: stored.flatMap(CatalogReading.table)))
    }

    func register(_ request: RegisterFileRequest, for context: AttemptContext) throws -> WorkerReply {
        guard !request.database.isEmpty, !request.table.isEmpty else {
            throw CallRefusal("InvalidRequest", "a table needs a database and a name")
        }
        guard request.partition.count == request.partitionKeys.count else {
            throw CallRefusal(
                "InvalidRequest",
                "\(request.partition.count) partition values for \(request.partitionKeys.count) partition keys")
        }
        // Sums over a table's files have to stay exact.
        guard (0...1 << 53).contains(request.rows) else {
            throw CallRefusal("InvalidRequest", "\(request.rows) is no number of rows of a file")
        }
        context.effects.add(.init(record: request.record, operation: .register(request)))
        return Self.done
    }

    /// A key of its own for this event, subscription and number of the key: redelivery, replay and rerun replace their
    /// own output instead of doubling an append table.
    func generateKey(_ request: GenerateKeyRequest, for context: AttemptContext) throws -> WorkerReply {
        _ = try bucket(request.bucket, writing: true, for: context)
        let hash = try context.nextKeyHash(of: request.record)
        let key = request.prefix + hash.prefix(32) + request.suffix
        try ObjectKey.validate(key, bucket: request.bucket)
        context.effects.generated.insert(ObjectAddress(bucket: request.bucket, key: key))
        return Self.reply(GeneratedKey(key: key))
    }
}

extension PutRecordsEntry {
    init(_ entry: PutRecordsRequest.Entry) {
        self.init(partitionKey: entry.partitionKey, explicitHashKey: entry.explicitHashKey, data: entry.data)
    }
}

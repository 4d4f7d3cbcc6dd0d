public import EventModel
public import FunctionKit

/// Puts each record's data on to the stream `out` with the same key: what is there once for each record was put exactly
/// once.
public struct RelayHandler: BatchHandler {
    public init() {}

    public func handle(_ records: [Record<StreamRecord>], context: Context) async throws -> [RecordResult] {
        await records.results { record in
            try await record.context.streams.put(
                record.event.data, partitionKey: record.event.partitionKey, to: "out")
        }
    }
}

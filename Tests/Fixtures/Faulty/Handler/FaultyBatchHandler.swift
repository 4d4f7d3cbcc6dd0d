public import FunctionKit

/// Puts one object for the whole batch and fails when told to: the integration tests' batches.
public struct FaultyBatchHandler: BatchHandler {
    public init() {}

    /// Reads each record's object, and puts what they say together under `d/together.txt` of the outbox.
    public func handle(_ records: [Record<Event<ObjectCreated>>], context: Context) async throws -> [RecordResult] {
        var together = ""
        for record in records {
            let object = record.event.detail
            together += try await context.objects.get(object.bucket.name, object.object.key).text()
        }
        try await context.objects.put("outbox", "d/together.txt", together)
        return records.map { _ in .ok }
    }
}

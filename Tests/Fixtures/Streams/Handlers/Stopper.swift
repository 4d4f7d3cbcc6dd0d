public import EventModel
public import FunctionKit

/// As functions of Lambda take streams: all records of a batch in one input; at the first one that it cannot handle
/// (its data is `bad`) it stops and names it. What it has handled before it logs, a line a record.
public struct StopperHandler: Handler {
    public struct Failures: Encodable, Sendable {
        struct Item: Encodable, Sendable {
            var itemIdentifier: String
        }

        var batchItemFailures: [Item]
    }

    public init() {}

    public func handle(_ event: KinesisEvent, context: Context) async throws -> Failures {
        for record in event.records {
            guard record.text != "bad" else {
                return Failures(batchItemFailures: [.init(itemIdentifier: record.sequenceNumber)])
            }
            context.logger.info("handled \(record.text ?? "?")")
        }
        return Failures(batchItemFailures: [])
    }
}

/// AWS's answer to a batch: the events that failed, by their ids; all others have succeeded. The output of a `Handler`
/// (or `BytesHandler`) that takes batches:
///
/// ```swift
/// struct Load: Handler {
///     static var takesBatches: Bool { true }
///
///     func handle(_ events: [Event<Order>], context: Context) async throws -> BatchItemFailures { … }
/// }
/// ```
///
/// Of records of streams the ids are their sequence numbers, and as with Lambda nothing from the lowest one named on
/// counts as delivered. An empty list is success; an id that is empty, or of no event of the batch, fails the batch as
/// a whole. Effects asked of `context` are the batch's, and are committed only if no event fails; a `BatchHandler`
/// gives each record effects and reasons of its own.
public struct BatchItemFailures: Codable, Sendable, Hashable {
    /// One event or record that failed.
    public struct Item: Codable, Sendable, Hashable {
        /// The id of an event, the sequence number of a stream's record.
        public var itemIdentifier: String

        public init(itemIdentifier: String) {
            self.itemIdentifier = itemIdentifier
        }
    }

    public var batchItemFailures: [Item]

    public init(_ failed: [String] = []) {
        batchItemFailures = failed.map(Item.init)
    }
}

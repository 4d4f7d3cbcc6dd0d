import Journal
import SluiceRuntime

extension DeliveryCore {
    /// A subscription that is delivered by a retry policy and a batch size alone.
    mutating func setSubscription(
        _ id: SubscriptionID, function: String, policy: DeliveryPolicy, batchSize: Int, loaded: Position,
        newest: Position
    ) {
        setSubscription(
            id, function: function, rules: DeliveryRules(retry: policy, batch: BatchLimits(count: batchSize)),
            loaded: loaded, newest: newest)
    }

    mutating func accept(_ record: CommittedRecord, now: Instant = 0, expires: (DeliveryPolicy) -> Instant) {
        accept(record, now: now) { DeliveryTraits(expires: expires($1.retry)) }
    }

    mutating func refilled(
        _ id: SubscriptionID, with records: [CommittedRecord], limit: Int,
        expires: (CommittedRecord, DeliveryPolicy) -> Instant
    ) {
        refilled(id, with: records, limit: limit, now: 0) { DeliveryTraits(expires: expires($0, $1.retry)) }
    }
}

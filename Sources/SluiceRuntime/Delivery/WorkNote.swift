package import Journal

/// What few works carry: a redrive to another function, or of an edited event.
package final class WorkNote: Sendable {
    /// Where it is queued and whose limits hold, while it is settled where it came from: a redrive to another function.
    package let lane: SubscriptionID?
    /// The function that a redrive was sent to instead of its target's.
    package let function: String?
    /// The event as it was before it was edited for this redrive; its dead letter keeps it.
    package let original: [UInt8]?

    package init(lane: SubscriptionID? = nil, function: String? = nil, original: [UInt8]? = nil) {
        self.lane = lane
        self.function = function
        self.original = original
    }
}

/// What is kept of a delivery beside its payload while it waits in the pending set or lies in the dead letters: the
/// journal's `history`, as JSON.
package struct DeliveryMemo: Codable, Sendable, Hashable {
    package var attempts: [AttemptSummary]
    package var alone: Bool?
    package var parked: String?

    package init(_ work: Work) {
        attempts = work.history
        alone = work.alone ? true : nil
        parked = work.parked
    }

    package init(attempts: [AttemptSummary] = [], alone: Bool? = nil, parked: String? = nil) {
        self.attempts = attempts
        self.alone = alone
        self.parked = parked
    }
}

/// What is kept of a delivery beside its payload while it waits in the pending set or lies in the dead letters: the
/// journal's `history`, as JSON.
package struct DeliveryMemo: Codable, Sendable, Hashable {
    package var attempts: [AttemptSummary]
    /// Of a redriven dead letter: the attempts before its last redrive, the latest of them.
    package var earlier: [AttemptSummary]?
    package var alone: Bool?
    package var parked: String?
    /// Of `WorkNote`.
    package var function: String?
    package var original: String?

    /// The function that a dead letter was sent to instead of its own when it died.
    package static func function(ofHistory history: [UInt8]) -> String? {
        JSONText.decode(DeliveryMemo.self, from: history)?.function
    }

    private static let maximumEarlier = 20

    /// - Parameter before: what the dead letter kept that the work was redriven from.
    package init(_ work: Work, before: DeliveryMemo? = nil) {
        attempts = Self.withoutRepeatedInputs(work.history)
        alone = work.alone ? true : nil
        parked = work.parked
        if let before {
            let attempts = (before.earlier ?? []) + before.attempts
            // Their inputs would be there as often as it is redriven.
            earlier = attempts.suffix(Self.maximumEarlier).map { attempt in
                var attempt = attempt
                attempt.input = nil
                return attempt
            }
        }
        guard let note = work.note else { return }
        function = note.function
        original = note.original.map { String(decoding: $0, as: UTF8.self) }
    }

    /// An attempt's input is kept where it differs from that of the attempt before.
    private static func withoutRepeatedInputs(_ attempts: [AttemptSummary]) -> [AttemptSummary] {
        guard attempts.count > 1, attempts.contains(where: { $0.input != nil }) else { return attempts }
        var kept = attempts
        var last: String?
        for index in kept.indices {
            if kept[index].input == last { kept[index].input = nil } else { last = kept[index].input ?? last }
        }
        return kept
    }

    package init(attempts: [AttemptSummary] = [], alone: Bool? = nil, parked: String? = nil) {
        self.attempts = attempts
        self.alone = alone
        self.parked = parked
    }
}

import HostAPI
package import Journal

/// Where an event comes from: the chain of invocations since something from outside. It travels with every effect, so
/// that a recursive pipeline ends with an explanation instead of a full disk.
package struct Lineage: Codable, Sendable, Hashable {
    /// One invocation of the chain.
    package struct Hop: Codable, Sendable, Hashable {
        /// The event that was handled.
        package var event: String
        package var rule: String
        package var function: String
        /// What the event was about, for people: `bucket/key` or `source: detail-type`.
        package var subject: String

        package init(event: String, rule: String, function: String, subject: String) {
            self.event = event
            self.rule = rule
            self.function = function
            self.subject = subject
        }
    }

    /// Oldest first; at most as many as the app's hop budget.
    package var hops: [Hop]

    /// The subscriptions whose rule could not decide whether it wants the event; nil for none. Their deliveries go to
    /// the dead letters without an attempt.
    package var undecided: [Int64]?

    /// The alarm whose change of state all of it follows from; nil for none. Failures of such deliveries are not
    /// counted by alarms, so that none can keep itself, or another one, going.
    package var alarm: String?

    package init(hops: [Hop] = [], alarm: String? = nil) {
        self.hops = hops
        self.alarm = alarm
    }

    /// A lineage's text, read; nil for none, which is what events from outside have.
    package init?(text: [UInt8]) {
        guard !text.isEmpty, let read = JSONText.decode(Lineage.self, from: text) else { return nil }
        self = read
    }

    /// A lineage's text that names these subscriptions, and no others, as those that could not be decided.
    package static func marking(_ lineage: [UInt8], undecided: [SubscriptionID]) -> [UInt8] {
        // Nearly every event comes from outside and has no lineage (asked first, for the search has a price even in
        // nothing); of the others, nearly none has the word.
        guard !undecided.isEmpty || (!lineage.isEmpty && lineage.contains(Self.word)) else { return lineage }
        var marked = Lineage(text: lineage) ?? Lineage()
        marked.undecided = undecided.isEmpty ? nil : undecided.map(\.value)
        return marked == Lineage() ? [] : JSONText.encode(marked)
    }

    private static let word = Array("\"undecided\"".utf8)

    /// Whether a lineage's text names a subscription as undecided.
    package static func isUndecided(_ subscription: SubscriptionID, in lineage: [UInt8]) -> Bool {
        guard lineage.count > Self.word.count, lineage.contains(Self.word),
            let read = Lineage(text: lineage)
        else { return false }
        return read.undecided?.contains(subscription.value) ?? false
    }

    /// The lineage of what an invocation of `function` for this lineage's event produces.
    package func adding(_ hop: Hop) -> Lineage {
        Lineage(hops: hops + [hop], alarm: alarm)
    }

    /// The shortest repeating tail of the chain (the loop), or the whole chain where nothing repeats.
    package var cycle: [Hop] {
        for length in 1...max(1, hops.count / 2) where hops.count >= 2 * length {
            let last = hops.suffix(length)
            let before = hops.dropLast(length).suffix(length)
            if zip(last, before).allSatisfy({ $0.rule == $1.rule && $0.function == $1.function }) { return Array(last) }
        }
        return hops
    }

    /// The reason of the dead letter that ends a loop.
    package var exhaustionMessage: String {
        let steps = cycle.map { "\($0.subject) → rule \($0.rule) → \(TargetName.beside($0.function))" }
        return "an event caused \(hops.count) invocations in a row, which is the hop budget; the cycle is "
            + steps.joined(separator: " → ")
            + " → …; narrow the rule so that it does not match the function's own output"
    }
}

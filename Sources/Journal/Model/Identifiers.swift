/// A place in the journal's log: one sequence for all buses and streams, dense, starting at 1, never reused.
package typealias Position = Int64

/// A durable consumer of a log: one (bus, rule, target) or one (stream, function). Survives edits of its rule.
package struct SubscriptionID: Hashable, Sendable, Comparable, Codable {
    package var value: Int64

    package init(_ value: Int64) {
        self.value = value
    }

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.value < rhs.value }
}

/// Unique over the life of the data folder: `boot` is raised durably at each start, so an attempt of an earlier life
/// can never be mistaken for a new one.
package struct AttemptID: Hashable, Sendable, Codable, CustomStringConvertible {
    package var boot: Int64
    package var number: Int64

    package init(boot: Int64, number: Int64) {
        self.boot = boot
        self.number = number
    }

    package var description: String { "\(boot)-\(number)" }
}

/// One record wanted by one subscription: the unit that is settled.
package struct Delivery: Hashable, Sendable, Codable {
    package var subscription: SubscriptionID
    package var position: Position
    /// Counts the subscription's matched records, dense from 1: what makes its settled ranges run-lengths.
    package var ordinal: Int64

    package init(subscription: SubscriptionID, position: Position, ordinal: Int64) {
        self.subscription = subscription
        self.position = position
        self.ordinal = ordinal
    }
}

/// Milliseconds since 1970 UTC, from the host's clock at ingestion.
package typealias Milliseconds = Int64

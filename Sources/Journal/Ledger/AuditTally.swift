/// Recounts what the ledger says of the log from the records themselves.
struct AuditTally {
    private struct Count {
        var core: SubscriptionCore
        var nextOrdinal: Int64
        var waiting: Int64 = 0
    }

    private var counts: [SubscriptionID: Count] = [:]
    private var problems: [String] = []
    private let head: Position
    private var last: Position?
    private(set) var records: Int64 = 0
    /// Damage repeats; the first of it is what helps.
    private let limit = 100

    /// - Parameter firstOrdinals: of subscriptions whose earlier records were trimmed.
    init(cores: [SubscriptionCore], head: Position, firstOrdinals: [SubscriptionID: Int64]) {
        self.head = head
        for core in cores {
            let first = firstOrdinals[core.record.id] ?? 1
            counts[core.record.id] = Count(core: core, nextOrdinal: first)
            if core.settled.floor < first - 1, !core.settled.contains(all: (core.settled.floor + 1)...(first - 1)) {
                problem("subscription \(core.record.id.value): records below ordinal \(first) were trimmed unsettled")
            }
        }
    }

    mutating func problem(_ text: String) {
        if problems.count < limit { problems.append(text) }
    }

    mutating func add(position: Position, deliveries: some Collection<Delivery>) {
        if let last, position != last + 1 { problem("the log has a gap: \(last) is followed by \(position)") }
        last = position
        records += 1
        for delivery in deliveries {
            // Of a removed subscription: nobody counts it any more.
            guard var count = counts[delivery.subscription] else { continue }
            if delivery.ordinal != count.nextOrdinal {
                problem(
                    "subscription \(delivery.subscription.value): position \(position) has ordinal "
                        + "\(delivery.ordinal), where \(count.nextOrdinal) is due")
            }
            count.nextOrdinal = delivery.ordinal + 1
            if !count.core.settled.contains(delivery.ordinal) { count.waiting += 1 }
            counts[delivery.subscription] = count
        }
    }

    /// What became of an entry of the pending set: an entry whose delivery has not left the log is a defect.
    static func stillWaiting(_ delivery: Delivery) -> String {
        "subscription \(delivery.subscription.value): ordinal \(delivery.ordinal) is in the pending set and still waiting "
            + "in the log"
    }

    static func unknown(_ id: SubscriptionID, entries: Int64) -> String {
        "the pending set has \(entries) entries of subscription \(id.value), which is unknown"
    }

    /// What does not add up; empty: all is well.
    func findings() -> [String] {
        var findings = problems
        if let last, last != head { findings.append("the log ends at \(last), but the head is \(head)") }
        for (id, count) in counts.sorted(by: { $0.key < $1.key }) {
            let core = count.core
            findings += [
                AuditCounts.difference("matched", kept: core.matched, counted: count.nextOrdinal - 1, id),
                AuditCounts.difference("waiting", kept: core.waiting, counted: count.waiting, id),
            ].compactMap(\.self)
            if core.imbalance != 0 {
                findings.append(
                    "subscription \(id.value): matched \(core.matched) differs from the sum of all states by "
                        + "\(core.imbalance)"
                )
            }
        }
        return findings
    }
}

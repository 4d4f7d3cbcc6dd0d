/// Recounts what the ledger says from the records themselves.
struct AuditTally {
    private struct Count {
        var core: SubscriptionCore
        var nextOrdinal: Int64
        var waiting: Int64 = 0
        var retrying: Int64 = 0
        var parked: Int64 = 0
        var redriven: Int64 = 0
        var dead: Int64 = 0
        var purged: Int64 = 0
    }

    private var counts: [SubscriptionID: Count] = [:]
    private var problems: [String] = []
    private let head: Position
    private var last: Position?
    /// Damage repeats; the first of it is what helps.
    private let limit = 100

    /// - Parameter firstOrdinals: of subscriptions whose earlier records were trimmed.
    init(ledger: Ledger, firstOrdinals: [SubscriptionID: Int64]) {
        self.init(cores: ledger.cores, head: ledger.head, firstOrdinals: firstOrdinals)
    }

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

    mutating func add(position: Position, deliveries: [Delivery]) {
        if let last, position != last + 1 { problem("the log has a gap: \(last) is followed by \(position)") }
        last = position
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

    mutating func addPending(_ delivery: Delivery, _ state: PendingEntry.State) {
        addPending(delivery.subscription, state, count: 1)
        guard let core = counts[delivery.subscription]?.core else { return }
        if !core.settled.contains(delivery.ordinal) {
            problem(
                "subscription \(delivery.subscription.value): ordinal \(delivery.ordinal) is in the pending set and "
                    + "still waiting in the log")
        }
    }

    mutating func addPending(_ subscription: SubscriptionID, _ state: PendingEntry.State, count: Int64) {
        guard counts[subscription] != nil else {
            return problem(
                "the pending set has \(count) entries of subscription \(subscription.value), which is unknown")
        }
        switch state {
        case .retrying: counts[subscription]?.retrying += count
        case .parked: counts[subscription]?.parked += count
        case .redriven: counts[subscription]?.redriven += count
        }
    }

    /// Dead letters of subscriptions that were removed are kept, and counted nowhere.
    mutating func addDeadLetter(_ subscription: SubscriptionID, _ state: DeadLetter.State, count: Int64) {
        switch state {
        case .dead: counts[subscription]?.dead += count
        case .purged: counts[subscription]?.purged += count
        case .redriving, .redriven: break
        }
    }

    /// What does not add up; empty: all is well.
    func findings() -> [String] {
        var findings = problems
        if let last, last != head { findings.append("the log ends at \(last), but the head is \(head)") }
        for (id, count) in counts.sorted(by: { $0.key < $1.key }) {
            let core = count.core
            let compared: [(String, Int64, Int64)] = [
                ("matched", core.matched, count.nextOrdinal - 1), ("waiting", core.waiting, count.waiting),
                ("retrying", core.retrying, count.retrying), ("parked", core.parked, count.parked),
                ("redriven", core.redriven, count.redriven), ("dead", core.dead, count.dead),
                ("purged", core.purged, count.purged),
            ]
            for (name, kept, counted) in compared where kept != counted {
                findings.append("subscription \(id.value): \(name) is kept as \(kept), but counted \(counted)")
            }
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

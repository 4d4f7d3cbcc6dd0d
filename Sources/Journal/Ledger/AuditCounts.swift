/// The deliveries of one subscription that are neither settled nor in the log alone, by where they are.
struct AuditCounts: Sendable, Hashable {
    var retrying: Int64 = 0
    var parked: Int64 = 0
    var redriven: Int64 = 0
    var dead: Int64 = 0
    var purged: Int64 = 0

    init() {}

    /// As they are kept.
    init(_ core: SubscriptionCore) {
        retrying = core.retrying
        parked = core.parked
        redriven = core.redriven
        dead = core.dead
        purged = core.purged
    }

    /// All that the pending set holds.
    var pending: Int64 { retrying + parked + redriven }

    mutating func add(_ state: PendingEntry.State, _ count: Int64 = 1) {
        switch state {
        case .retrying: retrying += count
        case .parked: parked += count
        case .redriven: redriven += count
        }
    }

    mutating func add(_ state: DeadLetter.State, _ count: Int64 = 1) {
        switch state {
        case .dead: dead += count
        case .purged: purged += count
        case .redriving, .redriven: break
        }
    }

    /// Where the kept counts differ from these.
    func differences(of kept: AuditCounts, _ id: SubscriptionID) -> [String] {
        let pairs: [(String, KeyPath<AuditCounts, Int64>)] = [
            ("retrying", \.retrying), ("parked", \.parked), ("redriven", \.redriven), ("dead", \.dead),
            ("purged", \.purged),
        ]
        return pairs.compactMap { name, path in
            Self.difference(name, kept: kept[keyPath: path], counted: self[keyPath: path], id)
        }
    }

    static func difference(_ name: String, kept: Int64, counted: Int64, _ id: SubscriptionID) -> String? {
        kept == counted ? nil : "subscription \(id.value): \(name) is kept as \(kept), but counted \(counted)"
    }
}

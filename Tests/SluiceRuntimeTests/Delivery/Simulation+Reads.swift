import Journal
import SluiceRuntime

/// What a read of the simulated journal has found, as it was then.
enum ReadAnswer {
    case refill(SubscriptionID, [CommittedRecord], limit: Int)
    case keys(SubscriptionID, KeyRefill, [KeyedRecord], end: Position)
    case reload(SubscriptionID, asked: [Delivery], [PendingEntry])
    /// It could not be read.
    case failed(DeliveryCore.Action)
}

/// Reads as a host's file threads do them: between the question, the look into the journal and the answer anything may
/// happen.
extension Simulation {
    /// Looks into the journal for one of the reads that were asked for.
    /// - Parameter isSure: it succeeds, and its answer is heard at once.
    mutating func read(_ index: Int, isSure: Bool) throws {
        // A key's records are read behind what is on its way into the journal.
        if !held.isEmpty, case .refillKeys = asked[index] { return }
        let action = asked.remove(at: index)
        answers.append(
            isSure || Int.random(in: 0..<8, using: &random) > 0 ? try look(action) : .failed(action))
        if isSure { try hear(answers.count - 1) }
    }

    private func look(_ action: DeliveryCore.Action) throws -> ReadAnswer {
        switch action {
        case .start: throw Violation("a start is no read")
        case .refill(let id, let after, let limit):
            let from = bug == .movesFloorEarly ? after + 1 : after
            var records = try journal.waiting(id, after: from, limit: limit)
            if bug == .readsSettledRecords {
                records = try journal.records(log: nil, after: from, limit: limit)
                    .filter { $0.deliveries.contains { $0.subscription == id } }
            }
            return .refill(id, records, limit: limit)
        case .reload(let id, let deliveries):
            let found = try deliveries.compactMap { delivery in
                try journal.pending(id, after: delivery.ordinal - 1, limit: 1).first { $0.delivery == delivery }
            }
            return .reload(id, asked: deliveries, found)
        case .refillKeys(let id, let refill):
            let (records, end) = try look(for: refill, of: id)
            return .keys(id, refill, records, end: end)
        }
    }

    private func look(for refill: KeyRefill, of id: SubscriptionID) throws -> ([KeyedRecord], end: Position) {
        let records = try journal.waiting(id, after: refill.after, limit: refill.limit)
        let found = records.prefix { $0.position <= refill.through }
            .map { KeyedRecord($0, key: EventReading.key(of: $0.payload, path: refill.path) ?? "") }
        let end = found.count == refill.limit ? found.last!.record.position : refill.through
        return (bug == .missesRecordsOfKeys ? Array(found.dropLast()) : found, end)
    }

    /// One of the answers comes: of a subscription any may be first.
    mutating func hear(_ index: Int? = nil) throws {
        var answer = answers.remove(at: index ?? Int.random(in: 0..<answers.count, using: &random))
        if bug == .mixesUpReads, case .refill(let id, _, let limit) = answer,
            case .refill(_, let records, _)? = answers.last(where: { if case .refill = $0 { true } else { false } })
        {
            answer = .refill(id, records, limit: limit)
        }
        if bug == .forgetsFailedReads, case .failed = answer { return }
        let (traits, now) = (traitsReader, time.clock.now)
        switch answer {
        case .refill(let id, let records, let limit):
            core.refilled(id, with: records, limit: limit, now: now) { traits($0, id, $1) }
        case .keys(let id, let refill, let records, let end):
            core.refilledKeys(id, refill, with: records, end: end, now: now) { traits($0, id, $1) }
        case .reload(let id, let asked, let entries):
            core.reloaded(id, asked: asked, found: entries.map { work(pending: $0) }, now: now)
        case .failed(.refill(let id, _, _)): core.refillFailed(id)
        case .failed(.refillKeys(let id, let refill)): core.refillKeysFailed(id, refill)
        case .failed(.reload(let id, let deliveries)): core.reloaded(id, asked: deliveries, found: [], now: now)
        case .failed(.start): throw Violation("a start is no read")
        }
    }

    /// All that is asked for is read and heard.
    mutating func hearAll() throws {
        while !asked.isEmpty { try read(0, isSure: true) }
        while !answers.isEmpty { try hear(0) }
    }
}

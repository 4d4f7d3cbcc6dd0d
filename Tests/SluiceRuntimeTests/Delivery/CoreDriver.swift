import Journal
import SluiceRuntime

/// A core with a log of its own in virtual time, for tests of one policy each.
struct CoreDriver {
    var core: DeliveryCore
    var now: Instant = 0
    private(set) var log: [CommittedRecord] = []
    private var ordinals: [SubscriptionID: Int64] = [:]
    /// What is in the log for a subscription and has not been resolved.
    private var settled: Set<Delivery> = []

    init(limit: Int = 16, functions: [(name: String, limit: Int, reserved: Bool)] = [("f", 8, false)]) {
        core = DeliveryCore(boot: 1, globalLimit: limit, seed: 3)
        for (name, limit, reserved) in functions { core.setFunction(name, limit: limit, reserved: reserved) }
    }

    mutating func subscribe(_ id: Int64, function: String = "f", _ rules: DeliveryRules) {
        core.setSubscription(SubscriptionID(id), function: function, rules: rules, loaded: 0, newest: 0)
    }

    /// The event's payload is its key; at the path `first` its first letter is, at `parity` its position.
    /// - Parameter waited: for how long the event has been in the log, where it is read from there after a start.
    mutating func put(_ ids: Int64..., key: String = "", bytes: Int64 = 0, waited: Int64 = 0) {
        var deliveries: [Delivery] = []
        let position = Position(log.count + 1)
        for id in ids.map(SubscriptionID.init) {
            ordinals[id, default: 0] += 1
            deliveries.append(Delivery(subscription: id, position: position, ordinal: ordinals[id]!))
        }
        let record = CommittedRecord(
            position: position, log: "default", eventID: "e\(position)", ingested: now - waited,
            payload: Array(key.utf8),
            lineage: [], deliveries: deliveries)
        log.append(record)
        core.accept(record, now: now) { _, rules in Self.traits(record, rules, bytes: bytes) }
    }

    private static func traits(_ record: CommittedRecord, _ rules: DeliveryRules, bytes: Int64) -> DeliveryTraits {
        DeliveryTraits(
            expires: record.ingested + rules.retry.maximumAge,
            key: rules.keys.flatMap { key(of: record, at: $0.path) }, bytes: bytes)
    }

    private static func key(of record: CommittedRecord, at path: String) -> String? {
        key(of: record.payload, record.position, at: path)
    }

    static func key(of payload: [UInt8], _ position: Position, at path: String) -> String? {
        if path == "parity" { return "n\(position % 2)" }
        let text = path == "first" ? payload.prefix(1) : payload[...]
        return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
    }

    /// What was asked for of keys and not answered, with the answer as it was then.
    var unanswered: [(refill: KeyRefill, records: [KeyedRecord], end: Position)] = []

    /// Records that were read for keys.
    private(set) var readForKeys = 0

    /// Answers what was left unanswered, as the log was when it was asked.
    mutating func answerAll(_ id: SubscriptionID) {
        let asked = unanswered
        unanswered = []
        for (refill, records, end) in asked {
            core.refilledKeys(id, refill, with: records, end: end, now: now) {
                Self.traits($0, $1, bytes: 0)
            }
        }
    }

    /// Starts what may start, and reads what the core asks for; of keys only where it is `answering`.
    mutating func pump(answering: Bool = true) -> [DeliveryCore.Attempt] {
        var started: [DeliveryCore.Attempt] = []
        while true {
            let actions = core.pump(now: now)
            if actions.isEmpty { return started }
            for action in actions {
                switch action {
                case .start(let attempt): started.append(attempt)
                case .refill(let id, let after, let limit):
                    let records = waiting(id, after: after).prefix(limit)
                    core.refilled(id, with: Array(records), limit: limit, now: now) { Self.traits($0, $1, bytes: 0) }
                case .reload(let id, let deliveries):
                    core.reloaded(id, asked: deliveries, found: [], now: now)
                case .refillKeys(let id, let refill):
                    let chosen = waiting(id, after: refill.after).prefix(refill.limit)
                        .filter { $0.position <= refill.through }
                        .map { KeyedRecord($0, key: Self.key(of: $0, at: refill.path)) }
                    readForKeys += chosen.count
                    let end = chosen.count == refill.limit ? chosen.last!.record.position : refill.through
                    guard answering else {
                        unanswered.append((refill, chosen, end))
                        continue
                    }
                    core.refilledKeys(
                        id, refill, with: chosen, end: end, now: now
                    ) { Self.traits($0, $1, bytes: 0) }
                }
            }
        }
    }

    private func waiting(_ id: SubscriptionID, after: Position) -> [CommittedRecord] {
        log.filter { record in
            record.position > after
                && record.deliveries.contains { $0.subscription == id && !settled.contains($0) }
        }
    }

    @discardableResult
    mutating func finish(_ attempt: DeliveryCore.Attempt, _ verdict: Verdict = .succeeded) -> [Resolution] {
        core.workerDone(attempt.id)
        let resolutions = core.resolve(attempt.id, verdict, now: now)
        for resolution in resolutions { settled.insert(resolution.work.delivery) }
        core.settled(attempt.id)
        return resolutions
    }

    static func failed(_ code: String = "TimedOut", _ kind: FailureClass = .transient) -> Verdict {
        .failed(summary(code), kind)
    }

    static func summary(_ code: String) -> AttemptSummary {
        AttemptSummary(attempt: "1-1", version: 1, started: 0, durationMilliseconds: 0, code: code, message: code)
    }
}

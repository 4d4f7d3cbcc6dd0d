package import Journal

/// The delivery logic as a pure state machine: records come in, attempts go out, verdicts come back and become
/// resolutions. No I/O, no clock, no tasks: the dispatcher performs what the methods return, and a simulator can drive
/// the same code through crashes and reorderings.
///
/// A delivery is in exactly one place: in the log (not loaded), `ready`, a key's line, `retrying`, in the batch being
/// put together, or in an attempt of `running`.
package struct DeliveryCore: Sendable {
    /// What the dispatcher is to do.
    package enum Action: Sendable {
        case start(Attempt)
        /// Read what the subscription has waiting in the log after `after`, and answer with `refilled`.
        case refill(SubscriptionID, after: Position, limit: Int)
        /// Read what it has waiting in `(after, through]`, and its keys, and answer with `refilledKeys`.
        case refillKeys(SubscriptionID, KeyRefill)
        /// Read these from the pending set, and answer with `reloaded`.
        case reload(SubscriptionID, [Delivery])
    }

    /// One try of one delivery, or of a batch.
    package struct Attempt: Sendable {
        package var id: AttemptID
        package var subscription: SubscriptionID
        package var function: String
        package var works: [Work]
        /// Those of them, by ordinal, that have come back without an outcome.
        var back: Set<Int64> = []

        package init(id: AttemptID, subscription: SubscriptionID, function: String, works: [Work]) {
            self.id = id
            self.subscription = subscription
            self.function = function
            self.works = works
        }

        /// 1 for the first try.
        package var number: Int { (works.first?.charged ?? 0) + 1 }
    }

    struct Subscription: Sendable {
        let id: SubscriptionID
        /// Index into `functions`.
        var function: Int
        var rules: DeliveryRules
        var ready = WorkQueue()
        var retrying = DueHeap()
        /// Due works whose events are being read, by ordinal, and the bytes of these.
        var reading: [Int64: Work] = [:]
        var readingBytes = 0
        /// The batch being put together, and the keys in it.
        var assembling: [Work] = []
        var assemblingBytes: Int64 = 0
        var assemblingPayload = 0
        var assemblingKeys: Set<String> = []
        var lines = KeyLines()
        /// Keys that are free, have nothing in memory and something in the log, and the reading for these.
        var hungry: Set<String> = []
        var sweep = KeySweep()
        /// Keys that were parked: what is read of them has its whole time again.
        var freed: [String: FreedKey] = [:]
        /// Records to be read until these are looked through for what is to be forgotten.
        var freedRest = 0
        /// What keys of earlier key policies have in the log.
        var leftovers: [Leftover] = []
        /// What is in memory, or over, although a line's refill or a leftover may still bring it, by ordinal: what came
        /// as a leftover (of two policies one after the other both may have left a record behind), and what was under
        /// way when its key's older works were left to the log.
        var known: [Int64: KnownWork] = [:]
        var gate: RateGate?
        var flow = Flow.running
        var streak = FailureStreak()
        /// The log is in memory up to here; what lies behind is read when there is room.
        var loaded: Position
        /// The newest record known to be wanted.
        var newest: Position
        var refilling = false
        /// A record came since the refill under way was asked for: what is read may be without it. (That `newest` has
        /// not moved says nothing: it may have been a guess.)
        var hasNews = false
        /// Its function is not there: nothing can start.
        var isStranded = false
        /// Keys are read in another way since a deployment, and which of them dead letters hold back is not told yet:
        /// nothing can start. The keys that were freed meanwhile, and when.
        var untold: [String: Instant]?

        var isBehind: Bool { newest > loaded }

        /// What an earlier key policy has left behind is not read to its end.
        var hasLeftovers: Bool { !leftovers.isEmpty }

        /// Nothing of it is in memory, or on its way there.
        var isEmpty: Bool {
            ready.isEmpty && retrying.count == 0 && reading.isEmpty && assembling.isEmpty && !hasLeftovers
                && !refilling
                && lines.all.values.allSatisfy { $0.waiting.isEmpty && $0.running == 0 && $0.ahead.isEmpty }
        }

        /// Nothing may start now, whatever is ready.
        var isHeld: Bool {
            if isStranded || untold != nil { return true }
            switch flow {
            case .running: return false
            case .trial(_, let attempt): return attempt != nil
            case .paused, .open: return true
            }
        }
    }

    struct Function: Sendable {
        let name: String
        var limit: Int
        /// Its limit is also a guarantee: others cannot take these slots.
        var isReserved: Bool
        var running = 0
        /// Round robin among the function's subscriptions: the one that started last.
        var lastStarted = -1
        /// Those that may start something, in order; made anew by each pump.
        var candidates: [Int] = []
    }

    var subscriptions = SubscriptionTable()
    var index: [SubscriptionID: Int] = [:]
    /// Places in `subscriptions` of those that are gone.
    var freePositions: [Int] = []
    var functions: [Function] = []
    var functionIndex: [String: Int] = [:]
    /// Round robin among functions, so that none starves.
    var nextFunction = 0
    var running: [AttemptID: Attempt] = [:]
    /// Resolved attempts whose outcomes are not on their way into the journal yet: of subscriptions with keys, and
    /// those with dead letters, which take their time and may meet a deployment that brings keys.
    var settling: [AttemptID: Attempt] = [:]
    /// Attempts that hold a worker; `running` also has those that are done and publishing.
    var occupied: [AttemptID: (function: Int, downstream: String?)] = [:]
    var downstreams: [String: Downstream] = [:]
    var globalLimit: Int
    /// Slots that no reservation takes, and how many of them are in use.
    var sharedLimit: Int
    var sharedRunning = 0
    /// The earliest instant at which something that was declined for its time may start.
    var wake: Instant?
    var changedFlows: Set<SubscriptionID> = []
    /// Slow rates that have let something start and are not stored yet.
    var spentRates: Set<RateOwner> = []
    let boot: Int64
    var lastAttempt: Int64 = 0
    var lastGroup = 0
    var lastLeftover = 0
    var random: SplitMix64

    /// How much of its log a subscription holds ready in memory; beyond it the log is the queue.
    package struct Window: Sendable {
        package var records = 8192
        package var bytes = 16 << 20
        /// Records that are read back at a time, and the bytes of them.
        package var refill = 2048
        package var refillBytes = 8 << 20
        /// Payload of one attempt, whatever its target's limits say: a frame to a worker and what the host copies to
        /// make it are bounded.
        package var batchBytes = 16 << 20
        /// Works that wait to be tried again and have their event in memory, and due ones that are taken at a time; and
        /// the bytes of them.
        package var retries = 1024
        package var retryBytes = 16 << 20
        /// Works of a blocked key that are kept in memory; what is younger is read from the log again.
        package var line = 64
        /// The same of all keys together, and the bytes of their payloads; and as much as is read back at a time for
        /// keys that are free.
        package var lines = 16_384
        package var lineBytes = 64 << 20

        package init() {}
    }

    package var window = Window()

    package init(boot: Int64, globalLimit: Int, seed: UInt64) {
        self.boot = boot
        self.globalLimit = max(1, globalLimit)
        sharedLimit = self.globalLimit
        random = SplitMix64(seed: seed)
    }

    /// An attempt id for what the host does by itself.
    package mutating func takeAttemptID() -> AttemptID {
        lastAttempt += 1
        return AttemptID(boot: boot, number: lastAttempt)
    }

    // MARK: Looking

    package var inFlight: Int { running.count }

    /// Subscriptions that it has room for without growing, those that are there and those that are gone.
    package var places: Int { subscriptions.count }

    package func inFlight(of id: SubscriptionID) -> Int {
        running.values.reduce(0) { $0 + ($1.subscription == id ? $1.works.count : 0) }
    }

    /// Works in memory that could start at once if there were room.
    package func ready(of id: SubscriptionID) -> Int {
        index[id].map { subscriptions[$0].ready.count + subscriptions[$0].assembling.count } ?? 0
    }

    /// Payload bytes of what waits to be tried again.
    package var bytesOfRetries: Int { subscriptions.all.reduce(0) { $0 + $1.retrying.bytes } }

    package func running(of function: String) -> Int { functionIndex[function].map { functions[$0].running } ?? 0 }

    package func flow(of id: SubscriptionID) -> Flow { index[id].map { subscriptions[$0].flow } ?? .running }

    /// A copy of its own: one that is passed on straight from the table is released in the table's frame, which is gone
    /// by then (Swift 6.3.1 without optimisation; a large struct out of a `_read`).
    func rules(at position: Int) -> DeliveryRules { subscriptions[position].rules }

    package func rules(of id: SubscriptionID) -> DeliveryRules? { index[id].map { subscriptions[$0].rules } }

    /// Works from the log that stand in their keys' lines, with their events, and the bytes of these.
    package func inLines(of id: SubscriptionID) -> (works: Int, bytes: Int) {
        index[id].map { (subscriptions[$0].lines.sum.held, subscriptions[$0].lines.sum.heldBytes) } ?? (0, 0)
    }

    /// How many works are remembered so that no reading brings them twice.
    package func knownWorks(of id: SubscriptionID) -> Int { index[id].map { subscriptions[$0].known.count } ?? 0 }

    /// How many keys are remembered so that what is read of them has its whole time again.
    package func freedKeys(of id: SubscriptionID) -> Int { index[id].map { subscriptions[$0].freed.count } ?? 0 }

    /// Keys of what is to be tried again, or was redriven, and does not run.
    package func keysAhead(of id: SubscriptionID) -> Set<String> {
        guard let position = index[id] else { return [] }
        return Set(subscriptions[position].lines.all.filter { !$0.value.ahead.isEmpty }.keys)
    }

    /// When the next thing is due that time alone brings: a retry, a batch's window, a rate, a breaker's trial.
    package var nextDue: Instant? {
        var due = wake
        func note(_ instant: Instant) { due = min(due ?? instant, instant) }
        for position in subscriptions.active {
            if case .open(_, let until) = subscriptions[position].flow { note(until) }
            // Where there is no room for due retries, an answer brings it, and not time.
            if !subscriptions[position].isHeld, roomForRetries(position) > 0,
                let first = subscriptions[position].retrying.firstDue
            {
                note(first)
            }
        }
        return due
    }
}

/// An event that could not be delivered to one subscription, with all that is needed to understand it and to send it
/// again.
package struct DeadLetter: Sendable {
    /// Where it stands.
    package enum State: String, Sendable, Codable {
        case dead
        /// A redrive job has taken it; it is in the pending set again.
        case redriving
        /// The redrive succeeded.
        case redriven
        case purged
    }

    /// 0 before it is inserted.
    package var id: Int64
    package var delivery: Delivery
    package var state: State
    /// The function (or other target) that failed.
    package var target: String
    package var rule: String
    package var eventID: String
    package var ingested: Milliseconds
    package var died: Milliseconds
    package var code: String
    package var message: String
    /// `MaximumRetryAttempts`, `MaximumEventAgeInSeconds`, `PermanentError`, …: what was exhausted.
    package var condition: String
    /// Equal for failures of the same kind; groups `dlq list`.
    package var fingerprint: String
    package var attempts: Int
    /// Every attempt (JSON), opaque here.
    package var history: [UInt8]
    package var payload: [UInt8]
    package var lineage: [UInt8]
    /// The kept input object (JSON), opaque here; empty when there is none.
    package var input: [UInt8]

    package init(
        id: Int64 = 0, delivery: Delivery, state: State = .dead, target: String, rule: String, eventID: String,
        ingested: Milliseconds, died: Milliseconds, code: String, message: String, condition: String,
        fingerprint: String, attempts: Int, history: [UInt8], payload: [UInt8], lineage: [UInt8], input: [UInt8] = []
    ) {
        self.id = id
        self.delivery = delivery
        self.state = state
        self.target = target
        self.rule = rule
        self.eventID = eventID
        self.ingested = ingested
        self.died = died
        self.code = code
        self.message = message
        self.condition = condition
        self.fingerprint = fingerprint
        self.attempts = attempts
        self.history = history
        self.payload = payload
        self.lineage = lineage
        self.input = input
    }
}

/// What a batch does to the dead letters.
package enum DeadLetterChange: Sendable {
    case insert(DeadLetter)
    /// Dead again after a redrive: the same row, with the new attempts; or another state.
    case update(DeadLetter)
    case setState(id: Int64, DeadLetter.State)
}

/// Chooses dead letters. Nil fields do not restrict.
package struct DeadLetterFilter: Sendable {
    package var states: [DeadLetter.State]
    package var subscription: SubscriptionID?
    /// Of the subscription's delivery.
    package var ordinal: Int64?
    package var target: String?
    package var fingerprint: String?
    package var code: String?
    package var diedFrom: Milliseconds?
    package var diedBefore: Milliseconds?
    package var afterID: Int64
    package var limit: Int
    /// No more letters than together have so many bytes of payload and history (but one in any case).
    package var bytes: Int

    package init(
        states: [DeadLetter.State] = [.dead], subscription: SubscriptionID? = nil, ordinal: Int64? = nil,
        target: String? = nil, fingerprint: String? = nil, code: String? = nil, diedFrom: Milliseconds? = nil,
        diedBefore: Milliseconds? = nil, afterID: Int64 = 0, limit: Int = 100,
        bytes: Int = .max
    ) {
        self.states = states
        self.subscription = subscription
        self.ordinal = ordinal
        self.target = target
        self.fingerprint = fingerprint
        self.code = code
        self.diedFrom = diedFrom
        self.diedBefore = diedBefore
        self.afterID = afterID
        self.limit = limit
        self.bytes = bytes
    }
}

/// Fills a page up to so many bytes, but with one item in any case.
struct PageOfBytes<Item> {
    private(set) var items: [Item] = []
    private var room: Int

    init(_ bytes: Int) { room = bytes }

    /// False: it is full, and the item not in it.
    mutating func add(_ item: Item, bytes: Int) -> Bool {
        guard items.isEmpty || bytes <= room else { return false }
        items.append(item)
        room -= min(room, bytes)
        return true
    }
}

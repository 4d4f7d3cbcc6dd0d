/// Everything one transaction does, all or nothing. The journal's only writing call takes it.
///
/// The order inside a batch is fixed: control, appends, settlements and pending set, decisions, objects, catalog,
/// invocations. Batches of one submitter commit in the order of submission; several may share a transaction.
package struct Batch: Sendable {
    package var control: [ControlChange] = []
    package var appends: [Append] = []
    package var settlements: [Settlement] = []
    package var pending: [PendingChange] = []
    package var deadLetters: [DeadLetterChange] = []
    package var decisions: [DecisionChange] = []
    package var objects: [ObjectIndexChange] = []
    package var catalog: [CatalogChange] = []
    package var invocations: [InvocationRecord] = []
    /// What the host itself has to say (an alarm, a pause) is not refused when the disk is short of room.
    package var isUrgent = false

    package init() {}

    package var isEmpty: Bool {
        control.isEmpty && appends.isEmpty && settlements.isEmpty && pending.isEmpty && deadLetters.isEmpty
            && decisions.isEmpty && objects.isEmpty && catalog.isEmpty && invocations.isEmpty
    }
}

/// One record for a log.
package struct Append: Sendable {
    /// Bus or stream.
    package var log: String
    package var eventID: String
    package var ingested: Milliseconds
    /// The whole envelope (JSON), as handlers get it.
    package var payload: [UInt8]
    /// Who wants it, as matched with rule set `ruleSet`. If another rule set is in force when the batch commits, the
    /// journal has its `rematch` closure match the record again.
    package var subscriptions: [SubscriptionID]
    package var ruleSet: Int64
    /// At most one record per id within five minutes: a second append with it is answered `.duplicate`.
    package var deduplicationID: String?
    /// How many hops since an event from outside, and the lineage (opaque JSON), for the hop budget and `trace`.
    package var lineage: [UInt8]
    /// Where the payload tells its own position; nil: nowhere.
    package var marks: PositionMarks?

    package init(
        log: String, eventID: String, ingested: Milliseconds, payload: [UInt8], subscriptions: [SubscriptionID],
        ruleSet: Int64, deduplicationID: String? = nil, lineage: [UInt8] = [], marks: PositionMarks? = nil
    ) {
        self.log = log
        self.eventID = eventID
        self.ingested = ingested
        self.payload = payload
        self.subscriptions = subscriptions
        self.ruleSet = ruleSet
        self.deduplicationID = deduplicationID
        self.lineage = lineage
        self.marks = marks
    }

    /// The payload as it lies in the log at a position.
    func payload(at position: Position) -> [UInt8] {
        guard let marks else { return payload }
        var marked = payload
        marks.write(position, into: &marked)
        return marked
    }
}

/// What became of a batch.
package struct Receipt: Sendable {
    /// What became of one append.
    package enum Appended: Sendable, Hashable {
        case at(Position)
        /// The deduplication id was known: the record it named.
        case duplicate(of: Position)
    }

    /// In the order of `Batch.appends`.
    package var appended: [Appended]
    /// Ids of inserted dead letters, in the order of their inserts.
    package var deadLetters: [Int64]

    package init(appended: [Appended], deadLetters: [Int64]) {
        self.appended = appended
        self.deadLetters = deadLetters
    }
}

/// A log record has left the log's care for one subscription: delivered, dropped, or copied to the pending set or the
/// dead letters by the same batch.
package struct Settlement: Sendable, Hashable {
    /// Where the delivery went.
    package enum Outcome: String, Sendable, Codable {
        case succeeded, dropped, superseded
        /// Moved to the pending set (`PendingChange.put`): no longer counted as waiting in the log.
        case pended
        /// Moved to the dead letters (`DeadLetterChange.insert`).
        case dead
    }

    package var delivery: Delivery
    package var outcome: Outcome

    package init(_ delivery: Delivery, _ outcome: Outcome) {
        self.delivery = delivery
        self.outcome = outcome
    }
}

/// A delivery that left the log and is not finished: retrying, parked, or redriven.
package struct PendingEntry: Sendable {
    /// Why it is pending.
    package enum State: String, Sendable, Codable {
        /// Waits for `due`, then is tried again.
        case retrying
        /// Held back because an earlier event of its key failed.
        case parked
        /// Sent again from the dead letters; tried as soon as there is room.
        case redriven
    }

    package var delivery: Delivery
    package var state: State
    package var eventID: String
    package var ingested: Milliseconds
    /// Attempts made since the delivery was (re)started.
    package var attempts: Int
    /// Wall-clock milliseconds; clamped at load to now plus the policy's longest delay.
    package var due: Milliseconds
    /// Runtime's own account of the attempts so far (JSON), opaque here.
    package var history: [UInt8]
    /// Empty for a redrive of an event as its dead letter has it: see `JournalStore.whole`.
    package var payload: [UInt8]
    package var lineage: [UInt8]
    /// The dead letter this redrive came from.
    package var deadLetter: Int64?

    package init(
        delivery: Delivery, state: State, eventID: String, ingested: Milliseconds, attempts: Int, due: Milliseconds,
        history: [UInt8], payload: [UInt8], lineage: [UInt8], deadLetter: Int64? = nil
    ) {
        self.delivery = delivery
        self.state = state
        self.eventID = eventID
        self.ingested = ingested
        self.attempts = attempts
        self.due = due
        self.history = history
        self.payload = payload
        self.lineage = lineage
        self.deadLetter = deadLetter
    }
}

/// The pending set is keyed by (subscription, ordinal).
package enum PendingChange: Sendable {
    /// Inserts or replaces.
    case put(PendingEntry)
    /// Leaves the pending set with an outcome that is counted (`pended` is not allowed here).
    case finish(Delivery, Settlement.Outcome)
}

/// The outcome of an attempt is *decided* (commit 1) until its publications are done (commit 2), see
/// docs/architecture.md, "Publication".
package enum DecisionChange: Sendable {
    /// `body` is the runtime's (JSON): outbox, publications, settlements to make.
    case decide(AttemptID, body: [UInt8])
    case clear(AttemptID)
}

package import FunctionJSON

/// Chooses dead letters: all fields that are given must hold; with none given `all` must be set.
package struct DeadLetterSelection: Codable, Sendable, Hashable {
    package var ids: [Int64]?
    package var function: String?
    package var code: String?
    package var fingerprint: String?
    /// Died at this moment or later.
    package var since: APITime?
    /// Died before this moment.
    package var until: APITime?
    /// Whose event matches this pattern (JSON).
    package var eventPattern: String?
    package var all: Bool

    package init(
        ids: [Int64]? = nil, function: String? = nil, code: String? = nil, fingerprint: String? = nil,
        since: APITime? = nil, until: APITime? = nil, eventPattern: String? = nil, all: Bool = false
    ) {
        self.ids = ids
        self.function = function
        self.code = code
        self.fingerprint = fingerprint
        self.since = since
        self.until = until
        self.eventPattern = eventPattern
        self.all = all
    }

    /// Nothing is chosen: an oversight, not a wish.
    package var isEmpty: Bool {
        !all && ids == nil && function == nil && code == nil && fingerprint == nil && since == nil && until == nil
            && eventPattern == nil
    }
}

/// `dlq redrive`: deliver again, to the subscription that failed or to another function.
package struct RedriveRequest: Codable, Sendable, Hashable {
    package var selection: DeadLetterSelection
    /// Say what would be sent, and send nothing.
    package var dryRun: Bool
    /// Events a second; nil: as fast as there is room.
    package var rate: Double?
    /// Another function instead of the target's.
    package var to: String?
    /// With the ids also those dead letters whose events were in a batch with theirs.
    package var withCompanions: Bool?
    /// The event to send instead: of a selection of one id. Its id stays that of the dead letter's event.
    package var payload: RawJSON?
    /// Who asks, for the audit trail.
    package var by: String?
    /// Also those whose object has a newer version with an event of its own.
    package var olderVersions: Bool?

    package init(
        selection: DeadLetterSelection, dryRun: Bool = false, rate: Double? = nil, to: String? = nil,
        withCompanions: Bool? = nil, payload: RawJSON? = nil, by: String? = nil, olderVersions: Bool? = nil
    ) {
        self.selection = selection
        self.dryRun = dryRun
        self.rate = rate
        self.to = to
        self.withCompanions = withCompanions
        self.payload = payload
        self.by = by
        self.olderVersions = olderVersions
    }
}

/// A redrive under way or over, or what one would do.
package struct RedriveJob: Codable, Sendable, Hashable {
    /// Empty for a dry run.
    package var id: String
    package var state: JobState
    /// Nothing was sent: it tells what would be.
    package var isDryRun: Bool?
    /// Why it ended before everything was sent.
    package var reason: String?
    package var selected: Int
    /// Handed to the delivery engine.
    package var sent: Int
    package var succeeded: Int
    /// Dead again.
    package var failed: Int
    /// For a dry run: what would be sent, at most 100.
    package var letters: [DeadLetterSummary]
    package var selection: DeadLetterSelection?
    package var to: String?
    /// The event was edited; `dlq show` has both.
    package var isEdited: Bool?
    package var rate: Double?
    package var by: String?
    package var started: APITime?
    package var ended: APITime?
    /// Of `RedriveOutcome`s, from 1.
    package var pages: Int?
    /// Of those that failed, or would: left alone because their object has a newer version.
    package var older: Int?
    /// Targets that are paused and hold back what was sent to them.
    package var held: [HeldTarget]?
    /// As it starts: other jobs that have still to send some of the same dead letters. Each is sent by the one that
    /// comes to it first, and what fails again is sent again by the other.
    package var alsoIn: [Overlap]?

    /// What another job has still to send, too.
    package struct Overlap: Codable, Sendable, Hashable {
        package var job: String
        package var count: Int

        package init(job: String, count: Int) {
            self.job = job
            self.count = count
        }
    }

    /// A target that is paused.
    package struct HeldTarget: Codable, Sendable, Hashable {
        package var bus: String
        package var rule: String
        package var target: String
        package var reason: String

        package init(bus: String, rule: String, target: String, reason: String) {
            self.bus = bus
            self.rule = rule
            self.target = target
            self.reason = reason
        }
    }

    package init(
        id: String, state: JobState, isDryRun: Bool? = nil, reason: String? = nil, selected: Int, sent: Int = 0,
        succeeded: Int = 0, failed: Int = 0,
        letters: [DeadLetterSummary] = [], selection: DeadLetterSelection? = nil, to: String? = nil,
        isEdited: Bool? = nil, rate: Double? = nil, by: String? = nil, started: APITime? = nil,
        ended: APITime? = nil, pages: Int? = nil, older: Int? = nil, held: [HeldTarget]? = nil
    ) {
        self.id = id
        self.state = state
        self.isDryRun = isDryRun
        self.reason = reason
        self.selected = selected
        self.sent = sent
        self.succeeded = succeeded
        self.failed = failed
        self.letters = letters
        self.selection = selection
        self.to = to
        self.isEdited = isEdited
        self.rate = rate
        self.by = by
        self.started = started
        self.ended = ended
        self.pages = pages
        self.older = older
        self.held = held
    }

    package var isOver: Bool { state.isOver }
}

/// What came of one dead letter of a redrive.
package struct RedriveOutcome: Codable, Sendable, Hashable {
    package var deadLetter: Int64
    /// `under way`, `succeeded`, `failed`
    package var state: String
    /// Of the failure.
    package var code: String?

    package init(deadLetter: Int64, state: String, code: String? = nil) {
        self.deadLetter = deadLetter
        self.state = state
        self.code = code
    }
}

/// Answer to `dlq purge`.
package struct PurgeResult: Codable, Sendable, Hashable {
    package var purged: Int

    package init(purged: Int) {
        self.purged = purged
    }
}

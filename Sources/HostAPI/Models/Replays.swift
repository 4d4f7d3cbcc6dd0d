/// `replay start`: deliver archived events of a time range again, in EventBridge's words (`StartReplay`).
package struct ReplayRequest: Codable, Sendable, Hashable {
    /// Unique; 1 to 64 of letters, digits and `.-_`. Events carry it as `replay-name`.
    package var name: String
    package var bus: String
    /// Of ingestion: at or after this moment …
    package var from: APITime
    /// … and before this one.
    package var to: APITime
    /// Through the targets of these rules of the bus; none: of all its rules.
    package var rules: [String]
    /// To this function (`NAME`) or version (`NAME@VERSION`) instead of the rules' targets.
    package var function: String?
    /// Only events that match this pattern (JSON) too.
    package var eventPattern: String?
    /// Events a second; nil: as fast as there is room.
    package var rate: Double?
    /// Run them in the shadow: effects are compared with those of the original run, and not published.
    package var dryRun: Bool
    /// Of a dry run: how many differences are told in full.
    package var examples: Int
    /// What `examples` may be.
    package static let exampleRange = 0...10_000
    /// Of a dry run: the columns that tell which row is which.
    package var keys: [String]
    /// Who asks, for the audit trail.
    package var by: String?
    /// Also where what the first run has made of batches is still there, and the replay would add it again.
    package var addsAgain: Bool?

    package init(
        name: String, bus: String = "default", from: APITime, to: APITime, rules: [String] = [],
        function: String? = nil, eventPattern: String? = nil, rate: Double? = nil, dryRun: Bool = false,
        examples: Int = 20, keys: [String] = [], by: String? = nil, addsAgain: Bool? = nil
    ) {
        self.name = name
        self.bus = bus
        self.from = from
        self.to = to
        self.rules = rules
        self.function = function
        self.eventPattern = eventPattern
        self.rate = rate
        self.dryRun = dryRun
        self.examples = examples
        self.keys = keys
        self.by = by
        self.addsAgain = addsAgain
    }
}

/// A replay under way or over.
package struct ReplayInfo: Codable, Sendable, Hashable {
    /// As in `request`. Nil from a host that does not tell.
    package private(set) var name: String?
    package var request: ReplayRequest
    package var state: JobState
    /// Why it failed.
    package var reason: String?
    package var started: APITime
    package var ended: APITime?
    /// The ingestion time of the newest event that was replayed.
    package var lastReplayed: APITime?
    /// Events of the range on the bus that were looked at, and how many there are, as far as is known.
    package var scanned: Int64
    package var total: Int64
    /// Events that somebody wanted.
    package var replayed: Int64
    /// Deliveries of those events; of a dry run: runs in the shadow.
    package var deliveries: Int64
    package var succeeded: Int64
    package var dropped: Int64
    package var superseded: Int64
    /// Waiting, in flight, retrying.
    package var waiting: Int64
    /// Held back by a dead letter of their key; a replay ends with them. Nil from a host that does not tell.
    package var parked: Int64?
    /// Dead letters that hold them back, some of them; only of a single replay.
    package var parkedBehind: [Int64]?
    /// There may be more of them than `parkedBehind` names.
    package var parkedBehindMore: Bool?
    package var dead: Int64
    /// Of a dry run: runs that failed.
    package var failed: Int64?
    /// Of a dry run.
    package var shadow: ShadowReport?
    /// What is to be known before its outcome is relied on.
    package var warnings: [String]?

    package init(
        request: ReplayRequest, state: JobState, reason: String? = nil, started: APITime, ended: APITime? = nil,
        lastReplayed: APITime? = nil, scanned: Int64 = 0, total: Int64 = 0, replayed: Int64 = 0,
        deliveries: Int64 = 0, succeeded: Int64 = 0, dropped: Int64 = 0, superseded: Int64 = 0, waiting: Int64 = 0,
        parked: Int64? = nil, parkedBehind: [Int64]? = nil, parkedBehindMore: Bool? = nil, dead: Int64 = 0,
        failed: Int64? = nil, shadow: ShadowReport? = nil, warnings: [String]? = nil
    ) {
        name = request.name
        self.request = request
        self.state = state
        self.reason = reason
        self.started = started
        self.ended = ended
        self.lastReplayed = lastReplayed
        self.scanned = scanned
        self.total = total
        self.replayed = replayed
        self.deliveries = deliveries
        self.succeeded = succeeded
        self.dropped = dropped
        self.superseded = superseded
        self.waiting = waiting
        self.parked = parked
        self.parkedBehind = parkedBehind
        self.parkedBehindMore = parkedBehindMore
        self.dead = dead
        self.failed = failed
        self.shadow = shadow
        self.warnings = warnings
    }

    package var isOver: Bool { state.isOver }
}

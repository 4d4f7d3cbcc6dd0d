/// Answer of `health`: cheap, for scripts that wait for a host.
package struct HealthReport: Codable, Sendable, Hashable {
    /// Where the host is in its life.
    package enum State: String, Codable, Sendable {
        case starting, ready, stopping
    }

    package var state: State
    package var version: String
    /// Whether it was started to be looked at and delivers nothing yet; absent: no.
    package var isHeld: Bool?

    package init(state: State, version: String, isHeld: Bool? = nil) {
        self.state = state
        self.version = version
        self.isHeld = isHeld
    }
}

/// Answer of `status`: the host at a glance.
package struct HostStatus: Codable, Sendable {
    package var state: HealthReport.State
    /// Of the program.
    package var version: String
    package var processID: Int
    package var started: APITime
    package var dataFolder: String
    package var appFolder: String?
    /// How often a host has started on this data folder.
    package var boot: Int64
    /// Which deployment is in force.
    package var ruleSet: Int64
    /// Position of the newest record of the log.
    package var head: Int64
    package var residentBytes: Int64
    package var journalBytes: Int64
    package var freeBytes: Int64
    package var deadLetters: Int64
    package var subscriptions: [SubscriptionStatus]
    package var functions: [FunctionStatus]
    package var buckets: [BucketInfo]
    /// What needs a human's eye, one sentence each: no space, a bucket that is polled, a function that does not load.
    package var warnings: [String]
    /// Nil from a host that does not know alarms.
    package var alarms: [AlarmInfo]?
    /// Those of `buckets trigger` that run. Nil from a host that does not tell.
    package var triggers: [TriggerJob]?
    /// As `sluice status` adds them.
    package var streams: [StreamInfo]?
    /// Whether it was started to be looked at and delivers nothing yet; absent: no.
    package var isHeld: Bool?

    package init(
        state: HealthReport.State, version: String, processID: Int, started: APITime, dataFolder: String,
        appFolder: String?, boot: Int64, ruleSet: Int64, head: Int64, residentBytes: Int64, journalBytes: Int64,
        freeBytes: Int64, deadLetters: Int64, subscriptions: [SubscriptionStatus], functions: [FunctionStatus],
        buckets: [BucketInfo], warnings: [String] = [],
        alarms: [AlarmInfo]? = nil, triggers: [TriggerJob]? = nil,
        isHeld: Bool? = nil
    ) {
        self.isHeld = isHeld
        self.state = state
        self.version = version
        self.processID = processID
        self.started = started
        self.dataFolder = dataFolder
        self.appFolder = appFolder
        self.boot = boot
        self.ruleSet = ruleSet
        self.head = head
        self.residentBytes = residentBytes
        self.journalBytes = journalBytes
        self.freeBytes = freeBytes
        self.deadLetters = deadLetters
        self.subscriptions = subscriptions
        self.functions = functions
        self.buckets = buckets
        self.warnings = warnings
        self.alarms = alarms
        self.triggers = triggers
    }
}

/// One subscription in numbers. Conservation: `matched = succeeded + dropped + superseded + purged + waiting +
/// retrying + parked + redriven + dead`; `inFlight` is a part of waiting, retrying and redriven.
package struct SubscriptionStatus: Codable, Sendable, Hashable {
    package var bus: String
    package var rule: String
    /// The target's id.
    package var target: String
    package var function: String
    /// `active`, `paused`, `draining`
    package var state: String
    package var matched: Int64
    package var succeeded: Int64
    package var dropped: Int64
    package var superseded: Int64
    package var purged: Int64
    package var waiting: Int64
    package var retrying: Int64
    package var parked: Int64
    package var redriven: Int64
    package var dead: Int64
    package var inFlight: Int64
    /// Why it is paused: by whom, or by which failure; nil where it is not.
    package var pauseReason: String?
    /// Keys that a dead letter holds back; nil where deliveries are not parked by key.
    package var parkedKeys: Int?
    /// Since the acceptance of the oldest delivery that is not settled, of one that is redriven or replayed since that
    /// began; nil: none, or it was not asked for.
    package var oldestAgeSeconds: Double?
    /// Since the host started: deliveries that were put back to be tried again, and attempts that waited for a new
    /// worker.
    package var retries: Int64
    package var coldStarts: Int64

    package init(
        bus: String, rule: String, target: String, function: String, state: String = "active", matched: Int64 = 0,
        succeeded: Int64 = 0, dropped: Int64 = 0, superseded: Int64 = 0, purged: Int64 = 0, waiting: Int64 = 0,
        retrying: Int64 = 0, parked: Int64 = 0, redriven: Int64 = 0, dead: Int64 = 0, inFlight: Int64 = 0,
        pauseReason: String? = nil, parkedKeys: Int? = nil, oldestAgeSeconds: Double? = nil, retries: Int64 = 0,
        coldStarts: Int64 = 0
    ) {
        self.bus = bus
        self.rule = rule
        self.target = target
        self.function = function
        self.state = state
        self.matched = matched
        self.succeeded = succeeded
        self.dropped = dropped
        self.superseded = superseded
        self.purged = purged
        self.waiting = waiting
        self.retrying = retrying
        self.parked = parked
        self.redriven = redriven
        self.dead = dead
        self.inFlight = inFlight
        self.pauseReason = pauseReason
        self.parkedKeys = parkedKeys
        self.oldestAgeSeconds = oldestAgeSeconds
        self.retries = retries
        self.coldStarts = coldStarts
    }

    /// Matched less everything that is known of it: conservation, always 0.
    package var unaccounted: Int64 {
        matched - succeeded - dropped - superseded - purged - waiting - retrying - parked - redriven - dead
    }
}

/// `resume`: lets a host go that was started with `--held`.
package struct ResumeRequest: Codable, Sendable, Hashable {
    /// Who asks.
    package var by: String?

    package init(by: String? = nil) { self.by = by }
}

/// Answer to `resume`.
package struct ResumeResult: Codable, Sendable, Hashable {
    /// False: there was nothing to let go.
    package var wasHeld: Bool

    package init(wasHeld: Bool) { self.wasHeld = wasHeld }
}

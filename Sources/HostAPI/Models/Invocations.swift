package import FunctionJSON

/// One attempt in a line.
package struct InvocationSummary: Codable, Sendable, Hashable {
    /// What an attempt can come to: `partial` where some records of a batch failed, `superseded` where a newer version
    /// of the object made it superfluous.
    package static let outcomes = ["succeeded", "failed", "partial", "superseded"]

    /// Unique to the attempt: `<boot>-<n>`.
    package var requestID: String
    /// The same for every attempt of a delivery.
    package var invocationID: String
    package var function: String
    package var version: Int
    /// Nil for `invoke`.
    package var rule: String?
    package var eventIDs: [String]
    package var attempt: Int
    package var started: APITime
    package var durationMilliseconds: Double
    /// One of `InvocationSummary.outcomes`.
    package var outcome: String
    /// Of the failure.
    package var code: String?
    package var message: String?
    package var coldStart: Bool

    package init(
        requestID: String, invocationID: String, function: String, version: Int, rule: String? = nil,
        eventIDs: [String] = [], attempt: Int = 1, started: APITime, durationMilliseconds: Double, outcome: String,
        code: String? = nil, message: String? = nil, coldStart: Bool = false
    ) {
        self.requestID = requestID
        self.invocationID = invocationID
        self.function = function
        self.version = version
        self.rule = rule
        self.eventIDs = eventIDs
        self.attempt = attempt
        self.started = started
        self.durationMilliseconds = durationMilliseconds
        self.outcome = outcome
        self.code = code
        self.message = message
        self.coldStart = coldStart
    }
}

/// Something an invocation did through its context.
package struct EffectInfo: Codable, Sendable, Hashable {
    /// `put`, `copy`, `move`, `delete`, `event`, `register`
    package var kind: String
    /// What it did it to: `bucket/key`, `bus source detail-type`, `database.table`.
    package var subject: String
    /// More of it: `25 rows`, `1.2 kB`, the new event's id.
    package var note: String?
    /// The event that tells of it.
    package var event: String?
    /// Of a batch: which of its events it belongs to, from 0; nil: it is the whole batch's, or was kept by a host that
    /// did not tell.
    package var record: Int?

    package init(kind: String, subject: String, note: String? = nil, event: String? = nil, record: Int? = nil) {
        self.kind = kind
        self.subject = subject
        self.note = note
        self.event = event
        self.record = record
    }
}

/// `invocations show`: one attempt with everything that is known, and its siblings.
package struct InvocationDetail: Codable, Sendable {
    /// As in `summary`. Nil from a host that does not tell.
    package private(set) var requestID: String?
    package var summary: InvocationSummary
    /// What the handler returned: JSON if it was, else the bytes as a JSON text.
    package var output: RawJSON?
    package var effects: [EffectInfo]
    package var logs: [LogLine]
    /// One frame a line.
    package var backtrace: [String]
    /// Every kept attempt of the same delivery, this one among them.
    package var attempts: [InvocationSummary]

    package init(
        summary: InvocationSummary, output: RawJSON? = nil, effects: [EffectInfo] = [], logs: [LogLine] = [],
        backtrace: [String] = [], attempts: [InvocationSummary] = []
    ) {
        requestID = summary.requestID
        self.summary = summary
        self.output = output
        self.effects = effects
        self.logs = logs
        self.backtrace = backtrace
        self.attempts = attempts
    }
}

/// Chooses invocations. Nil fields do not restrict.
package struct InvocationQuery: Sendable, Hashable {
    package var function: String?
    package var eventID: String?
    package var outcome: String?
    /// Started from then on.
    package var since: APITime?
    /// Started before.
    package var until: APITime?

    package init(
        function: String? = nil, eventID: String? = nil, outcome: String? = nil, since: APITime? = nil,
        until: APITime? = nil
    ) {
        self.since = since
        self.until = until
        self.function = function
        self.eventID = eventID
        self.outcome = outcome
    }
}

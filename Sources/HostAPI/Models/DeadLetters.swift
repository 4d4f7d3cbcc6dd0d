package import FunctionJSON

/// Dead letters of one kind: the same function failed in the same way.
package struct DeadLetterGroupInfo: Codable, Sendable, Hashable {
    package var function: String
    package var code: String
    package var fingerprint: String
    /// The newest message of the group.
    package var message: String
    package var count: Int64
    package var first: APITime
    package var last: APITime
    /// The function that redrives had sent them to when they died, where that is another than their own.
    package var ranBy: String?

    package init(
        function: String, code: String, fingerprint: String, message: String, count: Int64, first: APITime,
        last: APITime, ranBy: String? = nil
    ) {
        self.function = function
        self.code = code
        self.fingerprint = fingerprint
        self.message = message
        self.count = count
        self.first = first
        self.last = last
        self.ranBy = ranBy
    }
}

/// A dead letter in a line.
package struct DeadLetterSummary: Codable, Sendable, Hashable {
    package var id: Int64
    /// `dead`, `redriving`, `redriven`, `purged`
    package var state: String
    package var function: String
    package var rule: String
    package var eventID: String
    /// What the event is about: `bucket/key` of an object event, else its detail-type.
    package var subject: String
    package var code: String
    package var message: String
    /// What was exhausted: `MaximumRetryAttempts`, `MaximumEventAgeInSeconds`, `PermanentError`.
    package var condition: String
    package var fingerprint: String
    package var attempts: Int
    package var ingested: APITime
    package var died: APITime
    /// When the version came that has replaced the event's object, and has an event of its own; nil where there is
    /// none.
    package var newerVersion: APITime?
    /// The function that a redrive had sent it to when it died, where that is another than its own: the reason is that
    /// one's.
    package var ranBy: String?
    /// How many deliveries of its key wait behind it, as far as the log has been read; nil: none.
    package var holdsBack: Int?

    package init(
        id: Int64, state: String = "dead", function: String, rule: String, eventID: String, subject: String,
        code: String, message: String, condition: String, fingerprint: String, attempts: Int, ingested: APITime,
        died: APITime, newerVersion: APITime? = nil, ranBy: String? = nil
    ) {
        self.id = id
        self.state = state
        self.function = function
        self.rule = rule
        self.eventID = eventID
        self.subject = subject
        self.code = code
        self.message = message
        self.condition = condition
        self.fingerprint = fingerprint
        self.attempts = attempts
        self.ingested = ingested
        self.died = died
        self.newerVersion = newerVersion
        self.ranBy = ranBy
    }
}

/// `dlq show`: a dead letter with all that is needed to understand it.
package struct DeadLetterDetail: Codable, Sendable {
    /// One try, with its log and backtrace.
    package struct Attempt: Codable, Sendable, Hashable {
        package var number: Int
        package var requestID: String
        /// What ran; nil where it was kept by a host that did not tell, or nothing ran.
        package var function: String?
        package var version: Int?
        package var started: APITime
        package var durationMilliseconds: Double
        package var code: String
        package var message: String
        package var logs: [LogLine]
        /// One frame a line.
        package var backtrace: [String]
        /// What the handler got in this attempt, where that is not the event itself.
        package var input: RawJSON?
        /// It was made before the last redrive of the dead letter; nil: since.
        package var isEarlier: Bool?

        package init(
            number: Int, requestID: String, function: String? = nil, version: Int? = nil, started: APITime,
            durationMilliseconds: Double, code: String,
            message: String, logs: [LogLine] = [], backtrace: [String] = [], input: RawJSON? = nil,
            isEarlier: Bool? = nil
        ) {
            self.number = number
            self.requestID = requestID
            self.function = function
            self.version = version
            self.started = started
            self.durationMilliseconds = durationMilliseconds
            self.code = code
            self.message = message
            self.logs = logs
            self.backtrace = backtrace
            self.input = input
            self.isEarlier = isEarlier
        }
    }

    /// The object that the event was about, kept with the dead letter.
    package struct KeptInput: Codable, Sendable, Hashable {
        package var bucket: String
        package var key: String
        package var size: Int64
        /// `reflink`, `copy`, `hard link`, or `not kept` with the reason in `note`.
        package var kind: String
        package var path: String?
        package var note: String?

        package init(
            bucket: String, key: String, size: Int64, kind: String, path: String? = nil, note: String? = nil
        ) {
            self.bucket = bucket
            self.key = key
            self.size = size
            self.kind = kind
            self.path = path
            self.note = note
        }
    }

    /// As in `summary`. Nil from a host that does not tell.
    package private(set) var id: Int64?
    package var summary: DeadLetterSummary
    /// The event as it was.
    package var payload: RawJSON
    /// What the handler got for it in its last attempt, where that is not the event itself.
    package var handlerInput: RawJSON?
    /// Why there is none, where the target changes events.
    package var handlerInputNote: String?
    package var attempts: [Attempt]
    package var input: KeptInput?
    /// Ids of the other events of its batches, as far as their invocations are kept.
    package var companions: [String]
    /// Ids of the dead letters that those events have now.
    package var deadCompanions: [Int64]?
    /// Where it came from, oldest first, one hop a line.
    package var lineage: [String]
    /// What was sent for it instead, oldest first.
    package var edits: [Edit]?
    /// The job that is redriving it.
    package var redrivenBy: String?
    /// What waits behind it; nil: nothing.
    package var heldBack: HeldBack?

    /// Deliveries of the same key that a dead letter holds back.
    package struct HeldBack: Codable, Sendable, Hashable {
        package var key: String
        /// As far as the log has been read.
        package var count: Int
        /// Ids of the first of their events.
        package var events: [String]

        package init(key: String, count: Int, events: [String]) {
            self.key = key
            self.count = count
            self.events = events
        }
    }

    /// A redrive with an edited event.
    package struct Edit: Codable, Sendable {
        package var job: String
        package var by: String?
        package var at: APITime?
        package var payload: RawJSON

        package init(job: String, by: String?, at: APITime?, payload: RawJSON) {
            self.job = job
            self.by = by
            self.at = at
            self.payload = payload
        }
    }

    package init(
        summary: DeadLetterSummary, payload: RawJSON, handlerInput: RawJSON? = nil, handlerInputNote: String? = nil,
        attempts: [Attempt], input: KeptInput? = nil, companions: [String] = [],
        deadCompanions: [Int64]? = nil, lineage: [String] = [], edits: [Edit]? = nil,
        redrivenBy: String? = nil, heldBack: HeldBack? = nil
    ) {
        self.heldBack = heldBack
        id = summary.id
        self.summary = summary
        self.payload = payload
        self.handlerInput = handlerInput
        self.handlerInputNote = handlerInputNote
        self.attempts = attempts
        self.input = input
        self.companions = companions
        self.deadCompanions = deadCompanions
        self.lineage = lineage
        self.edits = edits
        self.redrivenBy = redrivenBy
    }
}

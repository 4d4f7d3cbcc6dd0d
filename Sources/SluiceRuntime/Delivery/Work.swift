package import Journal

/// One delivery on its way: what the core hands around. The event is shared, not copied.
package struct Work: Sendable {
    /// Where it counts as unsettled.
    package enum Source: Sendable, Hashable {
        /// In the log, above the subscription's floor.
        case log
        /// In the pending set; a redrive names its dead letter.
        case pending(deadLetter: Int64?)
        /// Asked for by `sluice invoke`: nothing is persisted, the caller waits for the answer.
        case direct(Int64)
    }

    package var delivery: Delivery
    package var source: Source
    /// The event; of a work that is not from the log it tells no more than what is offered below.
    private var record: CommittedRecord
    /// When it is too old to be tried again.
    package var expires: Instant
    /// Only works of the same group may share a batch; a failed batch is cut into new groups.
    package var group: Int
    /// Runs alone in its batch: it was in flight when the host was lost, or its rule could not decide about it.
    package var alone: Bool
    /// The value at the key policy's path; nil: not delivered by key.
    package var key: String?
    /// What it counts against the limit of a batch.
    package var bytes: Int64
    /// When it came into memory: what a pause adds to its age limit starts here.
    package var arrived: Instant
    /// It is in `ready` because its key became free.
    var isPromoted = false
    /// Nil for nearly all.
    var extras: WorkExtras?

    package init(
        delivery: Delivery, source: Source, eventID: String, ingested: Milliseconds, expires: Instant,
        payload: [UInt8], lineage: [UInt8], history: [AttemptSummary] = [], group: Int = 0, alone: Bool = false,
        parked: String? = nil, key: String? = nil, bytes: Int64 = 0, arrived: Instant = 0, note: WorkNote? = nil
    ) {
        self.init(
            CommittedRecord(
                position: delivery.position, log: "", eventID: eventID, ingested: ingested, payload: payload,
                lineage: lineage, deliveries: []),
            delivery: delivery, source: source, expires: expires, history: history, group: group, alone: alone,
            parked: parked, key: key, bytes: bytes, arrived: arrived, note: note)
    }

    /// The delivery of a record as the log has it.
    init(
        _ record: CommittedRecord, delivery: Delivery, source: Source = .log, expires: Instant,
        history: [AttemptSummary] = [], group: Int = 0, alone: Bool = false, parked: String? = nil, key: String? = nil,
        bytes: Int64 = 0, arrived: Instant = 0, note: WorkNote? = nil
    ) {
        self.record = record
        self.delivery = delivery
        self.source = source
        self.expires = expires
        self.group = group
        self.alone = alone
        self.key = key
        self.bytes = bytes
        self.arrived = arrived
        if !history.isEmpty { self.history = history }
        if let parked { self.parked = parked }
        if let note { self.note = note }
    }

    package var eventID: String { record.eventID }
    /// Wall clock, as persisted.
    package var ingested: Milliseconds { record.ingested }
    package var payload: [UInt8] { record.payload }
    package var lineage: [UInt8] { record.lineage }

    /// Leaves what the pending set has.
    mutating func shed() {
        isShed = true
        shedAttempts = history.count
        shedBytes = payload.count
        history = []
        record = CommittedRecord(
            position: record.position, log: "", eventID: eventID, ingested: ingested, payload: [], lineage: [],
            deliveries: [])
    }

    /// Shares no batch: it was there when the host was lost, or goes on with a kept outcome of its own.
    package var isSolitary: Bool { alone || parked != nil }

    /// Attempts that count against the policy.
    package var charged: Int { history.count { !$0.platform } }
    package var uncharged: Int { history.count { $0.platform } }
}

/// One failed attempt, as it is kept with the delivery and shown by `dlq show`.
package struct AttemptSummary: Codable, Sendable, Hashable {
    package var attempt: String
    /// Whose version it is; nil where it was kept by a host that did not tell.
    package var function: String?
    package var version: Int
    /// Wall clock.
    package var started: Milliseconds
    package var durationMilliseconds: Double
    package var code: String
    package var message: String
    package var platform: Bool
    package var backtrace: [String]
    /// The first lines of its log; the whole log is with the invocation.
    package var log: [String]
    /// Milliseconds (Retry-After) for which the target asked not to be called; nil: nothing was said.
    package var retryAfter: Int64?
    /// What the handler got, where that is not the event itself; nil also where it is what the attempt before got.
    package var input: String?

    package init(
        attempt: String, function: String? = nil, version: Int, started: Milliseconds, durationMilliseconds: Double,
        code: String, message: String, platform: Bool = false, backtrace: [String] = [], log: [String] = [],
        retryAfter: Int64? = nil, input: String? = nil
    ) {
        self.attempt = attempt
        self.function = function
        self.version = version
        self.started = started
        self.durationMilliseconds = durationMilliseconds
        self.code = code
        self.message = message
        self.platform = platform
        self.backtrace = backtrace
        self.log = log
        self.retryAfter = retryAfter
        self.input = input
    }
}

/// What an attempt came to.
package enum Verdict: Sendable {
    case succeeded
    /// The whole attempt failed: crash, timeout, an error thrown, a malformed answer.
    case failed(AttemptSummary, FailureClass)
    /// The same of a batch in which newer versions of some works' objects, by index, have their own events: these are
    /// superseded, whatever it was that failed.
    case failedBeside(Set<Int>, AttemptSummary, FailureClass)
    /// A batch's answer, one result a record.
    case records([RecordVerdict])
    /// A newer version of the object has its own event.
    case superseded
}

package enum RecordVerdict: Sendable {
    case succeeded
    case dropped
    case failed(AttemptSummary, FailureClass)
    /// A newer version of its object has its own event.
    case superseded
    /// An earlier record of its key failed, so this one does not count as delivered, whatever the handler did.
    case notReached
}

/// What is to be committed for one work.
package enum Resolution: Sendable {
    case succeeded(Work)
    case dropped(Work)
    case superseded(Work)
    /// Into the pending set, to be tried at `due`; `from` is where it was until now.
    case retry(Work, due: Instant, from: Work.Source)
    /// Into the dead letters, from where `work.source` says.
    case dead(Work, Death)
}

extension Resolution {
    var isDead: Bool { if case .dead = self { true } else { false } }

    package var work: Work {
        switch self {
        case .succeeded(let work), .dropped(let work), .superseded(let work), .retry(let work, _, _),
            .dead(let work, _):
            work
        }
    }
}

/// Why a delivery is given up.
package struct Death: Sendable, Hashable {
    /// Which limit was reached, in AWS's words (EXHAUSTED_RETRY_CONDITION), or `PermanentError`.
    package var condition: String
    package var code: String
    package var message: String

    package init(condition: String, code: String, message: String) {
        self.condition = condition
        self.code = code
        self.message = message
    }
}

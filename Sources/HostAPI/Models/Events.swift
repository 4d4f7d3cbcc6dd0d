package import FunctionJSON

/// `events put`: up to 1,000 events, each accepted or refused on its own.
package struct EventSubmission: Codable, Sendable {
    private enum CodingKeys: String, CodingKey { case entries }

    package static let maximumEntries = 1000

    package let entries: [EventEntry]
    /// What all details were parsed as parts of, if they were. Not sent.
    package let document: JSONDocument?

    package init(entries: [EventEntry]) {
        self.entries = entries
        document = nil
    }

    package init(from decoder: any Decoder) throws {
        self.init(entries: try decoder.container(keyedBy: CodingKeys.self).decode([EventEntry].self, forKey: .entries))
    }

    /// Entries that were read from a document, as parts of which their details were parsed.
    init(entries: [EventEntry], of document: JSONDocument) {
        self.entries = entries
        self.document = document
    }
}

/// One event to be put on a bus.
package struct EventEntry: Codable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case bus, source, detailType, detail, resources, time, deduplicationID
    }

    /// `default` when absent.
    package var bus: String?
    package var source: String
    package var detailType: String
    /// A JSON object.
    package var detail: RawJSON
    package var resources: [String]?
    /// RFC 3339; the time of arrival when absent.
    package var time: String?
    /// A second entry with it within five minutes is answered with the first one's id, and not put.
    package var deduplicationID: String?
    /// What was found out about the detail when it was parsed. Not sent.
    package var detailTraits: JSONTraits?

    package init(
        bus: String? = nil, source: String, detailType: String, detail: RawJSON, resources: [String]? = nil,
        time: String? = nil, deduplicationID: String? = nil
    ) {
        self.bus = bus
        self.source = source
        self.detailType = detailType
        self.detail = detail
        self.resources = resources
        self.time = time
        self.deduplicationID = deduplicationID
    }
}

/// One result an entry, in their order. What has an id is durable.
package struct EventReceipt: Codable, Sendable {
    /// One entry: the id of the event, or why it was refused.
    package struct Result: Codable, Sendable, Hashable {
        package var eventID: String?
        /// `MalformedDetail`, `InvalidArgument`, `ResourceNotFoundException`, …; nil when accepted.
        package var code: String?
        package var message: String?

        package init(eventID: String) {
            self.eventID = eventID
        }

        package init(code: String, message: String) {
            self.code = code
            self.message = message
        }
    }

    package typealias Making = @Sendable () throws -> EventReceipt

    package var results: [Result]

    package init(results: [Result]) {
        self.results = results
    }

    package var failedCount: Int { results.count { $0.eventID == nil } }
}

/// Chooses events. Nil fields do not restrict.
package struct EventQuery: Sendable, Hashable {
    package var bus: String?
    package var source: String?
    package var detailType: String?
    /// Only events that this rule matched.
    package var rule: String?
    /// Only events about this object, `BUCKET/KEY`; with `*` at the end, about those whose names begin so.
    package var object: String?
    /// Ingested from then on.
    package var since: APITime?
    /// Ingested before.
    package var until: APITime?

    package init(
        bus: String? = nil, source: String? = nil, detailType: String? = nil, rule: String? = nil,
        object: String? = nil, since: APITime? = nil, until: APITime? = nil
    ) {
        self.object = object
        self.since = since
        self.until = until
        self.bus = bus
        self.source = source
        self.detailType = detailType
        self.rule = rule
    }
}

/// An event as it lies in the log.
package struct EventRecord: Codable, Sendable {
    package var position: Int64
    package var bus: String
    package var id: String
    package var ingested: APITime
    /// `rule/target` of each subscription that wants it.
    package var subscriptions: [String]
    /// The whole envelope.
    package var event: RawJSON

    package init(
        position: Int64, bus: String, id: String, ingested: APITime, subscriptions: [String], event: RawJSON
    ) {
        self.position = position
        self.bus = bus
        self.id = id
        self.ingested = ingested
        self.subscriptions = subscriptions
        self.event = event
    }
}

/// `events show`: an event and what became of it.
package struct EventDetail: Codable, Sendable {
    /// The event with one target.
    package struct Delivery: Codable, Sendable, Hashable {
        package var rule: String
        package var target: String
        package var function: String
        /// `waiting`, `in flight`, `retrying`, `parked`, `settled`, `dead`, `redriven`
        package var state: String
        /// The dead letter, when the state is `dead`.
        package var deadLetter: Int64?
        /// When the state is `parked`: dead letters of its key, which it waits behind; of many the first.
        package var parkedBehind: [Int64]?

        package init(
            rule: String, target: String, function: String, state: String, deadLetter: Int64? = nil,
            parkedBehind: [Int64]? = nil
        ) {
            self.parkedBehind = parkedBehind
            self.rule = rule
            self.target = target
            self.function = function
            self.state = state
            self.deadLetter = deadLetter
        }
    }

    /// As in `record`. Nil from a host that does not tell.
    package private(set) var id: String?
    package var record: EventRecord
    package var deliveries: [Delivery]
    /// Those that were kept: with effects, logs or an error.
    package var invocations: [InvocationSummary]

    package init(record: EventRecord, deliveries: [Delivery], invocations: [InvocationSummary]) {
        id = record.id
        self.record = record
        self.deliveries = deliveries
        self.invocations = invocations
    }
}

/// `buckets trigger`: make `Object Created` events for what is there.
package struct TriggerRequest: Codable, Sendable, Hashable {
    package var prefix: String
    /// Events a second; nil: as fast as there is room.
    package var rate: Double?
    package var dryRun: Bool
    /// Who asks, for the list of jobs.
    package var by: String?

    package init(prefix: String = "", rate: Double? = nil, dryRun: Bool = false, by: String? = nil) {
        self.prefix = prefix
        self.rate = rate
        self.dryRun = dryRun
        self.by = by
    }
}

/// Answer to `buckets trigger`.
package struct TriggerResult: Codable, Sendable, Hashable {
    /// How many objects are beneath the prefix.
    package var objects: Int64
    /// The job that makes their events; nil for a dry run, and where there are none.
    package var job: TriggerJob?
    /// It was running already: nothing was begun.
    package var isRunning: Bool?

    package init(objects: Int64, job: TriggerJob? = nil, isRunning: Bool? = nil) {
        self.objects = objects
        self.job = job
        self.isRunning = isRunning
    }
}

/// A `buckets trigger` under way or over.
package struct TriggerJob: Codable, Sendable, Hashable {
    package var id: String
    package var state: JobState
    /// Why it ended before everything was announced.
    package var reason: String?
    package var bucket: String
    package var prefix: String
    package var rate: Double?
    /// Objects beneath the prefix when it was asked for.
    package var selected: Int64
    /// Events that it has made.
    package var sent: Int64
    package var by: String?
    package var started: APITime?
    package var ended: APITime?

    package init(
        id: String, state: JobState, reason: String? = nil, bucket: String, prefix: String, rate: Double? = nil,
        selected: Int64, sent: Int64, by: String? = nil, started: APITime? = nil, ended: APITime? = nil
    ) {
        self.id = id
        self.state = state
        self.reason = reason
        self.bucket = bucket
        self.prefix = prefix
        self.rate = rate
        self.selected = selected
        self.sent = sent
        self.by = by
        self.started = started
        self.ended = ended
    }

    package var isOver: Bool { state.isOver }
}

/// What an app folder says, checked and with every default filled in: what a deployment is made from.
///
/// Equal folders give equal values, and every list is sorted by name, so that the hash of its JSON tells whether a
/// deployment would change anything. Lines and comments of the files leave no trace in it.
package struct AppDefinition: Codable, Sendable, Hashable {
    /// Sorted by name.
    package var buckets: [BucketDefinition]
    /// Sorted by name; `default` is always among them.
    package var buses: [BusDefinition]
    /// Sorted by name.
    package var functions: [FunctionDefinition]
    /// Sorted by bus and name.
    package var rules: [RuleDefinition]
    package var limits: LimitsDefinition
    package var retention: RetentionDefinition
    /// Sorted by name; nil where there is none.
    package var downstreams: [DownstreamDefinition]?
    /// Sorted by name; nil where there is none.
    package var alarms: [AlarmDefinition]?
    /// Sorted by name; nil where there is none.
    package var streams: [StreamDefinition]?

    package init(
        buckets: [BucketDefinition] = [], buses: [BusDefinition] = [BusDefinition()],
        functions: [FunctionDefinition] = [], rules: [RuleDefinition] = [],
        limits: LimitsDefinition = LimitsDefinition(), retention: RetentionDefinition = RetentionDefinition(),
        downstreams: [DownstreamDefinition]? = nil, alarms: [AlarmDefinition]? = nil,
        streams: [StreamDefinition]? = nil
    ) {
        self.buckets = buckets
        self.buses = buses
        self.functions = functions
        self.rules = rules
        self.limits = limits
        self.retention = retention
        self.downstreams = downstreams
        self.alarms = alarms
        self.streams = streams
    }

    package func function(named name: String) -> FunctionDefinition? {
        functions.first { $0.name == name }
    }

    package func bucket(named name: String) -> BucketDefinition? {
        buckets.first { $0.name == name }
    }
}

/// `buckets:` of sluice.yaml.
package struct BucketDefinition: Codable, Sendable, Hashable {
    /// What becomes of the files that are there when the journal sees the bucket for the first time.
    package enum Existing: String, Codable, Sendable, CaseIterable {
        /// They are known, and start nothing.
        case ignore
        /// Each becomes an `Object Created` event.
        case trigger
    }

    package var name: String
    package var existing: Existing
    /// Globs of names that are no objects, in addition to those that every bucket ignores (`*.tmp`, `*.part`, …).
    package var ignore: [String]
    /// How long a file must not have changed before it counts as complete, where leases cannot be had.
    package var quietSeconds: Double
    /// An absolute path, when the bucket is not the folder `buckets/<name>` of the data folder.
    package var path: String?
    /// When objects expire; nil: never.
    package var lifecycle: [LifecycleRule]?

    package init(
        name: String, existing: Existing = .ignore, ignore: [String] = [], quietSeconds: Double = 2,
        path: String? = nil, lifecycle: [LifecycleRule]? = nil
    ) {
        self.name = name
        self.existing = existing
        self.ignore = ignore
        self.quietSeconds = quietSeconds
        self.path = path
        self.lifecycle = lifecycle
    }
}

/// `buses:` of sluice.yaml.
package struct BusDefinition: Codable, Sendable, Hashable {
    package var name: String

    package init(name: String = "default") {
        self.name = name
    }
}

/// `streams:` of sluice.yaml.
package struct StreamDefinition: Codable, Sendable, Hashable {
    package static let maximumShards = 1024

    package var name: String
    /// Shards that take records.
    package var shards: Int
    /// For how long its records can be read.
    package var retentionHours: Int

    package init(name: String, shards: Int = 1, retentionHours: Int = 24) {
        self.name = name
        self.shards = shards
        self.retentionHours = retentionHours
    }
}

/// `limits:` of sluice.yaml.
package struct LimitsDefinition: Codable, Sendable, Hashable {
    /// Invocations that run at once over all functions; nil: as the host finds good for its cores.
    package var concurrency: Int?
    /// Below this much free space on the data folder's disk the host accepts no events.
    package var minFreeMegabytes: Int
    /// A dead letter keeps a copy of an input file up to this size.
    package var keepInputMegabytes: Int
    /// How many generations of events one event may cause before the chain counts as a loop.
    package var hopBudget: Int

    package init(
        concurrency: Int? = nil, minFreeMegabytes: Int = 256, keepInputMegabytes: Int = 64, hopBudget: Int = 16
    ) {
        self.concurrency = concurrency
        self.minFreeMegabytes = minFreeMegabytes
        self.keepInputMegabytes = keepInputMegabytes
        self.hopBudget = hopBudget
    }
}

/// `logs:`, `archive:` and `keptInputs:` of sluice.yaml: how long what is settled is kept.
package struct RetentionDefinition: Codable, Sendable, Hashable {
    /// Logs and records of invocations.
    package var logDays: Int
    /// Events that every subscription has settled.
    package var archiveDays: Int
    /// Copies of input files whose dead letters were redriven or purged; nil: they go at once.
    package var keptInputDays: Int?

    package init(logDays: Int = 14, archiveDays: Int = 7, keptInputDays: Int? = nil) {
        self.logDays = logDays
        self.archiveDays = archiveDays
        self.keptInputDays = keptInputDays
    }
}

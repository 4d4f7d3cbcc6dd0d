package import FunctionJSON

/// A rule in force.
package struct RuleInfo: Codable, Sendable {
    /// A target of the rule.
    package struct Target: Codable, Sendable, Hashable {
        package var id: String
        package var function: String
        package var inputFormat: String
        /// What the handler gets instead of the event: `{"inputPath":…}`, `{"input":…}` or `{"inputTransformer":…}`.
        package var input: RawJSON?
        /// The bus that hears of outcomes which succeeded, and the one of those that were given up.
        package var onSuccess: String?
        package var onFailure: String?
        package var batchSize: Int
        package var maximumRetryAttempts: Int
        package var maximumEventAgeInSeconds: Int
        /// How and after which failures it is tried again, a phrase each; nil from a host that does not tell.
        package var retry: [String]?
        /// Order, batches, rates, breaker, a phrase each; nil where there is nothing of it.
        package var delivery: [String]?

        package init(
            id: String, function: String, inputFormat: String, input: RawJSON? = nil, onSuccess: String? = nil,
            onFailure: String? = nil, batchSize: Int, maximumRetryAttempts: Int, maximumEventAgeInSeconds: Int,
            retry: [String]? = nil, delivery: [String]? = nil
        ) {
            self.id = id
            self.function = function
            self.inputFormat = inputFormat
            self.input = input
            self.onSuccess = onSuccess
            self.onFailure = onFailure
            self.batchSize = batchSize
            self.maximumRetryAttempts = maximumRetryAttempts
            self.maximumEventAgeInSeconds = maximumEventAgeInSeconds
            self.retry = retry
            self.delivery = delivery
        }
    }

    /// What a rule does with manifests.
    package struct Manifest: Codable, Sendable {
        /// The rule's own: it takes the manifests.
        package var pattern: RawJSON
        /// How long their files are waited for.
        package var timeLimitInSeconds: Int

        package init(pattern: RawJSON, timeLimitInSeconds: Int) {
            self.pattern = pattern
            self.timeLimitInSeconds = timeLimitInSeconds
        }
    }

    package var name: String
    package var bus: String
    package var description: String
    package var enabled: Bool
    /// Of a manifest's rule: for the events that tell of manifests.
    package var pattern: RawJSON
    /// Nil for a rule whose pattern takes no manifests.
    package var manifest: Manifest?
    /// `cron(0 2 * * ? *) Europe/Berlin`; nil for a rule that no clock starts.
    package var schedule: String?
    package var targets: [Target]
    /// Beneath the app folder.
    package var file: String
    /// In the order of the targets.
    package var subscriptions: [SubscriptionStatus]

    package init(
        name: String, bus: String, description: String, enabled: Bool, pattern: RawJSON, manifest: Manifest? = nil,
        schedule: String? = nil, targets: [Target], file: String, subscriptions: [SubscriptionStatus]
    ) {
        self.name = name
        self.bus = bus
        self.description = description
        self.enabled = enabled
        self.pattern = pattern
        self.manifest = manifest
        self.schedule = schedule
        self.targets = targets
        self.file = file
        self.subscriptions = subscriptions
    }
}

/// `rules pause` and `rules resume`: holds deliveries of a rule's targets back, or lets them go on.
package struct PauseRequest: Codable, Sendable, Hashable {
    /// False: resume, also what a circuit breaker had paused.
    package var paused: Bool
    /// The target's id; nil: all of the rule.
    package var target: String?
    /// Shown while it lasts.
    package var reason: String?

    package init(paused: Bool, target: String? = nil, reason: String? = nil) {
        self.paused = paused
        self.target = target
        self.reason = reason
    }
}

/// `rules test`: which rules would take this event? Nothing is put on a bus.
package struct RuleTestRequest: Codable, Sendable {
    /// The whole envelope.
    package var event: RawJSON
    /// `default` when absent.
    package var bus: String?

    package init(event: RawJSON, bus: String? = nil) {
        self.event = event
        self.bus = bus
    }
}

/// Answer to `rules test`.
package struct RuleTestResult: Codable, Sendable, Hashable {
    /// One rule and the event.
    package struct Verdict: Codable, Sendable, Hashable {
        package var rule: String
        package var matches: Bool
        /// Whether that could not be found out; then `matches` is false, and a delivery would be a dead letter. Absent:
        /// no.
        package var undecided: Bool?
        package var enabled: Bool
        /// Functions it would go to.
        package var functions: [String]

        package init(rule: String, matches: Bool, undecided: Bool = false, enabled: Bool, functions: [String]) {
            self.rule = rule
            self.matches = matches
            self.undecided = undecided ? true : nil
            self.enabled = enabled
            self.functions = functions
        }
    }

    package var bus: String
    /// Every rule of the bus, by name.
    package var verdicts: [Verdict]

    package init(bus: String, verdicts: [Verdict]) {
        self.bus = bus
        self.verdicts = verdicts
    }
}

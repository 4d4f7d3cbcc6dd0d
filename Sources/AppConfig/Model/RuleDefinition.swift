package import EventTransforms

/// A rule of `Events/rules/*.yaml` or `Events/schedules/*.yaml`.
package struct RuleDefinition: Codable, Sendable, Hashable {
    /// Unique on its bus.
    package var name: String
    package var description: String
    /// Or the log of a stream (`StreamLog`), for a rule that takes a stream's records.
    package var bus: String
    package var enabled: Bool
    /// The event pattern as JSON text; valid. Of a schedule: its own events.
    package var pattern: String
    /// Nil for a rule that takes what others put on the bus.
    package var schedule: ScheduleDefinition?
    /// Nil for a rule whose pattern takes no manifests; then `pattern` is for the events that tell of them.
    package var manifest: ManifestDefinition?
    /// In the order of the file; at least one.
    package var targets: [TargetDefinition]
    /// The file it comes from, beneath the app folder.
    package var file: String

    package init(
        name: String, description: String = "", bus: String = "default", enabled: Bool = true, pattern: String,
        schedule: ScheduleDefinition? = nil, manifest: ManifestDefinition? = nil, targets: [TargetDefinition],
        file: String = ""
    ) {
        self.name = name
        self.description = description
        self.bus = bus
        self.enabled = enabled
        self.pattern = pattern
        self.schedule = schedule
        self.manifest = manifest
        self.targets = targets
        self.file = file
    }
}

/// A target of a rule: with bus and rule it names a subscription.
package struct TargetDefinition: Codable, Sendable, Hashable {
    /// Unique within the rule; the function's name when the file gives none.
    package var id: String
    /// Where there is none (`isOutside`), a name that no function can have: `outsideName`.
    package var function: String
    /// Nil: as the function says.
    package var inputFormat: InputFormat?
    /// What the handler gets instead of the event; nil: the event, in its input format.
    package var input: InputDefinition?
    /// Who hears of outcomes; what it leaves open its function says.
    package var destinations: Destinations?
    /// How many events one invocation gets at most; 1: no batching.
    package var batchSize: Int
    package var retry: RetryPolicy
    /// Nil: nothing beyond the defaults.
    package var delivery: DeliveryOptions?
    /// An HTTP request instead of a function.
    package var webhook: WebhookDefinition?
    /// A program instead of a function.
    package var command: CommandDefinition?
    /// Another log of the host instead of a function.
    package var forward: ForwardDefinition?

    package init(
        id: String, function: String, inputFormat: InputFormat? = nil, input: InputDefinition? = nil,
        destinations: Destinations? = nil, batchSize: Int = 1, retry: RetryPolicy = RetryPolicy(),
        delivery: DeliveryOptions? = nil, webhook: WebhookDefinition? = nil, command: CommandDefinition? = nil,
        forward: ForwardDefinition? = nil
    ) {
        self.id = id
        self.function = function
        self.inputFormat = inputFormat
        self.input = input
        self.destinations = destinations
        self.batchSize = batchSize
        self.retry = retry
        self.delivery = delivery
        self.webhook = webhook
        self.command = command
        self.forward = forward
    }
}

/// `retryPolicy:` of a target. The wait before retry n (from 1) is
/// `min(maxDelaySeconds, intervalSeconds · backoffRate^(n-1))`, less a random part by `jitter`.
package struct RetryPolicy: Codable, Sendable, Hashable {
    /// Step Functions' words.
    package enum Jitter: String, Codable, Sendable, CaseIterable {
        /// A random time between 0 and the wait.
        case full = "FULL"
        /// The wait as it is.
        case none = "NONE"
    }

    /// A year: longer than any stream keeps its records.
    package static let longestStreamAge = 366 * 86_400

    /// Retries after the first attempt: 2 make three attempts.
    package var maximumRetryAttempts: Int
    /// Counted from the time the host took the event in.
    package var maximumEventAgeSeconds: Int
    package var intervalSeconds: Double
    package var backoffRate: Double
    package var maxDelaySeconds: Double
    package var jitter: Jitter
    /// Only failures with these codes are retried; nil: as the code's class says.
    package var on: [String]?
    /// Failures with these codes are not retried.
    package var never: [String]?

    package init(
        maximumRetryAttempts: Int = 2, maximumEventAgeSeconds: Int = 6 * 3600, intervalSeconds: Double = 1,
        backoffRate: Double = 4, maxDelaySeconds: Double = 300, jitter: Jitter = .full, on: [String]? = nil,
        never: [String]? = nil
    ) {
        self.maximumRetryAttempts = maximumRetryAttempts
        self.maximumEventAgeSeconds = maximumEventAgeSeconds
        self.intervalSeconds = intervalSeconds
        self.backoffRate = backoffRate
        self.maxDelaySeconds = maxDelaySeconds
        self.jitter = jitter
        self.on = on
        self.never = never
    }
}

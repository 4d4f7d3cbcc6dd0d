package import AppConfig
import EventModel
package import EventTransforms
package import Journal

/// What is in force: an app definition, the version of each function, and the subscriptions that follow from its rules.
/// The journal keeps it whole, so a host without its app folder goes on with what was deployed.
package struct Deployment: Codable, Sendable {
    /// Rises by one with each deployment; records are matched with the rule set of their position.
    package var ruleSet: Int64
    /// SHA-256 of app definition and modules: the same content is not deployed twice.
    package var digest: String
    /// Where the app came from, for messages.
    package var appFolder: String
    package var deployed: Milliseconds
    package var app: AppDefinition
    /// By name; also functions that only draining subscriptions still need.
    package var functions: [String: FunctionVersion]
    package var subscriptions: [SubscriptionSettings] {
        didSet { index() }
    }
    /// Sorted by name; also those that the app no longer has.
    package var streams: [StreamSettings] = []
    /// What replays add for as long as they are known; kept with them and not here.
    package var replays = ReplayParts() {
        didSet { index() }
    }
    /// Subscriptions of rules whose patterns cannot be read in this life of the host (`RuleSet.unreadable`).
    package var unreadable: [SubscriptionID: String] = [:]
    /// All of them by id: asked for each event.
    private var byID: [SubscriptionID: SubscriptionSettings] = [:]

    private enum CodingKeys: String, CodingKey {
        case ruleSet, digest, appFolder, deployed, app, functions, subscriptions, streams
    }

    package init(
        ruleSet: Int64, digest: String, appFolder: String, deployed: Milliseconds, app: AppDefinition,
        functions: [String: FunctionVersion], subscriptions: [SubscriptionSettings], streams: [StreamSettings] = []
    ) {
        self.streams = streams
        self.ruleSet = ruleSet
        self.digest = digest
        self.appFolder = appFolder
        self.deployed = deployed
        self.app = app
        self.functions = functions
        self.subscriptions = subscriptions
        index()
    }

    /// The buses and streams that it has, by the names of their logs.
    var logs: Set<String> {
        Set(app.buses.map(\.name)).union(streams.filter { $0.isRemoved != true }.map { StreamLog.name(of: $0.name) })
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            ruleSet: try values.decode(Int64.self, forKey: .ruleSet),
            digest: try values.decode(String.self, forKey: .digest),
            appFolder: try values.decode(String.self, forKey: .appFolder),
            deployed: try values.decode(Milliseconds.self, forKey: .deployed),
            app: try values.decode(AppDefinition.self, forKey: .app),
            functions: try values.decode([String: FunctionVersion].self, forKey: .functions),
            subscriptions: try values.decode([SubscriptionSettings].self, forKey: .subscriptions),
            streams: try values.decodeIfPresent([StreamSettings].self, forKey: .streams) ?? [])
    }

    private mutating func index() {
        byID = Dictionary(
            (subscriptions + replays.subscriptions).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    package static let empty = Deployment(
        ruleSet: 0, digest: "", appFolder: "", deployed: 0, app: AppDefinition(), functions: [:], subscriptions: [])

    /// One that the app has.
    package func stream(_ name: String) -> StreamSettings? {
        streams.first { $0.name == name && $0.isRemoved != true }
    }

    package func subscription(_ id: SubscriptionID) -> SubscriptionSettings? { byID[id] }

    /// By name; `NAME@VERSION` names the version that a replay or a redrive is for.
    package func function(_ name: String) -> FunctionVersion? { functions[name] ?? replays.functions[name] }
}

/// The temporary subscriptions of replays, and the function versions that only they and redrives run, as
/// `NAME@VERSION`.
package struct ReplayParts: Sendable, Hashable {
    package var subscriptions: [SubscriptionSettings] = []
    package var functions: [String: FunctionVersion] = [:]

    package init() {}
}

/// One immutable version of a function: a module in the data folder and the configuration it runs with.
package struct FunctionVersion: Codable, Sendable, Hashable {
    package var name: String
    package var version: Int
    /// SHA-256 of the module's bytes and of the definition.
    package var digest: String
    /// The shared object, absolute.
    package var modulePath: String
    package var definition: FunctionDefinition
    package var created: Milliseconds
    /// Its handler takes batches; known once it was loaded.
    package var isBatch = false

    package init(
        name: String, version: Int, digest: String, modulePath: String, definition: FunctionDefinition,
        created: Milliseconds
    ) {
        self.name = name
        self.version = version
        self.digest = digest
        self.modulePath = modulePath
        self.definition = definition
        self.created = created
    }
}

/// How one (rule, target) is delivered.
package struct SubscriptionSettings: Codable, Sendable, Hashable {
    package var id: SubscriptionID
    package var bus: String
    package var rule: String
    package var target: String
    package var function: String
    package var inputFormat: InputFormat
    /// What the handler gets instead of the event.
    package var input: InputDefinition?
    /// Who hears of outcomes; nil: nobody.
    package var destinations: Destinations?
    /// Its events tell of manifests; one that is not complete is refused.
    package var awaitsManifest: Bool?
    /// Its rule went on without it: what it had matched is all that it is told.
    package var hasLostRule: Bool?
    package var batchSize: Int
    package var retry: RetryPolicy
    /// Its rule or target is gone, or disabled; what it still has waiting is delivered, nothing new is matched.
    package var draining: Bool
    /// Order, batches, rates, breaker; nil: nothing of it.
    package var delivery: DeliveryOptions?
    /// It goes there instead of to a function.
    package var webhook: WebhookDefinition?
    package var command: CommandDefinition?
    package var forward: ForwardDefinition?
    /// For how long its stream keeps records; nil for a rule on a bus.
    package var retentionHours: Int?

    package init(
        id: SubscriptionID, bus: String, rule: String, target: String, function: String, inputFormat: InputFormat,
        input: InputDefinition? = nil, destinations: Destinations? = nil, awaitsManifest: Bool? = nil,
        batchSize: Int, retry: RetryPolicy, draining: Bool = false, delivery: DeliveryOptions? = nil,
        webhook: WebhookDefinition? = nil, command: CommandDefinition? = nil, forward: ForwardDefinition? = nil,
        retentionHours: Int? = nil
    ) {
        self.forward = forward
        self.retentionHours = retentionHours
        self.id = id
        self.bus = bus
        self.rule = rule
        self.target = target
        self.function = function
        self.inputFormat = inputFormat
        self.input = input
        self.destinations = destinations
        self.awaitsManifest = awaitsManifest
        self.batchSize = batchSize
        self.retry = retry
        self.draining = draining
        self.delivery = delivery
        self.webhook = webhook
        self.command = command
    }

    /// It hears of manifests that its rule waits for also where the rule takes none any more.
    var hearsOfManifests: Bool { awaitsManifest == true && hasLostRule != true }

    /// After which a record of its stream is not handed out for the first time any more; nil for a rule on a bus.
    package var retention: Milliseconds? { retentionHours.map { Int64($0) * 3_600_000 } }

    /// The policy as the delivery core wants it.
    package var policy: DeliveryPolicy {
        DeliveryPolicy(
            maximumAttempts: retry.maximumRetryAttempts + 1,
            maximumAge: min(Int64(retry.maximumEventAgeSeconds) * 1000, retention ?? .max),
            interval: Int64(retry.intervalSeconds * 1000), backoffRate: retry.backoffRate,
            maximumDelay: Int64(retry.maxDelaySeconds * 1000), jitter: retry.jitter == .full,
            only: retry.on.map(Set.init), never: Set(retry.never ?? []))
    }

    /// The same delivery, to another function: its events as that function takes them.
    func redirected(to function: String, _ definition: FunctionDefinition?) -> SubscriptionSettings {
        var redirected = self
        redirected.function = function
        redirected.inputFormat = definition?.inputFormat ?? .eventBridge
        redirected.input = nil
        redirected.awaitsManifest = nil
        redirected.webhook = nil
        redirected.command = nil
        redirected.forward = nil
        return redirected
    }

    /// All of it as the delivery core wants it.
    package var rules: DeliveryRules {
        let options = delivery ?? DeliveryOptions()
        func milliseconds(_ seconds: Double) -> Int64 { Int64((seconds * 1000).rounded()) }
        return DeliveryRules(
            retry: policy,
            batch: BatchLimits(
                count: batchSize, bytes: options.batchBytes ?? .max,
                window: milliseconds(options.batchWindowSeconds ?? 0)),
            keys: options.keys.map {
                $0.isOrdered ? .ordered($0.path, parks: $0.parks) : .limited($0.path, concurrency: $0.concurrency)
            },
            rate: options.rateLimit.map { Rate(count: $0.count, per: $0.per) }, downstream: options.downstream,
            breaker: options.breaker.map {
                BreakerPolicy(
                    failures: $0.failures, window: milliseconds($0.windowSeconds),
                    retryAfter: milliseconds($0.retryAfterSeconds))
            })
    }
}

extension SubscriptionSettings {
    /// An attempt for the target may have several events: a list of them, or one input made of all.
    func takesSeveral(_ version: FunctionVersion) -> Bool { version.isBatch || forward != nil || isKinesisBatch }
}

extension Deployment {
    /// How a subscription is delivered. What is in force now counts for old backlogs, too: those of a rule that is
    /// gone, or of a replay, may be for a function whose handler has taken batches and does so no more.
    package func rules(of settings: SubscriptionSettings) -> DeliveryRules {
        var rules = settings.rules
        if let version = settings.outsideVersion ?? function(settings.function), !settings.takesSeveral(version) {
            rules.batch.count = 1
        }
        return rules
    }

    /// The same with its modules in `dataFolder`: the folder may have been moved, or be a backup.
    func rebased(to dataFolder: String) -> Deployment {
        var moved = self
        moved.functions = functions.mapValues { $0.moved(to: dataFolder) }
        return moved
    }
}

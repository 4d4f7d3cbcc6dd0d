package import Journal

/// The delivery logic as a pure state machine: records come in, attempts go out, verdicts come back and become
/// resolutions. No I/O, no clock, no tasks: the dispatcher performs what the methods return, and a simulator can drive
/// the same code through crashes and reorderings.
///
/// A delivery is in exactly one place: in the log (not loaded), `ready`, `retrying`, or in an attempt of `running`.
package struct DeliveryCore: Sendable {
    /// What the dispatcher is to do.
    package enum Action: Sendable {
        case start(Attempt)
        /// Read what the subscription has waiting in the log after `after`, and answer with `refilled`.
        case refill(SubscriptionID, after: Position, limit: Int)
    }

    /// One try of one delivery, or of a batch.
    package struct Attempt: Sendable {
        package var id: AttemptID
        package var subscription: SubscriptionID
        package var function: String
        package var works: [Work]

        /// 1 for the first try.
        package var number: Int { (works.first?.charged ?? 0) + 1 }
    }

    package struct Subscription: Sendable {
        package var function: String
        package var policy: DeliveryPolicy
        package var batchSize: Int
        var ready: WorkQueue = WorkQueue()
        var retrying: DueHeap = DueHeap()
        /// The log is in memory up to here; what lies behind is read when there is room.
        var loaded: Position
        /// The newest record known to be wanted.
        var newest: Position
        /// `newest` when the refill under way was asked for.
        var asked: Position = 0
        var refilling = false
        var isPaused = false

        var isBehind: Bool { newest > loaded }
    }

    struct FunctionState: Sendable {
        var limit: Int
        var running = 0
        /// Round robin among the function's subscriptions.
        var subscriptions: [SubscriptionID] = []
        var next = 0
    }

    var subscriptions: [SubscriptionID: Subscription] = [:]
    var functions: [String: FunctionState] = [:]
    /// Round robin among functions, so that none starves.
    var order: [String] = []
    var nextFunction = 0
    var running: [AttemptID: Attempt] = [:]
    /// Attempts that hold a worker, with their function; `running` also has those that are done and publishing.
    var occupied: [AttemptID: String] = [:]
    var globalLimit: Int
    let boot: Int64
    var lastAttempt: Int64 = 0
    var lastGroup = 0
    var random: SplitMix64

    /// Records a subscription holds in memory; beyond it the log is the queue.
    package static let windowSize = 1024

    package init(boot: Int64, globalLimit: Int, seed: UInt64) {
        self.boot = boot
        self.globalLimit = max(1, globalLimit)
        random = SplitMix64(seed: seed)
    }

    // MARK: Configuration

    /// Makes a function known or changes its limit. What runs above a lowered limit runs on.
    package mutating func setFunction(_ name: String, limit: Int) {
        if functions[name] == nil { order.append(name) }
        functions[name, default: FunctionState(limit: limit)].limit = max(1, limit)
    }

    /// Makes a subscription known (`loaded`: where its log is read from) or changes its policy.
    package mutating func setSubscription(
        _ id: SubscriptionID, function: String, policy: DeliveryPolicy, batchSize: Int, loaded: Position,
        newest: Position
    ) {
        if subscriptions[id] != nil {
            let old = subscriptions[id]!.function
            subscriptions[id]!.policy = policy
            subscriptions[id]!.batchSize = max(1, batchSize)
            subscriptions[id]!.function = function
            guard old != function else { return }
            functions[old]?.subscriptions.removeAll { $0 == id }
        } else {
            subscriptions[id] = Subscription(
                function: function, policy: policy, batchSize: max(1, batchSize), loaded: loaded, newest: newest)
        }
        functions[function, default: FunctionState(limit: 1)].subscriptions.append(id)
        if !order.contains(function) { order.append(function) }
    }

    /// Holds deliveries back (true) or lets them go on.
    package mutating func setPaused(_ id: SubscriptionID, _ paused: Bool) {
        subscriptions[id]?.isPaused = paused
    }

    package mutating func setGlobalLimit(_ limit: Int) {
        globalLimit = max(1, limit)
    }

    // MARK: Looking

    package var inFlight: Int { running.count }

    package func inFlight(of id: SubscriptionID) -> Int {
        running.values.reduce(0) { $0 + ($1.subscription == id ? $1.works.count : 0) }
    }

    /// Works in memory that could start at once if there were room.
    package func ready(of id: SubscriptionID) -> Int { subscriptions[id]?.ready.count ?? 0 }

    package func running(of function: String) -> Int { functions[function]?.running ?? 0 }

    /// When the next retry is due; nil if none waits.
    package var nextDue: Instant? {
        subscriptions.values.compactMap { $0.isPaused ? nil : $0.retrying.first?.due }.min()
    }
}

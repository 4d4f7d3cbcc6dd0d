import AppConfig
import Journal
import UVLoop

/// How a subscription's deliveries stand beside their counts.
package struct DeliveryState: Sendable {
    package var pauseReason: String?
    var parkedKeys: Int?
    var parkedWorks = 0
}

extension HostRuntime {
    var deliveryStates: [SubscriptionID: DeliveryState] {
        var states: [SubscriptionID: DeliveryState] = [:]
        for settings in deployment.subscriptions + deployment.replays.subscriptions {
            states[settings.id] = dispatcher.deliveryState(of: settings)
        }
        return states
    }

    func setPaused(_ ids: [SubscriptionID], _ paused: Bool, reason: String?) async throws {
        try await dispatcher.setPaused(ids, paused, reason: reason)
    }
}

extension Dispatcher {
    package func deliveryState(of settings: SubscriptionSettings) -> DeliveryState {
        var state = DeliveryState()
        switch core.flow(of: settings.id) {
        case .running: break
        case .paused(let pause): state.pauseReason = pause.reason
        case .open(let pause, let until):
            let seconds = max(0, (until - clock.now + 999) / 1000)
            state.pauseReason = "\(pause.reason); one delivery is tried in \(seconds) s"
        case .trial(let pause, let attempt):
            state.pauseReason =
                "\(pause.reason); " + (attempt != nil ? "one delivery is being tried" : "the next delivery is a trial")
        }
        if let trouble = parkingTroubles[settings.id] { state.pauseReason = trouble }
        if let reason = deployment.unreadable[settings.id] {
            state.pauseReason = "the rule is not in force, for its pattern can be read no more: \(reason)"
        }
        if settings.rules.keys?.parks == true {
            let parked = core.parked(of: settings.id)
            state.parkedKeys = parked.keys
            state.parkedWorks = parked.works
        }
        return state
    }
}

extension TargetDefinition {
    /// What is said of its delivery beyond the usual, a phrase each.
    var deliveryPhrases: [String]? {
        guard delivery != nil || isOutside else { return nil }
        let delivery = delivery ?? DeliveryOptions()
        var phrases: [String] = []
        if let webhook {
            // Without what may be a secret.
            phrases.append(
                "\(webhook.method.rawValue) \(webhook.shownURL), up to \(webhook.concurrency) at once, each up to "
                    + "\(webhook.timeoutSeconds) s")
        }
        if let forward {
            let key = forward.partitionKeyPath.map { ", partition key \($0)" } ?? ""
            phrases.append("goes to \(forward.kind.rawValue) \(forward.name)\(key)")
        }
        if let command {
            phrases.append(
                "runs \(([command.program] + command.arguments).joined(separator: " ")), up to \(command.concurrency) at "
                    + "once, each up to \(command.timeoutSeconds) s")
        }
        if let keys = delivery.keys {
            phrases.append(
                keys.isOrdered
                    ? "in order by \(keys.path); after a dead letter its key \(keys.parks ? "is parked" : "goes on")"
                    : "at most \(keys.concurrency) at once for one \(keys.path)")
        }
        if let window = delivery.batchWindowSeconds { phrases.append("a batch waits up to \(window) s for more") }
        if let bytes = delivery.batchBytes {
            phrases.append("a batch holds up to \(bytes) bytes of \((delivery.batchBytesOf ?? .event).rawValue)s")
        }
        if let rate = delivery.rateLimit { phrases.append("at most \(rate) invocations") }
        if let downstream = delivery.downstream { phrases.append("within the limits of downstream \(downstream)") }
        if let breaker = delivery.breaker {
            phrases.append(
                "pauses after \(breaker.failures) equal failures in a row within \(breaker.windowSeconds) s, "
                    + "and tries again after \(breaker.retryAfterSeconds) s")
        }
        return phrases
    }
}

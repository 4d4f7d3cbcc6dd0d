/// `trace`: an event with everything that came of it, over any number of hops.
package struct Trace: Codable, Sendable {
    /// What was asked for: the event in the tree that it belongs to.
    package var focus: String
    package var root: TraceEvent
    /// The tree was cut: it has more than `Trace.maximumEvents` events.
    package var isCut: Bool
    /// The event from outside that began it is no longer in the log; `root` is the oldest that is.
    package var isBeginningGone: Bool

    package static let maximumEvents = 1000

    package init(focus: String, root: TraceEvent, isCut: Bool, isBeginningGone: Bool) {
        self.focus = focus
        self.root = root
        self.isCut = isCut
        self.isBeginningGone = isBeginningGone
    }
}

/// An event of a trace.
package struct TraceEvent: Codable, Sendable {
    package var id: String
    package var bus: String
    package var ingested: APITime
    /// `bucket/key`, or `source: detail-type`.
    package var subject: String
    package var deliveries: [TraceDelivery]
    /// What became of it as a manifest; nil: no rule took it for one.
    package var manifests: [TraceManifest]?

    package init(
        id: String, bus: String, ingested: APITime, subject: String, deliveries: [TraceDelivery] = [],
        manifests: [TraceManifest]? = nil
    ) {
        self.id = id
        self.bus = bus
        self.ingested = ingested
        self.subject = subject
        self.deliveries = deliveries
        self.manifests = manifests
    }
}

/// A rule whose pattern took the event for a manifest.
package struct TraceManifest: Codable, Sendable {
    package var rule: String
    /// `waiting`, `complete` or `incomplete`
    package var state: String
    /// The event that told of it: at most one.
    package var events: [TraceEvent]

    package init(rule: String, state: String, events: [TraceEvent] = []) {
        self.rule = rule
        self.state = state
        self.events = events
    }
}

/// A rule that wanted the event, and what its function made of it.
package struct TraceDelivery: Codable, Sendable {
    package var delivery: EventDetail.Delivery
    /// The replay that delivered the event again; nil: it was delivered when it came.
    package var replay: String?
    /// The kept attempts, oldest first: those with effects, logs or an error.
    package var invocations: [TraceInvocation]

    package init(delivery: EventDetail.Delivery, replay: String? = nil, invocations: [TraceInvocation]) {
        self.delivery = delivery
        self.replay = replay
        self.invocations = invocations
    }
}

/// An attempt with its effects.
package struct TraceInvocation: Codable, Sendable {
    package var summary: InvocationSummary
    package var effects: [TraceEffect]

    package init(summary: InvocationSummary, effects: [TraceEffect]) {
        self.summary = summary
        self.effects = effects
    }
}

/// Something an attempt did, with the event that told of it: at most one, and none where it is no longer in the log.
package struct TraceEffect: Codable, Sendable {
    package var effect: EffectInfo
    package var events: [TraceEvent]

    package init(effect: EffectInfo, events: [TraceEvent]) {
        self.effect = effect
        self.events = events
    }
}

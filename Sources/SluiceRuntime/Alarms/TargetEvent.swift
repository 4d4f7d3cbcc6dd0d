import AppConfig
import EventModel
import FunctionJSON
package import Journal

/// What the host tells of a target that it holds back, or lets go on: an event like any other, so that rules can react.
package struct TargetEvent: Sendable, Hashable {
    /// The event's detail-type.
    package enum Kind: String, Sendable {
        case paused = "Target Paused"
        case resumed = "Target Resumed"
        case breakerOpened = "Circuit Breaker Opened"
        case breakerClosed = "Circuit Breaker Closed"
    }

    package static let source = "sluice.targets"

    package var kind: Kind
    package var settings: SubscriptionSettings
    package var reason: String
    package var fingerprint: String?
    /// Wall clock of the beginning of the pause.
    package var since: Milliseconds
    package var time: Milliseconds

    /// What a change of a subscription's pause is told as; nil: nothing. A breaker that opens again after a failed
    /// trial has not been closed.
    package init?(
        _ settings: SubscriptionSettings, before: PauseNote.Current?, after: PauseNote.Current?, time: Milliseconds
    ) {
        let pause: PauseNote.Current
        switch (before, after) {
        case (nil, let after?):
            kind = after.until == nil ? .paused : .breakerOpened
            pause = after
        case (let before?, nil):
            kind = before.until == nil ? .resumed : .breakerClosed
            pause = before
        case (let before?, let after?) where before.until != nil && after.until == nil:
            // A breaker's pause has become one by hand.
            kind = .paused
            pause = after
        default: return nil
        }
        self.settings = settings
        reason = pause.reason
        fingerprint = pause.fingerprint
        since = pause.since
        self.time = time
    }

    package var id: String {
        EventIdentity.derived(from: "target", "\(settings.id.value)", kind.rawValue, "\(since)", "\(time)")
    }

    package func payload() -> [UInt8] {
        var writer = JSONWriter(capacity: 512)
        writer.beginObject()
        writer.member("bus", settings.bus)
        writer.member("rule", settings.rule)
        writer.member("target", settings.target)
        writer.member("function", settings.function)
        writer.member("reason", reason)
        if let fingerprint, !fingerprint.isEmpty { writer.member("fingerprint", fingerprint) }
        writer.member("since", Timestamp(milliseconds: since).rfc3339(fractionDigits: 3))
        if kind == .resumed || kind == .breakerClosed {
            writer.member("held-back-seconds", max(0, time - since) / 1000)
        }
        writer.endObject()
        return EventEnvelope(
            id: id, detailType: kind.rawValue, source: Self.source, account: ObjectEvents.account,
            time: Timestamp(milliseconds: time).wholeSeconds, region: ObjectEvents.region,
            resources: [RuleARN.of(rule: settings.rule, bus: settings.bus)]
        ).bytes(detail: writer.bytes)
    }

    /// The record for the default bus. A target never hears of itself: its own failures would go round.
    func append(_ announcer: ObjectAnnouncer) -> Append {
        var append = announcer.append(bus: "default", id: id, payload: payload(), lineage: [])
        append.subscriptions.removeAll { $0 == settings.id }
        return append
    }
}

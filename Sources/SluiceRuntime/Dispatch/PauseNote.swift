import AppConfig
package import Journal

/// A subscription's pauses as the journal keeps them: the one in force, and past ones, because what was paused does not
/// age by it.
package struct PauseNote: Codable, Sendable, Hashable {
    package struct Current: Codable, Sendable, Hashable {
        package var since: Milliseconds
        package var reason: String
        /// Of the failure that opened the breaker; nil for a pause by hand.
        package var fingerprint: String?
        /// When the breaker tries one delivery; nil for a pause by hand.
        package var until: Milliseconds?

        package init(since: Milliseconds, reason: String, fingerprint: String? = nil, until: Milliseconds? = nil) {
            self.since = since
            self.reason = reason
            self.fingerprint = fingerprint
            self.until = until
        }
    }

    package struct Period: Codable, Sendable, Hashable {
        package var from: Milliseconds
        package var to: Milliseconds

        package init(from: Milliseconds, to: Milliseconds) {
            self.from = from
            self.to = to
        }
    }

    package var current: Current?
    package var past: [Period] = []

    package init() {}

    package static let prefix = "pause/"

    package static func name(_ id: SubscriptionID) -> String { "\(prefix)\(id.value)" }

    /// Milliseconds of pause between two moments.
    package func paused(since: Milliseconds, until: Milliseconds) -> Int64 {
        var sum: Int64 = 0
        for period in past { sum += max(0, min(period.to, until) - max(period.from, since)) }
        if let current { sum += max(0, until - max(current.since, since)) }
        return sum
    }

    /// Takes over where the core's flow stands.
    package mutating func follow(_ flow: Flow, clock: HostClock) {
        let before = current
        switch flow {
        case .running:
            if let before { past.append(Period(from: before.since, to: max(before.since, clock.wall))) }
            current = nil
        case .paused(let pause):
            current = Current(since: clock.persisted(pause.since), reason: pause.reason)
        case .open(let pause, let until):
            current = Current(
                since: clock.persisted(pause.since), reason: pause.reason, fingerprint: pause.fingerprint,
                until: clock.persisted(until))
        case .trial:
            return
        }
        // Where a clock was set meanwhile, the beginning stays what it was.
        if let since = before?.since { current?.since = since }
        trim(now: clock.wall)
    }

    /// What the journal is to keep.
    package func change(for id: SubscriptionID) -> ControlChange {
        self == PauseNote()
            ? .removeValue(name: Self.name(id)) : .putValue(name: Self.name(id), body: JSONText.encode(self))
    }

    /// The flow that a new life starts with; nil: deliveries go on. The time before this life is in the note.
    package func flow(clock: HostClock, longest: Int64) -> Flow? {
        guard let current else { return nil }
        let pause = Pause(since: clock.now, reason: current.reason, fingerprint: current.fingerprint ?? "")
        guard let until = current.until else { return .paused(pause) }
        return .open(pause, until: clock.instant(due: until, longest: longest))
    }

    /// Forgets what no event can remember: the longest age that a delivery can have is that of a stream's record.
    package mutating func trim(now: Milliseconds) {
        past.removeAll { $0.to < now - Int64(RetryPolicy.longestStreamAge) * 1000 }
        // A breaker that flaps for days: neighbours are joined, to the favour of what waited.
        while past.count > 200 { past[0...1] = [Period(from: past[0].from, to: past[1].to)] }
    }
}

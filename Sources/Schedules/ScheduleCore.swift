/// What is done about moments that passed while nobody could look: the host was down, or the clock was set forward.
package enum MissedPolicy: String, Codable, Sendable, Hashable, CaseIterable {
    /// They pass.
    case skip
    /// One event, for the newest of them; none if the next one is due just now.
    case last
    /// One event for each, the newest 10,000 of them.
    case all
}

/// Which rule a schedule belongs to.
package struct ScheduleID: Codable, Sendable, Hashable, Comparable {
    package var bus: String
    package var rule: String

    package init(bus: String, rule: String) {
        self.bus = bus
        self.rule = rule
    }

    package static func < (left: ScheduleID, right: ScheduleID) -> Bool {
        (left.bus, left.rule) < (right.bus, right.rule)
    }
}

/// What must outlive the host about a schedule: it is stored in the same commit as the events it accounts for.
package struct ScheduleState: Codable, Sendable, Hashable {
    /// Of the schedule's definition: another one begins anew.
    package var definition: String
    /// When it was first deployed, seconds since 1970: what its rate counts from.
    package var deployed: Int64
    /// The newest moment that was decided on, by an event or by passing over it.
    package var decided: Int64
    /// The newest moment that has an event.
    package var fired: Int64?

    package init(definition: String, deployed: Int64) {
        self.definition = definition
        self.deployed = deployed
        decided = deployed
    }
}

/// Decides which schedules are due: a pure state machine. Time comes in as the wall clock's seconds, which may jump
/// either way; what goes out has at most one event per schedule and moment, whatever the clock does.
package struct ScheduleCore: Sendable {
    /// Events to put, in one or several commits, each with the state that accounts for them.
    package struct Firing: Sendable, Hashable {
        package var id: ScheduleID
        /// Ascending.
        package var moments: [Int64]
        /// Those of `moments` that may have an event already: the clock was set back over them. To be looked up.
        package var doubtful: Set<Int64>
        /// As it is once all of them are committed.
        package var state: ScheduleState
    }

    private struct Entry: Sendable {
        var schedule: Schedule
        var missed: MissedPolicy
        var state: ScheduleState
        /// Moments up to here have been looked at since the clock last went back.
        var cursor: Int64
        /// Its events are being committed.
        var isBusy = false
    }

    /// A moment that is noticed this late, in seconds, was missed.
    package static let grace: Int64 = 60
    /// Events for missed moments at most.
    package static let maximumMissed = 10_000

    private var entries: [ScheduleID: Entry] = [:]

    package init() {}

    /// Takes a schedule up, or its changed definition. A state of the same definition goes on where it stands.
    package mutating func set(
        _ id: ScheduleID, _ schedule: Schedule, missed: MissedPolicy, state: ScheduleState, now: Int64
    ) {
        if entries[id] != nil, entries[id]?.state.definition == state.definition {
            entries[id]?.missed = missed
            // The same schedule, perhaps with newer rules of its time zone.
            entries[id]?.schedule = schedule
            return
        }
        entries[id] = Entry(
            schedule: schedule, missed: missed, state: state, cursor: now < state.decided ? now - 1 : state.decided)
    }

    package mutating func remove(_ id: ScheduleID) {
        entries[id] = nil
    }

    package var ids: [ScheduleID] { entries.keys.sorted() }

    package func state(of id: ScheduleID) -> ScheduleState? { entries[id]?.state }

    package func schedule(of id: ScheduleID) -> Schedule? { entries[id]?.schedule }

    /// What is due now. Each is answered with `done` once it is committed; until then it is not due again.
    package mutating func due(now: Int64) -> [Firing] {
        ids.compactMap { due($0, now: now) }
    }

    private mutating func due(_ id: ScheduleID, now: Int64) -> Firing? {
        guard var entry = entries[id], !entry.isBusy else { return nil }
        // The clock was set back: what lies between comes again, and what has its event is told by looking.
        if now < entry.cursor { entry.cursor = now - 1 }
        let passed = entry.schedule.latest(Self.maximumMissed, after: entry.cursor, through: now)
        entry.cursor = now
        defer { entries[id] = entry }
        guard let newest = passed.last else { return nil }
        let doubtful = Set(passed.filter { $0 <= entry.state.decided })
        entry.state.decided = max(entry.state.decided, newest)
        let moments = Self.choose(passed, by: entry.missed, now: now)
        guard !moments.isEmpty else { return nil }
        entry.isBusy = true
        var state = entry.state
        state.fired = max(state.fired ?? .min, newest)
        return Firing(id: id, moments: moments, doubtful: doubtful.intersection(moments), state: state)
    }

    private static func choose(_ passed: [Int64], by policy: MissedPolicy, now: Int64) -> [Int64] {
        let onTime = passed.filter { now - $0 <= grace }
        switch policy {
        case .skip: return onTime
        case .last: return onTime.isEmpty ? Array(passed.suffix(1)) : onTime
        case .all: return passed
        }
    }

    /// The firing is committed.
    package mutating func done(_ firing: Firing) {
        guard entries[firing.id]?.state.definition == firing.state.definition else { return }
        entries[firing.id]?.isBusy = false
        entries[firing.id]?.state.fired = firing.state.fired
    }

    /// When something will be due next; nil if nothing ever will.
    package var nextDue: Int64? {
        entries.values.filter { !$0.isBusy }.compactMap { $0.schedule.next(after: $0.cursor) }.min()
    }
}

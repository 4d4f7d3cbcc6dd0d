package import AppConfig
package import Journal
package import Schedules

/// Decides when alarms change their state: a pure state machine. Periods run on the monotonic clock, deadlines on the
/// wall clock; its driver measures, and commits each change with its event before it calls `committed`.
package struct AlarmCore: Sendable {
    private struct Entry: Sendable {
        var definition: AlarmDefinition
        /// Of an expected file's deadlines.
        var schedule: Schedule?
        var state: AlarmState
        /// As the journal has it.
        var stored: AlarmState?
        /// The next period's end; nil for an expected file.
        var due: Instant?
        /// Attempts at the beginning of the period; nil: they are to be taken, and the period begins then.
        var counts: AttemptCounts?
        var value: Double?
        /// A change is on its way into the journal: until then nothing else is decided.
        var isCommitting = false
    }

    private var entries: [String: Entry] = [:]

    package init() {}

    // MARK: Configuration

    /// Makes an alarm known, or changes what it watches. Its state outlives the change: who heard ALARM hears OK.
    /// - Parameter atStart: the host starts, and its counts with it. Otherwise the first period begins with a sample,
    ///   to be taken now: what happened before the alarm was there is none of its business.
    package mutating func set(
        _ definition: AlarmDefinition, schedule: Schedule?, stored: AlarmState?, now: Instant, wall: Milliseconds,
        atStart: Bool = true
    ) {
        if var known = entries[definition.name] {
            guard known.definition != definition else { return }
            if known.definition.threshold != definition.threshold {
                known.state.breaches = []
                known.due = Self.firstDue(definition, now: now, counting: true)
                known.counts = nil
            }
            if known.definition.expectedFile != definition.expectedFile {
                known.state.arrived = nil
                known.state.decided = wall / 1000
                known.state.windowStart = nil
            }
            known.definition = definition
            known.schedule = schedule
            entries[definition.name] = known
            return
        }
        let nothingYet = definition.expectedFile == nil ? Self.noPeriodYet : "no deadline has passed yet"
        var state = stored ?? AlarmState(since: wall, reason: nothingYet, decided: wall / 1000)
        // A clock that was set back must not put every deadline off.
        if state.decided > wall / 1000 { state.decided = wall / 1000 }
        entries[definition.name] = Entry(
            definition: definition, schedule: schedule, state: state, stored: stored,
            due: Self.firstDue(definition, now: now, counting: !atStart), counts: atStart ? AttemptCounts() : nil)
    }

    /// When an alarm looks first: at the end of its period, or at once where the counts of its beginning are to be
    /// taken.
    private static func firstDue(_ definition: AlarmDefinition, now: Instant, counting: Bool) -> Instant? {
        definition.threshold.map { threshold in
            counting && threshold.metric.isWindowed ? now : now + Int64(threshold.periodSeconds) * 1000
        }
    }

    package mutating func remove(_ name: String) { entries[name] = nil }

    package var names: [String] { entries.keys.sorted() }

    /// The next look on the monotonic clock, and on the wall clock in seconds.
    package var nextDue: (period: Instant?, deadline: Int64?) {
        var due: (period: Instant?, deadline: Int64?) = (nil, nil)
        for entry in entries.values where !entry.isCommitting {
            if let period = entry.due { due.period = min(due.period ?? period, period) }
            if let deadline = entry.schedule?.next(after: entry.state.decided) {
                due.deadline = min(due.deadline ?? deadline, deadline)
            }
        }
        return due
    }

    /// Each alarm with its state and what was measured last.
    package var all: [(definition: AlarmDefinition, state: AlarmState, value: Double?)] {
        names.compactMap { name in entries[name].map { ($0.definition, $0.state, $0.value) } }
    }

    // MARK: Thresholds

    /// Whether a sample is wanted now.
    package func wantsSample(now: Instant) -> Bool {
        entries.values.contains { !$0.isCommitting && $0.due.map { $0 <= now } == true }
    }

    /// Ends the periods that are over, with what was measured at their end.
    package mutating func sampled(_ sample: AlarmSample, now: Instant, wall: Milliseconds) -> [AlarmChange] {
        var changes: [AlarmChange] = []
        for name in names {
            guard var entry = entries[name], !entry.isCommitting, let due = entry.due, due <= now,
                let threshold = entry.definition.threshold
            else { continue }
            let period = Int64(threshold.periodSeconds) * 1000
            // Periods that were slept through (a stopped process, say) are not made up for.
            entry.due = due + period > now ? due + period : now + period
            let counts = sample.counts(threshold.dimensions)
            if entry.counts == nil, threshold.metric.isWindowed {
                entry.counts = counts
                entries[name] = entry
                continue
            }
            let value = sample.value(threshold, since: entry.counts ?? AttemptCounts())
            entry.counts = counts
            entry.value = value
            let before = entry.state
            if Self.note(value, threshold, &entry.state, wall: wall) {
                changes.append(AlarmChange(alarm: entry.definition, before: before, after: entry.state, value: value))
                entry.isCommitting = true
            }
            entries[name] = entry
        }
        return changes
    }

    /// Takes a period into the state; true where it changes.
    private static func note(
        _ value: Double?, _ threshold: AlarmDefinition.Threshold, _ state: inout AlarmState, wall: Milliseconds
    ) -> Bool {
        let isWrong: Bool
        if let value {
            let limit = state.value == .alarm ? threshold.recoveryThreshold ?? threshold.threshold : threshold.threshold
            if state.value == .alarm, threshold.recoveryThreshold != nil {
                // It is over when the value lies at the good side of the recovery threshold, or on it.
                switch threshold.comparison {
                case .greater, .greaterOrEqual: isWrong = value > limit
                case .less, .lessOrEqual: isWrong = value < limit
                }
            } else {
                isWrong = threshold.comparison.holds(value, limit)
            }
        } else {
            switch threshold.missingData {
            case .ignore: return false
            case .breaching: isWrong = true
            case .notBreaching: isWrong = false
            }
        }
        state.breaches.append(isWrong)
        if state.breaches.count > threshold.evaluationPeriods {
            state.breaches.removeFirst(state.breaches.count - threshold.evaluationPeriods)
        }
        let wrong = state.breaches.count { $0 }
        let next: AlarmState.Value = wrong >= threshold.datapointsToAlarm ? .alarm : .ok
        guard next != state.value else {
            if state.reason == noPeriodYet { state.reason = "no alarm since it was deployed" }
            return false
        }
        state.value = next
        state.since = max(wall, state.since + 1)
        state.reason = reason(value, threshold, wrong: wrong, of: state)
        return true
    }

    // MARK: Expected files

    /// The alarms that wait for files.
    package var expectedFiles: [(name: String, file: AlarmDefinition.ExpectedFile)] {
        names.compactMap { name in entries[name]?.definition.expectedFile.map { (name, $0) } }
    }

    /// Its file was accepted at `time`. A late one ends the alarm.
    package mutating func arrived(_ name: String, at time: Milliseconds, wall: Milliseconds) -> AlarmChange? {
        guard var entry = entries[name], entry.definition.expectedFile != nil else { return nil }
        entry.state.arrived = max(entry.state.arrived ?? 0, time)
        defer { entries[name] = entry }
        return Self.late(&entry, wall: wall)
    }

    private static func late(_ entry: inout Entry, wall: Milliseconds) -> AlarmChange? {
        guard !entry.isCommitting, entry.state.value == .alarm, let arrived = entry.state.arrived,
            arrived / 1000 > entry.state.windowStart ?? entry.state.decided
        else { return nil }
        let before = entry.state
        entry.state.value = .ok
        entry.state.since = max(wall, entry.state.since + 1)
        entry.state.reason =
            "the file arrived \(Self.words(seconds: max(0, arrived / 1000 - entry.state.decided))) late"
        entry.isCommitting = true
        return AlarmChange(alarm: entry.definition, before: before, after: entry.state)
    }

    /// A deadline that has passed: from when on the file had to come.
    package struct Deadline: Sendable, Hashable {
        package var name: String
        package var file: AlarmDefinition.ExpectedFile
        package var moment: Int64
        package var windowStart: Int64
        /// The file came in time, as far as the log tells.
        package var hasArrived: Bool
    }

    /// How far back, in seconds, the deadline before an alarm's first one is looked for: a leap year, and more.
    private static let longestWindow: Int64 = 400 * 86400

    /// Deadlines to be decided about. Of several that passed while the host was down it is the newest.
    package func deadlines(wall: Milliseconds) -> [Deadline] {
        names.compactMap { name in
            guard let entry = entries[name], !entry.isCommitting, let schedule = entry.schedule,
                let file = entry.definition.expectedFile
            else { return nil }
            var before = entry.state.decided
            var moment: Int64?
            // A host that slept for years over a cron of every minute: what is far back is skipped.
            var rounds = 0
            while let next = schedule.next(after: moment ?? before), next <= wall / 1000 {
                if let moment { before = moment }
                moment = next
                rounds += 1
                if rounds > 100_000 { before = max(before, wall / 1000 - 86400) }
                if rounds > 100_001 { break }
            }
            guard let moment else { return nil }
            // An alarm's first window is as long as the others: it began before the alarm was there.
            if entry.state.windowStart == nil, before == entry.state.decided,
                let previous = schedule.latest(1, after: before - Self.longestWindow, through: moment - 1).last
            {
                before = min(before, previous)
            }
            let start = file.withinSeconds.map { moment - Int64($0) } ?? before
            return Deadline(
                name: name, file: file, moment: moment, windowStart: start,
                hasArrived: (entry.state.arrived ?? 0) / 1000 >= start && entry.state.arrived != nil)
        }
    }

    /// Decides about a deadline; `found`: when the file came that the object index knows, where it has one.
    package mutating func decide(_ deadline: Deadline, found: Milliseconds?, wall: Milliseconds) -> AlarmChange? {
        guard var entry = entries[deadline.name], !entry.isCommitting, entry.state.decided < deadline.moment else {
            return nil
        }
        let before = entry.state
        entry.state.decided = deadline.moment
        entry.state.windowStart = deadline.windowStart
        let isThere = found != nil || deadline.hasArrived
        if let found { entry.state.arrived = max(entry.state.arrived ?? 0, found) }
        let next: AlarmState.Value = isThere ? .ok : .alarm
        var change: AlarmChange?
        if next != before.value {
            entry.state.value = next
            entry.state.since = max(wall, before.since + 1)
            entry.state.reason =
                isThere
                ? "the file arrived in time"
                : "no file has arrived in the \(Self.words(seconds: deadline.moment - deadline.windowStart)) before the deadline"
            entry.isCommitting = true
            change = AlarmChange(alarm: entry.definition, before: before, after: entry.state)
        } else if isThere {
            entry.state.reason = "the file arrived in time for the last deadline"
        }
        entries[deadline.name] = entry
        return change
    }

    // MARK: The journal

    /// A change and its event are in the journal. A file that came meanwhile may have ended the alarm already.
    package mutating func committed(_ change: AlarmChange, wall: Milliseconds) -> AlarmChange? {
        let name = change.alarm.name
        guard var entry = entries[name] else { return nil }
        entry.isCommitting = false
        entry.stored = change.after
        defer { entries[name] = entry }
        return entry.definition.expectedFile == nil ? nil : Self.late(&entry, wall: wall)
    }

    /// States that differ from what the journal has, to be stored now; steady states cost nothing.
    package mutating func takeUnstored() -> [(name: String, state: AlarmState)] {
        var found: [(name: String, state: AlarmState)] = []
        for name in names {
            guard let entry = entries[name], !entry.isCommitting, entry.stored != entry.state else { continue }
            entries[name]?.stored = entry.state
            found.append((name, entry.state))
        }
        return found
    }
}

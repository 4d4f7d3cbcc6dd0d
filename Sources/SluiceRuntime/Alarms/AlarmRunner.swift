package import AppConfig
import EventPatterns
package import Journal
package import Logging
import Schedules
import Synchronization
package import UVLoop

/// Measures the host for the alarms in force, and puts one event for each change of an alarm's state: event and state
/// are the same commit, so that neither a crash nor a restart loses or doubles it.
///
/// Alarms cannot keep each other going: their events carry the mark that what follows from them does not count as a
/// failure (`Lineage.alarm`), and what alarms measure otherwise changes back only by somebody's hand.
@LoopActor
package final class AlarmRunner {
    /// An alarm as it stands.
    package struct Report: Sendable {
        package var definition: AlarmDefinition
        package var state: AlarmState
        package var value: Double?
        /// Why it does not work.
        package var trouble: String?
    }

    nonisolated static let prefix = "alarm/"
    /// The wall clock is looked at this often at least: it may be set while the timer sleeps.
    private static let longestSleep: Int64 = 10_000

    let journal: any JournalStore
    let files: FileThreads
    let clock: HostClock
    let log: Logger
    let committer: Committer
    private let announcer: ObjectAnnouncer
    /// Measures what the journal does not know: pauses, attempts, the disk.
    private let measure: @LoopActor () -> AlarmMeasures
    var core = AlarmCore()
    private var troubles: [String: String] = [:]
    var arrivals = ArrivalLog()
    private var timer: LoopTimer?
    private var isSampling = false
    /// Alarms have been in force in this life.
    private var isApplied = false
    /// Changes on their way into the journal.
    private var telling = 0
    private(set) var isStopped = false
    /// Nothing is measured, read or told, until `letGo`.
    package var isHeld = false
    /// The log is being read that came in while nothing was read: until its end nobody knows what has come.
    private var isCatchingUp = false
    var isReading = false
    nonisolated let mailbox = Mailbox()
    /// Whether any alarm waits for files: read on the journal's thread.
    nonisolated let wantsObjects = Mutex(false)

    package init(
        journal: any JournalStore, committer: Committer, files: FileThreads, clock: HostClock,
        announcer: ObjectAnnouncer, log: Logger, measure: @escaping @LoopActor () -> AlarmMeasures
    ) {
        self.journal = journal
        self.committer = committer
        self.files = files
        self.clock = clock
        self.announcer = announcer
        self.log = log
        self.measure = measure
    }

    // MARK: Life

    /// Takes the alarms of a deployment into force. Their states are those of the journal.
    package func apply(_ deployment: Deployment) async throws {
        let wanted = (deployment.app.alarms ?? []).filter(\.enabled)
        let (journal, prefix) = (journal, Self.prefix)
        let (stored, position, head) = try await files.run {
            () throws -> ([String: AlarmState], [UInt8]?, Position) in
            var stored: [String: AlarmState] = [:]
            for (name, body) in try journal.values(prefix: prefix) {
                stored[String(name.dropFirst(prefix.count))] = JSONText.decode(AlarmState.self, from: body)
            }
            return (
                stored, try journal.value(name: ArrivalLog.cursorName),
                try journal.lastRecords(log: nil, limit: 1).last?.position ?? 0
            )
        }
        let schedules = await files.run {
            wanted.map { alarm -> Result<Schedule, ScheduleError>? in
                guard let deadline = alarm.expectedFile?.deadline else { return nil }
                do throws(ScheduleError) {
                    return .success(try deadline.schedule(deployed: 0))
                } catch {
                    return .failure(error)
                }
            }
        }
        guard !isStopped else { return }
        var batch = Batch()
        for name in Set(stored.keys).union(core.names) where !wanted.contains(where: { $0.name == name }) {
            core.remove(name)
            if stored[name] != nil { batch.control.append(.removeValue(name: prefix + name)) }
        }
        troubles = [:]
        for (alarm, schedule) in zip(wanted, schedules) {
            var usable: Schedule?
            switch schedule {
            case .success(let schedule): usable = schedule
            case .failure(let error):
                troubles[alarm.name] = error.message
                log.error("an alarm does not work", metadata: ["alarm": "\(alarm.name)", "reason": "\(error.message)"])
            case nil: break
            }
            core.set(
                alarm, schedule: usable, stored: stored[alarm.name], now: clock.now, wall: clock.wall,
                atStart: !isApplied)
        }
        isApplied = true
        let files = core.expectedFiles
        wantsObjects.withLock { $0 = !files.isEmpty }
        batch.control += arrivals.apply(files, stored: position, head: head)
        batch.control += unstored()
        if !batch.isEmpty { _ = try await committer.commit(batch) }
        await readArrivals()
        await look()
    }

    /// Something is being looked at, or is on its way into the journal.
    package var isBusy: Bool { isSampling || isReading || telling > 0 }

    /// What was held back is made up for: files that came are found in the log, deadlines that passed are decided.
    package func letGo() async {
        isHeld = false
        isCatchingUp = true
        await readArrivals()
        isCatchingUp = false
        await look()
    }

    package func stop() {
        isStopped = true
        timer?.cancel()
        timer = nil
    }

    package var reports: [Report] {
        core.all.map {
            Report(definition: $0.definition, state: $0.state, value: $0.value, trouble: troubles[$0.definition.name])
        }
    }

    func unstored() -> [ControlChange] {
        core.takeUnstored().map { .putValue(name: Self.prefix + $0.name, body: JSONText.encode($0.state)) }
    }

    // MARK: Looking

    /// Measures and decides what is due, and sleeps until the next moment.
    func look() async {
        guard !isStopped, !isHeld, !isCatchingUp, !isSampling else { return }
        isSampling = true
        if core.wantsSample(now: clock.now) {
            if let sample = await sample() {
                for change in core.sampled(sample, now: clock.now, wall: clock.wall) { tell(change) }
            }
        }
        for deadline in core.deadlines(wall: clock.wall) {
            // What was accepted a moment ago is read first.
            await readArrivals()
            guard let current = core.deadlines(wall: clock.wall).first(where: { $0.name == deadline.name }) else {
                continue
            }
            let found = current.hasArrived ? nil : await arrival(for: current)
            if let change = core.decide(current, found: found, wall: clock.wall) { tell(change) }
        }
        let changes = unstored()
        if !changes.isEmpty {
            var batch = Batch()
            batch.control = changes
            committer.enqueue(batch)
        }
        isSampling = false
        setTimer()
    }

    private func setTimer() {
        timer?.cancel()
        timer = nil
        guard !isStopped, !isHeld else { return }
        let due = core.nextDue
        var delay = Self.longestSleep
        if let period = due.period { delay = min(delay, period - clock.now) }
        if let deadline = due.deadline { delay = min(delay, deadline * 1000 - clock.wall) }
        guard due.period != nil || due.deadline != nil else { return }
        // A measurement that failed is tried again after a while, not at once.
        timer = LoopTimer.after(.milliseconds(max(100, delay))) { [weak self] in
            guard let self else { return }
            self.timer = nil
            Task { @LoopActor in await self.look() }
        }
    }

    private func sample() async -> AlarmSample? {
        let measures = measure()
        let (journal, wall) = (journal, clock.wall)
        do {
            return try await files.run { try AlarmSample(measures, journal: journal, wall: wall) }
        } catch {
            log.error("the alarms cannot read the journal", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// Puts a change's event; only a closing journal gives it up, and then the next life decides anew.
    func tell(_ change: AlarmChange) {
        let isAlarm = change.after.value == .alarm
        log.log(
            level: isAlarm ? .warning : .notice, "an alarm changed",
            metadata: [
                "alarm": "\(change.alarm.name)", "state": "\(change.after.value.rawValue)",
                "reason": "\(change.after.reason)",
            ])
        telling += 1
        Task { @LoopActor in
            defer { telling -= 1 }
            while !isStopped {
                var batch = Batch()
                // A disk that is short of room is what some alarms are for.
                batch.isUrgent = true
                batch.appends.append(
                    announcer.append(
                        bus: change.alarm.bus, id: change.eventID, payload: change.payload(),
                        lineage: JSONText.encode(Lineage(alarm: change.alarm.name)),
                        deduplication: HostDeduplication.alarm + change.eventID))
                batch.control.append(
                    .putValue(name: Self.prefix + change.alarm.name, body: JSONText.encode(change.after)))
                do {
                    _ = try await committer.commit(batch)
                    break
                } catch let error as JournalError where error.code == .closed {
                    return
                } catch {
                    log.error("an alarm's event could not be put; trying again", metadata: ["error": "\(error)"])
                    await LoopPause.sleep(milliseconds: 5000, while: { !isStopped })
                }
            }
            if let next = core.committed(change, wall: clock.wall) { tell(next) }
            if !isSampling { setTimer() }
        }
    }
}

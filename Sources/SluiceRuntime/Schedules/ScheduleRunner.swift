package import AppConfig
import EventModel
import EventPatterns
package import Journal
package import Logging
package import Schedules
package import UVLoop

/// Puts the `Scheduled Event`s of the rules in force: each moment's event and the note that it has one are the same
/// commit, so that neither a crash nor a restart loses or doubles it.
@LoopActor
package final class ScheduleRunner {
    /// A schedule as it stands.
    package struct Report: Sendable {
        package var id: ScheduleID
        package var definition: ScheduleDefinition
        /// Nil where the schedule cannot run.
        package var schedule: Schedule?
        package var state: ScheduleState?
        /// Why it does not run.
        package var trouble: String?
    }

    nonisolated static let prefix = "schedule/"
    /// The wall clock is looked at this often at least: it may be set while the timer sleeps.
    private static let longestSleep: Int64 = 10_000
    /// Events in one commit.
    private static let page = 500

    private let journal: any JournalStore
    private let committer: Committer
    private let files: FileThreads
    private let clock: HostClock
    private let announcer: ObjectAnnouncer
    private let log: Logger
    /// False while the host accepts no events (short of disk), or is held: what is due waits.
    private let isAccepting: @LoopActor () -> Bool
    private var core = ScheduleCore()
    private var definitions: [ScheduleID: ScheduleDefinition] = [:]
    private var troubles: [ScheduleID: String] = [:]
    private var timer: LoopTimer?
    private var isStopped = false

    package init(
        journal: any JournalStore, committer: Committer, files: FileThreads, clock: HostClock,
        announcer: ObjectAnnouncer, log: Logger, isAccepting: @escaping @LoopActor () -> Bool
    ) {
        self.journal = journal
        self.committer = committer
        self.files = files
        self.clock = clock
        self.announcer = announcer
        self.log = log
        self.isAccepting = isAccepting
    }

    /// Takes the schedules of a deployment into force. One that is new, changed or enabled again begins with the
    /// deployment; one that stays goes on where it stands, whatever else was deployed.
    package func apply(_ deployment: Deployment) async throws {
        var wanted: [ScheduleID: ScheduleDefinition] = [:]
        for rule in deployment.app.rules where rule.enabled {
            if let schedule = rule.schedule { wanted[ScheduleID(bus: rule.bus, rule: rule.name)] = schedule }
        }
        let (journal, begin) = (journal, deployment.deployed / 1000)
        let prefix = Self.prefix
        let stored = try await files.run { () throws -> [String: ScheduleState] in
            var stored: [String: ScheduleState] = [:]
            for (name, body) in try journal.values(prefix: prefix) {
                stored[name] = JSONText.decode(ScheduleState.self, from: body)
            }
            return stored
        }
        let definitions = wanted
        let loaded = await files.run { () -> [ScheduleID: Result<(Schedule, ScheduleState), ScheduleError>] in
            Dictionary(
                uniqueKeysWithValues: definitions.map { id, definition in
                    var state = ScheduleState(definition: definition.identity, deployed: begin)
                    if let known = stored[Self.name(id)], known.definition == state.definition { state = known }
                    do throws(ScheduleError) {
                        return (id, .success((try definition.schedule(deployed: state.deployed), state)))
                    } catch {
                        return (id, .failure(error))
                    }
                })
        }
        guard !isStopped else { return }
        var batch = Batch()
        for name in stored.keys where !definitions.keys.contains(where: { Self.name($0) == name }) {
            batch.control.append(.removeValue(name: name))
        }
        for id in core.ids where definitions[id] == nil { core.remove(id) }
        self.definitions = definitions
        troubles = [:]
        for (id, result) in loaded {
            switch result {
            case .success(let (schedule, state)):
                core.set(id, schedule, missed: definitions[id]?.missed ?? .last, state: state, now: clock.wall / 1000)
                if stored[Self.name(id)]?.definition != state.definition {
                    batch.control.append(.putValue(name: Self.name(id), body: JSONText.encode(state)))
                }
            case .failure(let error):
                core.remove(id)
                troubles[id] = error.message
                log.error("a schedule cannot run", metadata: ["rule": "\(id.rule)", "reason": "\(error.message)"])
            }
        }
        if !batch.isEmpty { _ = try await committer.commit(batch) }
        look()
    }

    /// Puts nothing more.
    package func stop() {
        isStopped = true
        timer?.cancel()
        timer = nil
    }

    /// Every enabled schedule, by bus and rule.
    package var reports: [Report] {
        definitions.keys.sorted().compactMap { id in
            definitions[id].map {
                Report(
                    id: id, definition: $0, schedule: core.schedule(of: id), state: core.state(of: id),
                    trouble: troubles[id])
            }
        }
    }

    private nonisolated static func name(_ id: ScheduleID) -> String { "\(prefix)\(id.bus)/\(id.rule)" }

    // MARK: Time

    /// Puts what is due, and sleeps until the next moment, or until the clock is to be looked at again.
    func look() {
        timer?.cancel()
        timer = nil
        guard !isStopped else { return }
        if isAccepting() {
            for firing in core.due(now: clock.wall / 1000) {
                Task { @LoopActor in await fire(firing) }
            }
        }
        guard let next = core.nextDue else { return }
        let delay = min(max(1, next * 1000 - clock.wall), Self.longestSleep)
        timer = LoopTimer.after(.milliseconds(isAccepting() ? delay : max(delay, 1000))) { [weak self] in
            self?.timer = nil
            self?.look()
        }
    }

    /// Commits a firing. What fails is tried again: the stored state tells how far it came.
    private func fire(_ firing: ScheduleCore.Firing) async {
        while !isStopped {
            do {
                try await put(firing)
                break
            } catch let error as JournalError where error.code == .closed {
                return
            } catch {
                log.error(
                    "a scheduled event could not be put; trying again",
                    metadata: ["rule": "\(firing.id.rule)", "error": "\(error)"])
                await withCheckedContinuation { continuation in
                    _ = LoopTimer.after(.milliseconds(5000)) { continuation.resume() }
                }
            }
        }
        core.done(firing)
        look()
    }

    private func put(_ firing: ScheduleCore.Firing) async throws {
        var rest = try await withoutKnown(firing)[...]
        repeat {
            // Another definition has taken its place meanwhile.
            guard !isStopped, core.state(of: firing.id)?.definition == firing.state.definition else { return }
            let page = rest.prefix(Self.page)
            rest = rest.dropFirst(page.count)
            var state = firing.state
            // A crash between two pages goes on behind the first.
            if let next = rest.first { state.decided = max(next - 1, firing.doubtful.max() ?? .min) }
            var batch = Batch()
            for moment in page { batch.appends.append(event(of: firing.id, at: moment)) }
            batch.control.append(.putValue(name: Self.name(firing.id), body: JSONText.encode(state)))
            _ = try await committer.commit(batch)
        } while !rest.isEmpty
    }

    /// The moments of a firing that have no event yet: where the clock was set back, the log tells.
    private func withoutKnown(_ firing: ScheduleCore.Firing) async throws -> [Int64] {
        guard !firing.doubtful.isEmpty else { return firing.moments }
        let journal = journal
        return try await files.run {
            try firing.moments.filter { moment in
                guard firing.doubtful.contains(moment) else { return true }
                return try journal.record(eventID: Self.eventID(firing.id, moment)) == nil
            }
        }
    }

    private nonisolated static func eventID(_ id: ScheduleID, _ moment: Int64) -> String {
        EventIdentity.derived(from: "schedule", id.bus, id.rule, "\(moment)")
    }

    /// AWS's scheduled event; its time is the moment that was asked for, however late it comes.
    private func event(of id: ScheduleID, at moment: Int64) -> Append {
        let eventID = Self.eventID(id, moment)
        let payload = EventEnvelope(
            id: eventID, detailType: ScheduledEvents.detailType, source: ScheduledEvents.source,
            account: ObjectEvents.account, time: Timestamp(milliseconds: moment * 1000), region: ObjectEvents.region,
            resources: [RuleARN.of(rule: id.rule, bus: id.bus)]
        ).bytes(detail: Array("{}".utf8))
        return announcer.append(
            bus: id.bus, id: eventID, payload: payload, reading: .validated, lineage: [],
            deduplication: HostDeduplication.schedule + "\(id.bus)/\(id.rule)/\(moment)")
    }
}

import AppConfig
import FunctionJSON
import Journal
import Logging
import Schedules
import SluiceRuntime
import Synchronization
import Testing
import UVLoop

/// A wall clock that stands where a test has set it.
private final class TestClock: Sendable {
    private let seconds: Mutex<Int64>

    init(_ seconds: Int64) { self.seconds = Mutex(seconds) }

    var now: Int64 { seconds.withLock { $0 } }

    func set(_ value: Int64) { seconds.withLock { $0 = value } }

    var host: HostClock { HostClock { [self] in (wall: now * 1_000_000_000, monotonic: 0) } }
}

/// Hosts one after another on one journal, with schedules and nothing else.
@LoopActor
private final class ScheduleHarness {
    static let start: Int64 = 1_780_000_200

    let clock = TestClock(start)
    let files = FileThreads(count: 2)
    private(set) var journal = InMemoryJournal()
    private var runner: ScheduleRunner!
    private let commits = AsyncStream<Int>.makeStream()
    var accepts = true

    init() { begin() }

    deinit { files.stop() }

    private func begin() {
        let router = EventRouter()
        let host = clock.host
        let log = Logger(label: "test")
        let announcer = ObjectAnnouncer(journal: journal, router: router, clock: host, boot: 1)
        let continuation = commits.continuation
        journal.observeAppends { continuation.yield($0.count) }
        runner = ScheduleRunner(
            journal: journal, committer: Committer(journal: journal, log: log), files: files, clock: host,
            announcer: announcer, log: log, isAccepting: { [unowned self] in self.accepts })
    }

    /// The host is lost, and starts again on what was committed.
    func crash() {
        runner.stop()
        journal = journal.restarted()
        begin()
    }

    static func deployment(
        _ schedules: [String: ScheduleDefinition], at deployed: Int64 = ScheduleHarness.start
    ) -> Deployment {
        var deployment = Deployment.empty
        deployment.deployed = deployed * 1000
        deployment.app.rules = schedules.map { name, schedule in
            RuleDefinition(
                name: name, pattern: ScheduledEvents.pattern(rule: name, bus: "default"), schedule: schedule,
                targets: [])
        }
        return deployment
    }

    func apply(_ schedules: [String: ScheduleDefinition], at deployed: Int64 = ScheduleHarness.start) async throws {
        try await runner.apply(Self.deployment(schedules, at: deployed))
    }

    /// Waits until so many more events were committed.
    func appended(_ count: Int) async {
        var left = count
        guard left > 0 else { return }
        for await some in commits.stream {
            left -= some
            if left <= 0 { return }
        }
    }

    /// The moments of the events on the log, by rule, relative to the start.
    func moments() throws -> [String: [Int64]] {
        var found: [String: [Int64]] = [:]
        for record in try journal.records(log: "default", after: 0, limit: 100_000) {
            let event = try JSONDocument(parsing: record.payload).root
            #expect(event["source"]?.string == "aws.events" && event["detail-type"]?.string == "Scheduled Event")
            let rule = event["resources"]?.elements.first { _ in true }?.string?.split(separator: "/").last ?? ""
            let time = try #require(event["time"]?.string.map { String($0.dropLast()) }.flatMap { CivilTime($0) })
            found[String(rule), default: []].append(time.seconds - Self.start)
        }
        return found
    }

    var reports: [ScheduleRunner.Report] { runner.reports }

    func stop() { runner.stop() }
}

@LoopActor
@Suite("Schedules of a host", .timeLimit(.minutes(5)))
struct ScheduleRunnerTests {
    private let often = ScheduleDefinition(expression: "rate(5 minutes)", missed: .all)

    @Test("each moment once, over crashes, deployments and restarts")
    func once() async throws {
        let host = ScheduleHarness()
        defer { host.stop() }
        try await host.apply(["often": often])
        for step in 1...20 {
            host.clock.set(ScheduleHarness.start + Int64(step) * 200)
            // A deployment that changes nothing of it, or a host that was lost.
            if step % 2 == 0 { host.crash() }
            let before = try host.moments()["often"]?.count ?? 0
            try await host.apply(["often": often], at: ScheduleHarness.start + (step % 2 == 0 ? 0 : 7))
            await host.appended(step * 200 / 300 - before)
        }
        #expect(try host.moments()["often"] == (1...13).map { Int64($0) * 300 })
    }

    @Test("what was missed while the host was down, by policy; one that is taken away and put back begins anew")
    func missed() async throws {
        let host = ScheduleHarness()
        defer { host.stop() }
        var schedules: [String: ScheduleDefinition] = [:]
        for policy in MissedPolicy.allCases {
            schedules[policy.rawValue] = ScheduleDefinition(expression: "rate(5 minutes)", missed: policy)
        }
        try await host.apply(schedules)
        host.crash()
        host.clock.set(ScheduleHarness.start + 1000)
        try await host.apply(schedules)
        await host.appended(4)
        #expect(try host.moments() == ["all": [300, 600, 900], "last": [900]])
        let fired: [Int64?] = [ScheduleHarness.start + 900, ScheduleHarness.start + 900, nil]
        // Told as soon as the runner has heard of its commits.
        while host.reports.map(\.state?.fired) != fired { await Task.yield() }

        // Without it for a while: nothing of that time comes back.
        try await host.apply([:], at: ScheduleHarness.start + 1000)
        #expect(host.reports.isEmpty)
        #expect(try host.journal.values(prefix: "schedule/").isEmpty)
        host.clock.set(ScheduleHarness.start + 5000)
        try await host.apply(["all": schedules["all"]!], at: ScheduleHarness.start + 5000)
        host.clock.set(ScheduleHarness.start + 5310)
        try await host.apply(["all": schedules["all"]!], at: ScheduleHarness.start + 5000)
        await host.appended(1)
        #expect(try host.moments()["all"] == [300, 600, 900, 5300])
    }

    @Test("many missed moments go out in pages; a crash between two goes on behind the first")
    func pages() async throws {
        let host = ScheduleHarness()
        defer { host.stop() }
        let schedule = ["all": ScheduleDefinition(expression: "rate(1 minute)", missed: .all)]
        try await host.apply(schedule)
        host.crash()
        host.clock.set(ScheduleHarness.start + 60 * 1800)
        // The disk fails at the third page, and the host is lost.
        let pages = Counter()
        host.journal.injectFault { batch in
            guard batch.appends.count > 1 else { return nil }
            return pages.next() == 3 ? JournalError(.closed, "lost") : nil
        }
        try await host.apply(schedule)
        await host.appended(1000)
        host.crash()
        try await host.apply(schedule)
        await host.appended(800)
        #expect(try host.moments()["all"] == (1...1800).map { Int64($0) * 60 })
    }

    @Test("a clock that is set forward and back: no moment has two events, and the schedule goes on")
    func clock() async throws {
        let host = ScheduleHarness()
        defer { host.stop() }
        let schedule = ["often": ScheduleDefinition(expression: "rate(5 minutes)")]
        try await host.apply(schedule)
        let far: Int64 = 3000 * 300
        for (moment, events) in [
            (Int64(300), 1), (far, 1), (600, 1), (300, 0), (650, 0), (900, 1), (far + 10, 0), (far + 300, 1),
        ] {
            host.clock.set(ScheduleHarness.start + moment)
            try await host.apply(schedule)
            await host.appended(events)
        }
        #expect(try host.moments()["often"] == [300, far, 600, 900, far + 300])
    }

    @Test("while the host accepts nothing the events wait")
    func noRoom() async throws {
        let host = ScheduleHarness()
        defer { host.stop() }
        try await host.apply(["often": often])
        host.accepts = false
        host.clock.set(ScheduleHarness.start + 310)
        try await host.apply(["often": often])
        #expect(try host.moments().isEmpty)
        host.accepts = true
        try await host.apply(["often": often])
        await host.appended(1)
        #expect(try host.moments() == ["often": [300]])
    }

    @Test("a time zone that is no longer there is told, and stops only its own schedule")
    func zoneGone() async throws {
        let host = ScheduleHarness()
        defer { host.stop() }
        try await host.apply([
            "lost": ScheduleDefinition(expression: "rate(5 minutes)", timezone: "Mars/Olympus"), "often": often,
        ])
        #expect(host.reports.map(\.trouble?.isEmpty) == [false, nil])
        host.clock.set(ScheduleHarness.start + 310)
        try await host.apply(["often": often])
        await host.appended(1)
        #expect(try host.moments() == ["often": [300]])
    }
}

private final class Counter: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}

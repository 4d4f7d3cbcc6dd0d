import AppConfig
import EventModel
import Foundation
import FunctionJSON
import Journal
import Logging
import Schedules
import SluiceRuntime
import Synchronization
import Testing
import UVLoop

/// Hosts one after another on one journal, with alarms and nothing else.
@LoopActor
private final class AlarmHarness {
    /// 2026-06-01T00:00:00Z
    static let start: Int64 = 1_780_272_000

    let files = FileThreads(count: 2)
    private let seconds = Mutex<Int64>(AlarmHarness.start)
    private(set) var journal = InMemoryJournal()
    private(set) var runner: AlarmRunner!
    private(set) var announcer: ObjectAnnouncer!
    private let free = Mutex<Int64>(1 << 40)

    init() { begin() }

    private func begin() {
        let clock = HostClock { [unowned self] in
            let now = self.seconds.withLock { $0 } * 1_000_000_000
            return (wall: now, monotonic: now)
        }
        let log = Logger(label: "test")
        announcer = ObjectAnnouncer(journal: journal, router: EventRouter(), clock: clock, boot: 1)
        runner = AlarmRunner(
            journal: journal, committer: Committer(journal: journal, log: log), files: files, clock: clock,
            announcer: announcer, log: log,
            measure: { [unowned self] in
                AlarmMeasures(subscriptions: [], paused: [], counts: [:], freeBytes: self.free.withLock { $0 })
            })
        let runner = runner!
        journal.observeAppends { runner.recordsCommitted($0) }
    }

    func crash() {
        runner.stop()
        journal = journal.restarted()
        begin()
    }

    /// Seconds from the start; what is due then is looked at by `apply`.
    func set(_ second: Int64, megabytes: Int64? = nil) {
        seconds.withLock { $0 = Self.start + second }
        if let megabytes { free.withLock { $0 = megabytes << 20 } }
    }

    func apply(_ alarms: [AlarmDefinition]) async throws {
        var deployment = Deployment.empty
        deployment.app.alarms = alarms
        try await runner.apply(deployment)
        while runner.isBusy { await Task.yield() }
    }

    /// Puts an object's event, as the watcher does.
    func arrive(_ key: String, etag: String = "e") async throws { try await arrive([key], etag: etag) }

    func arrive(_ keys: [String], etag: String = "e") async throws {
        let now = seconds.withLock { $0 }
        var batch = Batch()
        for key in keys {
            let payload = ObjectEvents.created(
                id: "object-\(key)-\(now)", time: .init(secondsSinceEpoch: now)!, bucket: "landing", key: key, size: 1,
                etag: etag, sequencer: "1", reason: "PutObject")
            batch.appends.append(
                announcer.append(bus: "default", id: "object-\(key)-\(now)", payload: payload, lineage: []))
        }
        _ = try await journal.commit(batch)
    }

    /// The states that were told, with the seconds at which they began.
    func told() throws -> [String] {
        try journal.records(log: "default", after: 0, limit: 100_000).compactMap { record in
            let root = try JSONDocument(parsing: record.payload).root
            guard root["source"]?.string == "aws.cloudwatch" else { return nil }
            return root["detail"]?["state"]?["value"]?.string
        }
    }

    func stop() {
        runner.stop()
        files.stop()
    }
}

@LoopActor
@Suite("Alarms of a host", .timeLimit(.minutes(2)))
struct AlarmRunnerTests {
    private let disk = AlarmDefinition(
        name: "disk", threshold: .init(metric: .freeDiskSpace, comparison: .less, threshold: 500))
    private let file = AlarmDefinition(
        name: "file",
        expectedFile: .init(
            bucket: "landing",
            pattern:
                #"{"source":["aws.s3"],"detail":{"bucket":{"name":["landing"]},"object":{"key":[{"suffix":".csv"}]}}}"#,
            deadline: ScheduleDefinition(expression: "cron(0 6 * * ? *)")))

    @Test("a full disk rings once, over lost hosts and deployments, and is told although it is full")
    func diskFull() async throws {
        let host = AlarmHarness()
        defer { host.stop() }
        try await host.apply([disk])
        host.set(60, megabytes: 400)
        try await host.apply([disk])
        #expect(try host.told() == ["ALARM"])
        for step in 2...6 as ClosedRange<Int64> {
            host.set(step * 60)
            if step % 2 == 0 { host.crash() }
            try await host.apply([disk])
        }
        #expect(try host.told() == ["ALARM"])
        #expect(host.runner.reports.first?.state.value == .alarm)
        host.set(7 * 60, megabytes: 600)
        try await host.apply([disk])
        #expect(try host.told() == ["ALARM", "OK"])
        // An alarm that is taken away leaves nothing.
        try await host.apply([])
        #expect(try host.journal.values(prefix: "alarm/").isEmpty)
    }

    @Test("a host that is held tells nothing; let go, it tells what is so then")
    func held() async throws {
        let host = AlarmHarness()
        defer { host.stop() }
        host.runner.isHeld = true
        try await host.apply([disk, file])
        host.set(7 * 3600, megabytes: 400)
        try await host.apply([disk, file])
        #expect(try host.told().isEmpty)
        try await host.arrive("orders.csv")
        host.set(31 * 3600)
        await host.runner.letGo()
        while host.runner.isBusy { await Task.yield() }
        // The disk; and of the two deadlines that passed the first, before which no file had come.
        #expect(try host.told().contains("ALARM"))
        #expect(host.runner.reports.first { $0.definition.name == "disk" }?.state.value == .alarm)
        #expect(host.runner.reports.first { $0.definition.name == "file" }?.state.arrived != nil)
    }

    @Test("what comes while the log of a held host is made up for decides no deadline on the half that was read")
    func heldLong() async throws {
        let host = AlarmHarness()
        defer { host.stop() }
        host.runner.isHeld = true
        try await host.apply([file])
        host.set(3600)
        // Many pages of the log before the file that is waited for.
        try await host.arrive((0..<20_000).map { "\($0).txt" } + ["orders.csv"])
        host.set(7 * 3600)
        let letGo = Task { @LoopActor in await host.runner.letGo() }
        while !host.runner.isBusy { await Task.yield() }
        try await host.arrive("late.txt")
        await letGo.value
        while host.runner.isBusy { await Task.yield() }
        #expect(try host.told().isEmpty)
        #expect(host.runner.reports.first?.state.value == .ok)
    }

    @Test("an event that could not be committed is decided again by the next life")
    func lostCommit() async throws {
        let host = AlarmHarness()
        defer { host.stop() }
        try await host.apply([disk])
        host.set(60, megabytes: 400)
        host.journal.injectFault { $0.appends.isEmpty ? nil : JournalError(.closed, "lost") }
        try await host.apply([disk])
        #expect(try host.told().isEmpty)
        host.crash()
        try await host.apply([disk])
        host.set(120)
        try await host.apply([disk])
        #expect(try host.told() == ["ALARM"])
    }

    @Test("a file that came while nobody looked counts; one that never came rings, and a late one ends it")
    func expected() async throws {
        let host = AlarmHarness()
        defer { host.stop() }
        try await host.apply([file])
        host.set(3600)
        try await host.arrive("orders.txt")
        try await host.arrive("orders.csv")
        // Lost before anything of it was noted: the log is read on.
        host.crash()
        host.set(6 * 3600)
        try await host.apply([file])
        #expect(try host.told().isEmpty)
        #expect(host.runner.reports.first?.state.arrived == (AlarmHarness.start + 3600) * 1000)
        // The next day only another one.
        host.set(20 * 3600)
        try await host.arrive("orders.txt")
        host.crash()
        host.set(30 * 3600)
        try await host.apply([file])
        #expect(try host.told() == ["ALARM"])
        host.crash()
        host.set(31 * 3600)
        try await host.apply([file])
        try await host.arrive("late.csv")
        try await host.apply([file])
        #expect(try host.told() == ["ALARM", "OK"])
        let reason = host.runner.reports.first?.state.reason
        #expect(reason == "the file arrived 60 min late")
    }

    @Test("a file that was there before the alarm was known is found in the index")
    func index() async throws {
        let host = AlarmHarness()
        defer { host.stop() }
        var batch = Batch()
        batch.objects.append(
            .put(
                ObjectRecord(
                    bucket: "landing", key: "early.csv", device: 0, inode: 1, size: 1, modified: 0,
                    changed: (AlarmHarness.start + 18_000) * 1_000_000_000, sample: 0, etag: "e", sequencer: "1",
                    eventID: "x")))
        _ = try await host.journal.commit(batch)
        host.set(5 * 3600)
        try await host.apply([file])
        host.set(6 * 3600)
        try await host.apply([file])
        #expect(try host.told().isEmpty)
        host.set(30 * 3600)
        try await host.apply([file])
        #expect(try host.told() == ["ALARM"])
    }

    @Test("an old file with a new ctime has not arrived, nor has one that is announced again")
    func noArrival() async throws {
        let host = AlarmHarness()
        defer { host.stop() }
        var known = ObjectRecord(
            bucket: "landing", key: "old.csv", device: 0, inode: 1, size: 1, modified: 0,
            changed: (AlarmHarness.start - 50 * 3600) * 1_000_000_000, sample: 0, etag: "e", sequencer: "1",
            eventID: "x", arrived: (AlarmHarness.start - 50 * 3600) * 1000)
        var batch = Batch()
        batch.objects.append(.put(known))
        _ = try await host.journal.commit(batch)
        host.set(5 * 3600)
        try await host.apply([file])
        // `chmod`, or a backup that was restored.
        known.changed = (AlarmHarness.start + 5 * 3600) * 1_000_000_000
        batch = Batch()
        batch.objects.append(.refresh(known))
        _ = try await host.journal.commit(batch)
        let (announcer, record) = (host.announcer!, known)
        try await host.files.run { try announcer.announceAgain([record]) }
        host.set(6 * 3600)
        try await host.apply([file])
        #expect(try host.told() == ["ALARM"])
        // Another version is an arrival.
        host.set(7 * 3600)
        try await host.arrive("old.csv", etag: "another")
        try await host.apply([file])
        #expect(try host.told() == ["ALARM", "OK"])
    }
}

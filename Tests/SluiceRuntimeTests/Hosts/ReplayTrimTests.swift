import HostAPI
import Journal
import SluiceRuntime
import Testing
import UVLoop

@Suite("Replays and the end of the archive", .timeLimit(.minutes(2)))
@LoopActor
struct ReplayTrimTests {
    private static let hour: Milliseconds = 3_600_000

    /// A journal with an event of the source `shop` at each of the times.
    private func journal(_ times: [Milliseconds]) async throws -> InMemoryJournal {
        let journal = InMemoryJournal()
        for (index, time) in times.enumerated() {
            let text = #"""
                {"version":"0","id":"e\#(index)","source":"shop","detail-type":"Order","account":"0","time":\#
                "2026-01-01T00:00:00Z","region":"local","resources":[],"detail":{"c":"ok"}}
                """#
            var batch = Batch()
            batch.appends.append(
                Append(
                    log: "default", eventID: "e\(index)", ingested: time, payload: Array(text.utf8), subscriptions: [],
                    ruleSet: 0))
            _ = try await journal.commit(batch)
        }
        return journal
    }

    private static func replay(_ name: String, _ change: (inout ReplayRequest) -> Void = { _ in }) -> ReplayRequest {
        HostInProcess.replay(name) {
            ($0.function, $0.eventPattern) = ("InC", #"{"source": ["shop"]}"#)
            change(&$0)
        }
    }

    private func over(_ name: String, _ host: HostInProcess) async throws -> ReplayInfo {
        try await host.wait {
            let replay = try await host.control.replay(name: name)
            return replay.isOver ? replay : nil
        }
    }

    private static let old = Array(repeating: HostClock().wall - 50 * 24 * hour, count: 6)

    @Test("What a replay has still to read stays, however old it has become")
    func kept() async throws {
        let host = try await HostInProcess(
            rules: [:], more: "archive: {retentionDays: 100}", on: try await journal(Self.old))
        _ = try await host.control.startReplay(Self.replay("slow") { $0.rate = 4 })
        try await host.wait { try await host.control.replay(name: "slow").replayed > 0 ? () : nil }
        try await host.deploy(rules: [:], more: "archive: {retentionDays: 1}")
        await host.stop()
        // A host that starts drops what is too old.
        let next = try await HostInProcess(rules: [:], more: "archive: {retentionDays: 1}", after: host)
        let replay = try await over("slow", next)
        #expect(replay.state == .completed && replay.replayed == 6 && replay.succeeded == 6, "\(replay)")
        await next.stop()
        // Now nobody reads it any more.
        let last = try await HostInProcess(rules: [:], more: "archive: {retentionDays: 1}", after: next)
        try await last.wait { try last.journal.record(eventID: "e0") == nil ? () : nil }
        await last.stop()
    }

    @Test(
        "A replay that has stood still for a week of hosts' lives keeps nothing any more, and says so before and after")
    func still() async throws {
        let host = try await HostInProcess(
            rules: [:], more: "archive: {retentionDays: 100}", on: try await journal(Self.old))
        _ = try await host.control.startReplay(Self.replay("slow") { $0.rate = 0.01 })
        let replays = host.runtime.replays
        try await host.wait { try await host.control.replay(name: "slow").succeeded == 1 ? () : nil }
        #expect(replays.unread != nil)
        await replays.noteStill(elapsed: 0)
        #expect(replays.warnings.isEmpty)
        for _ in 0..<2 { await replays.noteStill(elapsed: Self.hour) }
        let warning = try #require(try await host.control.status().warnings.first)
        #expect(warning.contains("replay slow has not got on for 2 hours"), "\(warning)")
        #expect(warning.contains("166 more hours"), "\(warning)")
        await host.stop()
        // The time counts on with the next host, but for what passed between them. It would replay an event at its
        // start, and so get on: nothing of it is taken.
        let next = try await HostInProcess(
            rules: [:], more: "archive: {retentionDays: 100}", after: host,
            fault: { batch in
                batch.appends.contains { ReplayLog.isReplay($0.log) } ? JournalError(.diskFull, "full") : nil
            })
        let again = next.runtime.replays
        #expect(again.unread != nil && again.warnings.count == 1)
        await again.noteStill(elapsed: 0)
        await again.noteStill(elapsed: ReplayJobs.longestStill - 2 * Self.hour)
        let replay = try await next.control.replay(name: "slow")
        #expect(replay.state == .failed && replay.reason?.contains("has not got on for 7 days") == true, "\(replay)")
        #expect(again.unread == nil && again.warnings.isEmpty)
        await next.stop()
    }

    @Test("A replay that cannot begin because the disk is full says so at once")
    func full() async throws {
        let host = try await HostInProcess(rules: [:], on: try await journal(Self.old))
        host.journal.injectFault { batch in
            batch.control.contains { "\($0)".contains("replay/") } ? JournalError(.diskFull, "the disk is full") : nil
        }
        do {
            _ = try await host.control.startReplay(Self.replay("none"))
            Issue.record("it was started")
        } catch let error as APIError {
            #expect(error.status == 503 && error.message.contains("the disk is full"), "\(error)")
        }
        #expect(try await host.control.listReplays().isEmpty)
        await host.stop()
    }

    @Test("A replay whose events were dropped all the same has failed, and says so")
    func dropped() async throws {
        let host = try await HostInProcess(
            rules: [:], more: "archive: {retentionDays: 100}", on: try await journal(Self.old + Self.old + Self.old))
        _ = try await host.control.startReplay(Self.replay("slow") { $0.rate = 1 })
        try await host.wait { try await host.control.replay(name: "slow").replayed > 0 ? () : nil }
        try host.journal.trim(settledBelow: HostClock().wall - Self.hour)
        let replay = try await over("slow", host)
        #expect(replay.state == .failed && replay.reason?.contains("dropped before") == true, "\(replay)")
        #expect(replay.replayed < 18)
        await host.stop()
    }

    @Test("A replay's range has all of its events, also where the clock was ahead in between")
    func clockAhead() async throws {
        let began = HostClock().wall - 10 * Self.hour
        let times = [0, 1000, 2000, Self.hour, Self.hour + 1000, 120_000, 121_000].map { began + $0 }
        let host = try await HostInProcess(rules: [:], on: try await journal(times))
        _ = try await host.control.startReplay(
            Self.replay("range") {
                ($0.from, $0.to) = (.init(milliseconds: began - 1000), .init(milliseconds: began + Self.hour / 2))
            })
        let replay = try await over("range", host)
        #expect(replay.state == .completed && replay.replayed == 5, "\(replay)")
        await host.stop()
    }
}

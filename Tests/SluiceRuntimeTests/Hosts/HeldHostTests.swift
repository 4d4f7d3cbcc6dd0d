import Foundation
import FunctionJSON
import HostAPI
import Journal
import Schedules
import SluiceRuntime
import Testing
import UVLoop

@Suite("A host that is started to be looked at", .timeLimit(.minutes(3)))
@LoopActor
struct HeldHostTests {
    private static let rules = [
        "r": "pattern: {source: [shop]}\ntargets: [{function: InC, retryPolicy: {maximumRetryAttempts: 0}}]",
        "nightly": "schedule: rate(1 minute)\ntargets: [{function: InC}]",
    ]

    /// A schedule's moments that have passed, as after a while without a host.
    private func pass(_ journal: InMemoryJournal, seconds: Int64) async throws {
        for (name, body) in try journal.values(prefix: "schedule/") {
            var state = try JSONDecoder().decode(ScheduleState.self, from: Data(body))
            state.decided -= seconds
            state.deployed -= seconds
            var batch = Batch()
            batch.control.append(.putValue(name: name, body: Array(try JSONEncoder().encode(state))))
            _ = try await journal.commit(batch)
        }
    }

    private func scheduled(_ host: HostInProcess) throws -> Int {
        try host.journal.records(log: "default", after: 0, limit: 100)
            .count { String(decoding: $0.payload, as: UTF8.self).contains("Scheduled Event") }
    }

    private func inFlight(_ host: HostInProcess) async throws -> Int64 {
        try await host.control.status().subscriptions.reduce(0) { $0 + $1.inFlight }
    }

    @Test("Events are taken in and everything is told; nothing runs, no schedule goes off, until it is let go")
    func held() async throws {
        let first = try await HostInProcess(rules: Self.rules)
        _ = try await first.put(["fail"])
        try await first.wait { try await first.letters().count == 1 ? () : nil }
        await first.stop()
        let copy = first.journal.restarted()
        try await pass(copy, seconds: 300)
        let host = try await HostInProcess(rules: Self.rules, after: first, on: copy, isHeld: true)
        _ = try await host.put(["ok", "ok"])
        #expect(try await host.control.health().isHeld == true)
        let status = try await host.control.status()
        #expect(status.isHeld == true && status.state == .ready)
        #expect(status.warnings.contains { $0.contains("the host is held") && $0.contains("sluice resume") })
        let waiting = try #require(status.subscriptions.first { $0.rule == "r" })
        #expect(waiting.waiting == 2 && waiting.inFlight == 0 && waiting.dead == 1, "\(waiting)")
        #expect(try await host.control.metrics().contains("\nsluice_held 1\n"))
        #expect(try scheduled(host) == 0)
        // What would run, send or remove something is refused; a deployment is taken.
        let letter = try #require(try await host.letters().first)
        let asked: [@LoopActor () async throws -> Void] = [
            { _ = try await host.control.invoke(function: "InC", request: InvokeRequest(payload: .emptyObject)) },
            { _ = try await host.control.redrive(.init(selection: .init(ids: [letter.id]))) },
            { _ = try await host.control.reproduce(deadLetter: letter.id) },
            { _ = try await host.control.startReplay(HostInProcess.replay("again")) },
            { _ = try await host.control.lifecycle(LifecycleRequest(bucket: nil, dryRun: false)) },
        ]
        for ask in asked {
            let error = await #expect(throws: APIError.self) { try await ask() }
            #expect(error?.code == "HostHeld" && error?.hint?.contains("sluice resume") == true)
        }
        #expect(try await host.control.redrive(.init(selection: .init(all: true), dryRun: true)).selected == 1)
        try await host.deploy(functions: ["InC": "timeout: 9"], rules: Self.rules)
        #expect(try await inFlight(host) == 0)
        #expect(try await host.control.resume(ResumeRequest(by: "me")).wasHeld)
        try await host.wait {
            let all = try await host.control.status()
            let done = all.subscriptions.first { $0.rule == "r" }?.succeeded == 2
            return try done && scheduled(host) > 0 && all.isHeld == nil ? () : nil
        }
        #expect(try await host.control.resume(ResumeRequest()).wasHeld == false)
        #expect(try await host.control.status().warnings.isEmpty)
        await host.stop()
    }

    @Test("Redrives and replays that an earlier host has begun go on when it is let go, and not before")
    func jobs() async throws {
        let first = try await HostInProcess(rules: Self.rules)
        _ = try await first.put(["fail", "fail"])
        try await first.wait { try await first.letters().count == 2 ? () : nil }
        // Paused, neither can end.
        _ = try await first.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: true))
        let redrive = try await first.control.redrive(.init(selection: .init(all: true)))
        _ = try await first.control.startReplay(HostInProcess.replay("again"))
        await first.stop()
        let copy = first.journal.restarted()
        let host = try await HostInProcess(rules: Self.rules, after: first, on: copy, isHeld: true)
        _ = try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: false))
        let before = try await host.control.redriveJob(id: redrive.id)
        #expect(before.state == .running && before.failed == 0)
        #expect(try await host.control.replay(name: "again").state == .running)
        #expect(try await inFlight(host) == 0)
        #expect(try await host.control.resume(ResumeRequest()).wasHeld)
        try await host.wait {
            let (job, replay) = (
                try await host.control.redriveJob(id: redrive.id), try await host.control.replay(name: "again")
            )
            return job.isOver && job.failed == 2 && replay.isOver && replay.dead == 2 ? () : nil
        }
        await host.stop()
    }

    @Test("A host that is held stops like any other")
    func stopping() async throws {
        let host = try await HostInProcess(rules: Self.rules, isHeld: true)
        _ = try await host.put(["ok"])
        await host.stop()
        let next = try await HostInProcess(rules: Self.rules, after: host)
        try await next.wait {
            try await next.control.status().subscriptions.first { $0.rule == "r" }?.succeeded == 1 ? () : nil
        }
        await next.stop()
    }
}

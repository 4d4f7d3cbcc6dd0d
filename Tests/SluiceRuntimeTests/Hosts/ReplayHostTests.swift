import FunctionJSON
import HostAPI
import Journal
import SluiceRuntime
import Synchronization
import Testing
import UVLoop

@Suite("Replays and redrives on a host", .timeLimit(.minutes(5)))
@LoopActor
struct ReplayHostTests {
    private static let shop = "pattern: {source: [shop]}\ntargets: [{function: InC}]"
    private static let pattern = #"{"source": ["shop"]}"#

    @Test("A host that stops while something runs in the shadow answers its caller once")
    func stopping() async throws {
        let host = try await HostInProcess(rules: [:])
        _ = try await host.put(["hang", "hang"])
        _ = try await host.control.startReplay(
            HostInProcess.replay("dry") {
                ($0.dryRun, $0.function, $0.eventPattern) = (true, "InC", Self.pattern)
            })
        try await host.wait {
            let running = try await host.control.status().functions.reduce(0) { $0 + $1.inFlight }
            return running == 2 ? () : nil
        }
        await host.stop(grace: 0)
        // It is not over: the next host runs it again.
        let row = try #require(try host.journal.value(name: "replay/dry"))
        #expect(try TapeDecoder().decode(ReplayRecord.self, from: row).state == .running)
    }

    @Test("The version of a dry run is let go of when it is over")
    func versions() async throws {
        let host = try await HostInProcess(rules: [:])
        _ = try await host.put(["ok"])
        try await host.deploy(functions: ["InC": "timeout: 7"], rules: [:])
        _ = try await host.control.startReplay(
            HostInProcess.replay("old") {
                ($0.dryRun, $0.function, $0.eventPattern) = (true, "InC@1", Self.pattern)
            })
        let over = try await host.wait {
            let replay = try await host.control.replay(name: "old")
            return replay.isOver ? replay : nil
        }
        #expect(over.replayed == 1 && over.succeeded == 1, "\(over)")
        try await host.wait { host.runtime.deployment.replays.functions.isEmpty ? () : nil }
        await host.stop()
    }

    @Test("A redrive that pins a version takes it into force in its turn, and not while a deployment has that")
    func redriveBesideDeployment() async throws {
        let rule = "pattern: {source: [shop]}\ntargets: [{function: InC, retryPolicy: {maximumRetryAttempts: 0}}]"
        let host = try await HostInProcess(rules: ["r": rule])
        _ = try await host.put(["fail"])
        try await host.wait { try await host.letters().count == 1 ? () : nil }
        try await host.deploy(functions: ["InC": "timeout: 7"], rules: ["r": rule])
        let turn = host.runtime.replays.turn
        // As a deployment has it, from the look at what is in force to its own taking force.
        await turn.acquire(ReplayJobs.subscriptions)
        let isOver = Mutex(false)
        let redriving = Task { @LoopActor in
            defer { isOver.withLock { $0 = true } }
            return try await host.control.redrive(.init(selection: .init(all: true), to: "InC@1"))
        }
        while !turn.isWaitedFor, !isOver.withLock({ $0 }) { await Task.yield() }
        #expect(!isOver.withLock { $0 } && host.runtime.deployment.replays.functions.isEmpty)
        turn.release(ReplayJobs.subscriptions)
        let job = try await redriving.value
        let over = try await host.wait {
            let now = try await host.control.redriveJob(id: job.id)
            return now.isOver ? now : nil
        }
        #expect(over.sent == 1 && over.failed == 1, "\(over)")
        try await host.wait { host.runtime.deployment.replays.functions.isEmpty ? () : nil }
        #expect(host.runtime.deployment.functions["InC"]?.version == 2)
        await host.stop()
    }

    @Test("A trace shows what a replay made of an event, by the replay's name")
    func trace() async throws {
        let host = try await HostInProcess(rules: ["r": Self.shop])
        let id = try #require(try await host.put(["fail"]).first)
        try await host.wait { try await host.letters().count == 1 ? () : nil }
        _ = try await host.control.startReplay(HostInProcess.replay("again"))
        try await host.wait { try await host.control.replay(name: "again").isOver ? () : nil }
        let trace = try await host.control.trace(id: id)
        #expect(trace.root.deliveries.map(\.replay) == [nil, "again"])
        let replayed = try #require(trace.root.deliveries.last)
        #expect(replayed.delivery.rule == "r" && replayed.delivery.state == "dead", "\(replayed)")
        #expect(replayed.invocations.map(\.summary.outcome) == ["failed"])
        // Purged, and its subscription gone, it is still known.
        #expect(host.runtime.deployment.replays.subscriptions.count == 1)
        _ = try await host.control.purge(.init(all: true))
        #expect(host.runtime.deployment.replays.subscriptions.isEmpty)
        #expect(try await host.control.replay(name: "again").dead == 1)
        #expect(try await host.control.trace(id: id).root.deliveries.last?.replay == "again")
        await host.stop()
    }

    @Test("A trace shows replays that succeeded without effects, too: under way, over, and each by its name")
    func traceOfSuccess() async throws {
        let host = try await HostInProcess(rules: ["r": Self.shop])
        let id = try #require(try await host.put(["ok"]).first)
        _ = try await host.wait { try await host.control.status().subscriptions.first { $0.succeeded == 1 } }
        _ = try await host.control.startReplay(HostInProcess.replay("first"))
        try await host.wait { try await host.control.replay(name: "first").isOver ? () : nil }
        _ = try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: true))
        _ = try await host.control.startReplay(HostInProcess.replay("second"))
        try await host.wait { try await host.control.replay(name: "second").waiting == 1 ? () : nil }
        let deliveries = try await host.control.trace(id: id).root.deliveries
        #expect(deliveries.map(\.replay) == [nil, "first", "second"])
        #expect(deliveries.map(\.delivery.state) == ["settled", "settled", "waiting"], "\(deliveries)")
        #expect(deliveries.allSatisfy { $0.delivery.rule == "r" && $0.delivery.function == "InC" })
        await host.stop()
    }

    @Test("A redrive to a function that a deployment takes away ends with the reason; what was not sent stays dead")
    func removed() async throws {
        let both = ["InC": "", "Other": ""]
        let host = try await HostInProcess(functions: both, rules: ["r": Self.shop])
        // So many that the deployment is there before the last is sent, however busy the machine.
        _ = try await host.put(Array(repeating: "fail", count: 60))
        try await host.wait { try await host.letters().count == 60 ? () : nil }
        let started = try await host.control.redrive(.init(selection: .init(all: true), rate: 2, to: "Other"))
        try await host.wait { try await host.control.redriveJob(id: started.id).sent > 0 ? () : nil }
        try await host.deploy(functions: ["InC": ""], rules: ["r": Self.shop])
        let over = try await host.wait {
            let job = try await host.control.redriveJob(id: started.id)
            return job.isOver ? job : nil
        }
        #expect(over.state == .failed && over.reason?.contains("Other is no longer deployed") == true, "\(over)")
        #expect(over.sent < 60 && over.failed == over.sent, "\(over)")
        let letters = try await host.letters()
        // A failure elsewhere is still a dead letter of the rule's own function.
        #expect(letters.count == 60 && letters.allSatisfy { $0.function == "InC" && $0.state == "dead" }, "\(letters)")
        // But one of another kind, by what ran.
        let groups = try await host.control.deadLetterGroups().sorted { ($0.ranBy ?? "") < ($1.ranBy ?? "") }
        #expect(groups.map(\.ranBy) == [nil, "Other"] && groups.map(\.function) == ["InC", "InC"], "\(groups)")
        #expect(groups.map(\.count) == [60 - over.sent, over.sent].map(Int64.init), "\(groups)")
        for group in groups {
            #expect(try await host.letters(.init(fingerprint: group.fingerprint)).count == Int(group.count))
        }
        let error = await #expect(throws: APIError.self) {
            try await host.control.redrive(.init(selection: .init(all: true), to: "Other"))
        }
        #expect(error?.code == "NotFound")
        #expect(try journalIsWhole(host))
        await host.stop()
    }

    @Test("A dead letter that failed where a redrive had sent it says so, and keeps its event as it was")
    func elsewhere() async throws {
        let host = try await HostInProcess(functions: ["InC": "", "Other": ""], rules: ["r": Self.shop])
        _ = try await host.put(["fail"])
        let letter = try await host.wait { try await host.letters().first }
        let before = try await host.control.deadLetter(id: letter.id)
        #expect(before.summary.ranBy == nil && before.attempts.map(\.function) == ["InC"])
        for to in ["Other", nil] {
            let job = try await host.control.redrive(.init(selection: .init(ids: [letter.id]), to: to))
            try await host.wait { try await host.control.redriveJob(id: job.id).isOver ? () : nil }
            let after = try await host.control.deadLetter(id: letter.id)
            #expect(after.summary.function == "InC" && after.summary.ranBy == to, "\(after.summary)")
            let told = try #require(try await host.control.doctor().checks.first { $0.name == "dead letters" })
            #expect(told.details == [to == nil ? "InC: Deliberate (1)" : "InC (in Other): Deliberate (1)"])
            let last = try #require(after.attempts.last)
            #expect(last.function == to ?? "InC" && last.version == 1 && last.isEarlier == nil)
            #expect(after.payload.text == before.payload.text)
            #expect(try await host.control.reproduce(deadLetter: letter.id).summary.function == to ?? "InC")
        }
        #expect(try await host.control.deadLetter(id: letter.id).attempts.map(\.function) == ["InC", "Other", "InC"])
        await host.stop()
    }

    @Test("What a redrive has sent to another function waits for that one, and is in flight for its own rule")
    func waitingElsewhere() async throws {
        let host = try await HostInProcess(
            functions: ["InC": "", "Other": "reservedConcurrency: 1"], rules: ["r": Self.shop])
        _ = try await host.put(["fail", "fail"])
        try await host.wait { try await host.letters().count == 2 ? () : nil }
        // The one place is taken by who is asked by hand, so both wait.
        async let direct = try? host.control.invoke(
            function: "Other", request: InvokeRequest(payload: try RawJSON(#"{"c":"hang"}"#)))
        try await host.wait {
            try await host.control.status().functions.first { $0.name == "Other" }?.inFlight == 1 ? () : nil
        }
        _ = try await host.control.redrive(.init(selection: .init(all: true), to: "Other"))
        try await host.wait { try await host.control.status().subscriptions.first?.redriven == 2 ? () : nil }
        let status = try await host.control.status()
        let waiting = Dictionary(uniqueKeysWithValues: status.functions.map { ($0.name, $0.waiting) })
        #expect(waiting == ["InC": 0, "Other": 2], "\(status.functions)")
        await host.stop(grace: 0)
        _ = await direct
    }

    @Test("Who redrives what another job has still to send is told which")
    func overlapping() async throws {
        let host = try await HostInProcess(rules: ["r": Self.shop])
        _ = try await host.put(Array(repeating: "fail", count: 40) + ["again"])
        try await host.wait { try await host.letters(.init(code: "Deliberate")).count == 40 ? () : nil }
        let slow = try await host.control.redrive(.init(selection: .init(code: "Deliberate"), rate: 1))
        #expect(slow.alsoIn == nil)
        let second = try await host.control.redrive(.init(selection: .init(code: "Deliberate"), rate: 1))
        let overlap = try #require(second.alsoIn?.first)
        #expect(overlap.job == slow.id && (1...40).contains(overlap.count), "\(second)")
        // One that has nothing to do with them.
        let fail = try await host.put(["fail"])
        let other = try await host.wait {
            try await host.letters().first { $0.eventID == fail.first && $0.state == "dead" }
        }
        #expect(try await host.control.redrive(.init(selection: .init(ids: [other.id]))).alsoIn == nil)
        await host.stop(grace: 0)
    }

    @Test("A replay goes on when a deployment takes its function away")
    func orphan() async throws {
        let both = ["InC": "", "Other": ""]
        let host = try await HostInProcess(functions: both, rules: [:])
        _ = try await host.put(Array(repeating: "ok", count: 5))
        _ = try await host.control.startReplay(
            HostInProcess.replay("slow") {
                ($0.function, $0.eventPattern, $0.rate) = ("Other", Self.pattern, 4)
            })
        try await host.deploy(functions: ["InC": ""], rules: [:])
        let over = try await host.wait {
            let replay = try await host.control.replay(name: "slow")
            return replay.isOver ? replay : nil
        }
        #expect(over.state == .completed && over.succeeded == 5, "\(over)")
        // Over is not yet closed: its subscriptions go in a commit of their own.
        try await host.wait { host.runtime.deployment.replays.subscriptions.isEmpty ? () : nil }
        // The next deployment needs it no more.
        try await host.deploy(functions: ["InC": "timeout: 9"], rules: [:])
        #expect(host.runtime.deployment.functions.keys.sorted() == ["InC"])
        await host.stop()
    }

    @Test("A target that is paused holds its replay back, and lets it go on")
    func paused() async throws {
        let host = try await HostInProcess(rules: ["r": Self.shop])
        _ = try await host.put(["ok", "ok"])
        try await host.wait {
            try await host.control.status().subscriptions.allSatisfy { $0.succeeded == 2 } ? () : nil
        }
        _ = try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: true))
        _ = try await host.control.startReplay(HostInProcess.replay("held"))
        let held = try await host.wait {
            let replay = try await host.control.replay(name: "held")
            // What has been replayed is known a moment before the journal's counts, which are read first.
            return replay.replayed == 2 && replay.waiting + replay.succeeded == 2 ? replay : nil
        }
        #expect(held.waiting == 2, "\(held)")
        _ = try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: false))
        let over = try await host.wait {
            let replay = try await host.control.replay(name: "held")
            return replay.isOver ? replay : nil
        }
        #expect(over.succeeded == 2, "\(over)")
        await host.stop()
    }

    private func journalIsWhole(_ host: HostInProcess) throws -> Bool { try host.journal.audit().isEmpty }
}

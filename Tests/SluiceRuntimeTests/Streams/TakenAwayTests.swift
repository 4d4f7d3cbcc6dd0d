import EventModel
import Glibc
import HostAPI
import Journal
import SluiceRuntime
import Testing
import UVLoop

@Suite("Streams and buses that a deployment takes away", .timeLimit(.minutes(5)))
@LoopActor
struct TakenAwayTests {
    /// What a function puts, where, and what it is told when that is gone.
    struct Case: Sendable, CustomTestStringConvertible {
        var call: Int
        var request: String
        var grant: String
        var log: String
        var code: String
        var testDescription: String { log }
    }

    nonisolated static let cases = [
        Case(
            call: 14, request: #"{"entries":[{"stream":"clicks","partitionKey":"k","data":"MQ=="}]}"#,
            grant: "grants: {streams: [clicks]}", log: "stream/clicks", code: "NoSuchStream"),
        Case(
            call: 10,
            request: #"{"entries":[{"bus":"orders","source":"f","detailType":"F","detail":"{}","resources":[]}]}"#,
            grant: "grants: {events: [orders]}", log: "orders", code: "NoSuchBus"),
    ]

    @Test(
        "What a function has put fails its invocation if its stream or bus is taken away meanwhile; redriven it is there once",
        arguments: cases)
    func effect(_ what: Case) async throws {
        let folder = TemporaryFolder(name: "gate")
        let gate = folder.path + "/gate"
        #expect(mkfifo(gate, 0o644) == 0)
        let function = "environment: {GATE: \(gate), CALL: \"\(what.call)\", PUT: '\(what.request)'}\n"
        let rules = [
            "r": "pattern: {source: [shop]}\ntargets: [{function: InC, retryPolicy: {maximumRetryAttempts: 0}}]"
        ]
        let host = try await HostInProcess(
            functions: ["InC": function + what.grant], rules: rules, streams: ["clicks": ""])
        _ = try await host.put(["gate"])
        // Opens when the handler waits, its effect noted.
        let held = await Self.opened(gate)
        try await host.deploy(functions: ["InC": function], rules: rules, buses: [])
        close(held)
        let letter = try await host.wait { try await host.letters().first }
        #expect(letter.code == what.code && letter.message.contains("took it away"), "\(letter)")
        func put() throws -> [StoredRecord] { try host.journal.records(log: what.log, after: 0, limit: 10) }
        #expect(try put().isEmpty)

        try await host.deploy(functions: ["InC": function + what.grant], rules: rules, streams: ["clicks": ""])
        _ = try await host.control.redrive(.init(selection: .init(all: true)))
        close(await Self.opened(gate))
        _ = try await host.wait { try await host.control.status().subscriptions.first { $0.succeeded == 1 } }
        #expect(try put().count == 1)
        #expect(try await host.letters().isEmpty)
        #expect(try host.journal.audit() == [])
        await host.stop()
    }

    @Test(
        "What waits for a stream or bus that is gone becomes a dead letter by its policy; once it is back, it goes there"
    )
    func target() async throws {
        let rule = """
            pattern: {source: [shop]}
            targets:
            - {stream: clicks, retryPolicy: {maximumRetryAttempts: 1, intervalSeconds: 0.01}}
            - {bus: orders, retryPolicy: {maximumRetryAttempts: 1, intervalSeconds: 0.01}}
            """
        let host = try await HostInProcess(rules: ["r": rule], streams: ["clicks": ""])
        _ = try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: true))
        let ids = try await host.put(["a", "b"])
        try await host.deploy(rules: [:], buses: [])
        // The rule is gone with them; what it has not delivered can go on all the same.
        let left = try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: false))
        #expect(left.subscriptions.count == 2 && left.subscriptions.allSatisfy { $0.pauseReason == nil })
        let letters = try await host.wait {
            let letters = try await host.letters()
            return letters.count == 4 ? letters : nil
        }
        #expect(Set(letters.map(\.code)) == ["NoSuchStream", "NoSuchBus"] && letters.allSatisfy { $0.attempts == 2 })
        #expect(Set(letters.map(\.eventID)) == Set(ids))
        func put(_ log: String) throws -> Int { try host.journal.records(log: log, after: 0, limit: 10).count }
        #expect(try put("stream/clicks") == 0 && put("orders") == 0)

        try await host.deploy(rules: ["r": rule], streams: ["clicks": ""])
        _ = try await host.control.redrive(.init(selection: .init(all: true)))
        try await host.wait {
            let statuses = try await host.control.status().subscriptions
            return statuses.count == 2 && statuses.allSatisfy { $0.succeeded == 2 } ? () : nil
        }
        #expect(try put("stream/clicks") == 2 && put("orders") == 2)
        #expect(try await host.letters().isEmpty)
        #expect(try host.journal.audit() == [])
        await host.stop()
    }

    @Test("A deployment waits for what is decided, and what is not decided by then is refused")
    func order() async throws {
        let host = try await HostInProcess(rules: [:], streams: ["clicks": ""])
        let publisher = host.runtime.publisher
        publisher.fill(["stream/clicks"])
        #expect(await publisher.waitUntilFilled(["stream/clicks", "orders"], milliseconds: 20) == ["stream/clicks"])
        async let deployed: Void = host.deploy(rules: [:])
        publisher.filled(["stream/clicks"])
        try await deployed
        #expect(await publisher.waitUntilFilled(["stream/clicks"], milliseconds: 20).isEmpty)
        await host.stop()
    }

    @Test("An event for a rule that a deployment takes away, while it is under way, is delivered and refuses nothing")
    func eventMeanwhile() async throws {
        let rules = ["r": "pattern: {source: [shop]}\ntargets: [{function: InC}]"]
        let host = try await HostInProcess(rules: rules, streams: ["clicks": ""])
        _ = try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: true))
        let publisher = host.runtime.publisher
        publisher.fill(["stream/clicks"])
        async let deployed: Void = host.deploy(rules: [:])
        // It is planned, and nothing of the rule was left.
        try await host.wait { publisher.awaited.isEmpty ? nil : () }
        let ids = try await host.put(["late"])
        publisher.filled(["stream/clicks"])
        try await deployed
        _ = try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: false))
        _ = try await host.wait {
            try await host.control.event(id: ids[0]).deliveries.first { $0.state == "settled" }
        }
        #expect(try host.journal.audit() == [])
        await host.stop()
    }

    private nonisolated static func opened(_ pipe: String) async -> Int32 {
        let thread = FileThreads(count: 1)
        defer { thread.stop() }
        return await thread.run { open(pipe, O_WRONLY | O_CLOEXEC) }
    }
}

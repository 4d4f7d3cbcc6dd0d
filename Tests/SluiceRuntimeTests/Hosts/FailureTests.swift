import Foundation
import FunctionJSON
import HostAPI
import Journal
import Logging
import SluiceRuntime
import Synchronization
import Testing
import UVLoop

@Suite("Failures as a host tells of them", .timeLimit(.minutes(5)))
@LoopActor
struct FailureTests {
    private static let shop = "pattern: {source: [shop]}\ntargets: [{function: InC}]"

    @Test("A failure is a line of the function's log; runs in the shadow are in no function's figures")
    func figures() async throws {
        let host = try await HostInProcess(rules: ["r": Self.shop])
        _ = try await host.put(["fail", "fail"])
        try await host.wait { try await host.letters().count == 2 ? () : nil }
        var lines: [LogLine] = []
        for try await line in try await host.control.logs(LogQuery(function: "InC")) { lines.append(line) }
        #expect(lines.map(\.message) == Array(repeating: "failed: Deliberate: on purpose", count: 2))
        #expect(lines.allSatisfy { $0.level == "error" && $0.stream == "host" && $0.requestID != nil })
        // What `dlq show` says of an attempt is not said twice.
        let letter = try #require(try await host.letters().first)
        #expect(try await host.control.deadLetter(id: letter.id).attempts.map(\.logs) == [[]])

        // A redrive that fails again adds to what is known, as often as it is done.
        for round in 2...3 {
            let job = try await host.control.redrive(.init(selection: .init(ids: [letter.id])))
            try await host.wait { try await host.control.redriveJob(id: job.id).isOver ? () : nil }
            let attempts = try await host.control.deadLetter(id: letter.id).attempts
            #expect(attempts.map(\.number) == Array(1...round) && Set(attempts.map(\.requestID)).count == round)
            #expect(attempts.map(\.isEarlier) == Array(repeating: true, count: round - 1) + [nil], "\(attempts)")
        }

        _ = try await host.control.startReplay(HostInProcess.replay("dry") { $0.dryRun = true })
        let over = try await host.wait {
            let replay = try await host.control.replay(name: "dry")
            return replay.isOver ? replay : nil
        }
        #expect(over.failed == 2 && over.dead == 0 && over.succeeded == 0, "\(over)")
        let function = try #require(try await host.control.status().functions.first { $0.name == "InC" })
        #expect(function.failed == 4 && function.succeeded == 0, "\(function)")
        await host.stop()
    }

    @Test("doctor adds dead letters of one function and code up, and names targets that are paused")
    func sums() async throws {
        let host = try await HostInProcess(
            functions: ["InC": "", "Other": ""],
            rules: [
                "r": "pattern: {source: [shop]}\ntargets: [{function: InC}, {function: Other}]"
            ])
        _ = try await host.put(["fail", "fail"])
        try await host.wait { try await host.letters().count == 4 ? () : nil }
        _ = try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: true))
        let checks = try await host.control.doctor().checks
        let letters = try #require(checks.first { $0.name == "dead letters" })
        #expect(letters.details == ["InC: Deliberate (2)", "Other: Deliberate (2)"])
        let attention = try #require(checks.first { $0.name == "host" })
        #expect(attention.state == .warning && attention.details.count { $0.contains("is paused: by hand") } == 2)
        // Once more without a reason: the one that was given stays.
        for reason in ["maintenance", nil] {
            let rule = try await host.control.pauseRule(
                bus: "default", name: "r", request: PauseRequest(paused: true, reason: reason))
            #expect(rule.subscriptions.allSatisfy { $0.pauseReason == "by hand: maintenance" }, "\(rule.subscriptions)")
        }
        await host.stop()
    }

    @Test("A target that is no function has the name that was given it: for doctor, in metrics and in the host's log")
    func names() async throws {
        let told = Mutex<[String]>([])
        let host = try await HostInProcess(
            rules: [
                "thr":
                    "pattern: {source: [shop]}\ntargets: [{id: cmd, command: [/bin/false], retryPolicy: {maximumRetryAttempts: 0}}]"
            ],
            log: EarlyEndTests.log { message, metadata in
                if message.contains("dead letter of a new kind") {
                    told.withLock { $0.append("\(metadata["function"] ?? "?")") }
                }
            })
        _ = try await host.put(["ok"])
        try await host.wait { try await host.letters().count == 1 ? () : nil }
        #expect(told.withLock { $0 } == ["thr/cmd"])
        let letters = try #require(try await host.control.doctor().checks.first { $0.name == "dead letters" })
        #expect(letters.details.count == 1 && letters.details[0].hasPrefix("thr/cmd: "), "\(letters)")
        let metrics = try await host.control.metrics()
        #expect(metrics.contains(#"function="thr/cmd""#) && !metrics.contains("command:thr"), "\(metrics)")
        await host.stop()
    }

    @Test("doctor asks for room where changes of buckets cannot be noted for want of it, not for a restart")
    func full() async throws {
        let host = try await HostInProcess(rules: ["r": Self.shop], more: "buckets: {landing: }")
        host.journal.injectFault { _ in JournalError(.diskFull, "the disk is full") }
        try Data("one".utf8).write(to: URL(filePath: "\(host.folder.path)/data/buckets/landing/one.csv"))
        await #expect(throws: APIError.self) {
            try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: true))
        }
        while try await host.control.status().warnings.isEmpty { await Task.yield() }
        let objects = try #require(try await host.control.doctor().checks.first { $0.name == "objects" })
        #expect(objects.state == .warning && objects.details == ["landing/one.csv"], "\(objects)")
        #expect(objects.hint?.contains("make room") == true && objects.hint?.contains("restart") == false)
        host.journal.injectFault(nil)
        try await host.wait { host.runtime.committer.isIdle ? () : nil }
        await host.stop()
    }

    @Test("What never reaches a target costs nothing of its rate")
    func rate() async throws {
        let host = try await HostInProcess(rules: [
            "r":
                "pattern: {source: [shop]}\ntargets: [{function: InC, rateLimit: 1/h, inputPath: $.detail.d, "
                + "retryPolicy: {maximumRetryAttempts: 0}}]"
        ])
        _ = try await host.put(["bad", "bad"])
        try await host.wait { try await host.letters().count == 2 ? () : nil }
        let entry = EventEntry(source: "shop", detailType: "Order", detail: try RawJSON(#"{"d":{"c":"ok"}}"#))
        _ = try await host.control.putEvents(EventSubmission(entries: [entry, entry]))
        try await host.wait {
            try await host.control.status().subscriptions.first { $0.succeeded == 1 && $0.waiting == 1 }.map { _ in () }
        }
        await host.stop()
    }

    @Test("A breaker that would try a delivery while there is none says so")
    func trial() async throws {
        let breaker = "circuitBreaker: {failures: 2, retryAfterInSeconds: 1}"
        let host = try await HostInProcess(rules: [
            "r": "pattern: {source: [shop]}\ntargets: [{function: InC, \(breaker)}]"
        ])
        _ = try await host.put(["fail", "fail"])
        func reason() async throws -> String? {
            try await host.control.rule(bus: "default", name: "r").subscriptions.first?.pauseReason
        }
        try await host.wait { try await reason()?.hasSuffix("the next delivery is a trial") == true ? () : nil }
        _ = try await host.put(["fine"])
        try await host.wait { try await reason() == nil ? () : nil }
        await host.stop()
    }

    @Test("Files and folders beside the buckets are named, with the bucket that may be meant")
    func strays() throws {
        let folder = TemporaryFolder(name: "strays")
        let files = FileManager.default
        for name in ["landing/a", "landig", "old", "empty", ".hidden", "marked/.sluice"] {
            try files.createDirectory(atPath: "\(folder.path)/\(name)", withIntermediateDirectories: true)
        }
        for name in ["landig/x.csv", "old/x", "x.csv", ".hidden/x"] {
            #expect(files.createFile(atPath: "\(folder.path)/\(name)", contents: nil))
        }
        let found = HostController.strays(in: folder.path, buckets: ["landing"])
        #expect(found.count == 3, "\(found)")
        #expect(found.first?.contains("landig is no bucket of sluice.yaml (did you mean landing?)") == true, "\(found)")
        #expect(found[1].contains("old is no bucket of sluice.yaml:"))
        #expect(found[2].contains("x.csv lies in no bucket"))
        #expect(HostController.strays(in: folder.path + "/none", buckets: []).isEmpty)
        for index in 0..<30 { #expect(files.createFile(atPath: "\(folder.path)/\(index)", contents: nil)) }
        #expect(HostController.strays(in: folder.path, buckets: ["landing"]).count == 11)
    }
}

import Foundation
import FunctionJSON
import HostAPI
import Journal
import SluiceRuntime
import Testing
import UVLoop

@Suite("What became of a batch's records, as it is counted and told", .timeLimit(.minutes(5)))
@LoopActor
struct BatchOutcomeTests {
    private nonisolated static let failed =
        #"{"status":"Failed","failure":{"code":"InvalidKey","message":"no","retry":false}}"#

    private nonisolated static func function(_ results: String, _ more: String = "") throws -> [String: String] {
        [
            "InC": """
            module: \(try FunctionInC.batching.get().path)
            environment: {ANSWER: '{"results":[\(results)]}'\(more)}
            grants: {read: [landing], events: [default]}
            """
        ]
    }

    private static func put(_ key: String, _ text: String, in host: HostInProcess) throws {
        let file = URL(filePath: "\(host.folder.path)/data/buckets/landing/\(key)")
        try Data(text.utf8).write(to: file, options: .atomic)
    }

    /// Asks for the object `f` for the first record; where the first is refused, the batch fails for it (whole), or the
    /// answer fails the record alone.
    @Test(
        "A record whose object was replaced is superseded, and does not hold the newer version back",
        arguments: [
            [#"{"status":"Ok"}"#, ", HEED: ''"],
            [#"{"status":"Failed","failure":{"code":"ObjectChanged","message":"m"}},{"status":"Ok"}"#, ""],
            [#"{"status":"Ok"},{"status":"Ok"}"#, ""],
        ])
    func replaced(_ behaviour: [String]) async throws {
        let open = #", CALL: "1", PUT: '{"bucket":"landing","key":"f","record":0}'"#
        let host = try await HostInProcess(
            functions: try Self.function(behaviour[0], open + behaviour[1]),
            rules: [
                "r": """
                pattern: {source: [aws.s3], detail-type: [Object Created]}
                targets:
                  - function: InC
                    batchSize: 5
                    ordering: {key: detail.object.key, onExhausted: park}
                    retryPolicy: {maximumRetryAttempts: 0}
                """
            ], more: "buckets: {landing: }")
        _ = try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: true))
        for (count, text) in ["old", "newer"].enumerated() {
            try Self.put("f", text, in: host)
            try await host.wait {
                try await host.control.status().subscriptions.first?.matched == Int64(count + 1) ? () : nil
            }
        }
        _ = try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: false))
        let status = try await host.wait {
            try await host.control.status().subscriptions.first { $0.waiting + $0.inFlight == 0 }
        }
        #expect((status.superseded, status.succeeded, status.dead, status.parked) == (1, 1, 0, 0), "\(status)")
        #expect(try await host.control.function(name: "InC").status.failed == 0)
        #expect(try host.journal.audit() == [])
        await host.stop()
    }

    @Test("A batch that fails by itself has failed, though one of its records was replaced")
    func failedBeside() async throws {
        // It does not heed that the first object is gone, and answers nonsense.
        let more = #", CALL: "1", PUT: '{"bucket":"landing","key":"f","record":0}'"#
        let functions = try Self.function("nonsense", more)
        let host = try await HostInProcess(
            functions: functions,
            rules: [
                "r": """
                pattern: {source: [aws.s3], detail-type: [Object Created]}
                targets:
                  - {function: InC, batchSize: 5, retryPolicy: {maximumRetryAttempts: 0}, circuitBreaker: {failures: 1}}
                """
            ], more: "buckets: {landing: }")
        _ = try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: true))
        for (count, text) in ["old", "newer"].enumerated() {
            try Self.put("f", text, in: host)
            try await host.wait {
                try await host.control.status().subscriptions.first?.matched == Int64(count + 1) ? () : nil
            }
        }
        _ = try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: false))
        let status = try await host.wait {
            try await host.control.status().subscriptions.first { $0.superseded == 1 }
        }
        #expect((status.superseded, status.waiting, status.dead) == (1, 1, 0), "\(status)")
        #expect(status.pauseReason?.contains("MalformedAnswer") == true, "\(status)")
        #expect(try await host.control.function(name: "InC").status.failed == 1)
        let events = try host.journal.records(log: "default", after: 0, limit: 10)
        let created = events.first { String(decoding: $0.payload, as: UTF8.self).contains("Object Created") }
        let event = try #require(created).eventID
        let row = try #require(try host.journal.invocations(eventID: event).last)
        #expect((row.outcome, row.code) == ("failed", "MalformedAnswer"), "\(row)")
        await host.stop()
    }

    @Test("An attempt of which every record failed has failed, one of which some did is partial")
    func counted() async throws {
        let rule =
            "pattern: {source: [shop]}\ntargets: [{function: InC, batchSize: 2, retryPolicy: {maximumRetryAttempts: 0}}]"
        let host = try await HostInProcess(
            functions: try Self.function(Self.failed), rules: ["r": rule], more: "buckets: {landing: }")
        // By hand, in the shadow and in earnest.
        let payload = try RawJSON(#"{"detail":{}}"#)
        for isDry in [true, false] {
            let told = try await host.control.invoke(
                function: "InC", request: InvokeRequest(payload: payload, dryRun: isDry))
            #expect(told.summary.outcome == "failed" && told.summary.code == "InvalidKey", "\(told)")
        }
        let one = try #require(try await host.put(["x"]).first)
        try await host.wait { try await host.letters().count == 1 ? () : nil }
        try await host.wait { try host.journal.invocations(eventID: one).first?.outcome == "failed" ? () : nil }
        var status = try await host.control.function(name: "InC").status
        #expect((status.succeeded, status.partial, status.failed) == (0, 0, 2))
        try await host.deploy(
            functions: try Self.function(Self.failed + #",{"status":"Ok"}"#), rules: ["r": rule],
            more: "buckets: {landing: }")
        let two = try await host.put(["x", "y"])
        try await host.wait { try host.journal.invocations(eventID: two[0]).first?.outcome == "partial" ? () : nil }
        status = try await host.control.function(name: "InC").status
        #expect((status.succeeded, status.partial, status.failed) == (0, 1, 2))
        #expect(
            try await host.control.metrics().contains(
                #"sluice_invocations_total{function="InC",outcome="partial"} 1"#))
        // In the shadow the handler fails each of the three: one of them had succeeded.
        let dry = HostInProcess.replay("dry") { $0.dryRun = true }
        _ = try await host.control.startReplay(dry)
        let replay = try await host.wait {
            let replay = try await host.control.replay(name: "dry")
            return replay.isOver ? replay : nil
        }
        let report = try #require(replay.shadow)
        #expect((report.failures.same, report.failures.added) == (2, 1), "\(replay)")
        await host.stop()
    }

    @Test("What a record of a batch has made is that record's in traces and dry runs, and what the batch made is all's")
    func owners() async throws {
        let rule =
            "pattern: {source: [shop]}\ntargets: [{function: InC, batchSize: 2, retryPolicy: {maximumRetryAttempts: 0}}]"
        for isOwned in [true, false] {
            let put =
                #", PUT: '{"entries":[{"source":"made","detailType":"Made","detail":"{}","resources":[]}]"#
                + (isOwned ? #","record":0}'"# : "}'")
            // A record that fails where the batch has made something fails the batch.
            let second = isOwned ? Self.failed : #"{"status":"Ok"}"#
            let host = try await HostInProcess(
                functions: try Self.function(#"{"status":"Ok"},\#(second)"#, put), rules: ["r": rule],
                more: "buckets: {landing: }")
            _ = try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: true))
            let ids = try await host.put(["x", "y"])
            _ = try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: false))
            try await host.wait { try host.journal.invocations(eventID: ids[0]).isEmpty ? nil : () }
            var effects: [[EffectInfo]] = []
            for id in ids {
                let delivery = try await host.control.trace(id: id).root.deliveries.first
                effects.append(delivery?.invocations.last?.effects.map(\.effect) ?? [])
            }
            #expect(effects.map(\.count) == (isOwned ? [1, 0] : [1, 1]), "\(effects)")
            #expect(effects[0].first?.record == (isOwned ? 0 : nil), "\(effects)")
            guard isOwned else {
                await host.stop()
                continue
            }
            // By itself each event is a batch's first record, and puts: also the one that had failed.
            _ = try await host.control.startReplay(
                HostInProcess.replay("dry") { ($0.dryRun, $0.rules) = (true, ["r"]) })
            let over = try await host.wait {
                let replay = try await host.control.replay(name: "dry")
                return replay.isOver ? replay : nil
            }
            let events = try #require(over.shadow?.events)
            #expect((events.same, events.added, events.unknown) == (1, 1, 0), "\(over)")
            await host.stop()
        }
    }

    @Test("What publishing would refuse, a run in the shadow is told too")
    func refused() async throws {
        let copy =
            #"{"source":{"bucket":"landing","key":"a"},"destination":{"bucket":"landing","key":"b"},"overwrite":false}"#
        let host = try await HostInProcess(
            functions: [
                "InC": """
                environment: {GATE: /dev/null, CALL: "7", HEED: "", PUT: '\(copy)'}
                grants: {read: [landing], write: [landing]}
                """
            ], rules: [:], more: "buckets: {landing: }")
        try Self.put("a", "a", in: host)
        let request = InvokeRequest(payload: try RawJSON(#"{"c":"gate"}"#), dryRun: true)
        let free = try await host.control.invoke(function: "InC", request: request)
        #expect(free.summary.outcome == "succeeded" && free.effects.map(\.subject) == ["landing/b"], "\(free)")
        try Self.put("b", "b", in: host)
        let taken = try await host.control.invoke(function: "InC", request: request)
        #expect(taken.summary.outcome == "failed" && taken.summary.code == "KeyExists", "\(taken)")
        #expect(taken.effects.isEmpty)
        let real = try await host.control.invoke(
            function: "InC", request: InvokeRequest(payload: request.payload, dryRun: nil))
        #expect(real.summary.code == taken.summary.code && real.summary.message == taken.summary.message, "\(real)")
        await host.stop()
    }
}

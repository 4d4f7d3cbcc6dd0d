import Foundation
import HostAPI
import Journal
import SluiceRuntime
import Testing
import UVLoop

/// Events of objects with other ids than the ones that announced them: passed on to another bus, or announced again.
@Suite("Object events that were passed on", .timeLimit(.minutes(5)))
@LoopActor
struct ForwardedObjectTests {
    private static let onward = """
        pattern: {source: [aws.s3], detail-type: [Object Created]}
        targets: [{bus: orders}]
        """
    private static let bucket = "buckets: {landing: {existing: trigger}}"

    /// A rule on the other bus whose handler gets `asked`.
    private static func rule(_ asked: String) -> String {
        """
        bus: orders
        pattern: {source: [aws.s3]}
        targets: [{function: InC, input: {c: \(asked)}, retryPolicy: {maximumRetryAttempts: 0}}]
        """
    }

    private func put(_ host: HostInProcess, _ text: String) throws {
        let file = URL(filePath: "\(host.folder.path)/data/buckets/landing/one.csv")
        try Data(text.utf8).write(to: file, options: .atomic)
    }

    @Test("A handler behind another bus opens the object: its version is there, whatever the event's id")
    func opened() async throws {
        // Opens it, and goes on at once.
        let function = """
            environment: {GATE: /dev/null, CALL: "1", PUT: '{"bucket":"landing","key":"one.csv"}'}
            grants: {read: [landing]}
            """
        let host = try await HostInProcess(
            functions: ["InC": function], rules: ["onward": Self.onward, "r": Self.rule("gate")], more: Self.bucket)
        func waitFor(_ count: Int64) async throws {
            let _: Bool = try await host.wait {
                let found = try await host.control.status().subscriptions.first { $0.rule == "r" }
                return found.map { $0.succeeded + $0.superseded + $0.dead >= count } == true ? true : nil
            }
        }
        try put(host, "one")
        try await waitFor(1)
        // Announced again while an event of that version waits: both are about what is there.
        _ = try await host.control.pauseRule(bus: "orders", name: "r", request: PauseRequest(paused: true))
        try put(host, "two")
        let _: Bool = try await host.wait {
            try host.journal.records(log: "orders", after: 0, limit: 10).count == 2 ? true : nil
        }
        _ = try await host.control.trigger(bucket: "landing", request: TriggerRequest())
        let _: Bool = try await host.wait {
            try host.journal.records(log: "orders", after: 0, limit: 10).count == 3 ? true : nil
        }
        _ = try await host.control.pauseRule(bus: "orders", name: "r", request: PauseRequest(paused: false))
        try await waitFor(3)
        let found = try #require(try await host.control.status().subscriptions.first { $0.rule == "r" })
        #expect(found.succeeded == 3 && found.superseded == 0, "\(found)")
        // One whose version was replaced is superseded all the same.
        _ = try await host.control.pauseRule(bus: "orders", name: "r", request: PauseRequest(paused: true))
        for text in ["three", "four"] {
            let known = try host.journal.records(log: "orders", after: 0, limit: 10).count
            try put(host, text)
            let _: Bool = try await host.wait {
                try host.journal.records(log: "orders", after: 0, limit: 10).count > known ? true : nil
            }
        }
        _ = try await host.control.pauseRule(bus: "orders", name: "r", request: PauseRequest(paused: false))
        try await waitFor(5)
        let last = try #require(try await host.control.status().subscriptions.first { $0.rule == "r" })
        #expect(last.succeeded == 4 && last.superseded == 1, "\(last)")
        #expect(try host.journal.audit() == [])
        await host.stop()
    }

    @Test("A dead letter behind another bus keeps its file, and has a newer version only when there is one")
    func letter() async throws {
        let host = try await HostInProcess(
            rules: ["onward": Self.onward, "r": Self.rule("fail")], more: Self.bucket)
        try put(host, "one")
        let letter = try await host.wait { try await host.letters().first }
        #expect(letter.code == "Deliberate" && letter.newerVersion == nil, "\(letter)")
        let kept = try #require(try host.journal.deadLetter(id: letter.id))
        #expect(String(decoding: kept.input, as: UTF8.self).contains(#""kept":"#))
        _ = try await host.control.trigger(bucket: "landing", request: TriggerRequest())
        let _: Bool = try await host.wait { try await host.letters().count == 2 ? true : nil }
        #expect(try await host.letters().allSatisfy { $0.newerVersion == nil })
        try put(host, "two")
        let _: Bool = try await host.wait { try await host.letters().count == 3 ? true : nil }
        #expect(try await host.letters().map { $0.newerVersion != nil } == [true, true, false])
        await host.stop()
    }
}

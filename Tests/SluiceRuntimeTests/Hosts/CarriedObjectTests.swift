import EventModel
import Foundation
import FunctionJSON
import HostAPI
import Journal
import SluiceRuntime
import Testing
import UVLoop

@Suite("Objects that records of streams name", .timeLimit(.minutes(5)))
@LoopActor
struct CarriedObjectTests {
    @Test("A dead letter of such a record keeps the object, and its redrive reads that once the object is gone")
    func kept() async throws {
        // Opens the object, and fails where it is refused.
        let function = """
            environment: {GATE: /dev/null, CALL: "1", HEED: "", PUT: '{"bucket":"landing","key":"one.csv"}'}
            grants: {read: [landing]}
            """
        let host = try await HostInProcess(
            functions: ["InC": function, "Bad": ""],
            rules: [
                "r":
                    "stream: clicks\ntargets: [{function: Bad, input: {c: fail}, retryPolicy: {maximumRetryAttempts: 0}}]",
                "o": "pattern: {source: [never]}\ntargets: [{function: InC}]",
            ], streams: ["clicks": ""], more: "buckets: {landing: }")
        let file = URL(filePath: "\(host.folder.path)/data/buckets/landing/one.csv")
        try Data("one".utf8).write(to: file, options: .atomic)
        let event = try await host.wait {
            try host.journal.records(log: "default", after: 0, limit: 9).first {
                EventReading.objectInput(of: $0.payload) != nil
            }
        }
        let record = RecordSubmission.Entry(
            partitionKey: "k", data: String(decoding: Base64.encode(event.payload), as: UTF8.self))
        _ = try await host.control.putRecords(stream: "clicks", submission: RecordSubmission(records: [record]))
        let letter = try await host.wait { try await host.letters().first }
        let detail = try await host.control.deadLetter(id: letter.id)
        #expect(
            detail.input?.key == "one.csv" && detail.input?.kind != "not kept", "\(String(describing: detail.input))")
        try FileManager.default.removeItem(at: file)
        try await host.wait { try host.journal.object(bucket: "landing", key: "one.csv") == nil ? () : nil }
        // The same record, as the function that opens the object gets it.
        try await host.deploy(
            functions: ["InC": function],
            rules: ["r": "stream: clicks\ntargets: [{id: Bad, function: InC, input: {c: gate}}]"],
            streams: ["clicks": ""], more: "buckets: {landing: }")
        _ = try await host.control.redrive(.init(selection: .init(all: true)))
        try await host.wait {
            try await host.control.status().subscriptions.first { $0.succeeded == 1 }.map { _ in () }
        }
        #expect(try host.journal.audit() == [])
        await host.stop()
    }
}

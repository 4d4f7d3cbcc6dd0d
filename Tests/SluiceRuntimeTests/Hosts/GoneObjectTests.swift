import HostAPI
import Journal
import SluiceRuntime
import Testing
import UVLoop

@Suite("What is said of an object that is gone", .timeLimit(.minutes(2)))
@LoopActor
struct GoneObjectTests {
    private func append(_ id: String, _ size: Int = 0) -> Append {
        let text = #"""
            {"version":"0","id":"\#(id)","detail-type":"Object Deleted","source":"aws.s3","account":"0","time":\#
            "2026-01-01T00:00:00Z","region":"local","resources":[],"detail":{"bucket":{"name":"landing"},\#
            "object":{"key":"\#(id)"},"more":"\#(String(repeating: "x", count: size))"}}
            """#
        return Append(
            log: "default", eventID: id, ingested: HostClock().wall, payload: Array(text.utf8), subscriptions: [],
            ruleSet: 0)
    }

    @Test("Its newest events are found behind large ones; where none is, what was looked through is said")
    func large() async throws {
        let journal = InMemoryJournal()
        for number in 0..<20 {
            var batch = Batch()
            batch.appends = [append("large-\(number)", 1 << 20)]
            _ = try await journal.commit(batch)
        }
        var batch = Batch()
        batch.appends = [append("gone")]
        _ = try await journal.commit(batch)
        let host = try await HostInProcess(rules: [:], more: "buckets: {landing: }", on: journal)
        func said(_ key: String) async -> String {
            do {
                _ = try await host.control.trace(id: "landing/\(key)")
                return "it is there"
            } catch {
                let error = error as? APIError
                return "\(error?.message ?? "") - \(error?.hint ?? "")"
            }
        }
        #expect(await said("gone").contains("event gone"))
        #expect(await said("large-3").contains("event large-3"))
        #expect(await said("never").contains("no event of it is in the log either"))
        await host.stop()
    }
}

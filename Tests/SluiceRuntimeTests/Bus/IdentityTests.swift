import EventModel
import FunctionJSON
import HostAPI
import Journal
import SluiceRuntime
import Testing

@Suite("Ids and keys that are not to be mistaken for others")
struct IdentityTests {
    @Test(
        "A producer's deduplication id never stands for an event of the host",
        arguments: ["schedule/default/r/1780000000", "manifest/x", "alarm/x", "producer/alarm/x"])
    func deduplication(_ id: String) async throws {
        let journal = InMemoryJournal()
        let (router, clock) = (EventRouter(), HostClock())
        let announcer = ObjectAnnouncer(journal: journal, router: router, clock: clock, boot: 1)
        let bus = EventBus(journal: journal, router: router, clock: clock)
        let entry = EventEntry(source: "shop", detailType: "Order", detail: try RawJSON("{}"), deduplicationID: id)
        func put() async throws -> EventBus.Answer {
            try await withCheckedThrowingContinuation { continuation in
                bus.put(EventSubmission(entries: [entry])) { continuation.resume(with: $0.map { $0.answers[0] }) }
            }
        }
        let answers = [try await put(), try await put()]
        guard case .accepted = answers[0], case .duplicate = answers[1] else {
            Issue.record("\(answers)")
            return
        }
        var batch = Batch()
        batch.appends = [announcer.append(bus: "default", id: "own", payload: [], lineage: [], deduplication: id)]
        #expect(try journal.commitBlocking(batch).appended == [.at(2)])
    }

    @Test("Other producers' ids are kept as they come, as earlier versions stored them")
    func others() {
        for id in ["", "a", "schedule", "/schedule/", "Schedule/x"] { #expect(HostDeduplication.producers(id) == id) }
        #expect(HostDeduplication.producers("alarm/x") != HostDeduplication.producers("producer/alarm/x"))
    }

    @Test("Keys that look alike and have other bytes are two keys; a number and its text are one")
    func keys() {
        func key(_ json: String) -> String? { EventReading.key(of: Array(#"{"k":\#(json)}"#.utf8), path: "k") }
        #expect(key("\"\u{e9}\"") != key("\"e\u{301}\""))
        #expect(key("\"\u{e9}\"") == key(#""\u00e9""#))
        #expect(key(#""\u0001c3a9""#) != key("\"\u{e9}\""))
        #expect(key("\"plain\"") == "plain" && key("{}") == "{}")
        #expect(key("1") == key("\"1\"") && key("true") == key("\"true\""))
        #expect(key("null") == nil)
        // A stream's record keeps the key as it is.
        #expect(EventReading.text(of: Array("{\"k\":\"\u{e9}\"}".utf8), path: "k") == "\u{e9}")
    }
}

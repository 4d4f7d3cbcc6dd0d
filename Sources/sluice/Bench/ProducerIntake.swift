import EventModel
import EventPatterns
import FunctionJSON
import HostAPI

/// What the host does with a producer's request before it goes to the journal: reading the body, checking the entries,
/// writing the envelopes, matching them against every rule.
struct ProducerIntake {
    let matcher: Matcher<Int>
    private let scratch = MatchScratch()
    private var ids = EventID.Generator()

    init(_ matcher: Matcher<Int>) { self.matcher = matcher }

    /// How many rules the events of a request match.
    mutating func take(_ body: [UInt8]) throws -> Int {
        var matched = 0
        for entry in try EventSubmission(json: body).entries {
            let valid = try PutEventsEntry(
                eventBusName: entry.bus, source: entry.source, detailType: entry.detailType,
                readDetail: .init(entry.detail, traits: entry.detailTraits)
            ).validate()
            let event = EventEnvelope.bytes(
                of: valid, id: ids.next(), account: "000000000000", now: "2026-01-01T00:00:00Z",
                region: "local")
            // As the host has them: a list for the journal.
            var rules: [Int] = []
            try event.withUnsafeBufferPointer { bytes throws(EventError) in
                try matcher.forEachMatch(in: bytes, reading: .validated, scratch: scratch) { rules.append($0) }
            }
            matched += rules.count
        }
        return matched
    }
}

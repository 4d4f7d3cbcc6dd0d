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
    private var found: [Int] = []
    /// The rules that want the last event.
    private var wanting: [Int] = []

    init(_ matcher: Matcher<Int>) { self.matcher = matcher }

    /// How many rules the events of a request match.
    mutating func take(_ body: [UInt8]) throws -> Int {
        let submission = try EventSubmission(json: body)
        guard let document = submission.document else { return 0 }
        return try document.withNodes { nodes in try take(submission.entries, nodes) }
    }

    private mutating func take(_ entries: [EventEntry], _ nodes: UnsafeBufferPointer<TapeNode>) throws -> Int {
        var matched = 0
        var envelopes = EventEnvelopeWriter(account: "000000000000", region: "local")
        for entry in entries {
            let detail = PutEventsEntry.ReadDetail(entry.detail, traits: entry.detailTraits)
            let resources = entry.resources ?? []
            let time = try PutEventsEntry.check(
                source: entry.source, detailType: entry.detailType, detail: detail, resources: resources,
                time: entry.time)
            let event = envelopes.bytes(
                id: ids.next(), detailType: entry.detailType, source: entry.source,
                time: time?.description ?? "2026-01-01T00:00:00Z", resources: resources, detail: detail)
            // As the host has them: collected in memory that is there, and a list for the journal where it differs.
            var found: [Int] = []
            swap(&found, &self.found)
            found.removeAll(keepingCapacity: true)
            var reading = EventReading.strict
            if let traits = detail.traits, traits.hasPlainNames {
                reading = .validated(knowing: traits.place, of: nodes, at: event.count - 1 - detail.json.count)
            }
            try event.withUnsafeBufferPointer { bytes throws(EventError) in
                try matcher.forEachMatch(in: bytes, reading: reading, scratch: scratch) { found.append($0) }
            }
            if found != wanting { wanting = found.map { $0 } }
            swap(&found, &self.found)
            matched += wanting.count
        }
        return matched
    }
}

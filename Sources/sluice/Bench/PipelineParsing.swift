import EventModel
import EventPatterns
import FunctionJSON
import HostAPI
import Journal
import SluiceRuntime

/// What the host does with a producer's request before it goes to the journal, alone on one thread: reading the body,
/// checking the entries, writing the envelopes, matching them against every rule.
enum PipelineParsing {
    /// Microseconds an event; the median of some passes over a request of 200.
    static func microseconds(rules: Int, bytes: Int) throws -> Double {
        let matcher = Matcher(
            try (0..<rules).map { index in
                let type = index == 0 ? "Sample" : "Other \(index)"
                return (index, try EventPattern(parsing: #"{"source":["bench.pipeline"],"detail-type":["\#(type)"]}"#))
            })
        let scratch = MatchScratch()
        var body = ProducerBody(bytes: bytes, detailType: "Sample")
        let count = 200
        body.fill(first: 0, count: count, sent: 0)
        var times: [Double] = []
        for _ in 0..<101 {
            let began = BenchClock.nanoseconds
            var matched = 0
            var ids = EventID.Generator()
            for entry in try EventSubmission(json: body.bytes).entries {
                let valid = try PutEventsEntry(
                    eventBusName: entry.bus, source: entry.source, detailType: entry.detailType,
                    readDetail: .init(entry.detail, traits: entry.detailTraits)
                ).validate()
                let event = EventEnvelope(
                    id: ids.next(), detailType: valid.detailType, source: valid.source, account: "000000000000",
                    time: Timestamp(nanosecondsSinceEpoch: 0), region: "local"
                ).bytes(detail: valid.detail.json.bytes)
                matched += try matcher.answer(in: event, reading: .validated, scratch: scratch).matched.count
            }
            guard matched == count else { throw Failure("\(matched) of \(count) events were matched") }
            times.append(Double(BenchClock.nanoseconds - began) / 1000 / Double(count))
        }
        return times.sorted()[times.count / 2]
    }
}

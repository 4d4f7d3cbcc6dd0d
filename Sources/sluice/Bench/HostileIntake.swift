import EventPatterns

/// What one rule that is made to cost much leaves of the speed at which the host takes events from producers: reading
/// requests of ten events, checking them, writing their envelopes, matching them. The engine alone, which
/// `PatternBench` measures, is a part of it.
struct HostileIntake {
    let kind: BenchKind
    let ruleCount: Int
    let hostile: [HostileRule]
    var duration: Duration = .seconds(2)
    private static let batch = 10

    /// Of each hostile rule the events a second beside it, with those without it as the floor.
    func run() throws -> [BenchFigure] {
        let (events, bodies) = requests()
        let texts = kind.rules(count: ruleCount, seed: 43).map(asProducers)
        var rules: [(Int, EventPattern)] = []
        for (index, text) in texts.enumerated() { rules.append((index, try EventPattern(parsing: text))) }
        return try hostile.map { rule in
            let pattern = try EventPattern(parsing: asProducers(rule.pattern), dialect: .extended, limits: .stored)
            var intakes = [ProducerIntake(Matcher(rules)), ProducerIntake(Matcher(rules + [(-1, pattern)]))]
            let parts = stride(from: 0, to: bodies.count, by: 50).map { $0..<min(bodies.count, $0 + 50) }
            let passes = try PairedPasses(contenders: 2, parts: parts.count, duration: duration) { number, part in
                for body in bodies[parts[part]] { _ = try intakes[number].take(body) }
            }
            let speed = Double(events) / passes.best[1]
            return BenchFigure(
                name: "\(kind.rawValue)/\(ruleCount) taken_in beside \(rule.name)", value: speed, unit: "events/s",
                floor: speed / passes.ratio(0, to: 1))
        }
    }

    /// The bench's events as producers put them, and how many they are.
    private func requests() -> (events: Int, bodies: [[UInt8]]) {
        let events = PatternBench(kind: kind, ruleCount: ruleCount, eventCount: 5_000).events()
        let entries = events.map { event -> String in
            let text = String(decoding: event, as: UTF8.self)
            guard kind.usesObjectEvents, let start = text.firstRange(of: "\"detail\":") else {
                return "{\"source\":\"app.lots\",\"detailType\":\"Lot\",\"detail\":\(text)}"
            }
            return "{\"source\":\"app.s3\",\"detailType\":\"Object Created\",\"detail\":\(text[start.upperBound...])"
        }
        let bodies = stride(from: 0, to: entries.count, by: Self.batch).map { first in
            Array(
                "{\"entries\":[\(entries[first..<min(entries.count, first + Self.batch)].joined(separator: ","))]}".utf8
            )
        }
        return (events.count, bodies)
    }

    /// A rule of the bench for its events as producers put them, who may not call their source `aws.`.
    private func asProducers(_ rule: String) -> String {
        kind.usesObjectEvents ? rule.replacing("\"aws.s3\"", with: "\"app.s3\"") : "{\"detail\":\(rule)}"
    }
}

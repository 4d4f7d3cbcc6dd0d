/// One figure of the bench.
package struct BenchFigure: Sendable, Hashable {
    /// What was measured: `exact/1000 matching`.
    package var name: String
    package var value: Double
    package var unit: String
    /// The best that the machine can do at it, in the same unit: for events, reading them without any lookup.
    package var floor: Double?
    /// `value / floor`.
    package var ratio: Double? { floor.map { value / $0 } }

    package init(name: String, value: Double, unit: String, floor: Double? = nil) {
        self.name = name
        self.value = value
        self.unit = unit
        self.floor = floor
    }
}

/// The bench of the pattern engine: one thread, seeded events and rules.
package struct PatternBench: Sendable {
    package var kind: BenchKind
    package var ruleCount: Int
    /// The least time for each figure.
    package var duration: Duration
    package var seed: UInt64
    package var eventCount: Int
    /// The rules of which it is measured what they leave of the others' speed.
    package var hostile: [HostileRule]
    /// Whether only that is measured.
    package var measuresHostileOnly: Bool

    package init(
        kind: BenchKind, ruleCount: Int = 5, duration: Duration = .seconds(1), seed: UInt64 = 42,
        eventCount: Int = 10_000, hostile: [HostileRule] = [], measuresHostileOnly: Bool = false
    ) {
        self.hostile = hostile
        self.measuresHostileOnly = measuresHostileOnly
        self.kind = kind
        self.ruleCount = ruleCount
        self.duration = duration
        self.seed = seed
        self.eventCount = eventCount
    }

    /// The events that are matched.
    package func events() -> [[UInt8]] {
        kind.usesObjectEvents
            ? BenchEvents.objectCreated(count: eventCount, buckets: BenchKind.buckets(rules: ruleCount), seed: seed)
            : BenchEvents.cityLots(count: eventCount, seed: seed)
    }

    /// Measures. Throws if a generated rule or event is refused, which a test excludes.
    package func run() throws -> [BenchFigure] {
        let events = events()
        let texts = kind.rules(count: ruleCount, seed: seed &+ 1).map { Array($0.utf8) }
        let prefix = "\(kind.rawValue)/\(ruleCount)"

        let (rules, matcher, first) = try build(texts)
        if measuresHostileOnly { return try besideHostile(events, rules, matcher, prefix: prefix) }
        // The first time in a process the run-time makes its tables of types, as long as some thousand rules take.
        var added = Double.infinity
        let clock = ContinuousClock()
        let begin = clock.now
        var passes = 0
        while passes < 2 || (passes < 1000 && clock.now - begin < duration / 4) {
            added = min(added, try build(texts).time)
            passes += 1
        }
        let scratch = MatchScratch()
        let strictFloor = try rate(events) { event throws(EventError) in
            try matcher.scan(event, reading: .strict, scratch: scratch)
        }
        let stoppingFloor = try rate(events) { event throws(EventError) in
            try matcher.scan(event, reading: .validated, scratch: scratch)
        }
        var matches = 0
        let strict = try rate(events) { event throws(EventError) in
            try matcher.forEachMatch(in: event, reading: .strict, scratch: scratch) { _ in }
        }
        let stopping = try rate(events) { event throws(EventError) in
            try matcher.forEachMatch(in: event, reading: .validated, scratch: scratch) { _ in }
        }
        for event in events {
            try event.withUnsafeBufferPointer {
                try matcher.forEachMatch(in: $0, reading: .strict, scratch: scratch) { _ in matches += 1 }
            }
        }
        let changes = try changesPerSecond(matcher, texts)
        let bytes = events.reduce(0) { $0 + $1.count }
        return [
            BenchFigure(name: "\(prefix) matching", value: stopping, unit: "events/s", floor: stoppingFloor),
            BenchFigure(
                name: "\(prefix) matching, whole event checked", value: strict, unit: "events/s", floor: strictFloor),
            BenchFigure(name: "\(prefix) time", value: 1e9 / stopping, unit: "ns/event", floor: 1e9 / stoppingFloor),
            BenchFigure(
                name: "\(prefix) time, whole event checked", value: 1e9 / strict, unit: "ns/event",
                floor: 1e9 / strictFloor),
            BenchFigure(name: "\(prefix) reading", value: stoppingFloor, unit: "events/s"),
            BenchFigure(name: "\(prefix) reading, whole event checked", value: strictFloor, unit: "events/s"),
            BenchFigure(name: "\(prefix) replacing one rule", value: changes, unit: "changes/s"),
            BenchFigure(name: "\(prefix) adding", value: Double(ruleCount) / added, unit: "rules/s"),
            BenchFigure(name: "\(prefix) first_build", value: first * 1e3, unit: "ms"),
            BenchFigure(
                name: "\(prefix) memory", value: Double(matcher.byteCount + scratch.byteCount) / Double(ruleCount),
                unit: "bytes/rule"),
            BenchFigure(
                name: "\(prefix) matches", value: Double(matches) / Double(events.count), unit: "matches/event"),
            BenchFigure(name: "\(prefix) size", value: Double(bytes) / Double(events.count), unit: "bytes/event"),
        ] + (try besideHostile(events, rules, matcher, prefix: prefix))
    }

    private func besideHostile(
        _ events: [[UInt8]], _ rules: [(Int, EventPattern)], _ matcher: Matcher<Int>, prefix: String
    ) throws -> [BenchFigure] {
        try hostile.flatMap { rule in
            // Also what a deployment refuses: how else would it be known what to refuse.
            let hostile = try EventPattern(parsing: rule.pattern, dialect: .extended, limits: .stored)
            let ordinary = try EventPattern(parsing: rule.ordinary)
            return try beside(
                rule.name, events, [matcher, Matcher(rules + [(-1, ordinary)]), Matcher(rules + [(-1, hostile)])],
                prefix: prefix)
        }
    }

    /// Reads and compiles the rules; how many seconds that takes.
    private func build(
        _ texts: [[UInt8]]
    ) throws(PatternError) -> (rules: [(Int, EventPattern)], matcher: Matcher<Int>, time: Double) {
        let clock = ContinuousClock()
        let start = clock.now
        var rules: [(Int, EventPattern)] = []
        rules.reserveCapacity(texts.count)
        for (index, text) in texts.enumerated() { rules.append((index, try EventPattern(parsing: text))) }
        let matcher = Matcher(rules)
        return (rules, matcher, seconds(clock.now - start))
    }

    /// What one more rule leaves of the others' speed: a few hundred events without any, with an ordinary one and with
    /// the hostile one in turn, whole events checked.
    private func beside(
        _ name: String, _ events: [[UInt8]], _ matchers: [Matcher<Int>], prefix: String
    ) throws(EventError) -> [BenchFigure] {
        let scratches = matchers.map { _ in MatchScratch() }
        let parts = stride(from: 0, to: events.count, by: 500).map { $0..<min(events.count, $0 + 500) }
        let passes = try PairedPasses(
            contenders: matchers.count, parts: parts.count, duration: duration * 3
        ) { number, part throws(EventError) in
            let (matcher, scratch) = (matchers[number], scratches[number])
            for index in parts[part] {
                try events[index].withUnsafeBufferPointer { bytes throws(EventError) in
                    try matcher.forEachMatch(in: bytes, reading: .strict, scratch: scratch) { _ in }
                }
            }
        }
        let speeds = passes.best.map { Double(events.count) / $0 }
        return [
            BenchFigure(
                name: "\(prefix) matching beside \(name), whole event checked", value: speeds[2], unit: "events/s",
                floor: speeds[2] / passes.ratio(0, to: 2)),
            BenchFigure(
                name: "\(prefix) matching beside an ordinary rule instead of \(name), whole event checked",
                value: speeds[1], unit: "events/s", floor: speeds[1] / passes.ratio(0, to: 1)),
            BenchFigure(
                name: "\(prefix) hostile_against_ordinary for \(name)", value: passes.ratio(1, to: 2) * 100, unit: "%"),
        ]
    }

    /// How often a second one rule can be replaced while the others stay.
    private func changesPerSecond(_ matcher: Matcher<Int>, _ texts: [[UInt8]]) throws -> Double {
        let clock = ContinuousClock()
        let start = clock.now
        var changing = matcher
        var count = 0
        while count < 8 || (count < 1000 && clock.now - start < duration) {
            let id = count % texts.count
            changing = changing.replacing([(id, try EventPattern(parsing: texts[id]))])
            count += 1
        }
        return Double(count) / seconds(clock.now - start)
    }

    private func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    }

    /// Events a second: the best of the passes that fit the duration, at least three.
    private func rate(
        _ events: [[UInt8]], _ body: (UnsafeBufferPointer<UInt8>) throws(EventError) -> Void
    ) throws(EventError) -> Double {
        let clock = ContinuousClock()
        let begin = clock.now
        var best = Double.infinity
        var passes = 0
        while passes < 3 || clock.now - begin < duration {
            let start = clock.now
            for event in events {
                try event.withUnsafeBufferPointer { bytes throws(EventError) in try body(bytes) }
            }
            best = min(best, seconds(clock.now - start))
            passes += 1
        }
        return Double(events.count) / best
    }
}

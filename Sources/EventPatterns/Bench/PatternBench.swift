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
}

/// The bench of the pattern engine: one thread, seeded events and rules.
package struct PatternBench: Sendable {
    package var kind: BenchKind
    package var ruleCount: Int
    /// The least time for each figure.
    package var duration: Duration
    package var seed: UInt64
    package var eventCount: Int

    package init(
        kind: BenchKind, ruleCount: Int = 5, duration: Duration = .seconds(1), seed: UInt64 = 42,
        eventCount: Int = 10_000
    ) {
        self.kind = kind
        self.ruleCount = ruleCount
        self.duration = duration
        self.seed = seed
        self.eventCount = eventCount
    }

    /// Measures. Throws if a generated rule or event is refused, which a test excludes.
    package func run() throws -> [BenchFigure] {
        let events =
            kind.usesObjectEvents
            ? BenchEvents.objectCreated(count: eventCount, buckets: BenchKind.buckets(rules: ruleCount), seed: seed)
            : BenchEvents.cityLots(count: eventCount, seed: seed)
        let texts = kind.rules(count: ruleCount, seed: seed &+ 1).map { Array($0.utf8) }
        let prefix = "\(kind.rawValue)/\(ruleCount)"

        let clock = ContinuousClock()
        var rules: [(Int, EventPattern)] = []
        rules.reserveCapacity(texts.count)
        let start = clock.now
        for (index, text) in texts.enumerated() { rules.append((index, try EventPattern(parsing: text))) }
        let matcher = Matcher(rules)
        let added = seconds(clock.now - start)
        var burdened: [(name: String, matcher: Matcher<Int>)] = []
        for (name, text) in HostileRules.all(for: kind) {
            let pattern = try EventPattern(parsing: text, dialect: .extended)
            burdened.append((name, Matcher(rules + [(-1, pattern)])))
        }
        rules = []

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
        let hostile = try burdened.map { name, burdened in
            try beside(name, events, matcher, burdened, prefix: prefix)
        }
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
            BenchFigure(
                name: "\(prefix) memory", value: Double(matcher.byteCount + scratch.byteCount) / Double(ruleCount),
                unit: "bytes/rule"),
            BenchFigure(
                name: "\(prefix) matches", value: Double(matches) / Double(events.count), unit: "matches/event"),
            BenchFigure(name: "\(prefix) size", value: Double(bytes) / Double(events.count), unit: "bytes/event"),
        ] + hostile
    }

    /// What one more rule leaves of the others' speed: a few hundred events without and with it in turn, whole events checked,
    /// each twice, of which the second counts: the processor has then got used to what it does next, as it does where rules are
    /// not changed every tenth of a millisecond. Of the pairs' ratios the median counts. A machine's speed changes by more than what is looked for, and longer passes would
    /// fall into step with the turns that the system gives to others.
    private func beside(
        _ name: String, _ events: [[UInt8]], _ plain: Matcher<Int>, _ burdened: Matcher<Int>, prefix: String
    ) throws(EventError) -> BenchFigure {
        let clock = ContinuousClock()
        let scratches = (MatchScratch(), MatchScratch())
        func pass(
            _ some: Range<Int>, _ matcher: Matcher<Int>, _ scratch: MatchScratch
        ) throws(EventError) -> Double {
            let start = clock.now
            for index in some {
                try events[index].withUnsafeBufferPointer { bytes throws(EventError) in
                    try matcher.forEachMatch(in: bytes, reading: .strict, scratch: scratch) { _ in }
                }
            }
            return seconds(clock.now - start)
        }
        let parts = stride(from: 0, to: events.count, by: 500).map { $0..<min(events.count, $0 + 500) }
        var best = [Double](repeating: .infinity, count: parts.count)
        var ratios: [Double] = []
        var rounds = 0
        let begin = clock.now
        while rounds < 5 || clock.now - begin < duration * 2 {
            rounds += 1
            for (index, part) in parts.enumerated() {
                // The first pass of each also brings the events into the cache.
                _ = try pass(part, plain, scratches.0)
                let alone = try pass(part, plain, scratches.0)
                _ = try pass(part, burdened, scratches.1)
                let beside = try pass(part, burdened, scratches.1)
                best[index] = min(best[index], beside)
                ratios.append(alone / beside)
            }
        }
        let ratio = ratios.sorted()[ratios.count / 2]
        let value = Double(events.count) / best.reduce(0, +)
        return BenchFigure(
            name: "\(prefix) matching beside \(name), whole event checked", value: value, unit: "events/s",
            floor: value / ratio)
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

import EventPatterns
import Testing

@Suite("Many rules in one matcher", .timeLimit(.minutes(5)))
struct ScaleTests {
    @Test("Every kind of the bench answers as its rules do alone", arguments: BenchKind.allCases)
    func kinds(kind: BenchKind) throws {
        let rules = try kind.rules(count: 400, seed: 11).enumerated().map { ($0, try EventPattern(parsing: $1)) }
        let events =
            kind.usesObjectEvents
            ? BenchEvents.objectCreated(count: 60, buckets: BenchKind.buckets(rules: 400), seed: 12)
            : BenchEvents.cityLots(count: 60, seed: 12)
        let whole = Matcher(rules)
        let alone = rules.map { Matcher([$0]) }
        let scratch = MatchScratch()
        let scratches = rules.map { _ in MatchScratch() }
        for event in events {
            let wanted = try Set(zip(alone, scratches).flatMap { try $0.matches(in: event, scratch: $1) })
            #expect(Set(try whole.matches(in: event, scratch: scratch)) == wanted)
            #expect(Set(try whole.matches(in: event, reading: .validated, scratch: scratch)) == wanted)
        }
    }

    @Test("Pairs of ranges: narrow, wide, touching, in and out of arrays")
    func planes() throws {
        var random = SeededGenerator(seed: 5)
        var rules: [(Int, EventPattern)] = []
        for index in 0..<300 {
            let x = random.below(20)
            let y = random.below(20)
            let wide = index % 10 == 0 ? 18 : 1 + random.below(3)
            rules.append(
                (
                    index,
                    try EventPattern(
                        parsing:
                            "{\"p\":{\"x\":[{\"numeric\":[\">=\",\(x),\"<=\",\(x + wide)]}],\"y\":[{\"numeric\":[\">\",\(y),\"<\",\(y + wide)]}]}}"
                    )
                ))
        }
        let whole = Matcher(rules)
        let alone = rules.map { Matcher([$0]) }
        for _ in 0..<200 {
            var points: [String] = []
            for _ in 0..<(1 + random.below(4)) {
                points.append("{\"x\":\(random.below(25)),\"y\":[\(random.below(25)),\(random.below(25)).5]}")
            }
            let event =
                random.below(3) == 0
                ? "{\"p\":\(points[0])}" : "{\"p\":[[\(points.joined(separator: ","))],[\(points[0])]]}"
            let wanted = try Set(alone.flatMap { try $0.matches(in: event) })
            #expect(Set(try whole.matches(in: event)) == wanted)
        }
        // More points than pairs are tried one by one.
        var many: [String] = []
        for _ in 0..<600 { many.append("{\"x\":\(random.below(25)),\"y\":\(random.below(25))}") }
        let event = "{\"p\":[\(many.joined(separator: ","))]}"
        #expect(Set(try whole.matches(in: event)) == Set(try alone.flatMap { try $0.matches(in: event) }))
    }

    @Test("Affixes of many lengths")
    func lengths() throws {
        var rules: [(String, EventPattern)] = []
        let text = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
        for length in 0...52 {
            rules.append(("p\(length)", try EventPattern(parsing: "{\"a\":[{\"prefix\":\"\(text.prefix(length))\"}]}")))
            rules.append(("s\(length)", try EventPattern(parsing: "{\"a\":[{\"suffix\":\"\(text.suffix(length))\"}]}")))
            rules.append(
                (
                    "i\(length)",
                    try EventPattern(
                        parsing:
                            "{\"a\":[{\"prefix\":{\"equals-ignore-case\":\"\(text.prefix(length).uppercased())\"}}]}")
                ))
        }
        let matcher = Matcher(rules)
        #expect(try matcher.matches(in: "{\"a\":\"\(text)\"}").count == rules.count)
        #expect(try matcher.matches(in: "{\"a\":\"\(text.prefix(17))\"}").count == 18 + 18 + 1)
        #expect(try matcher.matches(in: "{\"a\":\"x\(text)\"}").count == 1 + 53 + 1)
        #expect(try matcher.matches(in: "{\"a\":\"\"}").count == 3)
    }

    @Test("Rules are replaced while other threads match")
    func concurrent() async throws {
        let rules = try BenchKind.s3Mix.rules(count: 200, seed: 21).enumerated().map {
            ($0, try EventPattern(parsing: $1))
        }
        let events = BenchEvents.objectCreated(count: 100, buckets: 20, seed: 22)
        let first = Matcher(rules)
        let wanted = try events.map { Set(try first.matches(in: $0)) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let scratch = MatchScratch()
                    for (index, event) in events.enumerated() {
                        let found = Set(try first.matches(in: event, scratch: scratch))
                        #expect(found == wanted[index])
                    }
                }
            }
            group.addTask {
                var changing = first
                for round in 0..<20 {
                    changing = changing.removing(Set(round * 10..<round * 10 + 10))
                    changing = changing.replacing(rules[(round * 10)..<(round * 10 + 5)])
                }
                #expect(changing.count == 100)
                for (index, event) in events.enumerated() {
                    let found = Set(try changing.matches(in: event))
                    #expect(found == wanted[index].filter { $0 % 10 < 5 })
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("One scratch serves several matchers in turn")
    func sharedScratch() throws {
        let kinds: [BenchKind] = [.s3Mix, .exact, .wildcardLeading, .anythingButAlone, .arrays]
        let matchers = try kinds.map { kind in
            Matcher(try kind.rules(count: 50, seed: 41).enumerated().map { ($0, try EventPattern(parsing: $1)) })
        }
        let events =
            BenchEvents.objectCreated(count: 40, buckets: 5, seed: 42) + BenchEvents.cityLots(count: 40, seed: 43)
        let shared = MatchScratch()
        for event in events {
            for matcher in matchers {
                #expect(try Set(matcher.matches(in: event, scratch: shared)) == Set(matcher.matches(in: event)))
            }
        }
    }

    @Test("Paths of rules that are gone take no room, and the others are found as before")
    func goneRules() throws {
        func rule(_ number: Int) throws -> (Int, EventPattern) {
            (number, try EventPattern(parsing: "{\"field-\(number)\":{\"x\":[\"\(number)\"]},\"s\":[\"s\"]}"))
        }
        func found(_ matcher: Matcher<Int>, _ number: Int) throws -> [Int] {
            try matcher.matches(in: "{\"s\":\"s\",\"field-\(number)\":{\"x\":\"\(number)\"}}")
        }
        var matcher = Matcher(try (0..<10).map { try rule($0) })
        let few = matcher.byteCount
        matcher = matcher.adding(try (10..<2000).map { try rule($0) })
        let many = matcher.byteCount
        #expect(try found(matcher, 1999) == [1999] && found(matcher, 3) == [3])
        matcher = matcher.removing(Set(10..<2000))
        #expect(matcher.byteCount * 10 < many)
        for number in 0..<10 { #expect(try found(matcher, number) == [number]) }
        #expect(try found(matcher, 1999) == [])
        // One rule is replaced again and again, each time on another field.
        for number in 0..<3000 { matcher = matcher.replacing([(0, try rule(5000 + number).1)]) }
        #expect(matcher.byteCount < few * 16)
        #expect(try found(matcher, 7999) == [0] && found(matcher, 9) == [9])
        #expect(matcher.removing(Set(0..<10)).count == 0)
    }

    @Test("The bench runs, and reports every figure")
    func bench() throws {
        for kind in BenchKind.allCases {
            let hostile = HostileRules.all(for: kind)
            var bench = PatternBench(kind: kind, ruleCount: 20, duration: .zero, eventCount: 30, hostile: hostile)
            let figures = try bench.run()
            #expect(figures.count == 12 + 3 * hostile.count)
            bench.measuresHostileOnly = true
            #expect(try bench.run().map(\.name) == figures.dropFirst(12).map(\.name))
            #expect(figures.allSatisfy { $0.value.isFinite && $0.value >= 0 })
            #expect(figures[0].ratio != nil)
        }
    }
}

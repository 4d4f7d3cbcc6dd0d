import EventPatterns
import Foundation
import FunctionJSON
import Testing

@Suite("The engine against a naive matcher", .timeLimit(.minutes(10)))
struct FuzzTests {
    /// Seconds of random search; more with SLUICE_FUZZ_SECONDS, from another seed with SLUICE_FUZZ_SEED.
    private static let seconds = ProcessInfo.processInfo.environment["SLUICE_FUZZ_SECONDS"].flatMap(Int.init) ?? 4
    private static let seed = ProcessInfo.processInfo.environment["SLUICE_FUZZ_SEED"].flatMap(UInt64.init) ?? 1

    @Test("Random rules and events, many in one matcher, strict and validated reading")
    func random() throws {
        let clock = ContinuousClock()
        let start = clock.now
        var generator = Generator(seed: Self.seed)
        let scratch = MatchScratch()
        // Lists of wildcards may come out more complex than a rule may be.
        var limits = PatternLimits()
        limits.wildcardComplexity = 1000
        limits.regexCost = .max
        limits.work = .max
        var pairs = 0
        var matched = 0
        var round = 0
        while clock.now - start < .seconds(Self.seconds) || round < 3 {
            round += 1
            // Now and then one text is left out by all lists of exclusions.
            generator.isHot = round % 3 == 1
            var patterns: [NaivePattern] = []
            var rules: [(Int, EventPattern)] = []
            // Now and then so many that pairs of ranges and stretches of wildcards get indexes of their own.
            for index in 0..<(round % 8 == 1 ? 1000 : 40) {
                let pattern = generator.pattern()
                do {
                    rules.append((index, try EventPattern(parsing: pattern.text, dialect: .extended, limits: limits)))
                } catch {
                    Issue.record("refused \(pattern.text): \(error)")
                    return
                }
                patterns.append(pattern)
            }
            let isImpossible = rules.map { $0.1.impossibility(envelope: false) != nil }
            // Compiled at once, or half of it added later with some rules replaced.
            let half = rules.count / 2
            let matcher =
                round % 2 == 0
                ? Matcher(rules) : Matcher(rules.prefix(half)).adding(rules.dropFirst(half)).replacing(rules.prefix(5))
            for index in 0..<60 {
                let isPlain = index % 3 == 0
                let tree = generator.event(plain: isPlain)
                let text = generator.text(tree)
                let wanted = Set(patterns.indices.filter { patterns[$0].matches(tree) })
                let found = try matcher.matches(in: text, scratch: scratch)
                if let rule = wanted.filter({ isImpossible[$0] }).min() {
                    Issue.record("rule \(patterns[rule].text) is said never to match, but does \(text)")
                    return
                }
                // A rule that matches and one that may not.
                for rule in Set([wanted.min() ?? 0, index * 7 % rules.count]) {
                    let explanation = try rules[rule].1.explain(text)
                    if explanation.matches != wanted.contains(rule) || explanation.isUndecided
                        || (explanation.failure == nil) != explanation.matches
                        || explanation.passedFields > explanation.totalFields
                    {
                        Issue.record("rule \(patterns[rule].text) event \(text) is explained: \(explanation)")
                        return
                    }
                }
                pairs += patterns.count
                matched += wanted.count
                if Set(found) != wanted || found.count != wanted.count {
                    let wrong = wanted.symmetricDifference(found).sorted()
                    let told = wrong.prefix(3).map { "\(patterns[$0].text): naive \(wanted.contains($0))" }
                    Issue.record(
                        "round \(round), \(wrong.count) rules wrong for \(text): \(told.joined(separator: "; "))")
                    if found.count != Set(found).count { Issue.record("a rule twice for \(text)") }
                    return
                }
                if isPlain {
                    let early = try matcher.matches(in: text, reading: .validated, scratch: scratch)
                    if Set(early) != wanted {
                        Issue.record("validated reading differs for \(text)")
                        return
                    }
                    for object in try objects(text) {
                        let known = try object.node.document.withNodes { nodes in
                            try matcher.matches(
                                in: text,
                                reading: .validated(knowing: object.node.traits.place, of: nodes, at: object.place),
                                scratch: scratch)
                        }
                        if Set(known) != wanted {
                            Issue.record("reading with an object that is known differs for \(text)")
                            return
                        }
                    }
                }
            }
        }
        #expect(matched * 100 > pairs, "the generator's rules and events hardly ever meet")
    }

    /// Each object of an event, with its place: parsed as a part of the event, by itself, or behind more than the event
    /// has, as one of a request with many.
    private func objects(_ event: String) throws -> [(node: JSONNode, place: Int)] {
        var objects: [(JSONNode, Int)] = []
        var open = [try JSONDocument(parsing: event).root]
        while let node = open.popLast() {
            open += node.members.map(\.value) + Array(node.elements)
            guard node.kind == .object else { continue }
            let before = [0, 0, event.utf8.count + 1][objects.count % 3]
            let parsed =
                try objects.count % 3 == 0
                ? node
                : JSONDocument(parsing: [UInt8](repeating: 0x20, count: before) + Array(node.sourceBytes)).root
            objects.append((parsed, node.sourceRange.lowerBound))
        }
        return objects
    }

    @Test("Random bytes in valid texts never do harm, and both engines agree on what is an event")
    func mutated() throws {
        var generator = Generator(seed: Self.seed &+ 99)
        var random = SeededGenerator(seed: Self.seed)
        let scratch = MatchScratch()
        let matcher = Matcher([(0, try EventPattern(parsing: #"{"a":["x"],"b":{"c":[{"exists":false}]}}"#))])
        let nothing = Matcher<Int>()
        for _ in 0..<3000 {
            var event = Array(generator.text(generator.event(plain: false)).utf8)
            var pattern = Array(generator.pattern().text.utf8)
            for _ in 0..<(1 + random.below(3)) {
                event[random.below(event.count)] = UInt8(random.below(256))
                pattern[random.below(pattern.count)] = UInt8(random.below(256))
            }
            let isEvent = (try? matcher.matches(in: event, scratch: scratch)) != nil
            // What is skipped is checked as well as what is read.
            #expect(isEvent == ((try? nothing.matches(in: event, scratch: scratch)) != nil))
            _ = try? matcher.matches(in: event, reading: .validated, scratch: scratch)
            _ = try? EventPattern(parsing: pattern)
        }
    }
}

import EventPatterns
import Testing

/// Many rules that leave texts out are filed under these texts: what a value is not led to, it passes with.
@Suite("Many rules with anything-but", .timeLimit(.minutes(5)))
struct ExclusionTests {
    private static let words = [
        "", "a", "ab", "abc", "abcd", "ba", "xab", "AB", "É", "éa", "straße", "10.0.0.1", "abcabcabcabcabcabcabc",
    ]

    private func exclusion(_ random: inout SeededGenerator) -> String {
        func list() -> String {
            (0..<(1 + random.below(3))).map { _ in "\"\(Self.words[1 + random.below(Self.words.count - 1)])\"" }
                .joined(separator: ",")
        }
        switch random.below(7) {
        case 0: return "{\"anything-but\":[\(list())]}"
        case 1, 2: return "{\"anything-but\":{\"prefix\":[\(list())]}}"
        case 3, 4: return "{\"anything-but\":{\"suffix\":[\(list())]}}"
        case 5: return "{\"anything-but\":{\"equals-ignore-case\":[\(list())]}}"
        default:
            return
                "{\"anything-but\":{\"wildcard\":[\"\(["a*c", "ab*", "*b", "*b*", "xa*b", "a*b*c"][random.below(6)])\",\"abc*d\"]}}"
        }
    }

    @Test("Each rule answers as it does alone", arguments: 1...6)
    func answers(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var rules: [(Int, EventPattern)] = []
        for index in 0..<150 {
            let text: String
            switch random.below(6) {
            case 0: text = "{\"k\":[\(exclusion(&random))],\"z\":[{\"exists\":true}]}"
            case 1: text = "{\"$or\":[{\"k\":[\(exclusion(&random))]},{\"z\":[\(exclusion(&random))]}]}"
            case 2: text = "{\"k\":[\(exclusion(&random)),{\"exists\":false}]}"
            case 3: text = "{\"e\":{\"k\":[\(exclusion(&random))],\"z\":[\(exclusion(&random))]}}"
            default: text = "{\"k\":[\(exclusion(&random))]}"
            }
            rules.append((index, try EventPattern(parsing: text)))
        }
        let whole = Matcher(rules)
        let grown = Matcher(rules.prefix(70)).adding(rules.dropFirst(70))
        let alone = rules.map { Matcher([$0]) }
        let scratch = MatchScratch()
        let scratches = rules.map { _ in MatchScratch() }
        func value() -> String {
            let texts = Self.words.map { "\"\($0)\"" } + ["1", "true", "null", "{}", "[]"]
            switch random.below(4) {
            case 0:
                return "[\((0..<random.below(4)).map { _ in texts[random.below(texts.count)] }.joined(separator: ","))]"
            default: return texts[random.below(texts.count)]
            }
        }
        for _ in 0..<150 {
            let inner = (0..<(1 + random.below(3))).map { _ in "{\"k\":\(value()),\"z\":\(value())}" }
            let event = "{\"k\":\(value()),\"z\":\(value()),\"e\":[\(inner.joined(separator: ","))]}"
            let wanted = try Set(zip(alone, scratches).flatMap { try $0.matches(in: event, scratch: $1) })
            let found = try whole.matches(in: event, scratch: scratch)
            #expect(Set(found) == wanted, "\(event)")
            #expect(found.count == wanted.count, "\(event)")
            #expect(Set(try whole.matches(in: event, reading: .validated, scratch: scratch)) == wanted, "\(event)")
            #expect(Set(try grown.matches(in: event, scratch: scratch)) == wanted, "\(event)")
        }
    }

    @Test("What is left out is found by lookups: a value is tested by as many rules as it comes near to")
    func work() throws {
        func most(_ text: (Int) -> String) throws -> Int {
            let matcher = Matcher(try (0..<2000).map { ($0, try EventPattern(parsing: "{\"k\":[\(text($0))]}")) })
            let scratch = MatchScratch()
            var most = 0
            for index in 0..<100 {
                let found = try matcher.matches(in: "{\"k\":\"key-\(index * 17)-end-\(index * 13)\"}", scratch: scratch)
                #expect(found.count < 2000 && found.count > 1900)
                most = max(most, scratch.work)
            }
            return most
        }
        #expect(try most { "{\"anything-but\":{\"prefix\":\"key-\($0)\"}}" } < 40)
        #expect(try most { "{\"anything-but\":{\"suffix\":[\"-end-\($0)\",\"x\($0)\"]}}" } < 40)
        #expect(try most { "{\"anything-but\":{\"wildcard\":\"key-\($0)-*\"}}" } < 40)
        #expect(
            try most {
                "{\"anything-but\":{\"equals-ignore-case\":[\"KEY-\($0)-end-\($0 / 17 * 13)\",\"x\"]}}"
            } < 40)
    }
}

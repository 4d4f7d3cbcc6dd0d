import EventPatterns
import Testing

/// Texts of few letters, in which literals overlap, repeat themselves and nearly match all the time.
@Suite("Automata against matching by trial", .timeLimit(.minutes(5)))
struct AutomataTests {
    private func matcher(_ tests: [String]) throws -> Matcher<Int> {
        Matcher(
            try tests.enumerated().map {
                ($0, try EventPattern(parsing: "{\"k\":[\($1)]}", dialect: .extended, limits: Self.limits))
            })
    }

    private static var limits: PatternLimits {
        var limits = PatternLimits()
        limits.wildcardComplexity = 10_000
        limits.regexCost = .max
        limits.work = .max
        return limits
    }

    /// Matches a text alone, and again as the longest of an array, strictly and with early stop.
    private func found(_ matcher: Matcher<Int>, _ text: String, _ scratch: MatchScratch) throws -> Set<Int> {
        let strict = Set(try matcher.matches(in: "{\"k\":\"\(text)\"}", scratch: scratch))
        let early = Set(try matcher.matches(in: "{\"k\":\"\(text)\",\"z\":1}", reading: .validated, scratch: scratch))
        #expect(strict == early)
        return strict
    }

    private func word(_ random: inout SeededGenerator, _ letters: String, _ length: Int) -> String {
        random.text(letters, length)
    }

    @Test("Wildcards with many stars, as they are and ignoring case")
    func wildcards() throws {
        var random = SeededGenerator(seed: 5)
        let scratch = MatchScratch()
        var matches = 0
        for _ in 0..<25 {
            let patterns = (0..<12).map { _ in
                var parts = (0..<(1 + random.below(8))).map { _ in word(&random, "ab", 1 + random.below(4)) }
                // Now and then a literal too long for an automaton.
                if random.below(5) == 0 { parts.append(word(&random, "ab", 12)) }
                if random.below(2) == 0 { parts.insert("", at: 0) }
                if random.below(2) == 0 { parts.append("") }
                return parts.joined(separator: "*")
            }
            let plain = try matcher(patterns.map { "{\"wildcard\":\"\($0)\"}" })
            let folded = try matcher(patterns.map { "{\"wildcard\":{\"equals-ignore-case\":\"\($0)\"}}" })
            for _ in 0..<40 {
                let text = word(&random, "abAB".prefix(random.below(2) == 0 ? 2 : 4).description, random.below(45))
                let wanted = Set(patterns.indices.filter { Trial.wildcard(Array(patterns[$0])[...], Array(text)[...]) })
                #expect(try found(plain, text, scratch) == wanted, "\(text)")
                let low = text.lowercased()
                let wantedFolded = Set(
                    patterns.indices.filter { Trial.wildcard(Array(patterns[$0])[...], Array(low)[...]) })
                #expect(try found(folded, text, scratch) == wantedFolded, "\(text)")
                matches += wanted.count + wantedFolded.count
            }
        }
        #expect(matches > 1000)
    }

    @Test("Literals of all lengths in texts of all lengths, over every end of a lane and a window, with bytes of zero")
    func literals() throws {
        var random = SeededGenerator(seed: 9)
        let scratch = MatchScratch()
        var matches = 0
        for round in 0..<60 {
            let letters = round % 3 == 0 ? "ab" : "abcd"
            var texts = (0..<12).map { _ in word(&random, letters, random.below(round % 2 == 0 ? 70 : 300)) }
            // Texts and literals that nearly repeat themselves: candidates are compared in vain over and over.
            texts.append(String(repeating: "a", count: 150 + random.below(100)) + "b")
            let patterns =
                (0..<12).map { index in
                    let text = Array(texts[index])
                    var parts: [String] = []
                    var at = 0
                    while at < text.count, parts.count < 6 {
                        let end = min(text.count, at + 1 + random.below([3, 9, 20, 80][random.below(4)]))
                        var part = Array(text[at..<end])
                        if random.below(8) == 0 { part[random.below(part.count)] = "a" }
                        parts.append(String(part))
                        at = end + random.below(12)
                    }
                    return (random.below(2) == 0 ? "*" : "") + parts.joined(separator: "*")
                        + (random.below(2) == 0 || parts.isEmpty ? "*" : "")
                }
                .map { $0.replacing("**", with: "*") } + ["*" + String(repeating: "a", count: 40) + "b*"]
            // In the event and the rule, the letter c is written as an escaped zero, which lies behind short texts,
            // too.
            func written(_ text: String) -> String { text.replacing("c", with: "\\u0000") }
            let plain = try matcher(patterns.map { "{\"wildcard\":\"\(written($0))\"}" })
            let folded = try matcher(patterns.map { "{\"wildcard\":{\"equals-ignore-case\":\"é\(written($0))\"}}" })
            for text in texts {
                let wanted = Set(patterns.indices.filter { Trial.greedy(Array(patterns[$0].utf8), Array(text.utf8)) })
                #expect(try found(plain, written(text), scratch) == wanted, "\(text)")
                let upper = "É" + text.uppercased().replacing("C", with: "c")
                #expect(try found(folded, written(upper), scratch) == wanted, "\(text)")
                matches += wanted.count
            }
        }
        #expect(matches > 500)
    }

    @Test("Lists of literals between stars, also what is anything but them, few and many rules")
    func lists() throws {
        var random = SeededGenerator(seed: 6)
        let scratch = MatchScratch()
        for count in [1, 4, 40] {
            for _ in 0..<10 {
                let lists = (0..<count).map { _ in
                    (0..<(1 + random.below(9))).map { _ in word(&random, "abcdefgh", 1 + random.below(4)) }
                }
                func texts(_ list: [String]) -> [String] { list.map { "\"*\($0)*\"" } }
                let some = try matcher(
                    lists.map { texts($0).map { "{\"wildcard\":\($0)}" }.joined(separator: ",") + ",\"zz\"" })
                let none = try matcher(
                    lists.map { "{\"anything-but\":{\"wildcard\":[\(texts($0).joined(separator: ","))]}}" })
                for _ in 0..<20 {
                    let text = word(&random, "abcdefghijkl", random.below(20))
                    let wanted = Set(lists.indices.filter { lists[$0].contains { Trial.contains(text, $0) } })
                    #expect(try found(some, text, scratch) == wanted, "\(text)")
                    #expect(try found(none, text, scratch) == Set(lists.indices).subtracting(wanted), "\(text)")
                }
            }
        }
    }

    @Test("Prefixes and suffixes of all lengths, one another's beginnings, also ignoring case")
    func affixes() throws {
        var random = SeededGenerator(seed: 7)
        let scratch = MatchScratch()
        for round in 0..<16 {
            // More lengths than are tried one by one now and then, and more than a gate has bits for.
            let longest = [4, 12, 40, 400][round % 4]
            let texts =
                (0..<60).map { _ in word(&random, "ab", 1 + random.below(min(longest, 8))) }
                + (0..<60).map { _ in
                    String(repeating: "ab", count: longest).prefix(1 + random.below(longest)).description
                }
            for (operation, isStart) in [("prefix", true), ("suffix", false)] {
                let plain = try matcher(texts.map { "{\"\(operation)\":\"\($0)\"}" })
                let folded = try matcher(texts.map { "{\"\(operation)\":{\"equals-ignore-case\":\"\($0)\"}}" })
                let keyed = try matcher(
                    texts.map { "{\"\(operation)\":{\"equals-ignore-case\":\"\(isStart ? "é" + $0 : $0 + "é")\"}}" })
                for index in 0..<20 {
                    let body =
                        index % 2 == 0 ? word(&random, "abAB", random.below(20)) : texts[random.below(texts.count)]
                    let text = index % 4 == 1 ? (isStart ? body + "b" : "b" + body) : body
                    func holds(_ affix: String, _ text: String) -> Bool {
                        isStart ? text.hasPrefix(affix) : text.hasSuffix(affix)
                    }
                    #expect(try found(plain, text, scratch) == Set(texts.indices.filter { holds(texts[$0], text) }))
                    let wanted = Set(texts.indices.filter { holds(texts[$0], text.lowercased()) })
                    #expect(try found(folded, text, scratch) == wanted)
                    #expect(try found(keyed, isStart ? "É" + text : text + "É", scratch) == wanted)
                    #expect(try found(keyed, text, scratch).isEmpty)
                }
            }
        }
    }

    @Test("Regular expressions of few and of many states")
    func regularExpressions() throws {
        var random = SeededGenerator(seed: 8)
        let scratch = MatchScratch()
        var matches = 0
        for _ in 0..<60 {
            // Those that ask for too many states are refused.
            let expressions = (0..<8).map { _ in Expression(&random, depth: 3) }.filter {
                (try? EventPattern(
                    parsing: "{\"k\":[{\"regex\":\"\($0.text)\"}]}", dialect: .extended, limits: Self.limits)) != nil
            }
            let matcher = try matcher(expressions.map { "{\"regex\":\"\($0.text)\"}" })
            for _ in 0..<30 {
                let scalars = (0..<random.below(9)).map { _ in
                    Expression.letters[random.below(Expression.letters.count)]
                }
                let text = String(String.UnicodeScalarView(scalars))
                let wanted = Set(
                    expressions.indices.filter { expressions[$0].ends(scalars, 0).contains(scalars.count) })
                #expect(
                    try found(matcher, text, scratch) == wanted, "\(text) of \(expressions.map(\.text))")
                matches += wanted.count
            }
        }
        #expect(matches > 500)
    }
}

/// Matching by trying everything.
private enum Trial {
    static func wildcard(_ pattern: ArraySlice<Character>, _ text: ArraySlice<Character>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == "*" {
            return (text.startIndex...text.endIndex).contains { wildcard(pattern.dropFirst(), text[$0...]) }
        }
        return text.first == first && wildcard(pattern.dropFirst(), text.dropFirst())
    }

    /// As `wildcard`, literal by literal: for long texts.
    static func greedy(_ pattern: [UInt8], _ text: [UInt8]) -> Bool {
        let segments = pattern.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map(Array.init)
        guard let first = segments.first, let last = segments.last, segments.count > 1 else { return pattern == text }
        guard text.count >= first.count + last.count, text.starts(with: first),
            text.suffix(last.count).elementsEqual(last)
        else { return false }
        var at = first.count
        let end = text.count - last.count
        for segment in segments.dropFirst().dropLast() {
            while at + segment.count <= end, !text[at..<(at + segment.count)].elementsEqual(segment) { at += 1 }
            at += segment.count
            if at > end { return false }
        }
        return true
    }

    static func contains(_ text: String, _ literal: String) -> Bool {
        let text = Array(text.utf8)
        let literal = Array(literal.utf8)
        guard text.count >= literal.count else { return false }
        return (0...(text.count - literal.count)).contains { Array(text[$0..<($0 + literal.count)]) == literal }
    }
}

/// A random regular expression, and where its matches end.
private indirect enum Expression {
    /// A set of characters and how it is written.
    case characters(String, @Sendable (Unicode.Scalar) -> Bool)
    case sequence([Expression])
    case choice([Expression])
    case repeated(Expression, least: Int, most: Int?)

    static let letters: [Unicode.Scalar] = ["a", "a", "b", "b", "c", "é", "€", "𝄞", "7"]

    init(_ random: inout SeededGenerator, depth: Int) {
        switch depth == 0 ? 0 : random.below(8) {
        case 1, 2: self = .sequence((0..<(1 + random.below(4))).map { _ in Expression(&random, depth: depth - 1) })
        case 3: self = .choice((0..<(1 + random.below(3))).map { _ in Expression(&random, depth: depth - 1) })
        case 4, 5, 6:
            let (least, most): (Int, Int?) = [(0, nil), (1, nil), (0, 1), (2, 3), (1, 1)][random.below(5)]
            self = .repeated(Expression(&random, depth: depth - 1), least: least, most: most)
        default:
            let sets: [Expression] = [
                .characters("a") { $0 == "a" }, .characters("b") { $0 == "b" }, .characters("é") { $0 == "é" },
                .characters(".") { _ in true }, .characters(".") { _ in true },
                .characters("[ab]") { $0 == "a" || $0 == "b" },
                .characters("[^a]") { $0 != "a" }, .characters("[^é]") { $0 != "é" },
                .characters("\\\\d") { $0 == "7" },
                .characters("[é-€]") { $0.value >= 0xE9 && $0.value <= 0x20AC }, .characters("\\\\D") { $0 != "7" },
            ]
            self = sets[random.below(sets.count)]
        }
    }

    var text: String {
        switch self {
        case .characters(let text, _): text
        case .sequence(let parts): "(\(parts.map(\.text).joined()))"
        case .choice(let parts): "(\(parts.map(\.text).joined(separator: "|")))"
        case .repeated(let part, 0, nil): "\(part.atom)*"
        case .repeated(let part, 1, nil): "\(part.atom)+"
        case .repeated(let part, 0, 1): "\(part.atom)?"
        case .repeated(let part, let least, let most): "\(part.atom){\(least),\(most.map(String.init) ?? "")}"
        }
    }

    private var atom: String {
        if case .repeated = self { return "(\(text))" }
        return text
    }

    /// All places where a match that begins at `start` can end.
    func ends(_ text: [Unicode.Scalar], _ start: Int) -> Set<Int> {
        switch self {
        case .characters(_, let holds): return start < text.count && holds(text[start]) ? [start + 1] : []
        case .sequence(let parts):
            return parts.reduce([start]) { places, part in
                places.reduce(into: Set<Int>()) { $0.formUnion(part.ends(text, $1)) }
            }
        case .choice(let parts): return parts.reduce(into: Set<Int>()) { $0.formUnion($1.ends(text, start)) }
        case .repeated(let part, let least, let most):
            var places: Set<Int> = [start]
            var all: Set<Int> = least == 0 ? [start] : []
            for count in 1...max(1, most ?? (least + text.count + 1)) {
                if let most, count > most { break }
                places = places.reduce(into: Set<Int>()) { $0.formUnion(part.ends(text, $1)) }
                if count >= least { all.formUnion(places) }
            }
            return all
        }
    }
}

import EventPatterns

/// Seeded patterns and events over a small world, so that they often meet.
struct Generator {
    var random: SeededGenerator
    /// Whether every list of excluded texts has the same text in it.
    var isHot = false

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    private mutating func pick<Element>(_ elements: [Element]) -> Element { elements[random.below(elements.count)] }
    private mutating func chance(_ percent: Int) -> Bool { random.below(100) < percent }

    private static let keys = ["a", "b", "c", "d.e", "d", "e", "é", "", "\u{FFFD}", "\u{10400}", "longer-than-eight"]
    private static let words = [
        "", "a", "b", "ab", "AB", "aB", "abc", "abcab", "x*y", "straße", "STRASSE", "ß", "É", "é", "k", "K", "\u{212A}",
        "ς",
        "Σ", "σ", "😀", "\u{10400}", "\u{10428}", "İ", "i̇", "10.0.0.1", "10.0.0.01", "::1", "0:0:0:0:0:0:0:1",
        "10.0.1.7",
        "::ffff:a00:1", "2001:DB8::5", "2001:db8:0:0::5", "255.255.255.255", "1", "true", "null",
        "aaaaaaaaaaaaaaaaaaaab",
        "a\"b", "back\\slash", "tab\tnew\nline", "some-rather-long-text-over-sixteen-bytes",
        "Some-Rather-Long-Text-Over-Sixteen-BYTES", "2024-05-01T00:00:00Z", "2024-05-01T02:00:00+02:00",
        "2024-05-01T00:00:00.5Z", "2024-02-30T00:00:00Z", "ab/c/b", "-ab-c", "é/a",
    ]
    private static let wildcards = [
        "*", "a*", "*b", "a*b", "*b*", "*a*b*", "a*b*c", "", "ab", "*ca*", "x\\*y", "*\\\\*", "*aaab", "aaaa*aaaab",
        "*é", "*tab*",
        "some*over*bytes", "*rather*long*", "*a*a*a*b", "10.*",
    ]
    private static let numbers: [Tree.Number] = [
        .init(text: "0", value: 0), .init(text: "-0", value: 0), .init(text: "1", value: 1),
        .init(text: "1.0", value: 1),
        .init(text: "10e-1", value: 1), .init(text: "2.5", value: 2.5), .init(text: "-3", value: -3),
        .init(text: "100", value: 100), .init(text: "1E+2", value: 100), .init(text: "0.1", value: 0.1),
        .init(text: "-122.42200352825247", value: -122.42200352825247),
        .init(text: "9007199254740993", value: nil), .init(text: "12345678901234567890", value: nil),
        .init(text: "1e400", value: nil), .init(text: "0.10000000000000001", value: nil),
        .init(text: "1.7976931348623157e308", value: 1.7976931348623157e308),
    ]
    private static let bounds: [(String, Double)] = [
        ("-200", -200), ("-3", -3), ("0", 0), ("0.1", 0.1), ("1", 1), ("2.5", 2.5), ("100", 100), ("1e300", 1e300),
    ]
    private static let blocks: [(String, NaiveAddress, Int)] = [
        ("10.0.0.0/8", .init(isV6: false, value: 0x0A00_0000), 8),
        ("10.0.0.9/24", .init(isV6: false, value: 0x0A00_0009), 24),
        ("0.0.0.0/0", .init(isV6: false, value: 0), 0), ("::/0", .init(isV6: true, value: 0), 0),
        ("2001:db8::/32", .init(isV6: true, value: 0x2001_0db8 << 96), 32),
        ("::1/127", .init(isV6: true, value: 1), 127),
        ("10.0.0.0/30", .init(isV6: false, value: 0x0A00_0000), 30),
        ("10.0.1.6/31", .init(isV6: false, value: 0x0A00_0106), 31),
        ("11.0.0.0/8", .init(isV6: false, value: 0x0B00_0000), 8),
        ("255.255.0.0/16", .init(isV6: false, value: 0xFFFF_0000), 16),
        ("2001:db8::/64", .init(isV6: true, value: 0x2001_0db8 << 96), 64),
        ("2001:db8::4/126", .init(isV6: true, value: 0x2001_0db8 << 96 | 4), 126),
        ("2001:db9::/32", .init(isV6: true, value: 0x2001_0db9 << 96), 32),
    ]

    // MARK: text

    /// A string's text, now and then with escapes that mean the same.
    mutating func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\t": result += "\\t"
            case "\n": result += "\\n"
            default:
                if chance(4) {
                    for unit in String(scalar).utf16 {
                        let hex = String(unit, radix: 16)
                        result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
                    }
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }

    mutating func text(_ tree: Tree) -> String {
        let space = chance(5) ? " " : ""
        switch tree {
        case .object(let fields):
            var parts: [String] = []
            for (name, value) in fields { parts.append(quoted(name) + space + ":" + text(value)) }
            return "{" + space + parts.joined(separator: "," + space) + "}"
        case .array(let elements):
            var parts: [String] = []
            for element in elements { parts.append(text(element)) }
            return "[" + parts.joined(separator: space + ",") + space + "]"
        case .string(let value): return quoted(value)
        case .number(let number): return number.text
        case .true: return "true"
        case .false: return "false"
        case .null: return "null"
        }
    }

    // MARK: events

    /// An event; `isPlain` tells that no object has a field twice and no field name has a dot.
    mutating func event(plain: Bool) -> Tree { object(depth: 0, plain: plain) }

    private mutating func object(depth: Int, plain: Bool) -> Tree {
        var fields: [(String, Tree)] = []
        for _ in 0..<random.below(5) {
            let name = pick(Self.keys)
            if plain, name.contains(".") || fields.contains(where: { $0.0 == name }) { continue }
            fields.append((name, value(depth: depth + 1, plain: plain)))
        }
        return .object(fields)
    }

    private mutating func value(depth: Int, plain: Bool) -> Tree {
        if depth < 5, chance(30) { return object(depth: depth, plain: plain) }
        if depth < 5, chance(35) {
            var elements: [Tree] = []
            for _ in 0..<random.below(4) { elements.append(value(depth: depth + 1, plain: plain)) }
            return .array(elements)
        }
        return scalar()
    }

    private mutating func scalar() -> Tree {
        switch random.below(10) {
        case 0: .true
        case 1: .false
        case 2: .null
        case 3, 4, 5: .number(pick(Self.numbers))
        default: .string(pick(Self.words))
        }
    }

    // MARK: patterns

    mutating func pattern() -> NaivePattern {
        if chance(20) { return rectangle() }
        var branches: [NaivePattern.Branch] = []
        let text = fields(&branches, path: [], depth: 0)
        return NaivePattern(branches: branches, text: text)
    }

    /// Two ranges below the same field, which large sets of rules file together.
    private mutating func rectangle() -> NaivePattern {
        let name = "a"
        var branch: NaivePattern.Branch = [:]
        var parts: [String] = []
        for inner in ["b", "c"] {
            let (test, text) = range()
            branch["\(name).\(inner)"] = [[test]]
            parts.append("\"\(inner)\":[\(text)]")
        }
        return NaivePattern(branches: [branch], text: "{\"\(name)\":{\(parts.joined(separator: ","))}}")
    }

    /// An object of a pattern, written into every branch so far.
    private mutating func fields(_ branches: inout [NaivePattern.Branch], path: [String], depth: Int) -> String {
        var parts: [String] = []
        for _ in 0..<(1 + random.below(3)) {
            if depth < 3, chance(10) {
                let before = branches.isEmpty ? [[:]] : branches
                branches = []
                var options: [String] = []
                for _ in 0..<2 {
                    var own = before
                    options.append(fields(&own, path: path, depth: depth + 1))
                    branches += own
                }
                parts.append("\"$or\":[\(options.joined(separator: ","))]")
                continue
            }
            let name = pick(Self.keys)
            if depth < 3, chance(35) {
                parts.append(quoted(name) + ":" + fields(&branches, path: path + [name], depth: depth + 1))
                continue
            }
            // Now and then all of the tests must be passed, each by some value.
            let isAllOf = chance(8)
            var tests: [NaiveTest] = []
            var texts: [String] = []
            // Now and then a long list of one kind, which is searched.
            let kind = chance(6) ? random.below(4) : -1
            for _ in 0..<(kind >= 0 ? 2 + random.below(20) : chance(5) ? 12 : 1 + random.below(3)) {
                let (test, text) = kind >= 0 ? listed(kind) : test()
                if isAllOf, case .absent = test { continue }
                tests.append(test)
                texts.append(text)
            }
            if tests.isEmpty {
                tests.append(.exists)
                texts.append("{\"exists\":true}")
            }
            if branches.isEmpty { branches.append([:]) }
            let whole = (path + [name]).joined(separator: ".")
            for index in branches.indices { branches[index][whole] = isAllOf ? tests.map { [$0] } : [tests] }
            let list = "[\(texts.joined(separator: ","))]"
            parts.append(quoted(name) + ":" + (isAllOf ? "[{\"all-of\":\(list)}]" : list))
        }
        return "{\(parts.joined(separator: ","))}"
    }

    /// A test of a kind that is put into an order where there are many.
    private mutating func listed(_ kind: Int) -> (NaiveTest, String) {
        switch kind {
        case 0:
            let word = pick(Array(NaiveAddress.known.keys.sorted()))
            if chance(40) { return (.literal(.string(word)), quoted(word)) }
            let (text, base, bits) = pick(Self.blocks)
            return (.cidr(base, bits), "{\"cidr\":\"\(text)\"}")
        case 1:
            if chance(50) { return range() }
            let number = pick(Self.numbers)
            return (.literal(.number(number)), number.text)
        case 2: return anythingBut()
        default:
            let wildcard = pick(NaiveTest.casedWildcards)
            return (.wildcardIgnoringCase(wildcard), "{\"wildcard\":{\"equals-ignore-case\":\(quoted(wildcard))}}")
        }
    }

    private mutating func test() -> (NaiveTest, String) {
        let word = pick(Self.words)
        let written = quoted(word)
        switch random.below(22) {
        case 18:
            let wildcard = pick(NaiveTest.casedWildcards)
            return (.wildcardIgnoringCase(wildcard), "{\"wildcard\":{\"equals-ignore-case\":\(quoted(wildcard))}}")
        case 19:
            let regex = pick(NaiveTest.regexes.keys.sorted())
            return (.regex(regex), "{\"regex\":\(quoted(regex))}")
        case 20:
            let (text, first, last) = pick(NaiveTest.dates)
            return (.date(first, last), "{\"date\":[\(text)]}")
        case 21:
            let (text, first, last, ahead) = pick(NaiveTest.timesOfDay)
            return (.timeOfDay(first, last, ahead: ahead), "{\"time-of-day\":[\(text)]}")
        case 0: return (.exactly(word), "{\"exactly\":\(written)}")
        case 1: return (.prefix(word), "{\"prefix\":\(written)}")
        case 2: return (.suffix(word), "{\"suffix\":\(written)}")
        case 3: return (.equalsIgnoringCase(word), "{\"equals-ignore-case\":\(written)}")
        case 4: return (.prefixIgnoringCase(word), "{\"prefix\":{\"equals-ignore-case\":\(written)}}")
        case 5: return (.suffixIgnoringCase(word), "{\"suffix\":{\"equals-ignore-case\":\(written)}}")
        case 6, 7:
            let wildcard = pick(Self.wildcards)
            return (.wildcard(wildcard), "{\"wildcard\":\(quoted(wildcard))}")
        case 8, 9: return range()
        case 10:
            let (text, base, bits) = pick(Self.blocks)
            return (.cidr(base, bits), "{\"cidr\":\"\(text)\"}")
        case 11: return (.exists, "{\"exists\":true}")
        case 12: return (.absent, "{\"exists\":false}")
        case 13, 14: return anythingBut()
        case 15:
            let number = pick(Self.numbers)
            return (.literal(.number(number)), number.text)
        default:
            let value = scalar()
            return (.literal(value), text(value))
        }
    }

    private mutating func range() -> (NaiveTest, String) {
        let low = random.below(Self.bounds.count - 1)
        let high = low + 1 + random.below(Self.bounds.count - 1 - low)
        let (lowText, lowValue) = Self.bounds[low]
        let (highText, highValue) = Self.bounds[high]
        let includesLow = chance(50)
        let includesHigh = chance(50)
        let above = "\"\(includesLow ? ">=" : ">")\",\(lowText)"
        let below = "\"\(includesHigh ? "<=" : "<")\",\(highText)"
        switch random.below(4) {
        case 0:
            return (
                .range(low: lowValue, includesLow: includesLow, high: .infinity, includesHigh: true),
                "{\"numeric\":[\(above)]}"
            )
        case 1:
            return (
                .range(low: -.infinity, includesLow: true, high: highValue, includesHigh: includesHigh),
                "{\"numeric\":[\(below)]}"
            )
        default:
            return (
                .range(low: lowValue, includesLow: includesLow, high: highValue, includesHigh: includesHigh),
                "{\"numeric\":[\(above),\(below)]}"
            )
        }
    }

    private mutating func anythingBut() -> (NaiveTest, String) {
        let count = chance(10) ? 12 : 1 + random.below(3)
        var words: [String] = []
        for _ in 0..<count { words.append(pick(Self.words)) }
        if isHot { words.append("ab") }
        func list(_ texts: [String], _ generator: inout Generator) -> String {
            texts.count == 1 && generator.chance(50) ? texts[0] : "[\(texts.joined(separator: ","))]"
        }
        switch random.below(6) {
        case 0:
            let numbers = (0..<count).map { _ in pick(Self.numbers.filter { $0.value != nil }) }
            return (
                .anythingBut(numbers.map { .literal(.number($0)) }),
                "{\"anything-but\":\(list(numbers.map(\.text), &self))}"
            )
        case 1:
            let wildcards = (0..<count).map { _ in pick(Self.wildcards) }
            var texts: [String] = []
            for wildcard in wildcards { texts.append(quoted(wildcard)) }
            return (
                .anythingBut(wildcards.map { .wildcard($0) }), "{\"anything-but\":{\"wildcard\":\(list(texts, &self))}}"
            )
        case 2, 3:
            let affixes = words.filter { !$0.isEmpty } + ["a"]
            var texts: [String] = []
            for affix in affixes { texts.append(quoted(affix)) }
            let isPrefix = chance(50)
            return (
                .anythingBut(affixes.map { isPrefix ? .prefix($0) : .suffix($0) }),
                "{\"anything-but\":{\"\(isPrefix ? "prefix" : "suffix")\":\(list(texts, &self))}}"
            )
        case 4:
            var texts: [String] = []
            for word in words { texts.append(quoted(word)) }
            return (
                .anythingBut(words.map { .equalsIgnoringCase($0) }),
                "{\"anything-but\":{\"equals-ignore-case\":\(list(texts, &self))}}"
            )
        default:
            var texts: [String] = []
            for word in words { texts.append(quoted(word)) }
            return (.anythingBut(words.map { .exactly($0) }), "{\"anything-but\":\(list(texts, &self))}")
        }
    }
}

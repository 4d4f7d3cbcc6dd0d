import EventPatterns

/// Seeded patterns and events over a small world, so that they often meet.
struct Generator {
    var random: SeededGenerator
    /// Whether every list of excluded texts has the same text in it.
    var isHot = false

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[random.below(elements.count)] }
    mutating func chance(_ percent: Int) -> Bool { random.below(100) < percent }

    static let keys = ["a", "b", "c", "d.e", "d", "e", "é", "", "\u{FFFD}", "\u{10400}", "longer-than-eight"]
    static let words = [
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
    static let wildcards = [
        "*", "a*", "*b", "a*b", "*b*", "*a*b*", "a*b*c", "", "ab", "*ca*", "x\\*y", "*\\\\*", "*aaab", "aaaa*aaaab",
        "*é", "*tab*",
        "some*over*bytes", "*rather*long*", "*a*a*a*b", "10.*",
    ]
    static let numbers: [Tree.Number] = [
        .init(text: "0", value: 0), .init(text: "-0", value: 0), .init(text: "1", value: 1),
        .init(text: "1.0", value: 1),
        .init(text: "10e-1", value: 1), .init(text: "2.5", value: 2.5), .init(text: "-3", value: -3),
        .init(text: "100", value: 100), .init(text: "1E+2", value: 100), .init(text: "0.1", value: 0.1),
        .init(text: "-122.42200352825247", value: -122.42200352825247),
        .init(text: "9007199254740993", value: nil), .init(text: "12345678901234567890", value: nil),
        .init(text: "1e400", value: nil), .init(text: "0.10000000000000001", value: nil),
        .init(text: "1.7976931348623157e308", value: 1.7976931348623157e308),
    ]
    static let bounds: [(String, Double)] = [
        ("-200", -200), ("-3", -3), ("0", 0), ("0.1", 0.1), ("1", 1), ("2.5", 2.5), ("100", 100), ("1e300", 1e300),
    ]
    static let blocks: [(String, NaiveAddress, Int)] = [
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

    mutating func object(depth: Int, plain: Bool) -> Tree {
        var fields: [(String, Tree)] = []
        for _ in 0..<random.below(5) {
            let name = pick(Self.keys)
            if plain, name.contains(".") || fields.contains(where: { $0.0 == name }) { continue }
            fields.append((name, value(depth: depth + 1, plain: plain)))
        }
        return .object(fields)
    }

    mutating func value(depth: Int, plain: Bool) -> Tree {
        if depth < 5, chance(30) { return object(depth: depth, plain: plain) }
        if depth < 5, chance(35) {
            var elements: [Tree] = []
            for _ in 0..<random.below(4) { elements.append(value(depth: depth + 1, plain: plain)) }
            return .array(elements)
        }
        return scalar()
    }

    mutating func scalar() -> Tree {
        switch random.below(10) {
        case 0: .true
        case 1: .false
        case 2: .null
        case 3, 4, 5: .number(pick(Self.numbers))
        default: .string(pick(Self.words))
        }
    }
}

/// JSON as a tree, for the generator and the naive matcher. Object fields keep their order and may repeat.
indirect enum Tree {
    case object([(String, Tree)])
    case array([Tree])
    case string(String)
    case number(Number)
    case `true`, `false`, null

    /// A number's spelling and the value it is compared by, if it has one.
    struct Number: Equatable {
        var text: String
        var value: Double?
    }
}

/// The meaning of one test, written straight from the reference's description and without regard to speed.
indirect enum NaiveTest {
    case literal(Tree)
    case exactly(String)
    case prefix(String), suffix(String)
    case equalsIgnoringCase(String), prefixIgnoringCase(String), suffixIgnoringCase(String)
    case wildcard(String)
    case range(low: Double, includesLow: Bool, high: Double, includesHigh: Bool)
    case cidr(NaiveAddress, Int)
    case exists, absent
    case anythingBut([NaiveTest])
    case wildcardIgnoringCase(String)
    case regex(String)
    /// Seconds, both included.
    case date(Double, Double)
    /// Seconds after midnight of clocks that are so many seconds ahead, both included, over midnight if the second is
    /// less.
    case timeOfDay(Double, Double, ahead: Double)

    func passes(_ value: Tree) -> Bool {
        switch self {
        case .exists: return true
        case .absent: return false
        case .anythingBut(let excluded): return !excluded.contains { $0.passes(value) }
        case .literal(.number(let wanted)):
            guard case .number(let found) = value else { return false }
            if let wanted = wanted.value, let found = found.value { return wanted == found }
            return wanted.text == found.text
        case .literal(.true): if case .true = value { return true } else { return false }
        case .literal(.false): if case .false = value { return true } else { return false }
        case .literal(.null): if case .null = value { return true } else { return false }
        case .range(let low, let includesLow, let high, let includesHigh):
            guard case .number(let number) = value, let found = number.value else { return false }
            return (includesLow ? found >= low : found > low) && (includesHigh ? found <= high : found < high)
        default:
            guard case .string(let text) = value else { return false }
            return passesText(text)
        }
    }

    private func passesText(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        switch self {
        case .literal(.string(let wanted)):
            if let address = NaiveAddress.known[wanted] { return NaiveAddress.known[text] == address }
            return Array(wanted.utf8) == bytes
        case .exactly(let wanted): return Array(wanted.utf8) == bytes
        case .prefix(let wanted): return bytes.starts(with: wanted.utf8)
        case .suffix(let wanted): return bytes.reversed().starts(with: wanted.utf8.reversed())
        case .equalsIgnoringCase(let wanted):
            return NaiveTest.lengths(Array(wanted.unicodeScalars), bytes, 0).contains(bytes.count)
        case .prefixIgnoringCase(let wanted):
            return !NaiveTest.lengths(Array(wanted.unicodeScalars), bytes, 0).isEmpty
        case .suffixIgnoringCase(let wanted):
            return (0...bytes.count).contains { start in
                NaiveTest.lengths(Array(wanted.unicodeScalars), bytes, start).contains(bytes.count)
            }
        case .wildcard(let pattern): return NaiveTest.wildcard(Array(pattern.utf8)[...], bytes[...])
        case .wildcardIgnoringCase(let pattern):
            return NaiveTest.wildcardIgnoringCase(Array(pattern.unicodeScalars)[...], bytes[...])
        case .regex(let regex): return NaiveTest.regexes[regex].map { $0(Array(text.unicodeScalars)) } ?? false
        case .date(let first, let last): return NaiveTest.moments[text].map { first <= $0 && $0 <= last } ?? false
        case .timeOfDay(let first, let last, let ahead):
            guard let moment = NaiveTest.moments[text] else { return false }
            let time = (moment + ahead).truncatingRemainder(dividingBy: 86_400)
            return first <= last ? first <= time && time <= last : time >= first || time <= last
        case .cidr(let base, let bits):
            guard let address = NaiveAddress.known[text], address.isV6 == base.isV6 else { return false }
            let width = base.isV6 ? 128 : 32
            return bits == 0 || address.value >> UInt128(width - bits) == base.value >> UInt128(width - bits)
        default: return false
        }
    }

    /// Every place where the pattern's characters, each lower or upper, can end when they begin at `start`.
    private static func lengths(_ pattern: [Unicode.Scalar], _ text: [UInt8], _ start: Int) -> Set<Int> {
        var ends: Set<Int> = [start]
        for scalar in pattern {
            var next: Set<Int> = []
            for end in ends {
                for form in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping]
                where text[end...].starts(with: form.utf8) {
                    next.insert(end + form.utf8.count)
                }
            }
            ends = next
        }
        return ends
    }

    /// Without escapes.
    private static func wildcardIgnoringCase(
        _ pattern: ArraySlice<Unicode.Scalar>, _ text: ArraySlice<UInt8>
    ) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == "*" {
            return (text.startIndex...text.endIndex).contains {
                wildcardIgnoringCase(pattern.dropFirst(), text[$0...])
            }
        }
        return [first.properties.lowercaseMapping, first.properties.uppercaseMapping].contains { form in
            text.starts(with: form.utf8)
                && wildcardIgnoringCase(pattern.dropFirst(), text.dropFirst(form.utf8.count))
        }
    }

    /// Regular expressions, and what they say of the scalars of a text.
    static let regexes: [String: @Sendable ([Unicode.Scalar]) -> Bool] = [
        "a(a|b|c)*b": {
            $0.first == "a" && $0.last == "b" && $0.count > 1 && $0.allSatisfy { "abc".unicodeScalars.contains($0) }
        },
        "[a-c]+": { !$0.isEmpty && $0.allSatisfy { ("a"..."c").contains($0) } },
        "[^a-c]*": { !$0.contains { ("a"..."c").contains($0) } },
        "(ab|AB)c?": { ["ab", "AB", "abc", "ABc"].contains(String(String.UnicodeScalarView($0))) },
        "[a-zA-Z0-9-]*[a-b].{2}": {
            $0.count > 2
                && $0.dropLast(3).allSatisfy {
                    $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "-")
                }
                && ("a"..."b").contains($0[$0.count - 3]) && !$0.suffix(2).contains { $0 == "\n" || $0 == "\r" }
        },
        "a{20}b": { $0.count == 21 && $0.dropLast().allSatisfy { $0 == "a" } && $0.last == "b" },
        "[^x]": { $0.count == 1 && $0[0] != "x" },
        // Items with a separator.
        "([^/]+/)*[a-c]": { text in
            let items = text.split(separator: "/", omittingEmptySubsequences: false)
            return items.dropLast().allSatisfy { !$0.isEmpty } && items.last?.count == 1
                && items.joined().last.map { ("a"..."c").contains($0) } == true
        },
        "([a-z]+-)+[a-z]*": { text in
            let items = text.split(separator: "-", omittingEmptySubsequences: false)
            return items.count > 1 && items.dropLast().allSatisfy { !$0.isEmpty }
                && items.joined().allSatisfy { ("a"..."z").contains($0) }
        },
        "(-[a-z]+)*": { text in
            let items = text.split(separator: "-", omittingEmptySubsequences: false)
            return items[0].isEmpty && items.dropFirst().allSatisfy { !$0.isEmpty }
                && items.joined().allSatisfy { ("a"..."z").contains($0) }
        },
        "": { $0.isEmpty },
    ]

    /// The texts that are moments, in seconds.
    static let moments: [String: Double] = [
        "2024-05-01T00:00:00Z": 1_714_521_600, "2024-05-01T02:00:00+02:00": 1_714_521_600,
        "2024-05-01T00:00:00.5Z": 1_714_521_600.5,
    ]

    static let casedWildcards = [
        "*", "A*", "*b", "a*B*", "*straße*", "é*", "*É", "*k*", "\u{212A}*", "*LONG*bytes", "*aAaB", "i̇*", "*σ",
        "*\u{10400}*",
        "some*SIXTEEN*", "aAa*aAb",
    ]
    static let dates: [(String, Double, Double)] = [
        ("\">=\",\"2024-05-01T00:00:00Z\"", 1_714_521_600, .infinity),
        ("\">\",\"2024-05-01T00:00:00Z\"", 1_714_521_600.000_001, .infinity),
        ("\"<=\",\"2024-05-01T01:00:00+01:00\"", -.infinity, 1_714_521_600),
        (
            "\">\",\"2023-01-01T00:00:00Z\",\"<\",\"2024-05-01T00:00:00.5Z\"", 1_672_531_200.000_001,
            1_714_521_600.499_999
        ),
    ]

    static let timesOfDay: [(String, Double, Double, ahead: Double)] = [
        (#"">=","00:00""#, 0, 86_399.999_999, 0), (#""=","00:00:00""#, 0, 0, 0),
        (#"">","00:00""#, 0.000_001, 86_400, 0),
        (#"">","22:00","<=","00:00""#, 79_200.000_001, 0, 0), (#"">=","22:00","<","00:00""#, 79_200, 86_399.999_999, 0),
        (#""zone","+02:00",">=","02:00","<","02:00:00.5""#, 7200, 7200.499_999, 7200),
        (#""<","19:00","zone","-05:00""#, 0, 68_399.999_999, -18_000),
        (#""<=","05:30","zone","+05:30""#, 0, 19_800, 19_800),
    ]

    private static func wildcard(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == UInt8(ascii: "*") {
            return (text.startIndex...text.endIndex).contains { wildcard(pattern.dropFirst(), text[$0...]) }
        }
        var wanted = first
        var rest = pattern.dropFirst()
        if first == UInt8(ascii: "\\"), let escaped = rest.first {
            wanted = escaped
            rest = rest.dropFirst()
        }
        return text.first == wanted && wildcard(rest, text.dropFirst())
    }
}

/// The addresses that occur in generated text, with their values.
struct NaiveAddress: Equatable {
    var isV6: Bool
    var value: UInt128

    static let known: [String: NaiveAddress] = [
        "10.0.0.1": .init(isV6: false, value: 0x0A00_0001), "10.0.0.01": .init(isV6: false, value: 0x0A00_0001),
        "::ffff:a00:1": .init(isV6: false, value: 0x0A00_0001), "10.0.1.7": .init(isV6: false, value: 0x0A00_0107),
        "255.255.255.255": .init(isV6: false, value: 0xFFFF_FFFF), "::1": .init(isV6: true, value: 1),
        "0:0:0:0:0:0:0:1": .init(isV6: true, value: 1),
        "2001:DB8::5": .init(isV6: true, value: 0x2001_0db8_0000_0000_0000_0000_0000_0005),
        "2001:db8:0:0::5": .init(isV6: true, value: 0x2001_0db8_0000_0000_0000_0000_0000_0005),
    ]
}

/// A pattern as branches of fields, and its text. A field has one list of tests, or with `all-of` several, of which
/// each must be passed.
struct NaivePattern {
    typealias Branch = [String: [[NaiveTest]]]

    var branches: [Branch]
    var text: String

    /// A leaf of an event and the array elements it lies in.
    private struct Leaf {
        var path: String
        var value: Tree
        var membership: [Int: Int]
    }

    /// A choice that led to nothing: many leaves lead to the same one, and their number would multiply with each field.
    private struct DeadEnd: Hashable {
        var index: Int
        var chosen: [Int: Int]
    }

    func matches(_ event: Tree) -> Bool {
        var leaves: [Leaf] = []
        var arrays = 0
        func walk(_ tree: Tree, _ path: [String], _ membership: [Int: Int]) {
            switch tree {
            case .object(let fields): for (name, value) in fields { walk(value, path + [name], membership) }
            case .array(let elements):
                let array = arrays
                arrays += 1
                for (index, element) in elements.enumerated() {
                    var inner = membership
                    switch element {
                    case .object, .array: inner[array] = index
                    default: break
                    }
                    walk(element, path, inner)
                }
            default: leaves.append(Leaf(path: path.joined(separator: "."), value: tree, membership: membership))
            }
        }
        walk(event, [], [:])
        return branches.contains { branch in
            let fields = branch.keys.sorted { Array($0.utf16).lexicographicallyPrecedes(Array($1.utf16)) }
                .flatMap { path in branch[path, default: []].map { (path: path, tests: $0) } }
            var deadEnds: Set<DeadEnd> = []
            func choose(_ index: Int, _ chosen: [Int: Int]) -> Bool {
                guard index < fields.count else { return true }
                let here = DeadEnd(index: index, chosen: chosen)
                if deadEnds.contains(here) { return false }
                let tests = fields[index].tests
                let consistent = leaves.filter { leaf in
                    leaf.path == fields[index].path
                        && leaf.membership.allSatisfy { chosen[$0.key] == nil || chosen[$0.key] == $0.value }
                }
                if consistent.isEmpty, tests.contains(where: { if case .absent = $0 { true } else { false } }),
                    choose(index + 1, chosen)
                {
                    return true
                }
                let isFound = consistent.contains { leaf in
                    tests.contains { $0.passes(leaf.value) }
                        && choose(index + 1, chosen.merging(leaf.membership) { _, new in new })
                }
                if !isFound { deadEnds.insert(here) }
                return isFound
            }
            return choose(0, [:])
        }
    }
}

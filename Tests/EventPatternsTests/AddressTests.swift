import EventPatterns
import Testing

/// Addresses are read eight bytes at a time, and looked up by their leading bits: both against plain ways of doing it.
@Suite("Addresses against a plain reader", .timeLimit(.minutes(5)))
struct AddressTests {
    /// The family and value of an address, part by part.
    private func read(_ text: String) -> (isV6: Bool, value: UInt128)? {
        let parts = { (separator: Character) in text.split(separator: separator, omittingEmptySubsequences: false) }
        if !text.contains(":") {
            let numbers = parts(".").compactMap { $0.allSatisfy { $0.isASCII && $0.isNumber } ? Int($0) : nil }
            guard numbers.count == 4, parts(".").count == 4, text.utf8.count <= 15, numbers.allSatisfy({ $0 < 256 })
            else { return nil }
            return (false, numbers.reduce(0) { $0 << 8 | UInt128($1) })
        }
        guard let halves = halves(of: text) else { return nil }
        let groups = halves.map { half in
            half.isEmpty
                ? []
                : half.split(separator: ":", omittingEmptySubsequences: false).map { group -> UInt128? in
                    let isPlain = group.utf8.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
                    guard isPlain, let value = UInt64(group, radix: 16), value <= 0xFFFF else { return nil }
                    return UInt128(value)
                }
        }
        let filled = groups.reduce(0) { $0 + $1.count }
        guard halves.count == 2 ? filled < 8 : filled == 8 else { return nil }
        var value: UInt128 = 0
        for group in groups[0] + Array(repeating: 0, count: 8 - filled) + (groups.count == 2 ? groups[1] : []) {
            guard let group else { return nil }
            value = value << 16 | group
        }
        return value >> 32 == 0xFFFF ? (false, value & 0xFFFF_FFFF) : (true, value)
    }

    /// What stands before and behind the place where zeros are left out; nil if there are several such places.
    private func halves(of text: String) -> [String]? {
        let bytes = Array(text.utf8)
        let places = bytes.indices.dropLast().filter { bytes[$0] == 0x3A && bytes[$0 + 1] == 0x3A }
        guard let place = places.first else { return [text] }
        guard places.count == 1 else { return nil }
        return [bytes[..<place], bytes[(place + 2)...]].map { String(decoding: $0, as: UTF8.self) }
    }

    private func random(_ random: inout SeededGenerator) -> String {
        var text: String
        if random.below(2) == 0 {
            text = (0..<4).map { _ in String(random.below(random.below(4) == 0 ? 300 : 256)) }.joined(separator: ".")
        } else {
            let count = random.below(3) == 0 ? 8 : 1 + random.below(8)
            text = (0..<count).map { _ in String(random.below(1 << (4 * random.below(5))), radix: 16) }
                .joined(separator: ":")
            if count < 8 { text = random.below(2) == 0 ? "\(text)::" : "::\(text)" }
        }
        // A byte more, less or other now and then.
        var bytes = Array(text.utf8)
        for _ in 0..<[0, 0, 1, 2][random.below(4)] where !bytes.isEmpty {
            let byte = Array("0123456789abcdefABCDEF.:::..gx /%".utf8)[random.below(33)]
            let place = random.below(bytes.count)
            switch random.below(3) {
            case 0: bytes[place] = byte
            case 1: bytes.insert(byte, at: place)
            default: bytes.remove(at: place)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("What is an address, and of which family")
    func reading() throws {
        let matcher = Matcher([
            (4, try EventPattern(parsing: #"{"a":[{"cidr":"0.0.0.0/0"}]}"#)),
            (6, try EventPattern(parsing: #"{"a":[{"cidr":"::/0"}]}"#)),
        ])
        let scratch = MatchScratch()
        var generator = SeededGenerator(seed: 7)
        var counts = [0, 0, 0]
        let fixed = [
            "1.2.3.4", "255.255.255.255", "256.1.1.1", "1.2.3", "1.2.3.4.", ".1.2.3", "1..2.3", "1.2.3.04",
            "000000001.2.3.4",
            "0000000000001.2.3.4", "010.020.030.040", "1.2.3.4567", "::", ":::", "1::", "::1", "1:2:3:4:5:6:7:8",
            "1:2:3:4:5:6:7:8:",
            "1:2:3:4:5:6:7:8::", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "0:0:0:0:0:ffff:102:304", "::ffff:1.2.3.4",
            "00000001::", "10000::", "a", "ab", "", "1", "a.b.c.d", "fe80::1%eth0", "1:2", "12:34:56", "١.٢.٣.٤",
        ]
        for index in 0..<60_000 {
            let text = index < fixed.count ? fixed[index] : random(&generator)
            let wanted = read(text)
            counts[wanted.map { $0.isV6 ? 2 : 1 } ?? 0] += 1
            // At the beginning and at the end of what is read.
            for event in ["{\"a\":\"\(text)\"}", "{\"b\":[0],\"a\":\"\(text)\",\"c\":\"\(text)0.0.0\"}"] {
                let found = try matcher.matches(in: event, scratch: scratch)
                #expect(found == (wanted.map { [$0.isV6 ? 6 : 4] } ?? []), "\(text)")
            }
        }
        #expect(counts.allSatisfy { $0 > 5000 }, "\(counts)")
    }

    @Test("Which blocks hold an address: few and many, nested and apart, as rules, as one list, beside another field")
    func blocks() throws {
        var generator = SeededGenerator(seed: 8)
        for count in [1, 4, 5, 30, 400] {
            // Close together, or over all addresses.
            for spread in [8, 20, 32] {
                let blocks = (0..<count).map { _ -> (base: UInt32, bits: Int) in
                    let bits = max(32 - spread, 3) + generator.below(29 - max(32 - spread, 3))
                    let base = UInt32(generator.below(1 << spread)) &+ 0x0A00_0000
                    return (bits == 0 ? 0 : (base >> UInt32(32 - bits)) << UInt32(32 - bits), bits)
                }
                func text(_ value: UInt32) -> String {
                    [24, 16, 8, 0].map { String(value >> UInt32($0) & 0xFF) }.joined(separator: ".")
                }
                let tests = blocks.map { "{\"cidr\":\"\(text($0.base))/\($0.bits)\"}" }
                var rules = try tests.enumerated().map { ($0, try EventPattern(parsing: "{\"a\":[\($1)]}")) }
                let list = tests.joined(separator: ",")
                rules.append((-1, try EventPattern(parsing: "{\"a\":[\(list)]}")))
                rules.append((-2, try EventPattern(parsing: "{\"a\":[\(list)],\"b\":[\"x\"]}")))
                // Of the other family: never.
                rules.append(
                    (-3, try EventPattern(parsing: "{\"a\":[{\"cidr\":\"::/8\"},{\"cidr\":\"2001:db8::/32\"}]}")))
                let matcher = Matcher(rules)
                let scratch = MatchScratch()
                for index in 0..<300 {
                    let near = blocks[generator.below(count)]
                    let address =
                        index % 3 == 0
                        ? UInt32(truncatingIfNeeded: generator.below(1 << 32))
                        : near.base &+ UInt32(generator.below(1 << (34 - near.bits))) &- 1
                    let holding = Set(
                        blocks.indices.filter {
                            blocks[$0].base == (address >> UInt32(32 - blocks[$0].bits)) << UInt32(32 - blocks[$0].bits)
                        })
                    let found = try matcher.matches(
                        in: "{\"a\":\"\(text(address))\",\"b\":\"x\"}", scratch: scratch)
                    #expect(Set(found) == (holding.isEmpty ? [] : holding.union([-1, -2])), "\(text(address))")
                    #expect(found.count == Set(found).count)
                }
            }
        }
    }
}

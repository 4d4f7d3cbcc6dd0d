import EventPatterns
import Testing

@Suite("Comparable numbers")
struct DecimalNumberTests {
    private func comparable(_ text: String) -> Double? {
        Array(text.utf8).withUnsafeBufferPointer { DecimalNumber.comparable($0) }
    }

    /// Whether an integer is the middle between two doubles.
    private func isHalfway(_ digits: UInt64, _ power: Int) -> Bool {
        guard power >= 0, power < 19, digits > 0 else { return false }
        var whole = UInt128(digits)
        for _ in 0..<power { whole *= 10 }
        return 128 - whole.leadingZeroBitCount - whole.trailingZeroBitCount == 54
    }

    /// The definition, slowly: a decimal is comparable if it is the shortest description of its double, and not
    /// halfway. Where the library's own shortest is halfway, nothing is expected.
    private func expected(_ digits: UInt64, _ decimals: Int) -> Double?? {
        guard let value = Double("\(digits)e-\(decimals)") else { return .some(nil) }
        var shortest: UInt64 = 0
        var power = 0
        var isFraction = false
        let description = value.description
        let parts = description.split(separator: "e")
        for byte in parts[0].utf8 {
            if byte == UInt8(ascii: ".") { isFraction = true; continue }
            shortest = shortest * 10 + UInt64(byte - 48)
            if isFraction { power -= 1 }
        }
        if parts.count > 1 { power += Int(parts[1]) ?? 0 }
        var written = digits
        var exponent = -decimals
        while written != 0, written % 10 == 0 { (written, exponent) = (written / 10, exponent + 1) }
        while shortest != 0, shortest % 10 == 0 { (shortest, power) = (shortest / 10, power + 1) }
        if isHalfway(shortest, power) { return .none }
        return written == shortest && (written == 0 || exponent == power) ? .some(value) : .some(nil)
    }

    @Test("Random decimals agree with the standard library's shortest descriptions")
    func random() {
        var random = SeededGenerator(seed: 7)
        var comparables = 0
        for round in 0..<60_000 {
            let digits: UInt64
            let decimals: Int
            if round % 2 == 0 {
                // A decimal that is comparable by construction: the description of a random double.
                let value = Double(random.below(1 << 53)) / [1e3, 1e7, 1e10, 1e13, 1e14, 1e16][random.below(6)]
                let parts = value.description.split(separator: ".")
                guard parts.count == 2, let whole = UInt64(parts[0] + parts[1]) else { continue }
                digits = whole
                decimals = parts[1].utf8.count
            } else {
                digits =
                    random.next()
                    % [1_000, 10_000_000_000_000_000, 100_000_000_000_000_000, 1_000_000_000_000_000_000][
                        random.below(4)]
                decimals = random.below(24)
            }
            let text = String(digits)
            let padded = String(repeating: "0", count: max(0, decimals + 1 - text.utf8.count)) + text
            let point = padded.utf8.count - decimals
            let written = decimals == 0 ? padded : "\(padded.prefix(point)).\(padded.suffix(decimals))"
            guard let wanted = expected(digits, decimals) else { continue }
            if wanted != nil { comparables += 1 }
            if comparable(written) != wanted { Issue.record("\(written): \(String(describing: comparable(written)))") }
        }
        #expect(comparables > 30_000)
    }

    @Test(
        "The reference's examples",
        arguments: [
            ("0.1", true), ("9007199254740992", true), ("123456789012345680", true), ("1.7976931348623157e308", true),
            ("4.9e-324", true), ("5e-324", false), ("0.10000000000000001", false), ("0.1234567890123456789", false),
            ("9007199254740993", false), ("12345678901234567890", false), ("1e400", false), ("1e-400", false),
            ("123456789012345678", false), ("1e23", false), ("2e23", false), ("8.41E21", false), ("1e22", true),
            ("-0.0", true), ("5e9", true), ("-1.5e300", true), ("9.999999999999999e22", true),
            ("100000000000000000000", true),
            ("1e+2", true), ("2.2250738585072014E-308", true), ("0e999999999", true),
        ])
    func examples(text: String, isComparable: Bool) {
        #expect((comparable(text) != nil) == isComparable)
    }

    @Test("Different spellings are one value")
    func spellings() {
        #expect(comparable("300")?.bitPattern == comparable("3.0e2")?.bitPattern)
        #expect(comparable("-0")?.bitPattern == comparable("0")?.bitPattern)
        let long = "1" + String(repeating: "0", count: 30)
        #expect(comparable(long) == 1e30)
        #expect(comparable("0." + String(repeating: "0", count: 400) + "1") == nil)
        #expect(comparable(String(repeating: "9", count: 1_000_000)) == nil)
        let zeros = String(repeating: "0", count: 200_000)
        #expect(comparable("0.\(zeros)1e200001") == 1)
        #expect(comparable("1\(zeros)e-200000") == 1)
        #expect(comparable("1e\(zeros)1") == 10)
        #expect(comparable("1e99999999999999999999999999") == nil)
    }

    @Test("Numbers far from one agree with the standard library's shortest descriptions, and with no other digits")
    func far() {
        var random = SeededGenerator(seed: 8)
        var comparables = 0
        for round in 0..<20_000 {
            var value = Double(bitPattern: random.next() & ~(1 << 63))
            // Powers of two, whose lower neighbours are nearer.
            if round % 4 == 0 { value = Double(sign: .plus, exponent: random.below(2090) - 1070, significand: 1) }
            guard value.isFinite, value.bitPattern >= 200 else { continue }
            var (digits, power) = parts(value)
            switch round % 5 {
            case 1: digits += 1
            case 2: digits -= 1
            case 3: (digits, power) = (digits * 10 + UInt64(random.below(10)), power - 1)
            default: break
            }
            guard digits < 1_000_000_000_000_000_000, let nearest = Double("\(digits)e\(power)"), nearest.isFinite,
                nearest.bitPattern >= 200
            else { continue }
            let shortest = parts(nearest)
            // Whose own shortest may not be taken, or is, is not asked here.
            if isHalfway(shortest.digits, shortest.power) { continue }
            var written = (digits: digits, power: power)
            while written.digits % 10 == 0 { written = (written.digits / 10, written.power + 1) }
            let wanted = written == shortest ? nearest : nil
            if wanted != nil { comparables += 1 }
            let text = "\(digits)e\(power)"
            if comparable(text) != wanted { Issue.record("\(text): \(String(describing: comparable(text)))") }
        }
        #expect(comparables > 5_000)
    }

    /// The digits of a double's description, without zeros at the end, and their power of ten.
    private func parts(_ value: Double) -> (digits: UInt64, power: Int) {
        let parts = value.description.split(separator: "e")
        var power = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        if let point = parts[0].firstIndex(of: ".") {
            power -= parts[0].distance(from: point, to: parts[0].endIndex) - 1
        }
        var digits = UInt64(parts[0].filter { $0 != "." }) ?? 0
        while digits != 0, digits % 10 == 0 { (digits, power) = (digits / 10, power + 1) }
        return (digits, power)
    }
}

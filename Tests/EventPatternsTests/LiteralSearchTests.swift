import CLinux
import EventPatterns
import Testing

/// Which of the two ways to search is used depends on the processor, so that the other tests see only one of them.
@Suite("Literals in texts of less than 64 bytes")
struct LiteralSearchTests {
    private func encoded(_ sequences: [[[UInt8]]], _ forms: Int32) -> [UInt8] {
        func number(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
        return sequences.flatMap { literals in
            let bytes = literals.flatMap { literal -> [UInt8] in
                let stretch = literal.prefix(Int(CLINUX_STRETCH))
                let lanes = stretch.flatMap { byte in
                    [UInt8](repeating: byte, count: 16)
                        + (forms == Int32(CLINUX_EITHER) ? [UInt8](repeating: upper(byte), count: 16) : [])
                }
                let whole = literal.count == stretch.count ? [] : literal
                return number(literal.count) + number(stretch.count) + lanes + whole
                    + (forms == Int32(CLINUX_EITHER) ? whole.map(upper) : [])
            }
            return number(bytes.count) + number(literals.count) + bytes
        }
    }

    private func upper(_ byte: UInt8) -> UInt8 { byte &- 0x61 < 26 ? byte - 0x20 : byte }

    private func isFound(_ literals: [[UInt8]], _ text: [UInt8]) -> Bool {
        var at = 0
        for literal in literals {
            guard
                let place = (at..<max(at, text.count - literal.count + 1)).first(where: {
                    Array(text[$0..<($0 + literal.count)]) == literal
                })
            else { return false }
            at = place + literal.count
        }
        return true
    }

    @Test(
        "By lanes and by one mask, in each form",
        arguments: [Int32(CLINUX_EXACT), Int32(CLINUX_FOLDED), Int32(CLINUX_EITHER)])
    func bothWays(forms: Int32) {
        var random = SeededGenerator(seed: 11)
        var found = 0
        for _ in 0..<6000 {
            let letters = Array(forms == Int32(CLINUX_EXACT) ? "ab{".utf8 : "ab{ABé\u{0}[@".utf8)
            let text = (0..<random.below(64)).map { _ in letters[random.below(letters.count)] }
            let folded = forms == Int32(CLINUX_EXACT) ? text : text.map { $0 &- 0x41 < 26 ? $0 + 0x20 : $0 }
            let sequences = (0..<(1 + random.below(4))).map { _ -> [[UInt8]] in
                var at = 0
                return (0..<(1 + random.below(4))).map { _ -> [UInt8] in
                    let start = min(folded.count, at + random.below(6))
                    at = min(folded.count, start + 1 + random.below(random.below(8) == 0 ? 60 : 9))
                    var literal = Array(folded[start..<at])
                    if literal.isEmpty || random.below(6) == 0 { literal.append(UInt8(ascii: "b")) }
                    return literal
                }
            }
            let wanted = sequences.contains { isFound($0, folded) }
            found += wanted ? 1 : 0
            let program = encoded(sequences, forms)
            // No byte behind the text may count.
            let padded = text + [UInt8](repeating: UInt8(ascii: "b"), count: 64)
            let narrow = clinux_any_of(padded, text.count, program, sequences.count, forms)
            #expect(narrow == wanted, "\(text) \(sequences)")
            if clinux_has_wide() {
                let wide = clinux_any_wide(padded, text.count, program, sequences.count, forms)
                #expect(wide == wanted, "\(text) \(sequences)")
            }
        }
        #expect(found > 500 && found < 5900)
    }
}

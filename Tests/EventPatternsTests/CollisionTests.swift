import EventPatterns
import Testing

/// Names and texts that are made to have the same hash, or the same place in a table, by one who knows how the engine
/// hashes but not its secret. What they cost is counted rather than timed.
@Suite("Names and texts cannot be made to collide", .timeLimit(.minutes(5)))
struct CollisionTests {
    private func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    private func bytes(_ word: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }

    private func word(_ text: some Collection<UInt8>) -> UInt64 {
        text.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The number in hexadecimal letters, eight of them.
    private func letters(_ number: Int) -> [UInt8] {
        (0..<8).map { UInt8(ascii: "a") + UInt8(number >> (4 * $0) & 15) }
    }

    /// Texts of 64 bytes that had one hash while only every other word was mixed with the state: what the fourth word
    /// changes the fifth changes back.
    private func alike(_ count: Int) -> [String] {
        func change(_ word: UInt64) -> UInt64 { mix(word ^ 0x5895_65C9_2F9D_4C5B, 0x9FB2_1C65_1E98_DF25) }
        let plain = (letters(0), letters(1))
        let sum = change(word(plain.0)) ^ word(plain.1)
        var texts: [String] = []
        var number = 0
        while texts.count < count {
            let fourth = letters(number)
            let fifth = bytes(sum ^ change(word(fourth)))
            number += 1
            guard fifth.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C && $0 != 0x2E }) else {
                continue
            }
            let text = letters(1) + letters(2) + letters(3) + fourth + fifth + letters(4) + letters(5) + letters(6)
            texts.append(String(decoding: text, as: UTF8.self))
        }
        return texts
    }

    /// Short texts that had one place in a table of so many slots while the seed was known.
    private func neighbours(_ count: Int, slots: UInt64, seed: UInt64) -> [String] {
        var texts: [String] = []
        var number = 0
        while texts.count < count {
            let text = letters(number).prefix(7)
            number += 1
            let state = seed ^ (7 &* 0x9E37_79B9_7F4A_7C15)
            let hash = mix(state ^ word(text) ^ 0xE703_7ED1_A0B4_28DB, 0x8EBC_6AF0_9C88_C6E3) | 1
            if hash >> 32 & (slots - 1) == 5 { texts.append(String(decoding: text, as: UTF8.self)) }
        }
        return texts
    }

    private func list(_ texts: [String], _ item: (String) -> String = { "\"\($0)\"" }) -> String {
        texts.map(item).joined(separator: ",")
    }

    @Test("Long names have hashes of their own")
    func names() throws {
        let rule = try EventPattern(parsing: "{\(list(alike(60)) { "\"\($0)\":[1]" })}")
        #expect(rule.pathHashes == 60)
    }

    @Test("A long text leads to the rules that ask for it alone")
    func texts() throws {
        let texts = alike(60)
        let rules = try texts.enumerated().map {
            ($0, try EventPattern(parsing: "{\"key\":[\"\($1)\"],\"size\":[{\"numeric\":[\">\",0]}]}"))
        }
        let scratch = MatchScratch()
        #expect(try Matcher(rules).matches(in: "{\"key\":\"\(texts[0])\",\"size\":1}", scratch: scratch) == [0])
        #expect(scratch.work <= 3, "\(scratch.work)")
    }

    @Test("Branches that each have a long text for themselves stay under it")
    func branches() throws {
        let rare = try (0..<3000).map { (1 + $0, try EventPattern(parsing: "{\"source\":[\"s\($0)\"]}")) }
        let branches = alike(60).enumerated().map { index, text in
            "{\"source\":[\"hot\",\"cold\(index)\"],\"key\":[\"\(text)\"]}"
        }
        let rule = try EventPattern(parsing: "{\"$or\":[\(branches.joined(separator: ","))]}", limits: .language)
        let scratch = MatchScratch()
        _ = try Matcher(rare + [(0, rule)]).matches(in: #"{"source":"hot","key":"none"}"#, scratch: scratch)
        #expect(scratch.work <= 8, "\(scratch.work)")
    }

    @Test("Short texts and names do not stand in one row in their tables")
    func rows() throws {
        let kind: UInt64 = 4
        let seed = 0x9FB2_1C65_1E98_DF25 ^ kind &* 0xD6E8_FEB8_6659_FD93
        let values = try EventPattern(parsing: "{\"key\":[\(list(neighbours(300, slots: 512, seed: seed)))]}")
        #expect(Matcher([(0, values)]).longestSearch < 150)
        let names = neighbours(200, slots: 512, seed: 0)
        let fields = try EventPattern(parsing: "{\(list(names) { "\"\($0)\":[1]" })}")
        #expect(Matcher([(0, fields)]).longestSearch < 150)
    }
}

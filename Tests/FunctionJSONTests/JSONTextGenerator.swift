import EventPatterns

/// Random JSON texts, with all that the grammar allows, and damaged ones.
struct JSONTextGenerator {
    private var random: SeededGenerator
    private var bytes: [UInt8] = []

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// The next text; a damaged one may be JSON all the same.
    mutating func text(isDamaged: Bool) -> [UInt8] {
        bytes = []
        space()
        if below(8) == 0 { value(depth: 0) } else { object(depth: 0) }
        space()
        if isDamaged { for _ in 0...below(3) { damage() } }
        return bytes
    }

    private mutating func below(_ bound: Int) -> Int { random.below(bound) }

    private mutating func one(of choices: [String]) { bytes += choices[below(choices.count)].utf8 }

    private mutating func space() {
        guard below(4) == 0 else { return }
        one(of: [" ", "  ", "\n", "\t", "\r\n", String(repeating: " ", count: below(70))])
    }

    private mutating func value(depth: Int) {
        switch below(depth > 4 ? 6 : 9) {
        case 0: one(of: ["true", "false", "null"])
        case 1, 2: number()
        case 3, 4, 5: string()
        case 6: array(depth: depth + 1)
        default: object(depth: depth + 1)
        }
    }

    private mutating func object(depth: Int) {
        bytes.append(UInt8(ascii: "{"))
        for index in 0..<below(6) {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            space()
            if below(3) == 0 {
                string()
            } else {
                one(of: [#""a""#, #""b""#, #""ab""#, #""a.b""#, #""\u0061""#, #""""#, #""ä""#, #""detail""#])
            }
            space()
            bytes.append(UInt8(ascii: ":"))
            space()
            value(depth: depth)
            space()
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private mutating func array(depth: Int) {
        bytes.append(UInt8(ascii: "["))
        space()
        for index in 0..<below(6) {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            space()
            value(depth: depth)
            space()
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private mutating func number() {
        if below(2) == 0 { bytes.append(UInt8(ascii: "-")) }
        if below(4) == 0 { one(of: ["0"]) } else { digits(beginsWithZero: false) }
        if below(3) == 0 {
            bytes.append(UInt8(ascii: "."))
            digits(beginsWithZero: true)
        }
        if below(4) == 0 {
            one(of: ["e", "E", "e+", "e-", "E-"])
            bytes += String(below(30)).utf8
        }
    }

    private mutating func digits(beginsWithZero: Bool) {
        for index in 0...below(below(8) == 0 ? 25 : 6) {
            let least = index == 0 && !beginsWithZero ? 1 : 0
            bytes.append(UInt8(ascii: "0") + UInt8(least + below(10 - least)))
        }
    }

    private mutating func string() {
        bytes.append(UInt8(ascii: "\""))
        for _ in 0..<below(5) {
            switch below(6) {
            case 0:
                one(of: [#"\""#, #"\\"#, #"\/"#, #"\b"#, #"\f"#, #"\n"#, #"\r"#, #"\t"#, #"\u00e9"#, #"\uD83D\uDE00"#])
            case 1: one(of: ["é", "😀", "\u{7F}", "\u{80}", "\u{FFFF}", "\u{10FFFF}", "ｱ", "\u{2028}"])
            case 2: bytes += repeatElement(UInt8(ascii: "x"), count: below(70))
            default: one(of: ["a", "b.c", "{", "}", "[", ":", ",", " ", "1", "true"])
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func damage() {
        guard !bytes.isEmpty else { return }
        let place = below(bytes.count)
        switch below(7) {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.remove(at: place)
        case 2: bytes.removeLast(min(bytes.count, below(4)))
        case 3:
            let end = min(bytes.count, place + below(12))
            bytes.insert(contentsOf: Array(bytes[place..<end]), at: below(bytes.count))
        case 4: bytes.swapAt(place, below(bytes.count))
        case 5:
            // What stands for a byte is often what a reader goes wrong by.
            let marks: [[UInt8]] = [
                [0x22], [0x5C], [0x00], [0x1F], [0x0A], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80],
                [0xF4, 0x90, 0x80, 0x80],
                [0xE2, 0x82], [0xFF], [0x7B], [0x7D], [0x5B], [0x5D], [0x2C], [0x3A], [0x2D],
                [0x2E],
            ]
            bytes.insert(contentsOf: marks[below(marks.count)], at: place)
        default:
            let words = [
                #"\u"#, #"\ud800"#, #"\udc00"#, #"\ud83d\u0041"#, "00", "1e", "-", "tru", "nul", "NaN", "/*", "//",
            ]
            bytes.insert(contentsOf: Array(words[below(words.count)].utf8), at: place)
        }
    }
}

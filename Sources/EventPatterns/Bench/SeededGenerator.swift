/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine for the same seed.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// A number below `bound`.
    package mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }

    /// `count` characters of an alphabet.
    package mutating func text(_ alphabet: String, _ count: Int) -> String {
        let letters = Array(alphabet)
        return String((0..<count).map { _ in letters[below(letters.count)] })
    }

    /// A number below `bound`, in decimal, with leading zeros to `width`.
    package mutating func digits(_ width: Int, below bound: Int) -> String {
        let text = String(below(bound))
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}

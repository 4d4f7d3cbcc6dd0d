/// 128 bits of a key, with which keys are told apart: among ten billion the chance that any two share them is below
/// 10^-18. By folded multiplication as in wyhash, seeded afresh in every process, so that nobody can aim at collisions.
struct KeyHash: Hashable {
    var high: UInt64
    var low: UInt64

    private static let seeds: [UInt64] = (0..<6).map { _ in UInt64.random(in: .min ... .max) | 1 }

    /// The seeds out of their array, for loops.
    struct Hasher {
        let seeds: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

        init() {
            let all = KeyHash.seeds
            seeds = (all[0], all[1], all[2], all[3], all[4], all[5])
        }

        /// Eight bytes from `text` must be readable.
        @inline(__always)
        func hash(_ text: UnsafePointer<UInt8>, _ length: Int) -> KeyHash {
            let (first, last): (UInt64, UInt64)
            if length <= 8 {
                first = ValueDictionary.shortKey(text, length)
                last = 0
            } else {
                first = loadWord(text)
                last = loadWord(text + length - 8)
            }
            var state = KeyHash(high: seeds.4 ^ UInt64(truncatingIfNeeded: length), low: seeds.5)
            var position = 8
            while position &+ 8 < length {
                let word = loadWord(text + position)
                state.high = Self.fold(state.high ^ word, seeds.0)
                state.low = Self.fold(state.low ^ word, seeds.2)
                position &+= 8
            }
            return KeyHash(
                high: Self.fold(first ^ seeds.0 ^ state.high, last ^ seeds.1 ^ (state.low &<< 1)),
                low: Self.fold(first ^ seeds.2 ^ state.low, last ^ seeds.3 ^ (state.high &<< 1)))
        }

        /// Of several keys together; their order counts.
        @inline(__always)
        func combine(_ left: KeyHash, _ right: KeyHash) -> KeyHash {
            KeyHash(
                high: Self.fold(left.high ^ seeds.0, right.high ^ seeds.1),
                low: Self.fold(left.low ^ seeds.2, right.low ^ seeds.3))
        }

        @inline(__always)
        private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
            let (high, low) = left.multipliedFullWidth(by: right)
            return high ^ low
        }
    }
}

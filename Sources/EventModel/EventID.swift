/// Texts of event ids: UUIDs by RFC 9562.
public enum EventID {
    /// A version 8 UUID from the first 16 bytes of a hash (shorter ones are padded with zeros): the same bytes always
    /// give the same id, so an event that is found twice is known to be one.
    public static func derived(from hash: some Sequence<UInt8>) -> String {
        var bits: (high: UInt64, low: UInt64) = (0, 0)
        for (index, byte) in hash.prefix(16).enumerated() {
            let bit = UInt64(byte) << (56 - 8 * UInt64(index & 7))
            if index < 8 { bits.high |= bit } else { bits.low |= bit }
        }
        return text(bits.high, bits.low, version: 8)
    }

    /// A version 4 UUID from 128 random bits.
    public static func random(_ high: UInt64, _ low: UInt64) -> String { text(high, low, version: 4) }

    /// A version 4 UUID from the system's generator.
    public static func random() -> String {
        random(.random(in: .min ... .max), .random(in: .min ... .max))
    }

    /// Version 4 UUIDs for the events of one request: the system is asked for 128 random bits once, which seed two
    /// SplitMix64 sequences. Ids name events; they are no secrets.
    public struct Generator: Sendable {
        private var high: SplitMix64
        private var low: SplitMix64

        public init() {
            high = SplitMix64(state: .random(in: .min ... .max))
            low = SplitMix64(state: .random(in: .min ... .max))
        }

        /// The next id.
        public mutating func next() -> String { random(high.next(), low.next()) }
    }

    private static func text(_ high: UInt64, _ low: UInt64, version: UInt64) -> String {
        let high = high & ~0xF000 | version << 12
        let low = low & ~(0b11 << 62) | 0b10 << 62
        return String(unsafeUninitializedCapacity: 36) { output in
            var position = 0
            for digit in 0..<32 {
                if digit == 8 || digit == 12 || digit == 16 || digit == 20 {
                    output[position] = UInt8(ascii: "-")
                    position += 1
                }
                let nibble = UInt8(truncatingIfNeeded: (digit < 16 ? high : low) >> (60 - 4 * UInt64(digit & 15))) & 15
                output[position] = nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
                position += 1
            }
            return position
        }
    }
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
private struct SplitMix64: Sendable {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}

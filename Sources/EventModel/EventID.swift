/// Texts of event ids: UUIDs by RFC 9562.
public enum EventID {
    /// A version 8 UUID from the first 16 bytes of a hash (shorter ones are padded with zeros): the same bytes always
    /// give the same id, so an event that is found twice is known to be one.
    public static func derived(from hash: some Sequence<UInt8>) -> String {
        let bytes = Array(hash.prefix(16))
        return bytes.withUnsafeBytes { derived(from: $0) }
    }

    /// The same for bytes that lie together: nothing generic is left where each batch passes.
    package static func derived(from hash: UnsafeRawBufferPointer) -> String {
        var bits: (high: UInt64, low: UInt64) = (0, 0)
        for index in 0..<min(16, hash.count) {
            let bit = UInt64(hash[index]) << (56 - 8 * UInt64(index & 7))
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
            let raw = UnsafeMutableRawPointer(output.baseAddress.unsafelyUnwrapped)
            let (second, third) = (digits(high), digits(low >> 32))
            raw.storeBytes(of: digits(high >> 32), as: UInt64.self)
            raw.storeBytes(of: UInt32(truncatingIfNeeded: second), toByteOffset: 9, as: UInt32.self)
            raw.storeBytes(of: UInt32(truncatingIfNeeded: second >> 32), toByteOffset: 14, as: UInt32.self)
            raw.storeBytes(of: UInt32(truncatingIfNeeded: third), toByteOffset: 19, as: UInt32.self)
            raw.storeBytes(of: UInt32(truncatingIfNeeded: third >> 32), toByteOffset: 24, as: UInt32.self)
            raw.storeBytes(of: digits(low), toByteOffset: 28, as: UInt64.self)
            output[8] = UInt8(ascii: "-")
            output[13] = UInt8(ascii: "-")
            output[18] = UInt8(ascii: "-")
            output[23] = UInt8(ascii: "-")
            return 36
        }
    }

    /// The lower 32 bits in hexadecimal, the first digit in the lowest byte.
    private static func digits(_ value: UInt64) -> UInt64 {
        // Each digit into a byte of its own, the first one uppermost.
        var spread = value & 0xFFFF | (value & 0xFFFF_0000) << 16
        spread = spread & 0x0000_00FF_0000_00FF | (spread & 0x0000_FF00_0000_FF00) << 8
        spread = spread & 0x000F_000F_000F_000F | (spread & 0x00F0_00F0_00F0_00F0) << 4
        let ones: UInt64 = 0x0101_0101_0101_0101
        let letters = (spread &+ ones &* 6) >> 4 & ones
        return (spread &+ ones &* 0x30 &+ letters &* 0x27).byteSwapped
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

/// Texts of event ids: UUIDs by RFC 9562.
public enum EventID {
    /// A version 8 UUID from the first 16 bytes of a hash (shorter ones are padded with zeros): the same bytes always
    /// give the same id, so an event that is found twice is known to be one.
    public static func derived(from hash: some Sequence<UInt8>) -> String {
        var bytes = Array(hash.prefix(16))
        bytes.append(contentsOf: repeatElement(0, count: 16 - bytes.count))
        return text(bytes, version: 8)
    }

    /// A version 4 UUID from 128 random bits.
    public static func random(_ high: UInt64, _ low: UInt64) -> String {
        let bytes = (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> (56 - 8 * ($0 & 7))) }
        return text(bytes, version: 4)
    }

    /// A version 4 UUID from the system's generator.
    public static func random() -> String {
        random(.random(in: .min ... .max), .random(in: .min ... .max))
    }

    private static func text(_ bytes: [UInt8], version: UInt8) -> String {
        var bytes = bytes
        bytes[6] = bytes[6] & 0x0F | version << 4
        bytes[8] = bytes[8] & 0x3F | 0x80
        return String(unsafeUninitializedCapacity: 36) { output in
            var position = 0
            for (index, byte) in bytes.enumerated() {
                if index == 4 || index == 6 || index == 8 || index == 10 {
                    output[position] = UInt8(ascii: "-")
                    position += 1
                }
                for digit in [byte >> 4, byte & 15] {
                    output[position] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                    position += 1
                }
            }
            return position
        }
    }
}

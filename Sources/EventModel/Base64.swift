/// Base64 of RFC 4648, section 4: the standard alphabet, padded, without line breaks; how Kinesis carries data in JSON.
package enum Base64 {
    /// How many bytes a text stands for; nil for a text that is no canonical base64 (a character of another alphabet,
    /// missing padding, bits set behind the last byte).
    package static func decodedCount(of text: some Collection<UInt8>) -> Int? {
        text.withContiguousStorageIfAvailable { count(of: $0) } ?? Array(text).withUnsafeBufferPointer { count(of: $0) }
    }

    package static func encode(_ bytes: some Collection<UInt8>) -> [UInt8] {
        bytes.withContiguousStorageIfAvailable { text(of: $0) } ?? Array(bytes).withUnsafeBufferPointer { text(of: $0) }
    }

    /// Nil for what `decodedCount` refuses.
    package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        text.withContiguousStorageIfAvailable { bytes(of: $0) } ?? Array(text).withUnsafeBufferPointer { bytes(of: $0) }
    }

    // MARK: Over bytes that lie together

    private static func count(of text: UnsafeBufferPointer<UInt8>) -> Int? {
        guard text.count % 4 == 0 else { return nil }
        guard !text.isEmpty else { return 0 }
        let padding = self.padding(of: text)
        let digits = text.count - padding
        let isKnown = values.withUnsafeBufferPointer { values in
            // The worst value of all decides: one branch for the text instead of one a character.
            var all: UInt8 = 0
            for index in 0..<digits { all |= values[Int(text[index])] }
            guard all < 64 else { return false }
            // What the last digit says beyond the last byte must be nothing.
            let last = values[Int(text[digits - 1])]
            return padding == 0 || last & (padding == 1 ? 0b11 : 0b1111) == 0
        }
        return isKnown ? text.count / 4 * 3 - padding : nil
    }

    private static func padding(of text: UnsafeBufferPointer<UInt8>) -> Int {
        guard text[text.count - 1] == UInt8(ascii: "=") else { return 0 }
        return text[text.count - 2] == UInt8(ascii: "=") ? 2 : 1
    }

    private static func text(of bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        let count = (bytes.count + 2) / 3 * 4
        return Array(unsafeUninitializedCapacity: count) { output, initialized in
            digits.withUnsafeBufferPointer { digits in
                var (from, to) = (0, 0)
                while from + 3 <= bytes.count {
                    let group =
                        UInt32(bytes[from]) << 16 | UInt32(bytes[from + 1]) << 8 | UInt32(bytes[from + 2])
                    output[to] = digits[Int(group >> 18)]
                    output[to + 1] = digits[Int(group >> 12 & 63)]
                    output[to + 2] = digits[Int(group >> 6 & 63)]
                    output[to + 3] = digits[Int(group & 63)]
                    from += 3
                    to += 4
                }
                let left = bytes.count - from
                guard left > 0 else { return }
                let group = UInt32(bytes[from]) << 16 | (left == 2 ? UInt32(bytes[from + 1]) << 8 : 0)
                output[to] = digits[Int(group >> 18)]
                output[to + 1] = digits[Int(group >> 12 & 63)]
                output[to + 2] = left == 2 ? digits[Int(group >> 6 & 63)] : UInt8(ascii: "=")
                output[to + 3] = UInt8(ascii: "=")
            }
            initialized = count
        }
    }

    private static func bytes(of text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        guard let count = count(of: text) else { return nil }
        return Array(unsafeUninitializedCapacity: count) { output, initialized in
            values.withUnsafeBufferPointer { values in
                var (from, to) = (0, 0)
                while from < text.count {
                    // Padding counts as zeros, which are not written.
                    var group: UInt32 = 0
                    for offset in 0..<4 { group = group << 6 | UInt32(values[Int(text[from + offset])] & 63) }
                    output[to] = UInt8(truncatingIfNeeded: group >> 16)
                    if to + 1 < count { output[to + 1] = UInt8(truncatingIfNeeded: group >> 8) }
                    if to + 2 < count { output[to + 2] = UInt8(truncatingIfNeeded: group) }
                    from += 4
                    to += 3
                }
            }
            initialized = count
        }
    }

    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The value of each character; 64 and more for those that have none. `=` is 64: its lower bits are zeros.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 128, count: 256)
        for (value, digit) in digits.enumerated() { values[Int(digit)] = UInt8(value) }
        values[Int(UInt8(ascii: "="))] = 64
        return values
    }()
}

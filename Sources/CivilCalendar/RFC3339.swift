/// The moment that an RFC 3339 text names, in any year from 0000 to 9999.
package struct RFC3339: Sendable {
    /// Since 1970-01-01T00:00:00Z; leap seconds are not counted.
    package let secondsSinceEpoch: Int64
    /// Of the second; further digits are cut off.
    package let nanosecond: Int

    /// Reads `2021-11-12T00:00:00Z`, with a fraction of any length and any offset; nil for anything else, dates that do
    /// not exist among it. A leap second (`:60`) is read as the second before it.
    package init?(_ text: UnsafeBufferPointer<UInt8>) {
        var digits = DigitReader(text)
        guard let year = digits.number(4), digits.take("-"), let month = digits.number(2), digits.take("-"),
            let day = digits.number(2), (1...12).contains(month), day >= 1,
            day <= daysInMonth(year: year, month: month), digits.take("T") || digits.take("t") || digits.take(" "),
            let hour = digits.number(2), hour < 24, digits.take(":"), let minute = digits.number(2), minute < 60,
            digits.take(":"), let second = digits.number(2), second <= 60
        else { return nil }
        var nanosecond = 0
        if digits.take(".") {
            guard let fraction = digits.fraction() else { return nil }
            nanosecond = fraction
        }
        var offset = 0
        if !(digits.take("Z") || digits.take("z")) {
            let negative = digits.take("-")
            guard negative || digits.take("+"), let hours = digits.number(2), hours < 24, digits.take(":"),
                let minutes = digits.number(2), minutes < 60
            else { return nil }
            offset = (hours * 3600 + minutes * 60) * (negative ? -1 : 1)
        }
        guard digits.isAtEnd else { return nil }
        let days = daysSinceEpoch(year: year, month: month, day: day)
        secondsSinceEpoch = Int64(days * 86400 + hour * 3600 + minute * 60 + min(second, 59) - offset)
        self.nanosecond = nanosecond
    }

    /// The same of a string.
    package init?(_ text: some StringProtocol) {
        guard let read = Array(text.utf8).withUnsafeBufferPointer({ Self($0) }) else { return nil }
        self = read
    }
}

/// Reads fixed runs of digits.
private struct DigitReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    mutating func number(_ width: Int) -> Int? {
        guard position + width <= bytes.count else { return nil }
        var value = 0
        for index in position..<position + width {
            let byte = bytes[index]
            guard byte &- UInt8(ascii: "0") < 10 else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        position += width
        return value
    }

    /// Digits after a point, in nanoseconds.
    mutating func fraction() -> Int? {
        var value = 0
        var count = 0
        while position < bytes.count, bytes[position] &- UInt8(ascii: "0") < 10 {
            if count < 9 { value = value * 10 + Int(bytes[position] - UInt8(ascii: "0")) }
            count += 1
            position += 1
        }
        guard count > 0 else { return nil }
        for _ in min(count, 9)..<9 { value *= 10 }
        return value
    }
}

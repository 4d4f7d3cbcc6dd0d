import Glibc

/// A `ValueTest.Check` with what it needs at hand.
final class CompiledCheck {
    let kind: ValueTest.Check
    private let matcher: PatternMatcher?
    private let texts: ValueDictionary?
    private let parts: [CompiledCheck]
    private let months = MonthCache()
    /// Whether it is a range of numbers, and the doubles nearest to its bounds.
    private let isNumberRange: Bool
    private let low: Double
    private let high: Double

    init(_ kind: ValueTest.Check) {
        self.kind = kind
        let range: QualityRange? = if case .range(let range) = kind, !range.isTime { range } else { nil }
        isNumberRange = range != nil
        low = range?.lower?.value.nearest ?? -.infinity
        high = range?.upper?.value.nearest ?? .infinity
        if case .pattern(let pattern) = kind { matcher = PatternMatcher(pattern) } else { matcher = nil }
        switch kind {
        case .pattern: parts = []
        case .texts(let values):
            var known = ValueDictionary(keepsAllTexts: true)
            for value in values.sorted {
                _ = PaddedText.with(value) { known.insert($0, $1, flags: 0, value: 0) }
            }
            texts = known
            parts = []
            return
        case .either(let checks): parts = checks.map(CompiledCheck.init)
        default: parts = []
        }
        texts = nil
    }

    deinit { texts?.free() }

    /// Sets a byte a text, 1 where the check holds of it, of texts that lie one after the other.
    /// - Parameter isNegated: 1 where it does not hold, and nothing where the two cannot be compared.
    func evaluate(
        _ texts: UnsafePointer<UInt8>, _ lengths: UnsafePointer<UInt32>, _ count: Int, isNegated: Bool,
        into verdicts: UnsafeMutablePointer<UInt8>
    ) {
        if let matcher {
            matcher.match(texts, lengths, count, into: verdicts)
            if isNegated { for index in 0..<count { verdicts[index] ^= 1 } }
            return
        }
        if case .length(let range) = kind, evaluate(range, texts, lengths, count, isNegated, into: verdicts) { return }
        var text = texts
        for index in 0..<count {
            let length = Int(lengths[index])
            verdicts[index] = holds(text, length).map { $0 != isNegated ? 1 : 0 } ?? 0
            text += length
        }
    }

    /// The same for lengths, where each byte is a character.
    /// - Returns: false where nothing was done.
    private func evaluate(
        _ range: QualityRange, _ texts: UnsafePointer<UInt8>, _ lengths: UnsafePointer<UInt32>, _ count: Int,
        _ isNegated: Bool, into verdicts: UnsafeMutablePointer<UInt8>
    ) -> Bool {
        var (size, least, greatest) = (0, UInt32.max, UInt32(0))
        for index in 0..<count {
            size &+= Int(lengths[index])
            least = min(least, lengths[index])
            greatest = max(greatest, lengths[index])
        }
        guard count > 0, Characters.areASCII(UnsafeBufferPointer(start: texts, count: size)) else { return false }
        // Between two lengths within the bounds there is none without.
        if range.contains(.integer(Int64(least))), range.contains(.integer(Int64(greatest))) {
            memset(verdicts, isNegated ? 0 : 1, count)
            return true
        }
        for index in 0..<count {
            verdicts[index] = range.contains(.integer(Int64(lengths[index]))) != isNegated ? 1 : 0
        }
        return true
    }

    /// Whether the check holds of a text; nil where the two cannot be compared.
    func holds(_ text: UnsafePointer<UInt8>, _ length: Int) -> Bool? {
        if isNumberRange { return length > 0 ? isBetween(text, length) : nil }
        switch kind {
        case .nothing: return false
        case .range(let range): return FieldType.value(text, length, isTime: range.isTime).map(range.contains)
        case .numbers(let numbers):
            guard let value = FieldType.value(text, length, isTime: false) else { return nil }
            if length > Self.exactLength, case .number(let number) = value, numbers.isNear(number),
                let exact = QualityRange.Value(exactly: text, length)
            {
                return numbers.contains(exact)
            }
            return numbers.contains(value)
        case .texts: return texts?.find(text, length, flags: 0) != nil
        case .blank: return length > 0 && UnsafeBufferPointer(start: text, count: length).allSatisfy(Blank.isBlank)
        case .days(let range): return FieldType.day(text, length).map { range.contains(.integer($0)) }
        case .daySet(let days): return FieldType.day(text, length).map(days.contains)
        case .pattern: return matcher?.matches(UnsafeBufferPointer(start: text, count: length))
        case .length(let range):
            // A character takes one to four bytes: mostly the number of bytes says enough.
            if range.contains(.integer(Int64(length))), range.contains(.integer(Int64((length + 3) / 4))) {
                return true
            }
            let bytes = UnsafeBufferPointer(start: text, count: length)
            return range.contains(.integer(Int64(Characters.count(bytes))))
        case .type(.timestamp) where isPlainTimestamp(text, length): return true
        case .type(let type): return length > 0 && FieldType.holds(text, length, type: type)
        case .cast(.timestamp) where isPlainTimestamp(text, length): return true
        case .cast(.date) where isPlainTimestamp(text, length): return true
        case .cast(let type): return type.fits(text, length)
        case .either:
            var result: Bool?
            for part in parts {
                guard let holds = part.holds(text, length) else { continue }
                if holds { return true }
                result = false
            }
            return result
        }
    }

    /// Bytes of a number of which a double loses no digit: fifteen digits, and a point.
    private static let exactLength = 16

    /// Whether a text is a number between the bounds; nil where it is no number.
    @inline(__always)
    private func isBetween(_ text: UnsafePointer<UInt8>, _ length: Int) -> Bool? {
        let number: Double
        if let whole = IntegerText.parse(text, length) {
            number = Double(whole)
        } else if let value = DoubleText.parse(text, length) {
            number = value
        } else {
            return isExactlyBetween(text, length)
        }
        // Rounding keeps the order: where the doubles differ, they decide.
        if number > low, number < high { return true }
        if number < low || number > high { return false }
        return isExactlyBetween(text, length)
    }

    /// The same, to the last digit.
    @inline(never)
    private func isExactlyBetween(_ text: UnsafePointer<UInt8>, _ length: Int) -> Bool? {
        guard case .range(let range) = kind, let value = FieldType.value(text, length, isTime: false) else {
            return nil
        }
        if length > Self.exactLength, case .number = value, let exact = QualityRange.Value(exactly: text, length) {
            return range.contains(exact)
        }
        return range.contains(value)
    }

    /// Whether a text is a timestamp of the most common form, `2024-05-31 23:59:59`. Nineteen bytes must be readable.
    private func isPlainTimestamp(_ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        guard length == 19, text[10] == 0x20 || text[10] == 0x54, text[13] == 0x3A, text[16] == 0x3A,
            let hour = TemporalText.twoDigits(text + 11), let minute = TemporalText.twoDigits(text + 14),
            let second = TemporalText.twoDigits(text + 17)
        else { return false }
        return hour < 24 && minute < 60 && second < 60 && months.days(text) != nil
    }

    private func isDay(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        text.baseAddress.map { FieldType.day($0, text.count) != nil } ?? false
    }

    /// What is wrong with a text, to follow it in a sentence.
    func complaint(_ text: UnsafeBufferPointer<UInt8>, isNegated: Bool) -> String {
        switch kind {
        case .nothing: return "is a value, and null is expected"
        case .range(let range):
            let isOther = text.baseAddress.map { FieldType.value($0, text.count, isTime: range.isTime) == nil } ?? true
            if isOther { return "is no \(range.isTime ? "date or timestamp" : "number")" }
            return isNegated ? "is \(range)" : "is not \(range)"
        case .numbers where text.baseAddress.map { FieldType.value($0, text.count, isTime: false) == nil } ?? true:
            return "is no number"
        case .daySet where !isDay(text), .days where !isDay(text): return "is no date"
        case .numbers, .texts, .daySet:
            return isNegated ? "is among the forbidden values" : "is not among the allowed values"
        case .blank: return isNegated ? "is blank" : "is not blank"
        case .days: return isNegated ? "is a day within the bounds" : "is no day within the bounds"
        case .pattern(let pattern): return "\(isNegated ? "matches" : "does not match") \(pattern.text)"
        case .length(let range):
            return "has \(Characters.count(text)) characters, not \(isNegated ? "outside of " : "")\(range)"
        case .type(let type): return "is not of type \(type)"
        case .cast(let type): return "is not of type \(type.rawValue)"
        case .either:
            guard parts.count > 0 else { return "is not allowed" }
            return isNegated ? "is among the forbidden values" : "is not among the allowed values"
        }
    }
}

/// Counts characters of UTF-8.
enum Characters {
    /// Unicode scalars: every byte but those that continue one.
    static func count(_ text: UnsafeBufferPointer<UInt8>) -> Int {
        text.reduce(0) { $1 & 0xC0 == 0x80 ? $0 : $0 + 1 }
    }

    /// Whether each byte is a character.
    static func areASCII(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let start = text.baseAddress else { return true }
        var (a, b, c, d) = (UInt64(0), UInt64(0), UInt64(0), UInt64(0))
        var position = 0
        while position &+ 32 <= text.count {
            a |= loadWord(start + position)
            b |= loadWord(start + position + 8)
            c |= loadWord(start + position + 16)
            d |= loadWord(start + position + 24)
            position &+= 32
        }
        while position < text.count {
            a |= UInt64(start[position])
            position &+= 1
        }
        return (a | b | c | d) & 0x8080_8080_8080_8080 == 0
    }
}

/// Blanks as `TRIM` has them.
enum Blank {
    static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
}

extension CastType {
    /// Whether Apache Spark would make a value of the text. Sixteen bytes from `text` must be readable.
    func fits(_ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        var (text, length) = (text, length)
        while length > 0, Blank.isBlank(text[0]) { (text, length) = (text + 1, length - 1) }
        while length > 0, Blank.isBlank(text[length - 1]) { length -= 1 }
        guard length > 0 else { return false }
        switch self {
        case .boolean:
            let word = String(decoding: UnsafeBufferPointer(start: text, count: min(length, 6)), as: UTF8.self)
            return ["true", "t", "yes", "y", "1", "false", "f", "no", "n", "0"].contains(word.lowercased())
        case .integer: return Self.whole(text, length).map { Int32(exactly: $0) != nil } ?? false
        case .long: return Self.whole(text, length) != nil
        case .float, .double: return Self.isNumber(text, length)
        case .date: return FieldType.day(text, length) != nil
        case .timestamp: return TemporalText.timestamp(text, length) != nil
        }
    }

    /// A whole number of 64 bits, with sign and leading zeros.
    private static func whole(_ text: UnsafePointer<UInt8>, _ length: Int) -> Int64? {
        Int64(String(decoding: UnsafeBufferPointer(start: text, count: min(length, 64)), as: UTF8.self))
    }

    private static func isNumber(_ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        if DoubleText.parse(text, length) != nil { return true }
        guard length <= 64 else { return false }
        let word = String(decoding: UnsafeBufferPointer(start: text, count: length), as: UTF8.self)
        // Swift reads hexadecimal digits too, Spark does not.
        return !word.contains { $0 == "x" || $0 == "X" || $0 == "p" || $0 == "P" } && Double(word) != nil
    }
}

/// What a field is, by the parsers that also convert it.
enum FieldType {
    static func holds(_ text: UnsafePointer<UInt8>, _ count: Int, type: ColumnType) -> Bool {
        switch type {
        case .string: true
        case .boolean: BooleanText.parse(text, count) != nil
        case .bigint: IntegerText.parse(text, count) != nil
        case .double: DoubleText.parse(text, count) != nil
        case .decimal(let precision, let scale):
            DecimalText.parse(text, count, precision: precision, scale: scale) != nil
        case .date: TemporalText.date(text, count) != nil
        case .time: TemporalText.timeOfDay(text, count, allowsShort: true) != nil
        case .timestamp: TemporalText.timestamp(text, count).map { !$0.hasZone } ?? false
        case .timestampUTC: TemporalText.timestamp(text, count).map { $0.hasZone } ?? false
        // The text of a nested value in a JSON record.
        case .list: count > 0 && text[0] == UInt8(ascii: "[")
        case .structure: count > 0 && text[0] == UInt8(ascii: "{")
        }
    }

    static func value(_ text: UnsafePointer<UInt8>, _ count: Int, isTime: Bool) -> QualityRange.Value? {
        guard count > 0 else { return nil }
        if isTime { return TemporalText.timestamp(text, count).map { .time($0.microseconds) } }
        if let value = IntegerText.parse(text, count) { return .integer(value) }
        if let value = DoubleText.parse(text, count) { return .number(value) }
        // A whole number beyond 64 bits: the nearest double says enough, unless it is that of a bound (see `exact`).
        guard let shape = DecimalText.shape(text, count), !shape.hasPoint else { return nil }
        return Double(String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self))
            .flatMap { $0.isFinite ? .number($0) : nil }
    }

    /// The nearest double of a number.
    static func number(_ text: UnsafePointer<UInt8>, _ count: Int) -> Double? {
        switch value(text, count, isTime: false) {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .decimal(let value): value.nearest
        case .time, nil: nil
        }
    }

    /// The day of a date or timestamp, since 1970-01-01.
    static func day(_ text: UnsafePointer<UInt8>, _ count: Int) -> Int64? {
        guard count >= 10, TemporalText.timestamp(text, count) != nil else { return nil }
        return TemporalText.days(text)
    }
}

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

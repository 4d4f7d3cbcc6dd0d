/// What is known of some values of a column that lie parsed, nulls left out: enough to tell of most tests whether all
/// of them pass, without asking each.
struct ValueSummary {
    enum Values {
        /// Least and greatest of whole numbers, days or microseconds, as the column's type has them.
        case integers(least: Int64, greatest: Int64)
        /// None of them is a NaN.
        case doubles(least: Double, greatest: Double)
        /// Bytes of the shortest and of the longest text, and all of them.
        case texts(shortest: Int, longest: Int, UnsafeBufferPointer<UInt8>)
        /// How the values are written, bit i for `BooleanText.words[i]`.
        case booleans(words: UInt8)
        /// Nothing is known but the type.
        case other
    }

    var type: ColumnType
    var values: Values
    /// Whether a text in quotes among them may mean null for a test.
    var mayBeEmpty: Bool
    /// Whether a double among them may be near to its text only.
    var mayBeRounded = false
}

extension CompiledCheck {
    /// Whether it holds of all values, or of none; nil where that is not known.
    func holds(of values: ValueSummary) -> Bool? {
        switch kind {
        case .nothing: return false
        case .type(let type): return type == values.type || type == .string ? true : nil
        case .cast(let type): return type.takes(values)
        case .range(let range): return range.contains(values)
        case .days(let range): return values.days.flatMap { range.containsAll($0, $1) { .integer($0) } }
        case .length(let range):
            guard case .texts(let shortest, let longest, let bytes) = values.values else { return nil }
            // A character takes one to four bytes, of ASCII one.
            if let holds = range.containsAll(Int64((shortest + 3) / 4), Int64(longest), { .integer($0) }) {
                return holds
            }
            guard let holds = range.containsAll(Int64(shortest), Int64(longest), { .integer($0) }) else { return nil }
            return Characters.areASCII(bytes) ? holds : nil
        case .numbers, .texts, .daySet, .blank, .pattern, .either: return nil
        }
    }
}

extension QualityRange {
    fileprivate func containsAll<Number>(_ least: Number, _ greatest: Number, _ value: (Number) -> Value) -> Bool? {
        // Between two values within the bounds there is none without.
        contains(value(least)) && contains(value(greatest)) ? true : nil
    }

    fileprivate func contains(_ summary: ValueSummary) -> Bool? {
        switch (summary.type, summary.values) {
        case (.bigint, .integers(let least, let greatest)) where !isTime:
            return containsAll(least, greatest) { .integer($0) }
        case (.timestamp, .integers(let least, let greatest)) where isTime,
            (.timestampUTC, .integers(let least, let greatest)) where isTime:
            return containsAll(least, greatest) { .time($0) }
        case (.date, .integers(let least, let greatest)) where isTime:
            return containsAll(least, greatest) { .time($0 * TemporalText.microsecondsPerDay) }
        case (.double, .doubles(let least, let greatest)) where !isTime:
            // Beyond, a text without a point is compared as a whole number, which a double is not.
            let exact = 9_007_199_254_740_992.0
            guard least > -exact, greatest < exact else { return nil }
            // Only zero is never near to a text of other digits.
            if summary.mayBeRounded, [least, greatest].contains(where: { $0 != 0 && isNear($0) }) { return nil }
            return containsAll(least, greatest) { .number($0) }
        default: return nil
        }
    }
}

extension ValueSummary {
    /// The days of dates and local times.
    fileprivate var days: (Int64, Int64)? {
        guard case .integers(let least, let greatest) = values else { return nil }
        switch type {
        case .date: return (least, greatest)
        case .timestamp:
            func day(_ time: Int64) -> Int64 {
                let (quotient, rest) = time.quotientAndRemainder(dividingBy: TemporalText.microsecondsPerDay)
                return rest < 0 ? quotient - 1 : quotient
            }
            return (day(least), day(greatest))
        default: return nil
        }
    }
}

extension CastType {
    /// Whether Spark makes a value of each; nil where that is not known.
    fileprivate func takes(_ summary: ValueSummary) -> Bool? {
        switch (self, summary.type, summary.values) {
        case (.timestamp, .timestamp, _), (.timestamp, .timestampUTC, _), (.date, .date, _), (.date, .timestamp, _),
            (.date, .timestampUTC, _), (.long, .bigint, _), (.double, .double, _), (.float, .double, _),
            (.double, .bigint, _), (.float, .bigint, _), (.boolean, .boolean, _):
            return true
        case (.integer, .bigint, .integers(let least, let greatest)):
            return Int32(exactly: least) != nil && Int32(exactly: greatest) != nil ? true : nil
        default: return nil
        }
    }
}

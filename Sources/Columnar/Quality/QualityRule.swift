/// One demand on the data. Rules are values; the mapping form (`QualityRules`) is one way to write them, and another
/// front end, such as DQDL, makes the same values.
public struct QualityRule: Sendable {
    /// What is demanded.
    public enum Check: Sendable {
        /// The column is in the file. Judged once, before the records.
        case exists
        /// Every record has a value.
        case complete
        /// Values can be read as this type, by the same parsers that convert them.
        case type(ColumnType)
        /// Values lie between bounds.
        case range(QualityRange)
        /// Values have so many characters (Unicode scalars).
        case length(minimum: Int?, maximum: Int?)
        /// Values match as a whole.
        case pattern(QualityPattern)
        /// Values are among these, to the letter.
        case allowed(TextSet)
        /// At least this share (0...1) of the records has a value. Judged at the end.
        case completeness(Double)
        /// The file has so many records, good and bad. Judged at the end.
        case rowCount(minimum: Int64?, maximum: Int64?)
        /// A demand on every record, over any columns.
        case record(RecordRule)
        /// A demand on the file as a whole. Judged at the end.
        case file(FileTest)
    }

    /// Normalised name; nil for rules on the whole file and for those on several columns.
    public var column: String?
    public var check: Check
    /// As it was written, for reports; nil: described by its parts.
    public var text: String?

    public init(column: String?, _ check: Check, text: String? = nil) {
        self.column = column
        self.check = check
        self.text = text
    }
}

extension QualityRule: CustomStringConvertible {
    /// For reports: `amount: range 0...100`.
    public var description: String {
        if let written = self.text { return written }
        let text: String
        switch check {
        case .exists: text = "exists"
        case .complete: text = "required"
        case .type(let type): text = "type \(type)"
        case .range(let range): text = "range \(range)"
        case .length(let minimum, let maximum):
            text = "length \(minimum.map(String.init) ?? "0")...\(maximum.map(String.init) ?? "")"
        case .pattern(let pattern): text = "pattern \(pattern.text)"
        case .allowed(let values):
            let shown = values.sorted.prefix(8).joined(separator: ", ")
            text = "allowed [\(shown)\(values.count > 8 ? ", …" : "")]"
        case .completeness(let share): text = "completeness ≥ \(share)"
        case .rowCount(let minimum, let maximum):
            text = "row count \(minimum.map(String.init) ?? "0")...\(maximum.map(String.init) ?? "")"
        case .record(let rule): text = "record test on \(rule.test.columns.joined(separator: ", "))"
        case .file(let test): text = "file test on \(test.columns.joined(separator: ", "))"
        }
        return column.map { "\($0): \(text)" } ?? text
    }
}

/// Bounds of values: of numbers, or of dates and timestamps.
public struct QualityRange: Sendable, Hashable {
    /// One end.
    public struct Bound: Sendable, Hashable {
        public var value: Value
        /// Whether the bound itself is within.
        public var isInclusive: Bool

        public init(_ value: Value, isInclusive: Bool = true) {
            self.value = value
            self.isInclusive = isInclusive
        }
    }

    /// What values are compared with, and hence what they must be.
    public enum Value: Sendable, Hashable {
        case integer(Int64)
        case number(Double)
        /// A number of which a double would lose digits.
        case decimal(ExactNumber)
        /// Microseconds since 1970-01-01 00:00; dates count as their midnight.
        case time(Int64)
    }

    public var lower: Bound?
    public var upper: Bound?

    /// Fails with `InvalidRule` where one end is a number and the other a time, or the ends are in the wrong order.
    public init(lower: Bound?, upper: Bound?) throws(ColumnarError) {
        self.lower = lower
        self.upper = upper
        if let lower, let upper {
            guard let order = QualityRange.compare(lower.value, upper.value) else {
                throw ColumnarError(.invalidRule, "A range has a number at one end and a time at the other.")
            }
            if order > 0 { throw ColumnarError(.invalidRule, "The range \(self) holds no value.") }
        }
    }

    /// Below, at or above; nil where the two cannot be compared.
    static func compare(_ left: Value, _ right: Value) -> Int? {
        func order<Number: Comparable>(_ left: Number, _ right: Number) -> Int {
            left < right ? -1 : left > right ? 1 : left == right ? 0 : 2
        }
        switch (left, right) {
        case (.integer(let left), .integer(let right)): return order(left, right)
        case (.integer(let left), .number(let right)): return exactOrder(left, right)
        case (.number(let left), .integer(let right)):
            let reversed = exactOrder(right, left)
            return reversed == 2 ? 2 : -reversed
        case (.number(let left), .number(let right)): return order(left, right)
        case (.decimal(let left), .decimal(let right)): return ExactNumber.compare(left, right)
        case (.decimal(let left), .integer(let right)): return ExactNumber.compare(left, ExactNumber(right))
        case (.integer(let left), .decimal(let right)): return ExactNumber.compare(ExactNumber(left), right)
        case (.decimal(let left), .number(let right)): return Value.compare(left, right)
        case (.number(let left), .decimal(let right)):
            let reversed = Value.compare(right, left)
            return reversed == 2 ? 2 : -reversed
        case (.time(let left), .time(let right)): return order(left, right)
        default: return nil
        }
    }

    /// Of a whole number and any other, exactly: as a double, a large whole number would be rounded. 2 for a NaN.
    private static func exactOrder(_ left: Int64, _ right: Double) -> Int {
        if right.isNaN { return 2 }
        if right >= 0x1p63 { return -1 }
        if right < -0x1p63 { return 1 }
        let whole = right.rounded(.down)
        guard left == Int64(whole) else { return left < Int64(whole) ? -1 : 1 }
        return whole < right ? -1 : 0
    }

    /// Whether a value lies between the bounds. What cannot be compared (a text, a NaN) does not.
    func contains(_ value: Value) -> Bool {
        if let lower {
            guard let order = Self.compare(value, lower.value), order == 1 || (order == 0 && lower.isInclusive) else {
                return false
            }
        }
        if let upper {
            guard let order = Self.compare(value, upper.value), order == -1 || (order == 0 && upper.isInclusive) else {
                return false
            }
        }
        return true
    }

    /// Whether a bound is so near to a number that the number's text has to be asked: a double may stand for both.
    func isNear(_ number: Double) -> Bool {
        lower?.value.nearest == number || upper?.value.nearest == number
    }

    /// Whether values are times.
    var isTime: Bool {
        if case .time? = (lower ?? upper)?.value { return true }
        return false
    }
}

extension QualityRange: CustomStringConvertible {
    public var description: String {
        func text(_ value: Value) -> String {
            switch value {
            case .integer(let value): "\(value)"
            case .number(let value): "\(value)"
            case .decimal(let value): "\(value)"
            case .time(let value):
                "\(ParquetValue.timestamp(ParquetTimestamp(count: value, unit: .microseconds, isUTC: false)))"
            }
        }
        var parts: [String] = []
        if let lower { parts.append("\(lower.isInclusive ? "≥" : ">") \(text(lower.value))") }
        if let upper { parts.append("\(upper.isInclusive ? "≤" : "<") \(text(upper.value))") }
        return parts.joined(separator: " and ")
    }
}

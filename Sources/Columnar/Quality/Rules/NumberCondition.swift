/// What a number must be: the right side of a rule on the whole file.
public enum NumberCondition: Sendable, Hashable {
    case equal(Double)
    case notEqual(Double)
    case greater(Double)
    case greaterOrEqual(Double)
    case less(Double)
    case lessOrEqual(Double)
    /// Bounds excluded, as DQDL has it.
    case between(Double, Double)
    /// At or below the first, or at or above the second.
    case notBetween(Double, Double)
    case among([Double])
    case notAmong([Double])

    /// Whether a number is so; a NaN never is.
    public func holds(_ value: Double) -> Bool {
        guard !value.isNaN else { return false }
        return switch self {
        case .equal(let bound): value == bound
        case .notEqual(let bound): value != bound
        case .greater(let bound): value > bound
        case .greaterOrEqual(let bound): value >= bound
        case .less(let bound): value < bound
        case .lessOrEqual(let bound): value <= bound
        case .between(let low, let high): value > low && value < high
        case .notBetween(let low, let high): value <= low || value >= high
        case .among(let values): values.contains(value)
        case .notAmong(let values): !values.contains(value)
        }
    }
}

extension NumberCondition: CustomStringConvertible {
    public var description: String {
        func list(_ values: [Double]) -> String { "[" + values.map(Self.text).joined(separator: ", ") + "]" }
        return switch self {
        case .equal(let bound): "= \(Self.text(bound))"
        case .notEqual(let bound): "!= \(Self.text(bound))"
        case .greater(let bound): "> \(Self.text(bound))"
        case .greaterOrEqual(let bound): ">= \(Self.text(bound))"
        case .less(let bound): "< \(Self.text(bound))"
        case .lessOrEqual(let bound): "<= \(Self.text(bound))"
        case .between(let low, let high): "between \(Self.text(low)) and \(Self.text(high))"
        case .notBetween(let low, let high): "not between \(Self.text(low)) and \(Self.text(high))"
        case .among(let values): "in \(list(values))"
        case .notAmong(let values): "not in \(list(values))"
        }
    }

    /// Whole numbers without their `.0`.
    static func text(_ value: Double) -> String {
        Int64(exactly: value).map(String.init) ?? "\(value)"
    }
}

/// Numbers to compare values with, each exactly: whole numbers of 64 bits stay whole numbers, which a double would round.
public struct NumberSet: Sendable, Hashable {
    private var integers: Set<Int64> = []
    private var others: Set<Double> = []

    /// Times among the values are left out.
    public init(_ values: [QualityRange.Value]) {
        for value in values {
            switch value {
            case .integer(let value): integers.insert(value)
            case .number(let value):
                if let whole = Int64(exactly: value) { integers.insert(whole) } else { others.insert(value) }
            case .time: break
            }
        }
    }

    /// Whether a number is among them; a NaN and a time never are.
    public func contains(_ value: QualityRange.Value) -> Bool {
        switch value {
        case .integer(let value): integers.contains(value)
        case .number(let value):
            if let whole = Int64(exactly: value) { integers.contains(whole) } else { others.contains(value) }
        case .time: false
        }
    }
}

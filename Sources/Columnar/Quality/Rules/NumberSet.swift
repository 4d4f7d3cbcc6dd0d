/// Numbers to compare values with, each exactly: whole numbers of 64 bits stay whole numbers, which a double would
/// round, and numbers of which a double would lose digits stay decimals.
public struct NumberSet: Sendable, Hashable {
    private var integers: Set<Int64> = []
    private var others: Set<Double> = []
    /// Those that are no doubles, by the nearest one; whole numbers of 64 bits are in `integers` too.
    private var inexact: [Double: [ExactNumber]] = [:]

    /// Times among the values are left out.
    public init(_ values: [QualityRange.Value]) {
        for value in values {
            switch value {
            case .integer(let value):
                integers.insert(value)
                if Int64(exactly: Double(value)) != value { add(ExactNumber(value)) }
            case .number(let value):
                if let whole = Int64(exactly: value) { integers.insert(whole) } else { others.insert(value) }
            case .decimal(let value): add(value)
            case .time: break
            }
        }
    }

    private mutating func add(_ number: ExactNumber) {
        guard inexact[number.nearest]?.contains(number) != true else { return }
        inexact[number.nearest, default: []].append(number)
    }

    /// Whether one of them is so near to a number that the number's text has to be asked: a double may stand for both.
    func isNear(_ number: Double) -> Bool {
        if inexact[number] != nil { return true }
        return Int64(exactly: number).map(integers.contains) ?? others.contains(number)
    }

    /// Whether a number is among them; a NaN and a time never are.
    public func contains(_ value: QualityRange.Value) -> Bool {
        switch value {
        case .integer(let value): integers.contains(value)
        case .number(let value):
            if let whole = Int64(exactly: value) { integers.contains(whole) } else { others.contains(value) }
        case .decimal(let value): inexact[value.nearest]?.contains(value) ?? false
        case .time: false
        }
    }
}

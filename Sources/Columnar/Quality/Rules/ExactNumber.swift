/// A decimal number of up to 38 digits, for numbers that neither 64 bits nor a double hold.
public struct ExactNumber: Sendable, Hashable {
    /// The number times 10^`scale`; no zero at its end where there is a scale.
    private let unscaled: Int128
    private let scale: Int
    /// The nearest double.
    let nearest: Double

    private static let mostDigits = 38

    private static let powers: [Int128] = {
        var powers: [Int128] = [1]
        while powers.count <= mostDigits { powers.append(powers[powers.count - 1] * 10) }
        return powers
    }()

    /// The number of a text without exponent; nil for any other text, and for one of more digits. Sixteen bytes from
    /// `text` must be readable.
    init?(_ text: UnsafePointer<UInt8>, _ length: Int) {
        guard let shape = DecimalText.shape(text, length), shape.whole + shape.fraction <= Self.mostDigits,
            var number = DecimalText.parse(text, length, precision: Self.mostDigits, scale: shape.fraction),
            let nearest = Double(String(decoding: UnsafeBufferPointer(start: text, count: length), as: UTF8.self))
        else { return nil }
        var scale = shape.fraction
        while scale > 0, number % 10 == 0 { (number, scale) = (number / 10, scale - 1) }
        (unscaled, self.scale, self.nearest) = (number, scale, nearest)
    }

    init(_ whole: Int64) {
        (unscaled, scale, nearest) = (Int128(whole), 0, Double(whole))
    }

    /// The number that programs print for a double; nil where that has an exponent or too many digits.
    init?(printed value: Double) {
        guard let number = PaddedText.with("\(value)", { ExactNumber($0, $1) }) else { return nil }
        self = number
    }

    /// The number as a whole number of 64 bits, where it is one.
    var whole: Int64? { scale == 0 ? Int64(exactly: unscaled) : nil }

    /// Below (-1), at or above (1).
    static func compare(_ left: ExactNumber, _ right: ExactNumber) -> Int {
        func parts(_ number: ExactNumber) -> (whole: Int128, rest: Int128) {
            let (whole, rest) = number.unscaled.quotientAndRemainder(dividingBy: powers[number.scale])
            return (whole, rest * powers[mostDigits - number.scale])
        }
        let (left, right) = (parts(left), parts(right))
        return left < right ? -1 : left > right ? 1 : 0
    }
}

extension ExactNumber: CustomStringConvertible {
    /// As it is written: `12345678901234567890`, `0.10000000000000000001`.
    public var description: String {
        let digits = "\(unscaled.magnitude)"
        let sign = unscaled < 0 ? "-" : ""
        guard scale > 0 else { return sign + digits }
        let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
        return sign + padded.dropLast(scale) + "." + padded.suffix(scale)
    }
}

extension QualityRange.Value {
    /// The number of a text, where a double would lose digits of it; nil where a double does as well, and where the
    /// text is no number of up to 38 digits. Sixteen bytes from `text` must be readable.
    init?(exactly text: UnsafePointer<UInt8>, _ length: Int) {
        guard DoubleText.parse(text, length, keepingDigits: true) == nil, let number = ExactNumber(text, length) else {
            return nil
        }
        self = number.whole.map { .integer($0) } ?? .decimal(number)
    }

    /// A number as it is written in a rule, of which `number` is the nearest double.
    init(_ text: String, _ number: Double) {
        self =
            Int64(text).map { .integer($0) } ?? PaddedText.with(text) { QualityRange.Value(exactly: $0, $1) }
            ?? .number(number)
    }

    /// The double nearest to a number.
    var nearest: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .decimal(let value): value.nearest
        case .time: nil
        }
    }

    /// A decimal beside a double: what programs print for the double counts.
    static func compare(_ left: ExactNumber, _ right: Double) -> Int {
        guard left.nearest == right else { return right.isNaN ? 2 : left.nearest < right ? -1 : 1 }
        return ExactNumber(printed: right).map { ExactNumber.compare(left, $0) } ?? 0
    }
}

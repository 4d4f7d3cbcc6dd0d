/// How the values of a column are compared: by their texts where both files have the same type, else by what they mean,
/// so that a CSV file's `20` is a Parquet file's `20.0`.
enum Likeness: Sendable, Hashable {
    case text
    /// Decimal digits, all of them.
    case decimal
    /// Binary floating point: texts that are the same number are equal.
    case double, float
    /// A date's and a time's parts, however they are joined.
    case moment
    case truth

    /// - Parameters: the types of the column in both files; `text` in a CSV file, where they are not known.
    init(_ before: String, _ after: String) {
        let types = [before, after].filter { $0 != TableFile.textType }
        guard before != after, let first = types.first else {
            self = .text
            return
        }
        let kinds = types.map(Self.kind)
        let both = kinds.allSatisfy { $0 == kinds[0] } ? kinds[0] : nil
        switch both {
        case .some(let kind): self = kind
        // An integer or decimal beside a floating point number is one, too.
        case nil where kinds.allSatisfy { [.decimal, .double, .float].contains($0) }: self = .double
        default: self = first.hasPrefix("timestamp") && types.allSatisfy { $0.hasPrefix("timestamp") } ? .moment : .text
        }
    }

    private static func kind(_ type: String) -> Likeness {
        if type == "double" { return .double }
        if type == "float" || type == "float16" { return .float }
        if ["int", "uint", "decimal"].contains(where: type.hasPrefix) { return .decimal }
        if type.hasPrefix("timestamp") || type.hasPrefix("time(") { return .moment }
        return type == "boolean" ? .truth : .text
    }

    /// The one text for all texts that mean the same; what means nothing stays as it is.
    func canonical(_ text: String) -> String {
        switch self {
        case .text: return text
        case .decimal: return Self.digits(text) ?? text
        case .double: return Double(text).map { Self.digits("\($0)") ?? "\($0)" } ?? text
        case .float: return Float(text).map { Self.digits("\($0)") ?? "\($0)" } ?? text
        case .truth: return text.lowercased()
        case .moment: return Self.moment(text)
        }
    }

    /// Without superfluous zeros, signs and exponents: `-12.5`. Nil for what is no number.
    private static func digits(_ text: String) -> String? {
        var rest = Substring(text)
        let isNegative = rest.first == "-"
        if isNegative || rest.first == "+" { rest.removeFirst() }
        var exponent = 0
        if let mark = rest.firstIndex(where: { $0 == "e" || $0 == "E" }) {
            // Beyond what a double can have nothing is a number.
            guard let given = Int(rest[rest.index(after: mark)...]), (-400...400).contains(given) else { return nil }
            exponent = given
            rest = rest[..<mark]
        }
        let parts = rest.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let (whole, fraction) = (parts[0], parts.count > 1 ? parts[1] : "")
        guard !whole.isEmpty || !fraction.isEmpty, (whole + fraction).utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        var digits = Array((whole + fraction).utf8)
        var point = whole.utf8.count + exponent
        if point < 0 {
            digits = [UInt8](repeating: 0x30, count: -point) + digits
            point = 0
        } else if point > digits.count {
            digits += [UInt8](repeating: 0x30, count: point - digits.count)
        }
        let before = digits[..<point].drop { $0 == 0x30 }
        var after = digits[point...]
        while after.last == 0x30 { after.removeLast() }
        if before.isEmpty, after.isEmpty { return "0" }
        return (isNegative ? "-" : "") + (before.isEmpty ? "0" : String(decoding: before, as: UTF8.self))
            + (after.isEmpty ? "" : "." + String(decoding: after, as: UTF8.self))
    }

    /// `2024-05-31 09:00:00`: without a fraction of zeros, with a blank, without a zone that says UTC.
    private static func moment(_ text: String) -> String {
        var text = String(text.map { $0 == "T" ? " " : $0 })
        for zone in ["Z", "+00:00", "+00"] where text.hasSuffix(zone) {
            text.removeLast(zone.count)
            break
        }
        guard let point = text.lastIndex(of: "."), text[text.index(after: point)...].allSatisfy(\.isNumber) else {
            return text
        }
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return text
    }
}

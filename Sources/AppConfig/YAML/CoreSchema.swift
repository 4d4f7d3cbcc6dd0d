/// The core schema of YAML 1.2 (section 10.3.2): which plain scalars are numbers, booleans and null.
///
/// Yams resolves by YAML 1.1, where `no` is false, `012` is ten and `1:30` is ninety: country codes, account numbers
/// and times would change their meaning between the file and the event pattern.
enum CoreSchema {
    /// A number could not be carried over.
    struct OutOfRange: Error {}

    static func resolve(plain text: String) throws(OutOfRange) -> YAMLNode.Value {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN":
            return .notFinite
        default: return try number(text) ?? .string(text)
        }
    }

    /// Nil where the text is no number by the core schema.
    static func number(_ text: String) throws(OutOfRange) -> YAMLNode.Value? {
        for (prefix, radix) in [("0x", 16), ("0o", 8)] where text.hasPrefix(prefix) {
            let digits = text.dropFirst(2)
            let valid = digits.allSatisfy { $0.isASCII && ($0.hexDigitValue ?? 16) < radix }
            guard !digits.isEmpty, valid else { return nil }
            guard let value = UInt64(digits, radix: radix) else { throw OutOfRange() }
            return .integer(String(value))
        }

        // [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
        var rest = Substring(text)
        let negative = rest.first == "-"
        if negative || rest.first == "+" { rest.removeFirst() }
        let whole = takeDigits(&rest)
        var fraction: Substring?
        if rest.first == "." {
            rest.removeFirst()
            fraction = takeDigits(&rest)
        }
        guard !whole.isEmpty || fraction?.isEmpty == false else { return nil }
        var exponent = ""
        if rest.first == "e" || rest.first == "E" {
            rest.removeFirst()
            exponent = "e"
            if let sign = rest.first, sign == "-" || sign == "+" {
                exponent.append(sign)
                rest.removeFirst()
            }
            let digits = takeDigits(&rest)
            guard !digits.isEmpty else { return nil }
            exponent += digits
        }
        guard rest.isEmpty else { return nil }

        let significant = whole.drop { $0 == "0" }
        let integer = (negative ? "-" : "") + (significant.isEmpty ? "0" : significant)
        if fraction == nil, exponent.isEmpty { return .integer(integer) }
        let point = fraction.map { "." + ($0.isEmpty ? "0" : $0) } ?? ""
        return .float(integer + point + exponent)
    }

    private static func takeDigits(_ rest: inout Substring) -> Substring {
        let digits = rest.prefix { ("0"..."9").contains($0) }
        rest = rest[digits.endIndex...]
        return digits
    }
}

extension ValueTest {
    /// The test as it is written in a pattern.
    var json: String {
        switch self {
        case .exact(let text): Rendering.quoted(text)
        case .address(let address): Rendering.quoted(Array(address.description.utf8))
        case .number(let value): Rendering.number(value)
        case .numberText(let text): String(decoding: text, as: UTF8.self)
        case .literal(.true): "true"
        case .literal(.false): "false"
        case .literal(.null): "null"
        case .prefix(let text): "{\"prefix\":\(Rendering.quoted(text))}"
        case .suffix(let text): "{\"suffix\":\(Rendering.quoted(text))}"
        case .equalsIgnoringCase(let value): "{\"equals-ignore-case\":\(Rendering.quoted(value.text))}"
        case .prefixIgnoringCase(let value): "{\"prefix\":{\"equals-ignore-case\":\(Rendering.quoted(value.text))}}"
        case .suffixIgnoringCase(let value): "{\"suffix\":{\"equals-ignore-case\":\(Rendering.quoted(value.text))}}"
        case .wildcard(let wildcard): "{\"wildcard\":\(Rendering.quoted(wildcard.text))}"
        case .range(let range): "{\"numeric\":[\(range.json)]}"
        case .cidr(let block): "{\"cidr\":\"\(block.base)/\(block.prefixLength)\"}"
        case .exists: "{\"exists\":true}"
        case .absent: "{\"exists\":false}"
        case .regex(let regex): "{\"regex\":\(Rendering.quoted(regex.text))}"
        case .wildcardIgnoringCase(let wildcard):
            "{\"wildcard\":{\"equals-ignore-case\":\(Rendering.quoted(wildcard.text))}}"
        case .date(let range):
            "{\"date\":[\(range.written.map { Rendering.quoted(Array($0.utf8)) }.joined(separator: ","))]}"
        case .timeOfDay(let range):
            "{\"time-of-day\":[\(range.written.map { Rendering.quoted(Array($0.utf8)) }.joined(separator: ","))]}"
        case .anythingBut(let exclusion): "{\"anything-but\":\(exclusion.json)}"
        }
    }
}

extension Exclusion {
    var json: String {
        switch self {
        case .strings(let values): Rendering.list(values.map { Rendering.quoted($0) })
        case .numbers(let values): Rendering.list(values.map { Rendering.number($0) })
        case .prefixes(let values): "{\"prefix\":\(Rendering.list(values.map { Rendering.quoted($0) }))}"
        case .suffixes(let values): "{\"suffix\":\(Rendering.list(values.map { Rendering.quoted($0) }))}"
        case .equalsIgnoringCase(let values):
            "{\"equals-ignore-case\":\(Rendering.list(values.map { Rendering.quoted($0.text) }))}"
        case .wildcards(let values): "{\"wildcard\":\(Rendering.list(values.map { Rendering.quoted($0.text) }))}"
        }
    }
}

extension NumericRange {
    var json: String {
        let below = "\"\(includesHigh ? "<=" : "<")\",\(Rendering.number(high))"
        guard low.isFinite else { return below }
        let above = "\"\(includesLow ? ">=" : ">")\",\(Rendering.number(low))"
        return high.isFinite ? "\(above),\(below)" : above
    }
}

extension IPAddress: CustomStringConvertible {
    var description: String {
        if !isV6 {
            return (0..<4).map { String(low >> UInt64(24 - 8 * $0) & 0xFF) }.joined(separator: ".")
        }
        let groups = (0..<8).map { (index: Int) -> UInt64 in
            let half = index < 4 ? high : low
            return half >> UInt64(48 - 16 * (index & 3)) & 0xFFFF
        }
        // As people write them: the first of the longest runs of zeros is left out.
        var longest = 0..<0
        for start in groups.indices {
            let run = start..<(groups[start...].firstIndex { $0 != 0 } ?? groups.endIndex)
            if run.count > longest.count { longest = run }
        }
        func text(_ part: ArraySlice<UInt64>) -> String {
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard longest.count > 1 else { return text(groups[...]) }
        return text(groups[..<longest.lowerBound]) + "::" + text(groups[longest.upperBound...])
    }
}

/// JSON text for people to read: long strings are cut.
enum Rendering {
    static let longest = 100

    static func quoted(_ text: [UInt8]) -> String {
        var result = "\""
        var length = min(longest, text.count)
        // Not within a character.
        while length > 0, length < text.count, text[length] & 0xC0 == 0x80 { length -= 1 }
        for scalar in String(decoding: text.prefix(length), as: UTF8.self).unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + (text.count > longest ? "…\"" : "\"")
    }

    static func number(_ value: Double) -> String {
        let text = value.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    static func list(_ items: [String]) -> String { items.count == 1 ? items[0] : "[\(items.joined(separator: ","))]" }

    static func value(_ value: FlatValue) -> String {
        switch value.kind {
        case .string: quoted(Array(value.text))
        case .number: String(decoding: value.text.prefix(longest), as: UTF8.self)
        case .true: "true"
        case .false: "false"
        case .null: "null"
        }
    }
}

import CivilCalendar

extension ParquetValue: CustomStringConvertible {
    /// For a cell of a table: texts as they are, `null`, binaries as `0x…`, nested values as JSON.
    public var description: String {
        switch self {
        case .string(let text): text
        case .list, .map, .structure: json
        default: plain ?? json
        }
    }

    /// The value as JSON. Decimals stay numbers with all their digits; dates, times, UUIDs and binaries are strings;
    /// what is no number (`NaN`, `Infinity`) is a string too.
    public var json: String {
        var text = ""
        writeJSON(to: &text)
        return text
    }

    /// A scalar other than a string, in the same text that JSON shows.
    private var plain: String? {
        switch self {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .unsigned(let value): String(value)
        case .float(let value): value.isFinite ? "\(value)" : Self.word(Double(value))
        case .double(let value): value.isFinite ? "\(value)" : Self.word(value)
        case .decimal(let value): value.description
        case .binary(let bytes): "0x" + Self.hex(bytes)
        case .uuid(let bytes): Self.uuid(bytes)
        case .date(let days): Self.date(Int64(days))
        case .time(let nanoseconds, let digits): Self.time(nanoseconds, digits: digits)
        case .timestamp(let value):
            "\(Self.date(value.days))T\(Self.time(value.nanoseconds, digits: value.digits))\(value.isUTC ? "Z" : "")"
        case .string, .list, .map, .structure: nil
        }
    }

    private func writeJSON(to text: inout String) {
        switch self {
        case .string(let value): Self.quote(value, into: &text)
        case .list(let values):
            Self.sequence(values, "[", "]", &text) { value, text in value.writeJSON(to: &text) }
        case .map(let pairs):
            Self.sequence(pairs, "{", "}", &text) { pair, text in
                Self.quote(pair.key.description, into: &text)
                text += ": "
                pair.value.writeJSON(to: &text)
            }
        case .structure(let members):
            Self.sequence(members, "{", "}", &text) { member, text in
                Self.quote(member.name, into: &text)
                text += ": "
                member.value.writeJSON(to: &text)
            }
        case .null, .boolean, .integer, .unsigned, .decimal: text += plain ?? ""
        case .float(let value) where value.isFinite: text += plain ?? ""
        case .double(let value) where value.isFinite: text += plain ?? ""
        default: Self.quote(plain ?? "", into: &text)
        }
    }

    private static func sequence<Element>(
        _ elements: [Element], _ opening: String, _ closing: String, _ text: inout String,
        _ write: (Element, inout String) -> Void
    ) {
        text += opening
        for (index, element) in elements.enumerated() {
            if index > 0 { text += ", " }
            write(element, &text)
        }
        text += closing
    }

    private static func quote(_ value: String, into text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20: text += "\\u00" + hex([UInt8(scalar.value)])
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }

    private static func word(_ value: Double) -> String {
        value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
    }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func uuid(_ bytes: [UInt8]) -> String {
        var text = hex(bytes)
        for offset in [20, 16, 12, 8] where text.utf8.count > offset {
            text.insert("-", at: text.index(text.startIndex, offsetBy: offset))
        }
        return text
    }

    private static func date(_ days: Int64) -> String {
        let (year, month, day) = civilDate(daysSinceEpoch: Int(days))
        let yearText = (year < 0 ? "-" : "") + padded(UInt64(year.magnitude), to: 4)
        return "\(yearText)-\(padded(UInt64(month), to: 2))-\(padded(UInt64(day), to: 2))"
    }

    private static func time(_ nanoseconds: Int64, digits: Int) -> String {
        let seconds = nanoseconds / 1_000_000_000
        let parts = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { padded($0.magnitude, to: 2) }
        let fraction = nanoseconds % 1_000_000_000
        let text = parts.joined(separator: ":")
        if fraction == 0 { return text }
        return text + "." + padded(fraction.magnitude, to: 9).prefix(digits)
    }
}

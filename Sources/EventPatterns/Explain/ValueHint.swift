/// Remarks on values that nearly pass.
enum ValueHint {
    static func hint(_ tests: [ValueTest], _ values: [FlatValue]) -> String? {
        for test in tests {
            for value in values {
                if let hint = hint(test, value) { return hint }
            }
        }
        guard let first = values.first,
            !values.contains(where: { value in tests.contains { accepts($0, value.kind) } })
        else { return nil }
        return type(first.kind)
    }

    /// Whether some value of a kind passes a test.
    private static func accepts(_ test: ValueTest, _ kind: FlatValue.Kind) -> Bool {
        switch test {
        case .exists, .absent, .anythingBut: true
        case .number, .numberText, .range: kind == .number
        case .literal(.true): kind == .true
        case .literal(.false): kind == .false
        case .literal(.null): kind == .null
        default: kind == .string
        }
    }

    private static func type(_ kind: FlatValue.Kind) -> String {
        let word =
            switch kind {
            case .string: "a string"
            case .number: "a number"
            case .true, .false: "a boolean"
            case .null: "null"
            }
        return "the event has \(word) there; a value matches only its own JSON type"
    }

    private static func hint(_ test: ValueTest, _ value: FlatValue) -> String? {
        let text = Array(value.text)
        switch test {
        case .exact(let wanted):
            if value.kind != .string {
                return wanted == text ? type(value.kind) : nil
            }
            if text != wanted, CaseText.folded(text) == CaseText.folded(wanted) { return "only the case differs" }
            if trimmed(text) == trimmed(wanted) { return "only white space at an end differs" }
            let (one, other) = (String(decoding: text, as: UTF8.self), String(decoding: wanted, as: UTF8.self))
            // Swift's strings are equal where Unicode says that they are the same to readers.
            if text != wanted, one == other {
                return "they look alike, but are written with other code points: one is composed (NFC), one is not"
            }
            return later(text, wanted)
        case .prefix(let wanted):
            if value.kind == .string, CaseText.folded(text).starts(with: CaseText.folded(wanted)) {
                return "only the case differs"
            }
        case .suffix(let wanted):
            if value.kind == .string, CaseText.folded(text).reversed().starts(with: CaseText.folded(wanted).reversed())
            {
                return "only the case differs"
            }
        case .number, .numberText, .range:
            if value.kind == .string {
                return Double(String(decoding: text, as: UTF8.self)) == nil ? nil : type(.string)
            }
            if value.kind == .number, !value.isComparable {
                return "the number has more digits than a double can tell apart, so it is not comparable"
            }
        case .literal:
            if value.kind == .string, [Array("true".utf8), Array("false".utf8), Array("null".utf8)].contains(text) {
                return type(.string)
            }
        default: break
        }
        return nil
    }

    /// Where texts part that are shown the same, because both are cut before.
    private static func later(_ text: [UInt8], _ wanted: [UInt8]) -> String? {
        var place = zip(text, wanted).prefix { $0 == $1 }.count
        guard place >= Rendering.longest - 3, text != wanted else { return nil }
        // Not within a character.
        while place > 0, place < text.count, text[place] & 0xC0 == 0x80 { place -= 1 }
        return "they are the same for \(place) bytes; then expected is "
            + "\(Rendering.quoted(Array(wanted[place...]))), found \(Rendering.quoted(Array(text[place...])))"
    }

    private static func trimmed(_ text: [UInt8]) -> ArraySlice<UInt8> {
        var slice = text[...]
        while let last = slice.last, last <= 0x20 { slice.removeLast() }
        while let first = slice.first, first <= 0x20 { slice.removeFirst() }
        return slice
    }
}

/// Reads Hive's names of nested types: `array<bigint>`, `struct<sku:string,tags:array<string>>`.
struct NestedTypeText {
    private let text: [Character]
    private var position = 0
    private var depth = 0

    /// Deepest nesting of a name; it bounds recursion.
    private static let maximumDepth = 64

    /// - Parameter text: in lower case, without spaces.
    init(_ text: String) {
        self.text = Array(text)
    }

    /// The type, nil where the whole text is none.
    mutating func whole() -> ColumnType? {
        guard let type = type(), position == text.count else { return nil }
        return type
    }

    private mutating func type() -> ColumnType? {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { return nil }
        if take("array<") {
            guard let element = type(), take(">") else { return nil }
            return .list(element)
        }
        if take("struct<") {
            var fields: [ColumnSchema] = []
            repeat {
                let name = word { $0 != ":" && $0 != "<" && $0 != ">" && $0 != "," }
                guard !name.isEmpty, !fields.contains(where: { $0.name == name }), take(":"), let type = type() else {
                    return nil
                }
                fields.append(ColumnSchema(name: name, type: type))
            } while take(",")
            return take(">") ? .structure(fields) : nil
        }
        // The comma within decimal(p,s) belongs to the name.
        var parentheses = 0
        let name = word { character in
            if character == "(" { parentheses += 1 }
            if character == ")" { parentheses -= 1 }
            return character != ">" && character != "<" && (character != "," || parentheses > 0)
        }
        return ColumnType(name)
    }

    private mutating func take(_ word: String) -> Bool {
        guard text[position...].starts(with: word) else { return false }
        position += word.count
        return true
    }

    private mutating func word(while belongs: (Character) -> Bool) -> String {
        let start = position
        while position < text.count, belongs(text[position]) { position += 1 }
        return String(text[start..<position])
    }
}

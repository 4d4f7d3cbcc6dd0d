/// A YAML value by the 1.2 core schema, with the place where it stands.
struct YAMLNode {
    enum Value {
        case null
        case bool(Bool)
        /// JSON text of the number.
        case integer(String)
        /// JSON text of the number.
        case float(String)
        /// `.inf`, `-.inf`, `.nan`: numbers that JSON does not have.
        case notFinite
        case string(String)
        case sequence([YAMLNode])
        case mapping([YAMLEntry])
    }

    var value: Value
    /// A scalar as it is written, without quotes; empty for a collection.
    var text: String
    var place: Place
    /// Of a text that may be JSON: where its lines stand in the file.
    var lines: TextLines?

    /// The same value with every place put elsewhere.
    func relocated(_ move: (Place) -> Place) -> YAMLNode {
        var node = self
        node.place = move(place)
        switch value {
        case .sequence(let items): node.value = .sequence(items.map { $0.relocated(move) })
        case .mapping(let entries):
            node.value = .mapping(
                entries.map { YAMLEntry(key: $0.key, keyPlace: move($0.keyPlace), value: $0.value.relocated(move)) })
        default: break
        }
        return node
    }

    /// The value in words, for messages: `the number 12`, `a list`.
    var inWords: String {
        switch value {
        case .null: "nothing"
        case .bool(let value): "the boolean \(value)"
        case .integer, .float, .notFinite: "the number \(text)"
        case .string(let text): "the text \"\(text.count > 40 ? text.prefix(40) + "…" : text)\""
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }

    /// Appends the value as JSON. A number that is not finite becomes null: the reader has reported it.
    func appendJSON(to json: inout String) {
        switch value {
        case .null, .notFinite: json += "null"
        case .bool(let value): json += value ? "true" : "false"
        case .integer(let text), .float(let text): json += text
        case .string(let text): Self.appendJSON(text, to: &json)
        case .sequence(let items):
            json += "["
            for (index, item) in items.enumerated() {
                if index > 0 { json += "," }
                item.appendJSON(to: &json)
            }
            json += "]"
        case .mapping(let entries):
            json += "{"
            for (index, entry) in entries.enumerated() {
                if index > 0 { json += "," }
                Self.appendJSON(entry.key, to: &json)
                json += ":"
                entry.value.appendJSON(to: &json)
            }
            json += "}"
        }
    }

    var json: String {
        var json = ""
        appendJSON(to: &json)
        return json
    }

    private static func appendJSON(_ text: String, to json: inout String) {
        json += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": json += "\\\""
            case "\\": json += "\\\\"
            case "\n": json += "\\n"
            case "\r": json += "\\r"
            case "\t": json += "\\t"
            case "\u{0}"..<" ":
                let hex = String(scalar.value, radix: 16)
                json += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: json.unicodeScalars.append(scalar)
            }
        }
        json += "\""
    }
}

/// One pair of a mapping. Keys are texts: a key `12` or `no` is what is written.
struct YAMLEntry {
    var key: String
    var keyPlace: Place
    var value: YAMLNode
}

/// Counted from 1; columns count Unicode scalars.
struct Place: Hashable, Comparable {
    var line: Int
    var column: Int

    static func < (left: Place, right: Place) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

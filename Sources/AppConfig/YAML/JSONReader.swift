import FunctionJSON

/// JSON text to a tree of `YAMLNode`. YAML holds JSON but for details: libyaml refuses escapes of surrogate pairs and
/// long keys, and breaks lines at characters that are none to JSON.
struct JSONReader {
    private let bytes: [UInt8]
    /// Where each line begins.
    private let lines: [Int]
    /// The member names that are there twice, and the places of the first.
    private var doubles: [(name: String, place: Place, first: Place)] = []

    /// Nil for what is not one JSON value, or has a member twice: then a finding was reported.
    static func read(_ text: String, file: ConfigFile) -> YAMLNode? {
        var reader = JSONReader(text)
        do throws(JSONError) {
            let document = try JSONDocument(parsing: reader.bytes)
            let root = reader.convert(document.root)
            for (name, place, first) in reader.doubles {
                file.report(.invalidJSON, "the key `\(name)` is here twice, first on line \(first.line)", at: place)
            }
            return reader.doubles.isEmpty ? root : nil
        } catch {
            file.report(.invalidJSON, "not JSON: \(error.message)", at: reader.place(of: error.offset))
            return nil
        }
    }

    /// The tree of a text that is JSON; of a member that is there twice, the last, as in EventBridge's patterns.
    /// - Throws: `JSONError` says why it is none.
    static func tree(of text: String) throws(JSONError) -> YAMLNode {
        var reader = JSONReader(text)
        return reader.convert(try JSONDocument(parsing: reader.bytes).root)
    }

    /// The place of a byte of a text.
    static func place(of offset: Int, in text: String) -> Place { JSONReader(text).place(of: offset) }

    private init(_ text: String) {
        let bytes = Array(text.utf8)
        self.bytes = bytes
        lines = [0] + bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
    }

    private mutating func convert(_ node: JSONNode) -> YAMLNode {
        let place = place(of: node.sourceRange.lowerBound)
        let written = String(decoding: node.sourceBytes, as: UTF8.self)
        switch node.kind {
        case .null: return YAMLNode(value: .null, text: written, place: place)
        case .true, .false: return YAMLNode(value: .bool(node.kind == .true), text: written, place: place)
        case .number:
            let isInteger = written.utf8.allSatisfy { $0 == UInt8(ascii: "-") || $0 &- 0x30 < 10 }
            return YAMLNode(value: isInteger ? .integer(written) : .float(written), text: written, place: place)
        case .string:
            let text = node.string ?? ""
            return YAMLNode(value: .string(text), text: text, place: place)
        case .array:
            return YAMLNode(value: .sequence(node.elements.map { convert($0) }), text: "", place: place)
        case .object:
            var entries: [YAMLEntry] = []
            var places: [String: Int] = [:]
            for (name, value) in node.members {
                let entry = YAMLEntry(
                    key: name, keyPlace: self.place(of: value.nameRange.lowerBound), value: convert(value))
                if let first = places[name] {
                    doubles.append((name, entry.keyPlace, entries[first].keyPlace))
                    entries[first] = entry
                } else {
                    places[name] = entries.count
                    entries.append(entry)
                }
            }
            return YAMLNode(value: .mapping(entries), text: "", place: place)
        }
    }

    private func place(of offset: Int) -> Place {
        let end = min(offset, bytes.count)
        var (low, high) = (0, lines.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if lines[middle] <= end { low = middle } else { high = middle }
        }
        // Columns count scalars: all bytes but those that go on with one.
        return Place(line: low + 1, column: 1 + bytes[lines[low]..<end].count { $0 & 0xC0 != 0x80 })
    }
}

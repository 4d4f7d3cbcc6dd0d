/// Names of columns as tables store them.
public enum ColumnName {
    /// Lower case, without surrounding white space; each character other than `a-z 0-9 _` becomes `_`.
    public static func normalized(_ name: String) -> String {
        var result = ""
        for character in trimmed(name).lowercased() {
            result.append(isPlain(character) ? character : "_")
        }
        return result
    }

    /// Normalises the names of a header. Names of which letters had to go (`名前`, `住所`) and that would be the same
    /// without them get a number each: `___1`, `___2`.
    /// - Throws: `EmptyColumnName`, naming the position; `DuplicateColumn`, naming both columns.
    static func normalized(header: [String], line: Int64) throws(ColumnarError) -> [String] {
        var names: [String] = []
        var positions: [String: Int] = [:]
        let numbered = numbered(header)
        for (index, original) in header.enumerated() {
            let name = numbered[index]
            guard !name.isEmpty else {
                let neighbours = [index - 1, index + 1].filter(header.indices.contains).map { "\"\(header[$0])\"" }
                let place = neighbours.isEmpty ? "" : ", beside \(neighbours.joined(separator: " and "))"
                throw ColumnarError(
                    .emptyColumnName,
                    "Column \(index + 1) of \(header.count) in the header has no name\(place). "
                        + "Name it, or remove a trailing delimiter.",
                    line: line, column: "\(index + 1)")
            }
            if let first = positions[name] {
                throw ColumnarError(
                    .duplicateColumn,
                    "Columns \(first + 1) (\"\(header[first])\") and \(index + 1) (\"\(original)\") are both named "
                        + "\"\(name)\" (names are lower-cased, and other characters become _). Rename one of them.",
                    line: line, column: name)
            }
            positions[name] = index
            names.append(name)
        }
        return names
    }

    /// The normalised names, with numbers where different names lost the letters that made them so.
    private static func numbered(_ header: [String]) -> [String] {
        var names = header.map(normalized)
        for (name, places) in Dictionary(grouping: names.indices, by: { names[$0] }) where places.count > 1 {
            let originals = Set(places.map { trimmed(header[$0]).lowercased() })
            let haveLost = places.allSatisfy { header[$0].contains { $0.isLetter && !$0.isASCII } }
            guard originals.count == places.count, haveLost else { continue }
            for (number, place) in places.enumerated() { names[place] = "\(name)_\(number + 1)" }
        }
        return names
    }

    private static func isPlain(_ character: Character) -> Bool {
        switch character {
        case "a"..."z", "0"..."9": character.isASCII
        case "_": true
        default: false
        }
    }

    private static func trimmed(_ name: String) -> Substring {
        var rest = name[...]
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return rest
    }
}

/// Puts columns together to rows, nested ones included ("record assembly" of the Dremel paper).
public struct ParquetRowReader: Sendable {
    private let file: ParquetFile
    private let portion: Int
    private var rowGroup = -1
    private var rowsLeft: Int64 = 0
    private var cursors: [LeafCursor] = []
    /// Values of the present row.
    private var valuesInRow = 0

    init(_ file: ParquetFile, portion: Int) {
        self.file = file
        self.portion = min(max(1, portion), 8192)
    }

    /// The next row, one value for each of `ParquetSchema.fields`; nil at the end.
    public mutating func next() throws(ColumnarError) -> [ParquetValue]? {
        while rowsLeft == 0 {
            guard rowGroup + 1 < file.rowGroups.count else { return nil }
            rowGroup += 1
            rowsLeft = file.rowGroups[rowGroup].rowCount
            cursors.removeAll()
            for leaf in file.schema.columns {
                cursors.append(LeafCursor(try file.column(leaf.index, rowGroup: rowGroup), portion: portion))
            }
        }
        rowsLeft -= 1
        valuesInRow = 0
        var row: [ParquetValue] = []
        row.reserveCapacity(file.schema.fields.count)
        for field in file.schema.fields {
            for leaf in field.leaves where try cursors[leaf].peek()?.repetition != 0 {
                throw mismatch(field, "a row does not begin with repetition level 0")
            }
            row.append(try value(of: field, isElement: false))
        }
        if rowsLeft == 0 {
            for leaf in file.schema.columns where try cursors[leaf.index].peek() != nil {
                throw mismatch(file.schema.fields[0], "values are left after the last row", leaf: leaf)
            }
        }
        return row
    }

    /// The value of a node where the cursors stand.
    /// - Parameter isElement: the node is repeated, and this is one of its occurrences.
    private mutating func value(of field: ParquetField, isElement: Bool) throws(ColumnarError) -> ParquetValue {
        if field.repetition == .repeated && !isElement { return .list(try elements(of: field)) }
        if let leaf = field.leaf { return try take(leaf, field) }
        guard let first = field.leaves.first else { return .structure([]) }
        if field.repetition == .optional, try definition(first, field) < field.definitionLevel {
            try takeAbsent(field)
            return .null
        }
        switch field.shape {
        case .list: return .list(try elements(of: field.children[0], unwrapping: field.name))
        case .map:
            return .map(
                try elements(of: field.children[0]).map { entry in
                    guard case .structure(let members) = entry, members.count == 2 else {
                        return ParquetPair(key: entry, value: .null)
                    }
                    return ParquetPair(key: members[0].value, value: members[1].value)
                })
        case .structure:
            var members: [ParquetMember] = []
            for child in field.children {
                members.append(ParquetMember(name: child.name, value: try value(of: child, isElement: false)))
            }
            return .structure(members)
        }
    }

    /// All occurrences of a repeated node.
    /// - Parameter list: the name of the list around it, whose elements may sit in a group of their own.
    private mutating func elements(
        of field: ParquetField, unwrapping list: String? = nil
    ) throws(ColumnarError) -> [ParquetValue] {
        guard let first = field.leaves.first else { return [] }
        if try definition(first, field) < field.definitionLevel {
            try takeAbsent(field)
            return []
        }
        // Writers of today wrap each element in a group; the exceptions are in the format's rules for old files.
        let isWrapped =
            list != nil && field.children.count == 1 && field.name != "array" && field.name != "\(list ?? "")_tuple"
        var values: [ParquetValue] = []
        repeat {
            if isWrapped {
                values.append(try value(of: field.children[0], isElement: false))
            } else {
                values.append(try value(of: field, isElement: true))
            }
        } while try cursors[first].peek().map { Int($0.repetition) } == field.repetitionLevel
        return values
    }

    private mutating func definition(_ leaf: Int, _ field: ParquetField) throws(ColumnarError) -> Int {
        guard let levels = try cursors[leaf].peek() else { throw mismatch(field, "its columns differ in length") }
        return Int(levels.definition)
    }

    private mutating func take(_ leaf: ParquetLeaf, _ field: ParquetField) throws(ColumnarError) -> ParquetValue {
        valuesInRow += 1
        guard valuesInRow <= file.limits.valuesPerRow else {
            throw ColumnarError(
                .limitExceeded, "A row has more than \(file.limits.valuesPerRow) values.", row: row, column: leaf.name)
        }
        guard let value = try cursors[leaf.index].take() else { throw mismatch(field, "its columns differ in length") }
        return value
    }

    /// Passes over the one entry that each column has for a node that is not there.
    private mutating func takeAbsent(_ field: ParquetField) throws(ColumnarError) {
        for leaf in field.leaves { _ = try take(file.schema.columns[leaf], field) }
    }

    private func mismatch(_ field: ParquetField, _ problem: String, leaf: ParquetLeaf? = nil) -> ColumnarError {
        let name = leaf?.name ?? field.name
        return ColumnarError(
            .corruptFile, "Column \"\(name)\", row group \(rowGroup): the levels contradict each other: \(problem).",
            row: row, column: name)
    }

    /// The row under way, counted from 1.
    private var row: Int64 { file.rowGroups[...rowGroup].reduce(0) { $0 &+ $1.rowCount } - rowsLeft }
}

/// Walks one column value by value.
struct LeafCursor: Sendable {
    private var reader: ParquetColumnReader
    private let portion: Int
    private var batch: ParquetBatch?
    private var position = 0
    private var valueIndex = 0

    init(_ reader: ParquetColumnReader, portion: Int) {
        self.reader = reader
        self.portion = portion
    }

    /// The levels of the next value; nil at the end.
    mutating func peek() throws(ColumnarError) -> (repetition: UInt32, definition: UInt32)? {
        if batch == nil || position == batch?.count {
            batch = nil
            batch = try reader.next(maximum: portion)
            position = 0
            valueIndex = 0
        }
        guard let batch else { return nil }
        return (
            batch.repetitionLevels.isEmpty ? 0 : batch.repetitionLevels[position],
            batch.definitionLevels.isEmpty ? reader.presentLevel : batch.definitionLevels[position]
        )
    }

    /// The next value, null where it is not there; nil at the end.
    mutating func take() throws(ColumnarError) -> ParquetValue? {
        guard let levels = try peek(), let batch else { return nil }
        position += 1
        guard levels.definition == reader.presentLevel else { return .null }
        defer { valueIndex += 1 }
        return ParquetValue(batch.values, at: valueIndex, leaf: reader.column)
    }
}

/// What the output of a merge has, and where each file has it.
struct ParquetMergePlan {
    struct Column {
        var schema: ColumnSchema
        /// The column of each file, nil where a file lacks it.
        var leaves: [ParquetLeaf?]
        /// The first file that has values in the column, by which its type goes; nil where none has any.
        var typedBy: Int?
    }

    /// How the files come together.
    enum Mode {
        /// Values are decoded and written again, in row groups of full size.
        case rewrite([Column])
        /// All files have the same schema, and some column is nested or of a type that this library does not write: row
        /// groups are copied as they are.
        case copy
    }

    let mode: Mode

    /// - Throws: `SchemaMismatch`, naming file and column, where columns do not agree; `Unsupported` where files differ
    ///   and a column cannot be written.
    init(_ inputs: [ParquetMergeInput]) throws(ColumnarError) {
        guard let first = inputs.first else {
            throw ColumnarError(.emptyFile, "There is no Parquet file to merge.")
        }
        let isSame = inputs.allSatisfy { $0.file.schema.fieldText == first.file.schema.fieldText }
        let isExact = first.file.schema.fields.allSatisfy { $0.leaf.flatMap(ColumnType.init(exactly:)) != nil }
        if isSame && !isExact {
            mode = .copy
            return
        }
        var columns: [Column] = []
        var places: [String: Int] = [:]
        for (index, input) in inputs.enumerated() {
            for field in input.file.schema.fields {
                guard field.repetition != .repeated, let leaf = field.leaf, let type = ColumnType(widening: leaf) else {
                    throw ColumnarError(
                        .unsupported,
                        "\(input.name): column \"\(field.name)\" is \(field.leaf?.typeName ?? "nested"), and the files have "
                            + "different schemas: such columns are merged only where all files have the same schema.",
                        column: field.name)
                }
                let typedBy = input.hasValues(leaf) ? index : nil
                guard let place = places[field.name] else {
                    places[field.name] = columns.count
                    var leaves: [ParquetLeaf?] = inputs.map { _ in nil }
                    leaves[index] = leaf
                    let schema = ColumnSchema(name: field.name, type: type)
                    columns.append(Column(schema: schema, leaves: leaves, typedBy: typedBy))
                    continue
                }
                guard columns[place].leaves[index] == nil else {
                    throw ColumnarError(
                        .duplicateColumn, "\(input.name) has two columns named \"\(field.name)\".", column: field.name)
                }
                columns[place].leaves[index] = leaf
                // Of a column without values the type says nothing: a file of nulls alone was taken for text.
                guard let typedBy else { continue }
                let before = columns[place].schema.type
                guard columns[place].typedBy != nil else {
                    (columns[place].schema.type, columns[place].typedBy) = (type, typedBy)
                    continue
                }
                guard let union = Self.union(before, type) else {
                    throw Self.mismatch(field.name, before, type, input, inputs, columns[place])
                }
                columns[place].schema.type = union
            }
        }
        try Self.checkConnection(columns, inputs)
        for place in columns.indices { try Self.leaveOutNulls(&columns[place], inputs) }
        for column in columns where column.schema.type == .double {
            try Self.checkIntegers(column, inputs)
        }
        mode = .rewrite(columns)
    }

    /// The narrowest type that holds all values of two; nil where there is none but text.
    static func union(_ a: ColumnType, _ b: ColumnType) -> ColumnType? {
        if a == b { return a }
        switch (a, b) {
        case (.bigint, .double), (.double, .bigint): return .double
        case (.date, .timestamp), (.timestamp, .date): return .timestamp
        case (.decimal(let precision, let scale), .decimal(let other, let otherScale)):
            let most = max(scale, otherScale)
            let digits = max(precision - scale, other - otherScale) + most
            return digits <= 38 ? .decimal(precision: digits, scale: most) : nil
        case (.bigint, .decimal), (.decimal, .bigint):
            let integer = ColumnType.decimal(precision: 19, scale: 0)
            return union(a == .bigint ? integer : a, b == .bigint ? integer : b)
        default: return nil
        }
    }

    private static func mismatch(
        _ name: String, _ before: ColumnType, _ type: ColumnType, _ input: ParquetMergeInput,
        _ inputs: [ParquetMergeInput], _ column: Column
    ) -> ColumnarError {
        let earlier = column.typedBy.map { inputs[$0].name } ?? "the files before"
        return ColumnarError(
            .schemaMismatch,
            "\(input.name): column \"\(name)\" is \(type), and in \(earlier) it is \(before): no type but text holds both. "
                + "Convert one of them anew with the other's type, or merge them apart.", column: name)
    }

    /// Files that have no column in common, not even by way of others, would become a table of nulls.
    private static func checkConnection(_ columns: [Column], _ inputs: [ParquetMergeInput]) throws(ColumnarError) {
        var together: Set<Int> = [0]
        var rest = columns
        while let index = rest.firstIndex(where: { column in together.contains { column.leaves[$0] != nil } }) {
            let column = rest.remove(at: index)
            together.formUnion(inputs.indices.filter { column.leaves[$0] != nil })
        }
        guard !rest.isEmpty, let stranger = inputs.indices.first(where: { !together.contains($0) }) else { return }
        func names(_ index: Int) -> String {
            let names = columns.filter { $0.leaves[index] != nil }.map(\.schema.name)
            return names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", …" : "")
        }
        throw ColumnarError(
            .schemaMismatch,
            "\(inputs[stranger].name) (\(names(stranger))) and \(inputs[0].name) (\(names(0))) have no column in common: "
                + "every row would be null in the columns of the other. Merge the files of each table by themselves.")
    }

    /// Takes files whose type of a column cannot be read as the merged one, and which have no values there, for files
    /// without the column.
    private static func leaveOutNulls(
        _ column: inout Column, _ inputs: [ParquetMergeInput]
    ) throws(ColumnarError) {
        let type = column.schema.type
        for (index, input) in inputs.enumerated() {
            guard let leaf = column.leaves[index], let own = ColumnType(widening: leaf), union(own, type) != type,
                !input.hasValues(leaf)
            else { continue }
            // Statistics alone are not believed where values would be lost.
            for group in input.file.rowGroups {
                var reader = try input.file.column(leaf.index, rowGroup: group.index)
                while let batch = try reader.next(maximum: 100_000) {
                    let levels = batch.definitionLevels
                    guard batch.count > 0, levels.isEmpty || levels.contains(reader.presentLevel) else { continue }
                    throw ColumnarError(
                        .corruptFile,
                        "\(input.name): column \"\(column.schema.name)\" has values in row group \(group.index), and "
                            + "its statistics say that it has none.", column: column.schema.name)
                }
            }
            column.leaves[index] = nil
        }
    }

    /// Integers beyond ±2^53 would change as doubles: the statistics must exclude them.
    private static func checkIntegers(_ column: Column, _ inputs: [ParquetMergeInput]) throws(ColumnarError) {
        let limit: Int64 = 1 << 53
        for (input, leaf) in zip(inputs, column.leaves) {
            guard let leaf, ColumnType(widening: leaf) == .bigint, leaf.physicalType == .int64 else { continue }
            for group in input.file.rowGroups {
                let chunk = group.columns[leaf.index]
                if chunk.nullCount == chunk.valueCount { continue }
                guard case .integer(let low)? = chunk.minimum, case .integer(let high)? = chunk.maximum,
                    low >= -limit, high <= limit
                else {
                    throw ColumnarError(
                        .schemaMismatch,
                        "\(input.name): column \"\(column.schema.name)\" has integers that a double may not hold exactly "
                            + "(row group \(group.index)), and in other files it is double. Merge them apart.",
                        column: column.schema.name)
                }
            }
        }
    }
}

extension ParquetMergeInput {
    /// Whether a column has values, as far as is known: not where each row group says that all are null.
    fileprivate func hasValues(_ leaf: ParquetLeaf) -> Bool {
        file.rowGroups.contains {
            let chunk = $0.columns[leaf.index]
            return chunk.valueCount > 0 && chunk.nullCount != chunk.valueCount
        }
    }
}

extension ParquetSchema {
    /// What the fields are, without the name of the root, which writers choose freely.
    var fieldText: Substring { description.drop { $0 != "\n" } }
}

extension ColumnType {
    /// The type of a column that this library writes as it stands; nil for others.
    init?(exactly leaf: ParquetLeaf) {
        guard leaf.repetitionLevel == 0, let type = ColumnType(widening: leaf) else { return nil }
        switch (type, leaf.meaning) {
        case (.bigint, nil) where leaf.physicalType == .int64: break
        case (.bigint, .integer(bitWidth: 64, isSigned: true)?): break
        case (.double, _) where leaf.physicalType == .double: break
        case (.string, .string?): break
        case (.boolean, _), (.date, _), (.decimal, _): break
        case (.time, .time(unit: .microseconds, isAdjustedToUTC: false)?): break
        case (.timestamp, .timestamp(unit: .microseconds, _)?), (.timestampUTC, .timestamp(unit: .microseconds, _)?):
            break
        default: return nil
        }
        self = type
    }

    /// The type that holds all values of a column; nil where there is none.
    init?(widening leaf: ParquetLeaf) {
        switch (leaf.physicalType, leaf.meaning) {
        case (.boolean, nil): self = .boolean
        case (.int32, nil), (.int64, nil): self = .bigint
        case (.int32, .integer), (.int64, .integer(_, isSigned: true)): self = .bigint
        case (.float, nil), (.double, nil): self = .double
        case (.int32, .date): self = .date
        case (_, .decimal(let precision, let scale)):
            guard (1...38).contains(precision), (0...precision).contains(scale) else { return nil }
            self = .decimal(precision: Int(precision), scale: Int(scale))
        case (.int32, .time(unit: .milliseconds, _)), (.int64, .time(unit: .microseconds, _)): self = .time
        case (.int64, .timestamp(unit: .milliseconds, let isUTC)), (.int64, .timestamp(unit: .microseconds, let isUTC)):
            self = isUTC ? .timestampUTC : .timestamp
        case (.byteArray, .string), (.byteArray, .enumeration), (.byteArray, .json): self = .string
        default: return nil
        }
    }
}

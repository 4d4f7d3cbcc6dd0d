/// Which columns the output has, and where each gets its values.
struct OutputPlan {
    enum Origin: Hashable {
        /// A field of the file.
        case field(Int)
        /// A derived column of the processor.
        case derived(Int)
        /// A column of the given schema that the file lacks.
        case missing
    }

    struct Column {
        var name: String
        /// Nil until the type is inferred.
        var type: ColumnType?
        var origin: Origin
        var isInferred: Bool { type == nil }
        var isField: Bool { if case .field = origin { true } else { false } }

        /// The texts that mean null in it: computed values have a null of their own.
        func nullTokens(_ ofFile: NullTokens) -> NullTokens {
            if case .derived = origin { NullTokens([]) } else { ofFile }
        }
    }

    private(set) var columns: [Column] = []
    private(set) var newColumns: [Int] = []
    private(set) var missingColumns: [Int] = []

    /// Nested values come from JSON alone: elsewhere, a column of such a type could only be null throughout.
    /// - Throws: `SchemaMismatch` where a column with values has a nested type and the input is not JSON.
    func requireValues(of format: InputFormat) throws(ColumnarError) {
        for column in columns {
            guard let type = column.type, type.isNested else { continue }
            let isComputed: Bool
            switch column.origin {
            case .missing: continue
            case .field where format.isJSON: continue
            case .field: isComputed = false
            case .derived: isComputed = true
            }
            throw ColumnarError(
                .schemaMismatch,
                "Column \(column.name) is \(type), and "
                    + (isComputed ? "computed columns hold single values" : "fields of this format are single values")
                    + ": lists and structures are read from JSON alone. Make the column string, or convert JSON.",
                column: column.name)
        }
    }

    /// The plan with some of the columns alone, in their order.
    func keeping(_ positions: [Int]) -> OutputPlan {
        var plan = self
        plan.columns = positions.map { columns[$0] }
        (plan.newColumns, plan.missingColumns) = ([], [])
        return plan
    }

    /// - Parameter types: types that the format gives to the columns of the file, by position.
    /// - Throws: `DuplicateColumn` where a derived column has the name of a column of the file, or the schema names a
    ///   column twice.
    init(
        file: [CSVColumn], types: [ColumnType?], schema: [ColumnSchema]?, derived: [ColumnSchema]
    ) throws(ColumnarError) {
        var names: Set<String> = []
        for column in derived where file.contains(where: { $0.name == column.name }) {
            throw ColumnarError(
                .duplicateColumn,
                "The derived column \"\(column.name)\" has the name of a column of the file. Rename one of them.",
                column: column.name)
        }
        for column in schema ?? [] {
            let name = ColumnName.normalized(column.name)
            guard names.insert(name).inserted else {
                throw ColumnarError(
                    .duplicateColumn, "The given schema has two columns named \"\(name)\".", column: name)
            }
            let origin: Origin
            if let field = file.first(where: { $0.name == name }) {
                origin = .field(field.index)
            } else if let index = derived.firstIndex(where: { $0.name == name }) {
                origin = .derived(index)
            } else {
                origin = .missing
                missingColumns.append(columns.count)
            }
            columns.append(Column(name: name, type: column.type, origin: origin))
        }
        for field in file where names.insert(field.name).inserted {
            if schema != nil { newColumns.append(columns.count) }
            columns.append(Column(name: field.name, type: types[field.index], origin: .field(field.index)))
        }
        for (index, column) in derived.enumerated() {
            let isKnown = schema?.contains { ColumnName.normalized($0.name) == column.name } ?? false
            if isKnown { continue }
            guard names.insert(column.name).inserted else {
                throw ColumnarError(
                    .duplicateColumn, "Two derived columns are named \"\(column.name)\".", column: column.name)
            }
            if schema != nil { newColumns.append(columns.count) }
            columns.append(Column(name: column.name, type: column.type, origin: .derived(index)))
        }
    }

    /// Columns that are masked get their values from behind the processor's derived columns, as text.
    /// - Throws: `SchemaMismatch` where the given schema has another type for a masked column.
    mutating func mask(_ masker: Masker, schema: [ColumnSchema]?, derivedBefore: Int) throws(ColumnarError) {
        for (position, masked) in masker.columns.enumerated() {
            for index in columns.indices where columns[index].origin == .field(masked.field) {
                let given = schema?.first { ColumnName.normalized($0.name) == masked.name }
                if let given, given.type != .string {
                    throw ColumnarError(
                        .schemaMismatch,
                        "Column \(masked.name) is masked with \(masked.action.name), which makes text of it, and the "
                            + "table's column is \(given.type). Mask it from the table's first file on.",
                        column: masked.name)
                }
                columns[index].origin = .derived(derivedBefore + position)
                columns[index].type = .string
            }
        }
    }
}

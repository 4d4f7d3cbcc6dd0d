/// The columns of the output with their types.
extension ConversionPass {
    /// The output's columns with the types that the reader has worked out.
    func resolve(_ plan: OutputPlan, _ types: [ColumnType]) -> [(schema: ColumnSchema, isOpen: Bool)] {
        plan.columns.map { column in
            guard case .field(let index) = column.origin else {
                return (ColumnSchema(name: column.name, type: column.type ?? .string), false)
            }
            return (ColumnSchema(name: column.name, type: types[index]), false)
        }
    }

    /// The output's columns with their types; a column without values is text, and open until values come.
    func resolve(_ plan: OutputPlan, _ scan: Scan) -> [(schema: ColumnSchema, isOpen: Bool)] {
        plan.columns.enumerated().map { position, column in
            if let type = column.type {
                var kinds = ValueKinds(type)
                if scan.misfits.contains(position), case .field(let index) = column.origin {
                    kinds.formUnion(scan.kinds[index])
                    return (ColumnSchema(name: column.name, type: kinds.type ?? .string), false)
                }
                return (ColumnSchema(name: column.name, type: type), false)
            }
            guard case .field(let index) = column.origin, let type = scan.kinds[index].type else {
                return (ColumnSchema(name: column.name, type: .string), true)
            }
            return (ColumnSchema(name: column.name, type: type), false)
        }
    }
}

/// A column as Parquet stores it: one for each column of plain values, one for each innermost value of a nested column.
///
/// Everything that Columnar writes may be null: each step of the path adds a definition level, a list two (one for the
/// list, one for its elements) and a repetition level.
/// Source: https://parquet.apache.org/docs/file-format/nestedencoding/
struct LeafColumn {
    /// Position of its table column.
    var column: Int
    /// Names from the table's column inwards.
    var path: [String]
    /// Never nested.
    var type: ColumnType
    /// The level of a value that is there.
    var definition = 1
    /// How many lists lie around it.
    var repetition = 0
    /// Position among the leaves of its column; nil where the column is not nested.
    var nestedIndex: Int?

    /// What lies between a list and its elements.
    static let listPath = ["list", "element"]

    /// The stored columns of a table, in the order of the file.
    static func leaves(of columns: [ColumnSchema]) -> [LeafColumn] {
        columns.enumerated().flatMap { index, column in
            var leaves: [LeafColumn] = []
            let root = LeafColumn(column: index, path: [column.name], type: column.type)
            collect(root, into: &leaves)
            if column.type.isNested { for position in leaves.indices { leaves[position].nestedIndex = position } }
            return leaves
        }
    }

    private static func collect(_ node: LeafColumn, into leaves: inout [LeafColumn]) {
        var inner = node
        switch node.type {
        case .list(let element):
            inner.path += listPath
            inner.type = element
            inner.definition += 2
            inner.repetition += 1
            collect(inner, into: &leaves)
        case .structure(let fields):
            inner.definition += 1
            for field in fields {
                inner.path = node.path + [field.name]
                inner.type = field.type
                collect(inner, into: &leaves)
            }
        default:
            leaves.append(node)
        }
    }
}

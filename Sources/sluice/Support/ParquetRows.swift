import Columnar
import FunctionJSON
import Glibc

/// The first rows of one or several Parquet files, as a table or as JSON.
struct ParquetRows {
    struct File {
        var path: String
        /// Columns that stand in the file's place in the table alone.
        var partition: [(name: String, value: String)] = []
    }

    private struct Column {
        var name: String
        var isNumber: Bool
        var isPartition = false
    }

    var output: Output

    /// Rows file after file, with the columns of all files that are looked at; what a file does not have is null.
    /// - Parameter total: how many rows there are in all; nil: those of the files.
    func show(_ files: [File], rows count: Int, total: Int64? = nil) throws {
        var columns: [Column] = []
        var places: [String: Int] = [:]
        var rows: [[ParquetValue]] = []
        var there: Int64 = 0
        for file in files {
            let (parquet, first) = try Failure.named(file.path) {
                try FileCheck.readable(file.path)
                let parquet = try ParquetFile(try ParquetFileInput(path: file.path))
                return (parquet, rows.count < count ? try parquet.head(rows: count - rows.count) : [])
            }
            // A footer may claim anything.
            let (sum, isOverflow) = there.addingReportingOverflow(parquet.rowCount)
            there = isOverflow ? .max : sum
            let own =
                parquet.schema.fields.map { field in
                    Column(name: field.name, isNumber: field.leaf.map { Self.isNumber($0.typeName) } ?? false)
                } + file.partition.map { Column(name: $0.name, isNumber: false, isPartition: true) }
            for column in own where places[column.name] == nil {
                places[column.name] = columns.count
                columns.append(column)
            }
            for row in first {
                let whole = row + file.partition.map { ParquetValue.string($0.value) }
                var values = [ParquetValue](repeating: .null, count: columns.count)
                // Of two columns of one name the first counts.
                for (column, value) in zip(own, whole).reversed() { places[column.name].map { values[$0] = value } }
                rows.append(values)
            }
            // Of further files only the number of rows would be of use.
            if rows.count >= count, total != nil { break }
        }
        // What only a later file has comes before the keys in the files' places, as in a table's columns.
        let order =
            columns.indices.filter { !columns[$0].isPartition } + columns.indices.filter { columns[$0].isPartition }
        columns = order.map { columns[$0] }
        rows = rows.map { row in order.map { $0 < row.count ? row[$0] : .null } }
        if output.json { return rows.forEach { print(object(columns, $0)) } }
        output.table(
            columns.map { Table.Column($0.name, isNumber: $0.isNumber) },
            rows.map { $0.map { Text.oneLine($0.description) } })
        let all = total ?? there
        if Int64(rows.count) < all { output.line(output.style.dim("\(rows.count) of \(Human.count(all, "row"))")) }
    }

    private func object(_ columns: [Column], _ row: [ParquetValue]) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        for (column, value) in zip(columns, row) {
            writer.name(column.name)
            writer.raw(value.json.utf8)
        }
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private static func isNumber(_ type: String) -> Bool {
        ["int", "uint", "float", "double", "decimal"].contains { type.hasPrefix($0) }
    }
}

extension Failure {
    /// Runs `body`; where it fails because of what is in the file, the failure names it.
    static func named<Result>(
        _ path: String, hint: (ColumnarError) -> String? = { _ in nil }, _ body: () throws -> Result
    ) throws -> Result {
        do {
            return try body()
        } catch let error as ColumnarError {
            // What is wrong with the output, or with what was asked, is no fault of the input.
            guard ![.writeFailed, .invalidConfiguration].contains(error.code), !error.message.contains(path) else {
                throw error
            }
            throw Failure("\(path == "-" ? "the standard input" : path): \(error)", hint: hint(error))
        }
    }
}

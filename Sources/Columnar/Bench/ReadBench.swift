/// Reading a Parquet file back: every value of every column decoded.
package enum ReadBench {
    /// - Returns: how many values there are, nulls included.
    package static func decode(_ path: String) throws(ColumnarError) -> Int64 {
        let file = try ParquetFile(try ParquetFileInput(path: path))
        var values: Int64 = 0
        for group in file.rowGroups {
            for column in group.columns {
                var reader = try file.column(column.column.index, rowGroup: group.index)
                while let batch = try reader.next() { values += Int64(batch.count) }
            }
        }
        return values
    }
}

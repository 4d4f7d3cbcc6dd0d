/// Writes a Parquet file as delimited text: RFC 4180, one record a row, nested values as JSON, binaries as `0x…`.
public enum ParquetTextWriter {
    /// Writes all rows; memory holds one page of each column.
    /// - Returns: how many rows.
    /// - Throws: what `ParquetFile` throws for damaged files, and `WriteFailed`.
    @discardableResult
    public static func write(
        _ file: ParquetFile, to sink: any ByteSink, options: ParquetTextOptions = ParquetTextOptions()
    ) throws(ColumnarError) -> Int64 {
        var output = TextOutput(sink, options)
        if options.hasHeader {
            for (index, field) in file.schema.fields.enumerated() {
                if index > 0 { output.delimit() }
                output.append(text: field.name)
            }
            try output.endLine()
        }
        if file.schema.fields.allSatisfy({ $0.leaf != nil && $0.repetition != .repeated }) {
            for group in file.rowGroups { try write(file, group, &output) }
        } else {
            var rows = file.rows()
            while let row = try rows.next() {
                for (index, value) in row.enumerated() {
                    if index > 0 { output.delimit() }
                    if value == .null { output.appendNull() } else { output.append(text: value.description) }
                }
                try output.endLine()
            }
        }
        try output.finish()
        return file.rowCount
    }

    /// Writes a row group whose columns are all flat.
    private static func write(
        _ file: ParquetFile, _ group: ParquetRowGroup, _ output: inout TextOutput
    ) throws(ColumnarError) {
        var columns: [TextColumn] = []
        for leaf in file.schema.columns {
            columns.append(TextColumn(try file.column(leaf.index, rowGroup: group.index)))
        }
        for _ in 0..<group.rowCount {
            for index in columns.indices {
                if index > 0 { output.delimit() }
                try columns[index].appendNext(to: &output)
            }
            try output.endLine()
        }
    }
}

/// A flat column on its way into text.
private struct TextColumn {
    private var reader: ParquetColumnReader
    private var batch: ParquetBatch?
    private var position = 0
    private var valueIndex = 0

    init(_ reader: ParquetColumnReader) {
        self.reader = reader
    }

    mutating func appendNext(to output: inout TextOutput) throws(ColumnarError) {
        if position == batch?.count ?? 0 {
            batch = nil
            batch = try reader.next()
            (position, valueIndex) = (0, 0)
        }
        guard let batch else {
            throw ColumnarError(
                .corruptFile, "Column \"\(reader.column.name)\" has fewer values than its row group has rows.",
                byteOffset: reader.place, column: reader.column.name)
        }
        let isThere = batch.definitionLevels.isEmpty || batch.definitionLevels[position] == reader.presentLevel
        position += 1
        guard isThere else { return output.appendNull() }
        switch batch.values {
        case .int64(let values) where reader.column.meaning == nil: output.append(number: values[valueIndex])
        case .int32(let values) where reader.column.meaning == nil: output.append(number: Int64(values[valueIndex]))
        case .bytes(let values) where reader.column.meaning == .string:
            values[valueIndex].withUnsafeBufferPointer { output.append(bytes: $0) }
        default:
            output.append(text: ParquetValue(batch.values, at: valueIndex, leaf: reader.column).description)
        }
        valueIndex += 1
    }
}

/// Delimited text under way to a sink.
private struct TextOutput {
    private let sink: any ByteSink
    private let delimiter: UInt8
    private let nullToken: [UInt8]
    private let lineEnd: [UInt8]
    private var bytes: [UInt8] = []

    init(_ sink: any ByteSink, _ options: ParquetTextOptions) {
        self.sink = sink
        delimiter = options.delimiter
        nullToken = Array(options.nullToken.utf8)
        lineEnd = options.usesCRLF ? [13, 10] : [10]
    }

    mutating func delimit() { bytes.append(delimiter) }

    mutating func appendNull() { bytes.append(contentsOf: nullToken) }

    mutating func append(number: Int64) { append(text: String(number)) }

    mutating func append(text: String) {
        var text = text
        text.withUTF8 { append(bytes: $0) }
    }

    mutating func append(bytes text: UnsafeBufferPointer<UInt8>) {
        var isSpecial = text.isEmpty || (text.count == nullToken.count && text.elementsEqual(nullToken))
        for byte in text where byte <= 0x22 || byte == delimiter {
            isSpecial = isSpecial || byte == 0x22 || byte == 10 || byte == 13 || byte == delimiter
        }
        guard isSpecial else { return bytes.append(contentsOf: text) }
        bytes.append(0x22)
        for byte in text {
            if byte == 0x22 { bytes.append(0x22) }
            bytes.append(byte)
        }
        bytes.append(0x22)
    }

    mutating func endLine() throws(ColumnarError) {
        bytes.append(contentsOf: lineEnd)
        if bytes.count >= 256 << 10 { try flush() }
    }

    mutating func finish() throws(ColumnarError) { try flush() }

    private mutating func flush() throws(ColumnarError) {
        guard !bytes.isEmpty else { return }
        let sink = sink
        try bytes.withUnsafeBufferPointer { buffer throws(ColumnarError) in
            try sink.write(UnsafeRawBufferPointer(buffer))
        }
        bytes.removeAll(keepingCapacity: true)
    }
}

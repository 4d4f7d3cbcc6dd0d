import Columnar
import Foundation
import Testing

/// Files that pyarrow, DuckDB and Polars write, compared value by value with what pyarrow reads from them.
@Suite("Parquet reader: files of other writers", .timeLimit(.minutes(5)))
struct ReaderPeersTests {
    @Test("Every value of every file is what pyarrow reads")
    func everyValue() throws {
        let folder = try ReaderFolder()
        let names = try ReaderPython.run(script: "reader_peers.py", [folder.url.path]).split(separator: "\n")
        #expect(names.count > 50)
        for name in names {
            let file = try ParquetFile(ParquetFileInput(path: "\(folder.url.path)/\(name).parquet"))
            let expected = try String(contentsOf: folder.url.appendingPathComponent("\(name).txt"), encoding: .utf8)
            var rows = file.rows(portion: 1000)
            var count: Int64 = 0
            for line in expected.utf8.split(separator: 10) {
                let row = try #require(try rows.next(), "\(name) ends after \(count) rows")
                count += 1
                let text = row.map(canonical).joined(separator: "|")
                guard text.utf8.elementsEqual(line) else {
                    Issue.record(
                        "\(name), row \(count): \(text.prefix(1000)), expected \(String(line)?.prefix(1000) ?? "")")
                    break
                }
            }
            #expect(try rows.next() == nil, "\(name) has more than \(count) rows")
            #expect(file.rowCount == count, "\(name)")
            try checkBounds(file, name: String(name))
        }
        for name in ["brotli"] {
            let file = try ParquetFile(ParquetFileInput(path: "\(folder.url.path)/refused.\(name)"))
            let error = #expect(throws: ColumnarError.self) { try file.head(rows: 1) }
            #expect(error?.code == .unsupported)
            #expect(error?.message.contains("\(name)") == true)
        }
    }

    /// The statistics agree with the values: null counts, and bounds of plain integers.
    private func checkBounds(_ file: ParquetFile, name: String) throws {
        for group in file.rowGroups {
            for chunk in group.columns where chunk.column.path.count == 1 {
                var reader = try file.column(chunk.column.index, rowGroup: group.index)
                var nulls: Int64 = 0
                var low = Int64.max
                var high = Int64.min
                while let batch = try reader.next() {
                    nulls += Int64(batch.count - batch.values.count)
                    if case .int64(let values) = batch.values {
                        low = min(low, values.min() ?? low)
                        high = max(high, values.max() ?? high)
                    }
                }
                if let count = chunk.nullCount { #expect(count == nulls, "\(name) \(chunk.column.name)") }
                if case .integer(let minimum)? = chunk.minimum, case .integer(let maximum)? = chunk.maximum, low <= high
                {
                    #expect(minimum == low && maximum == high, "\(name) \(chunk.column.name)")
                }
            }
        }
    }

    /// The notation of `scalar` in reader_peers.py.
    private func canonical(_ value: ParquetValue) -> String {
        switch value {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .integer(let value): "i:\(value)"
        case .unsigned(let value): "i:\(value)"
        case .float(let value): "f:" + hex(value.bitPattern)
        case .double(let value): "d:" + hex(value.bitPattern)
        case .decimal(let value): "c:\(value)"
        case .string(let text): "s:" + text.utf8.map { hex($0) }.joined()
        case .binary(let bytes): "b:" + bytes.map { hex($0) }.joined()
        case .uuid(let bytes): "u:" + bytes.map { hex($0) }.joined()
        case .date(let days): "D:\(days)"
        case .time(let nanoseconds, _): "t:\(nanoseconds)"
        case .timestamp(let value): "T:\(value.days):\(value.nanoseconds):\(value.isUTC)"
        case .list(let values): "[" + values.map(canonical).joined(separator: ",") + "]"
        case .map(let pairs):
            "{" + pairs.map { "\(canonical($0.key))=\(canonical($0.value))" }.joined(separator: ",") + "}"
        case .structure(let members):
            "(" + members.map { "\($0.name)=\(canonical($0.value))" }.joined(separator: ",") + ")"
        }
    }

    private func hex<Number: FixedWidthInteger>(_ value: Number) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: Number.bitWidth / 4 - digits.utf8.count) + digits
    }
}

import Columnar
import Testing

/// Null tokens are texts of the file: what is computed or masked has a null of its own.
@Suite("Computed values and null tokens")
struct DerivedNullTests {
    private final class Constants: RecordProcessor {
        let derivedColumns = [
            ColumnSchema(name: "code", type: .string), ColumnSchema(name: "count", type: .bigint),
            ColumnSchema(name: "nothing", type: .string),
        ]
        func beginPass(columns: [CSVColumn]) throws(ColumnarError) {}
        func process(_ record: CSVRecord, derived: inout DerivedValues) throws(ColumnarError) -> RecordDecision {
            derived.set(0, .string("NA"))
            derived.set(1, .bigint(-1))
            return .keep
        }
    }

    private func rows(_ sink: MemorySink) throws -> [[String]] {
        try ParquetFile(ParquetMemoryInput(sink.bytes)).head(rows: 100).map { $0.map(\.description) }
    }

    @Test("computed values that read like null tokens stay")
    func computed() throws {
        var options = ConversionOptions()
        options.csv.nullTokens = ["NA", "-1"]
        let sink = MemorySink()
        _ = try CSVConverter.convert(
            from: MemorySource("a,b\n1,NA\n-1,2\n"), to: sink, options: options, processor: Constants())
        #expect(try rows(sink) == [["1", "null", "NA", "-1", "null"], ["null", "2", "NA", "-1", "null"]])
    }

    @Test("so do masked ones, and partitions of them")
    func masked() throws {
        var options = ConversionOptions()
        options.csv.nullTokens = ["***", "NA"]
        options.masking = Masking(columns: ["b": .redact])
        let sink = MemorySink()
        _ = try CSVConverter.convert(from: MemorySource("a,b\n1,x\n2,NA\n"), to: sink, options: options)
        #expect(try rows(sink) == [["1", "***"], ["2", "null"]])
        let folder = try ScratchFolder()
        let output = try FolderOutput(path: folder.path("table"))
        let report = try CSVConverter.convert(
            from: MemorySource("a,b\n1,x\n2,NA\n"), to: output, partitionedBy: try Partitioning(parsing: "b"),
            options: options)
        #expect(report.files.map(\.values) == [["***"], ["__HIVE_DEFAULT_PARTITION__"]])
    }

    @Test("rows that rules reject have no say in the type of a column that was empty so far", arguments: [1, 2])
    func openColumns(threads: Int) throws {
        var text = "id,v\n"
        for row in 0..<400 { text += row < 200 ? "\(row),\n" : row % 10 == 0 ? "-1,word\n" : "\(row),\(row)\n" }
        var options = ConversionOptions()
        options.csv.batchBytes = 512
        options.threads = threads
        options.quality = try QualityRules(dqdl: #"Rules = [ ColumnValues "id" >= 0 ]"#)
        let report = try convert(text, options)
        #expect(report.columns.map { "\($0.type)" } == ["bigint", "bigint"])
        #expect(report.rows == 380 && report.rejectedRows == 20)
    }
}

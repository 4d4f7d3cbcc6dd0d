import Columnar
import Testing

/// Fields that rules, masks and partitions need, and that records need not have.
@Suite("JSON: fields that come late, or not at all")
struct JSONLateFieldTests {
    /// `b` comes far behind the first window.
    private let late =
        (0..<100).map { "{\"a\":\($0)}\n" }.joined()
        + (0..<3).map { "{\"a\":1,\"b\":\"b\($0)@example.com\"}\n" }.joined()

    private var options: ConversionOptions {
        var options = ConversionOptions()
        options.format = .ndjson
        options.csv.batchBytes = 256
        return options
    }

    private func values(_ column: String, _ text: String, _ options: ConversionOptions) throws -> [String] {
        let sink = MemorySink()
        _ = try CSVConverter.convert(from: MemorySource(text), to: sink, options: options)
        let file = try ParquetFile(ParquetMemoryInput(sink.bytes))
        let index = try #require(file.schema.fields.firstIndex { $0.name == column })
        var rows = file.rows()
        var found: [String] = []
        while let row = try rows.next() { found.append(row[index].json) }
        return found
    }

    @Test("a late field can be masked, by name and by its values", arguments: [false, true])
    func masks(isAutomatic: Bool) throws {
        var masked = options
        masked.masking = isAutomatic ? Masking(automatic: .redact) : Masking(columns: ["b": .redact])
        let values = try values("b", late, masked)
        #expect(values == Array(repeating: "null", count: 100) + Array(repeating: "\"***\"", count: 3))
    }

    @Test("a late field can be judged, and be partitioned by")
    func rules() throws {
        var judged = options
        judged.quality = try QualityRules(
            dqdl: #"Rules = [ ColumnValues "b" matches "b[01].*" where "b is not null" ]"#)
        let rejected = CollectedRejects()
        let report = try convert(late, judged, rejected: rejected)
        #expect((report.rows, report.rejectedRows) == (102, 1))
        #expect(rejected.rows == [103])
        let folder = try ScratchFolder()
        let output = try FolderOutput(path: folder.path("parts"))
        let parts = try CSVConverter.convert(
            from: MemorySource(late), to: output, partitionedBy: Partitioning(keys: [.column("b")]), options: options)
        #expect(parts.files.map(\.rows).sorted() == [1, 1, 1, 100])
    }

    @Test("what no record has is missing, and said so with the input's first error where it can be read only once")
    func missing() throws {
        var judged = options
        judged.quality = try QualityRules(dqdl: #"Rules = [ IsComplete "c" ]"#)
        #expect(columnarError { try convert(late, judged) }?.code == .missingColumn)
        var masked = options
        masked.masking = Masking(columns: ["c": .redact])
        #expect(columnarError { try convert(late, masked) }?.code == .missingColumn)
        let error = columnarError {
            _ = try CSVConverter.convert(from: OnceSource(late), to: MemorySink(), options: masked)
        }
        #expect(error?.code == .missingColumn)
    }

    private final class OnceSource: ByteSource {
        private let source: MemorySource
        init(_ text: String) { source = MemorySource(text) }
        func read(into buffer: UnsafeMutableRawBufferPointer) throws(ColumnarError) -> Int {
            try source.read(into: buffer)
        }
        func rewind() throws(ColumnarError) { throw ColumnarError(.readFailed, "only once") }
    }

    @Test("a field of the given schema that no record has is null to rules and masks, and reported as missing")
    func given() throws {
        for text in ["{\"a\":1}\n", late] {
            var given = options
            given.schema = [
                ColumnSchema(name: "a", type: .bigint), ColumnSchema(name: "C", type: .string),
                ColumnSchema(name: "l", type: .list(.bigint)),
            ]
            given.masking = Masking(columns: ["c": .redact])
            given.quality = try QualityRules(dqdl: #"Rules = [ ColumnValues "l" = NULL, ColumnValues "c" = NULL ]"#)
            let report = try convert(text, given)
            #expect(report.rejectedRows == 0)
            #expect(report.missingColumns.map(\.name) == ["c", "l"])
            #expect(report.drift.missingColumns.map(\.name) == ["c", "l"])
            #expect(report.fileColumns.map(\.name) == (text == late ? ["a", "b"] : ["a"]))
            #expect(Set(try values("c", text, given)) == ["null"])
            #expect(Set(try values("l", text, given)) == ["null"])
            given.quality = try QualityRules(dqdl: #"Rules = [ IsComplete "c" ]"#)
            let rejected = CollectedRejects()
            let strict = try convert(text, given, rejected: rejected)
            #expect(strict.rows == 0)
            #expect(rejected.records.allSatisfy { $0.code == .ruleViolation && $0.column == "c" })
        }
        // It need not be in the first window, and then nothing has to be read twice.
        var given = options
        given.schema = [ColumnSchema(name: "a", type: .bigint), ColumnSchema(name: "b", type: .string)]
        given.masking = Masking(columns: ["b": .redact])
        let report = try CSVConverter.convert(from: OnceSource(late), to: MemorySink(), options: given)
        #expect(report.missingColumns.isEmpty)
        #expect(report.fileColumns.map(\.name) == ["a", "b"])
    }

    @Test("a schema may have the processor's columns")
    func derived() throws {
        final class Adding: RecordProcessor {
            var derivedColumns: [ColumnSchema] { [ColumnSchema(name: "d", type: .bigint)] }
            func beginPass(columns: [CSVColumn]) {}
            func process(
                _ record: CSVRecord, derived: inout DerivedValues
            ) throws(ColumnarError) -> RecordDecision {
                derived.set(0, .bigint(record.integer(0) ?? 0))
                return .keep
            }
        }
        var given = options
        given.schema = [ColumnSchema(name: "a", type: .bigint), ColumnSchema(name: "d", type: .bigint)]
        let report = try convert("{\"a\":1}\n", given, processor: Adding())
        #expect(report.columns == given.schema)
        #expect(report.missingColumns.isEmpty)
    }
}

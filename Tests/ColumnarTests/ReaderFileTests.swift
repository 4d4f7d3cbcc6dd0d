import Columnar
import Foundation
import Testing

/// Opening, schema text, statistics, head, values as text; and files that are none.
@Suite("Parquet reader: files", .timeLimit(.minutes(5)))
struct ReaderFileTests {
    @Test("Schema, row groups, statistics, metadata and the first rows of a file by pyarrow")
    func overview() throws {
        let folder = try ReaderFolder()
        try ReaderPython.run(script: "reader_small.py", [folder.url.path])
        let file = try ParquetFile(ParquetFileInput(path: folder.url.appendingPathComponent("small.parquet").path))
        #expect(
            file.schema.description == """
                message schema {
                  required int64 id;
                  optional binary name (STRING);
                  optional int32 price (DECIMAL(9,2));
                  optional int64 at (TIMESTAMP(MICROS,true));
                  optional group tags (LIST) {
                    repeated group list {
                      optional binary element (STRING);
                    }
                  }
                }
                """)
        #expect(file.schema.columns.map(\.name) == ["id", "name", "price", "at", "tags.list.element"])
        #expect(
            file.schema.columns.map(\.typeName) == ["int64", "string", "decimal(9,2)", "timestamp(us, UTC)", "string"])
        #expect(file.rowCount == 4)
        #expect(file.rowGroups.map(\.rowCount) == [3, 1])
        #expect(file.keyValueMetadata.contains { $0.key == "owner" && $0.value == "tests" })
        #expect(file.createdBy?.contains("parquet-cpp-arrow") == true)

        let name = file.rowGroups[0].columns[1]
        #expect(name.codec == "zstd")
        #expect(name.nullCount == 1)
        #expect(name.minimum == .string("Ada"))
        #expect(name.maximum == .string("Grace"))
        #expect(name.hasDictionary && name.hasColumnIndex && name.hasOffsetIndex)

        let rows = try file.head(rows: 10).map { $0.map(\.description) }
        #expect(
            rows == [
                ["1", "Ada", "-0.50", "2024-02-29T12:30:00.000001Z", #"["a", "q\"uote", null]"#],
                ["2", "null", "1234567.89", "1969-12-31T23:59:59.999999Z", "[]"],
                ["3", "Grace", "null", "null", "null"],
                ["4", "Zoë", "0.00", "0001-01-01T00:00:00Z", #"["\u001f"]"#],
            ])
        #expect(try file.head(rows: 2).count == 2)
        #expect(try file.head(rows: 0).isEmpty)
    }

    @Test("A column that is not there is refused")
    func noSuchColumn() throws {
        let folder = try ReaderFolder()
        try ReaderPython.run(script: "reader_small.py", [folder.url.path])
        let file = try ParquetFile(ParquetFileInput(path: folder.url.appendingPathComponent("small.parquet").path))
        #expect(throws: ColumnarError.self) { try file.column(5, rowGroup: 0) }
        #expect(throws: ColumnarError.self) { try file.column(0, rowGroup: 2) }
    }

    private static let noParquetFiles: [(bytes: [UInt8], code: ColumnarError.Code)] = [
        ([], .notParquet),
        (Array("a,b\n1,2\n3,4\n5,6\n".utf8), .notParquet),
        (Array("PAR1 and then nothing more".utf8), .corruptFile),
        (Array("something before it PAR1".utf8), .corruptFile),
        (framed([0xFF, 0xFF, 0xFF, 0x7F], "PAR1"), .corruptFile),
        (framed([0, 0, 0, 0], "PAR1"), .corruptFile),
        (framed([0, 0, 0, 0], "PARE"), .unsupported),
        (withoutColumns, .corruptFile),
    ]

    /// A footer that claims a thousand rows, in one group, of no columns.
    private static let withoutColumns: [UInt8] = {
        let schema: [UInt8] = [0x48, 6] + Array("schema".utf8) + [0x15, 0, 0]
        let group: [UInt8] = [0x19, 0x0C, 0x16, 0, 0x16, 0xD0, 0x0F, 0]
        let footer: [UInt8] = [0x15, 2, 0x19, 0x1C] + schema + [0x16, 0xD0, 0x0F, 0x19, 0x1C] + group + [0]
        return Array("PAR1".utf8) + footer + framed([UInt8(footer.count), 0, 0, 0], "PAR1").dropFirst(4)
    }()

    private static func framed(_ length: [UInt8], _ magic: String) -> [UInt8] {
        Array("PAR1".utf8) + length + Array(magic.utf8)
    }

    @Test(
        "What is no Parquet file is told apart from what was cut",
        arguments: noParquetFiles)
    func noParquet(bytes: [UInt8], code: ColumnarError.Code) {
        let error = #expect(throws: ColumnarError.self) { try ParquetFile(ParquetMemoryInput(bytes)) }
        #expect(error?.code == code, "\(error.map(String.init(describing:)) ?? "")")
    }

    @Test("A missing file and a folder are refused with their name")
    func missingFile() throws {
        let folder = try ReaderFolder()
        for path in [folder.url.path, folder.url.appendingPathComponent("none.parquet").path] {
            let error = #expect(throws: ColumnarError.self) { try ParquetFileInput(path: path) }
            #expect(error?.code == .readFailed)
            #expect(error?.message.contains(path) == true)
        }
    }
}

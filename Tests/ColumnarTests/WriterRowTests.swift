import Columnar
import Foundation
import Testing

@Suite("Parquet writer, row by row")
struct WriterRowTests {
    @Test("values of all types, at their limits, are read as they were written")
    func rows() throws {
        let folder = try ScratchFolder()
        let types: [ColumnType] = [
            .boolean, .bigint, .double, .decimal(precision: 18, scale: 3), .decimal(precision: 38, scale: 0), .date,
            .timestamp, .timestampUTC, .string,
        ]
        let columns = types.enumerated().map { ColumnSchema(name: "C\($0)", type: $1) }
        let top = String(repeating: "9", count: 38)
        let table: [[ColumnValue]] = [
            [
                .boolean(true), .bigint(.max), .double(.greatestFiniteMagnitude), .string("999999999999999.999"),
                .string(top), .date(days: 2_932_896), .timestamp(microseconds: 253_402_300_799_999_999),
                .timestamp(microseconds: 0), .string("\"quoted\", and\nlines"),
            ],
            [
                .boolean(false), .bigint(.min), .double(.leastNonzeroMagnitude), .string("-0.001"), .string("-" + top),
                .date(days: -719_162), .timestamp(microseconds: -62_135_596_800_000_000),
                .timestamp(microseconds: -1), .string(""),
            ],
            Array(repeating: .null, count: 9),
            [
                .null, .bigint(0), .double(.nan), .string("1"), .string("0"), .null, .null,
                .timestamp(microseconds: 1_700_000_000_123_456), .string("é"),
            ],
        ]
        let path = folder.path("rows.parquet")
        let writer = try ParquetWriter(FileSink(path: path), columns: columns)
        for row in table { try writer.append(row) }
        #expect(writer.rows == 4)
        let size = try writer.finish()
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64 == size)
        let expected = ExpectedColumns(columns: [
            ("c0", [.boolean(true), .boolean(false), .null, .null]),
            ("c1", [.integer(.max), .integer(.min), .null, .integer(0)]),
            ("c2", [.double(.greatestFiniteMagnitude), .double(.leastNonzeroMagnitude), .null, .double(.nan)]),
            ("c3", [.text("999999999999999.999"), .text("-0.001"), .null, .text("1.000")]),
            ("c4", [.text(top), .text("-" + top), .null, .text("0")]),
            ("c5", [.text("9999-12-31"), .text("0001-01-01"), .null, .null]),
            ("c6", [.text("9999-12-31 23:59:59.999999"), .text("0001-01-01 00:00:00"), .null, .null]),
            (
                "c7",
                [
                    .text("1970-01-01 00:00:00"), .text("1969-12-31 23:59:59.999999"), .null,
                    .text("2023-11-14 22:13:20.123456"),
                ]
            ),
            ("c8", [.text("\"quoted\", and\nlines"), .text(""), .null, .text("é")]),
        ])
        try ParquetChecker.check([.init(parquet: path, expected: expected)], in: folder.url)
    }

    @Test("many rows make row groups; wrong values are refused")
    func faults() throws {
        var options = ParquetWriterOptions()
        options.rowGroupRows = 3000
        let columns = [
            ColumnSchema(name: "a", type: .bigint), ColumnSchema(name: "b", type: .decimal(precision: 3, scale: 1)),
        ]
        let sink = MemorySink()
        let writer = try ParquetWriter(sink, columns: columns, options: options)
        for row in 0..<10_000 { try writer.append([.bigint(Int64(row)), .string("1.5")]) }
        try writer.finish()
        #expect(try footer(sink.bytes).rowGroups.map(\.rowCount) == [3000, 3000, 3000, 1000])
        let other = try ParquetWriter(MemorySink(), columns: columns)
        #expect(columnarError { try other.append([.bigint(1)]) }?.code == .malformedRow)
        #expect(columnarError { try other.append([.double(1), .null]) }?.column == "a")
        try other.append([.bigint(1), .string("1.5")])
        try other.append([.bigint(1), .string("1000.5")])
        let misfit = columnarError { try other.finish() }
        #expect(misfit?.code == .schemaMismatch)
        #expect(misfit?.column == "b")
        #expect(misfit?.row == 2)
        let twice = [ColumnSchema(name: "A b", type: .bigint), ColumnSchema(name: "a_b", type: .string)]
        #expect(columnarError { _ = try ParquetWriter(MemorySink(), columns: twice) }?.code == .duplicateColumn)
    }
}

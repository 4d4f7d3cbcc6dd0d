import Columnar
import Foundation
import Testing

private let nines = String(repeating: "9", count: 38)

@Suite("Types: inference without losing a digit")
struct TypeInferenceTests {
    private func type(_ values: [String]) throws -> String {
        try convert("v,x\n" + values.map { "\($0),1\n" }.joined()).columns[0].type.description
    }

    @Test(
        "integers beyond 64 bits, digits beyond a double's, times of day",
        arguments: [
            (["9223372036854775808", "-1"], "decimal(19,0)"), ([nines, "-\(nines)", "0"], "decimal(38,0)"),
            (["\(nines)9"], "string"), (["0\(nines.dropLast())"], "string"), (["+9223372036854775808"], "string"),
            (["9223372036854775808", "0.5"], "decimal(20,1)"), ([nines, "0.5"], "string"),
            (["9223372036854775808", "1e3"], "string"), (["9223372036854775808", "NaN"], "string"),
            // Fifteen digits always survive in a double; of more, those that a program printed from one.
            (["0.123456789012345"], "double"), (["0.10000000000000001"], "double"), (["0.30000000000000004"], "double"),
            (["0.1000000000000000055511151231257827"], "double"), (["0.1000000000000000000000"], "double"),
            (["123456789012345678.5"], "decimal(19,1)"), (["0.12345678901234567890"], "decimal(20,20)"),
            (["-1.00000000000000000001", "12"], "decimal(22,20)"),
            (["0.12345678901234567890", "1e5"], "string"), (["1.2345678901234567890123e5"], "string"),
            (["0.\(nines)", "1"], "string"), (["0.\(nines)", "0"], "decimal(38,38)"),
            (["23:59:59", "00:00:00"], "time"), (["23:59:59.123456"], "time"), (["12:30:00", ""], "time"),
            (["12:30"], "string"), (["24:00:00"], "string"), (["12:60:00"], "string"), (["1:30:00"], "string"),
            (["12:30:00Z"], "string"), (["12:30:00.1234567"], "string"), (["12:30:00.1234560"], "time"),
            (["12:30:00."], "string"), (["12:30:00", "5"], "string"), (["12:30:00", "2024-01-01"], "string"),
            (["2024-01-01T00:00:00.000Z", "2024-06-01T00:00:00+05:30"], "timestamp with local time zone"),
            (["31/01/2024"], "string"), (["2024-01-02T03:04:05.123456000"], "timestamp"),
        ])
    func inference(_ values: [String], _ expected: String) throws {
        #expect(try type(values) == expected)
    }

    @Test("late values widen: integers to decimals, doubles to decimals, times to texts; every value is kept")
    func widening() throws {
        let folder = try ScratchFolder()
        var options = ConversionOptions()
        options.csv.batchBytes = 512
        let late = [
            "huge": ("5", "18446744073709551615"), "exact": ("1.5", "0.12345678901234567891"),
            "clock": ("12:30:00", "noon"), "plain": ("12:30:00", "23:59:59.5"), "signed": ("1.25", "-0.0"),
        ]
        let names = late.keys.sorted()
        var text = names.joined(separator: ",") + "\n"
        for row in 0..<600 {
            let fields = names.map { name in row == 500 ? late[name]?.1 ?? "" : late[name]?.0 ?? "" }
            text += fields.joined(separator: ",") + "\n"
        }
        let path = folder.path("late.parquet")
        let report = try convert(text, options, to: path)
        let types = Dictionary(uniqueKeysWithValues: report.columns.map { ($0.name, $0.type.description) })
        #expect(
            types == [
                "huge": "decimal(20,0)", "exact": "decimal(21,20)", "clock": "string", "plain": "time",
                "signed": "double",
            ])
        #expect(report.widenedColumns.sorted() == ["clock", "exact", "huge"])
        #expect(report.drift.isEmpty)
        func column(_ usual: ExpectedColumns.Value, _ late: ExpectedColumns.Value) -> [ExpectedColumns.Value] {
            (0..<600).map { $0 == 500 ? late : usual }
        }
        let expected = ExpectedColumns(columns: [
            ("clock", column(.text("12:30:00"), .text("noon"))),
            ("exact", column(.text("1.50000000000000000000"), .text("0.12345678901234567891"))),
            ("huge", column(.text("5"), .text("18446744073709551615"))),
            ("plain", column(.text("12:30:00"), .text("23:59:59.500000"))),
            ("signed", column(.double(1.25), .double(-0.0))),
        ])
        try ParquetChecker.check(
            [.init(parquet: path, expected: expected, types: ["plain": "time64[us]", "huge": "decimal128(20, 0)"])],
            in: folder.url)
    }

    @Test("doubles that programs print are doubles, whatever their length; other digits never are")
    func printedDoubles() throws {
        var random = SeededGenerator(seed: 77)
        var values: [Double] = []
        while values.count < 3000 {
            let value = Double(bitPattern: random.next())
            if value.isFinite, abs(value.exponent) < 200 { values.append(value) }
        }
        for _ in 0..<3000 { values.append(Double.random(in: -1000...1000, using: &random)) }
        for format in ["%.17g", "%.16g", "%.25g", "%.20e", "%.12f"] {
            let texts = values.map { String(format: format, $0) }.filter { $0.contains(".") }
            #expect(try type(texts) == "double", "\(format)")
            #expect(try type(values.map(\.description)) == "double")
        }
        for _ in 0..<200 {
            let digits = (0..<24).map { _ in "\(Int.random(in: 1...9, using: &random))" }.joined()
            #expect(try type(["0." + digits]) == "decimal(24,24)", "\(digits)")
        }
    }
}

@Suite("Types: given schemas and drift")
struct TypeSchemaTests {
    @Test("each type takes what it says, and refuses the rest with row and text")
    func given() {
        let cases: [(ColumnType, good: [String], bad: [String])] = [
            (.boolean, ["true", "False", "TRUE", ""], ["1", "yes", "tRUE", "t"]),
            (
                .bigint, ["0", "-1", "\(Int64.max)", "\(Int64.min)"],
                ["9223372036854775808", "007", "+1", "1.0", "1e3", "-0"]
            ),
            (
                .double, ["1", "1.5", "-0", "NaN", "inf", "1e300", "0.12345678901234567890"],
                ["1e999", "007", "+1", "0x1", "9007199254740993"]
            ),
            (
                .decimal(precision: 5, scale: 2), ["1", "999.99", "-0.01", "1.500", ".5"],
                ["1000", "0.001", "1e2", "+1", "00.1"]
            ),
            (.decimal(precision: 38, scale: 0), [nines, "-\(nines)"], ["\(nines)0", "0.5"]),
            (
                .date, ["2024-02-29", "0001-01-01", "9999-12-31"],
                ["2023-02-29", "1/2/2024", "2024-1-2", "10000-01-01"]
            ),
            (.time, ["12:30", "12:30:59", "00:00:00.000001"], ["24:00", "12", "12:30:60", "12:30:00Z", "noon"]),
            (
                .timestamp, ["2024-01-02", "2024-01-02 03:04", "2024-01-02T03:04:05.123456"],
                ["2024-01-02T03:04:05Z", "now"]
            ),
            (
                .timestampUTC, ["2024-01-02T03:04:05Z", "2024-01-02 03:04:05+02:00"],
                ["2024-01-02T03:04:05", "2024-01-02"]
            ),
        ]
        for (type, good, bad) in cases {
            var options = ConversionOptions()
            options.schema = [ColumnSchema(name: "v", type: type), ColumnSchema(name: "x", type: .bigint)]
            #expect(
                columnarError { try convert("v,x\n" + good.map { "\($0),1\n" }.joined(), options) } == nil, "\(type)")
            for value in bad {
                let error = columnarError { try convert("v,x\n\(good[0]),1\n\(value),1\n", options) }
                #expect(error?.code == .schemaMismatch && error?.row == 2, "\(type) \(value)")
                #expect(error?.text == value, "\(type) \(value)")
            }
        }
    }

    @Test("drift: new, missing and, where allowed, widened columns")
    func drift() throws {
        let folder = try ScratchFolder()
        var options = ConversionOptions()
        options.csv.batchBytes = 512
        options.schema = [
            ColumnSchema(name: "id", type: .bigint), ColumnSchema(name: "gone", type: .date),
            ColumnSchema(name: "price", type: .decimal(precision: 4, scale: 2)), ColumnSchema(name: "at", type: .date),
            ColumnSchema(name: "fits", type: .double),
        ]
        let text =
            "id,price,at,fits,extra\n"
            + (0..<300).map { row in
                row == 250 ? "1.5,12345.678,2024-01-02 03:04:05,1,12:00:00\n" : "\(row),1.25,2024-01-02,0.5,\n"
            }.joined()
        #expect(columnarError { try convert(text, options) }?.code == .schemaMismatch)
        options.mismatches = .widen
        let path = folder.path("drift.parquet")
        let report = try convert(text, options, to: path)
        #expect(
            report.drift.lines == [
                "new column extra time", "missing column gone date", "widened column id bigint -> decimal(20,1)",
                "widened column price decimal(4,2) -> decimal(8,3)", "widened column at date -> timestamp",
            ])
        func column(_ usual: (Int) -> ExpectedColumns.Value, _ late: ExpectedColumns.Value) -> [ExpectedColumns.Value] {
            (0..<300).map { $0 == 250 ? late : usual($0) }
        }
        let expected = ExpectedColumns(columns: [
            ("id", column({ .text("\($0).0") }, .text("1.5"))), ("gone", Array(repeating: .null, count: 300)),
            ("price", column({ _ in .text("1.250") }, .text("12345.678"))),
            ("at", column({ _ in .text("2024-01-02 00:00:00") }, .text("2024-01-02 03:04:05"))),
            ("fits", column({ _ in .double(0.5) }, .double(1))), ("extra", column({ _ in .null }, .text("12:00:00"))),
        ])
        try ParquetChecker.check([.init(parquet: path, expected: expected)], in: folder.url)
        options.schema = report.columns
        #expect(try convert(text, options).drift.lines == ["missing column gone date"])
        options.schema = nil
        #expect(try convert(text, options).drift.isEmpty)
    }

    @Test("a schema file lists names and types; what is wrong names the column")
    func schemaFile() throws {
        let good =
            #"{"columns": [{"name": "Id", "type": "bigint"}, {"price": "decimal(10,2)"}, {"at": "timestamp with local time zone"}, {"t": "TIME"}]}"#
        let file = try JSONDecoder().decode(SchemaFile.self, from: Data(good.utf8))
        #expect(
            file.columns == [
                ColumnSchema(name: "id", type: .bigint),
                ColumnSchema(name: "price", type: .decimal(precision: 10, scale: 2)),
                ColumnSchema(name: "at", type: .timestampUTC), ColumnSchema(name: "t", type: .time),
            ])
        for (text, word) in [
            (#"{"columns": [{"name": "id", "type": "int"}]}"#, "id"), (#"{"columns": []}"#, "no columns"),
            (#"{"columns": [{"a": "bigint"}, {"A": "date"}]}"#, "two columns"),
            (#"{"columns": [{"name": "a"}]}"#, "name"),
            (#"{"columns": [{"a": "date", "b": "date"}]}"#, "found"), (#"{"cols": []}"#, "columns"),
            (#"{"columns": {"a": "bigint"}}"#, "columns is a list"),
        ] {
            let error = #expect(throws: DecodingError.self) {
                try JSONDecoder().decode(SchemaFile.self, from: Data(text.utf8))
            }
            #expect(error.map { "\($0)" }?.contains(word) == true, "\(text): \(error.map { "\($0)" } ?? "")")
        }
    }

    @Test("all types, nulls and limits, for old readers and new ones, in every compression")
    func everyType() throws {
        let folder = try ScratchFolder()
        let columns: [(String, ColumnType)] = [
            ("b", .boolean), ("i", .bigint), ("d", .double), ("s", .decimal(precision: 9, scale: 2)),
            ("w", .decimal(precision: 38, scale: 10)), ("day", .date), ("t", .time), ("local", .timestamp),
            ("utc", .timestampUTC), ("text", .string),
        ]
        var expected = ExpectedColumns(columns: columns.map { ($0.0, []) })
        var text = columns.map(\.0).joined(separator: ",") + "\n"
        for row in 0..<2000 {
            func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
            let clock = "\(two(row % 24)):\(two(row % 60)):\(two(row * 7 % 60))"
            let fraction = row % 3 == 0 ? "" : ".\(100_000 + row)"
            let day = "\(1000 + row)-\(two(row % 12 + 1))-\(two(row % 28 + 1))"
            let sign = row % 2 == 0 ? "" : "-"
            let values: [(String, ExpectedColumns.Value)] = [
                (row % 3 == 0 ? "true" : "false", .boolean(row % 3 == 0)),
                (
                    "\(sign)\(9_223_372_036_854_000_001 + row)",
                    .integer((row % 2 == 0 ? 1 : -1) * Int64(9_223_372_036_854_000_001 + row))
                ),
                ("\(Double(row) / 7)", .double(Double(row) / 7)), ("\(sign)\(row).25", .text("\(sign)\(row).25")),
                (
                    "\(sign)\(row + 1)12345678901234567890123.1234567891",
                    .text("\(sign)\(row + 1)12345678901234567890123.1234567891")
                ),
                (day, .text(day)), (clock + fraction, .text(clock + fraction)),
                ("\(day) \(clock)\(fraction)", .text("\(day) \(clock)\(fraction)")),
                ("\(day)T\(clock)\(fraction)Z", .text("\(day) \(clock)\(fraction)")),
                ("text \(row % 40)", .text("text \(row % 40)")),
            ]
            let fields = values.enumerated().map { index, value in (row + index) % 13 == 5 ? "" : value.0 }
            for (index, value) in values.enumerated() {
                expected.columns[index].values.append((row + index) % 13 == 5 ? .null : value.1)
            }
            text += fields.joined(separator: ",") + "\n"
        }
        var jobs: [ParquetChecker.Job] = []
        for compatibility in [ParquetWriterOptions.Compatibility.legacy, .current, .newest] {
            for compression in [ParquetWriterOptions.Compression.none, .snappy, .zstd(level: 1), .automatic] {
                var options = ConversionOptions()
                options.schema = columns.map { ColumnSchema(name: $0.0, type: $0.1) }
                options.parquet.compatibility = compatibility
                options.parquet.compression = compression
                options.parquet.pageRows = 300
                options.parquet.rowGroupRows = 900
                options.parquet.keyValueMetadata = [(key: "sluice.source", value: "landing/x.csv")]
                let path = folder.path("\(compatibility)-\(compression).parquet")
                try convert(text, options, to: path)
                jobs.append(
                    .init(
                        parquet: path, expected: expected,
                        types: [
                            "t": "time64[us]", "local": "timestamp[us]", "utc": "timestamp[us, tz=UTC]",
                            "w": "decimal128(38, 10)", "s": "decimal128(9, 2)",
                        ], metadata: ["sluice.source": "landing/x.csv"]))
                let file = try ParquetFile(ParquetFileInput(path: path))
                let used = Set(file.rowGroups.flatMap { $0.columns.flatMap(\.encodings) })
                if compatibility == .legacy {
                    #expect(used.isSubset(of: ["PLAIN", "PLAIN_DICTIONARY", "RLE"]), "\(used)")
                    #expect(file.formatVersion == 1)
                }
                // Wide decimals have bounds too.
                #expect(file.rowGroups.allSatisfy { $0.columns[4].minimum?.description.hasPrefix("-") == true })
            }
        }
        try ParquetChecker.check(jobs, in: folder.url)
    }
}

import Columnar
import Testing

/// The reader on what this library's own writer writes.
@Suite("Parquet reader: files of our writer", .timeLimit(.minutes(5)))
struct ReaderRoundTripTests {
    private static let types: [(name: String, type: ColumnType)] = [
        ("id", .bigint), ("step", .bigint), ("ratio", .double), ("word", .string), ("text", .string),
        ("flag", .boolean),
        ("day", .date), ("at", .timestamp), ("instant", .timestampUTC), ("price", .decimal(precision: 12, scale: 3)),
        ("huge", .decimal(precision: 38, scale: 3)), ("void", .string),
    ]

    /// Values as texts that the reader's descriptions repeat to the letter; nil for null.
    private static func row(_ number: Int, nullEvery: Int) -> [String?] {
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let time = "\(two(number % 24)):\(two(number % 60)):\(two(number * 7 % 60))"
        let day = "\(1900 + number % 200)-\(two(number % 12 + 1))-\(two(number % 28 + 1))"
        let values: [String?] = [
            "\(number &* 6_364_136_223_846_793_005)", "\(1_000_000 + number * 3)", "\(Double(number) / 4)",
            "word \(number % 20)", "text €\(number) \"quoted\", \(String(repeating: "x", count: number % 40))",
            number % 3 == 0 ? "true" : "false", day, "\(day)T\(time)", "\(day)T\(time).\(100_001 + number % 800_000)Z",
            "\(number % 1000 - 500).125", "\(number + 1)12345678901234567890123.500", nil,
        ]
        return values.enumerated().map { index, value in
            nullEvery > 0 && (number + index) % nullEvery == 0 ? nil : value
        }
    }

    @Test(
        "Every value comes back, in every compression and encoding",
        arguments: [
            (ParquetWriterOptions.Compression.snappy, ParquetWriterOptions.Compatibility.current, 0),
            (.snappy, .legacy, 3), (.zstd(level: 3), .current, 5), (.none, .legacy, 0), (.none, .current, 2),
            (.automatic, .current, 7),
        ] as [(ParquetWriterOptions.Compression, ParquetWriterOptions.Compatibility, Int)])
    func everyValue(
        compression: ParquetWriterOptions.Compression, compatibility: ParquetWriterOptions.Compatibility, nullEvery: Int
    ) throws {
        let count = 5_000
        var csv = Self.types.map(\.name).joined(separator: ",") + "\n"
        for number in 0..<count {
            csv +=
                Self.row(number, nullEvery: nullEvery).map { text in
                    guard let text, text.contains("\"") else { return text ?? "" }
                    return "\""
                        + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
                }.joined(separator: ",") + "\n"
        }
        var options = ConversionOptions()
        options.schema = Self.types.map { ColumnSchema(name: $0.name, type: $0.type) }
        options.parquet.compression = compression
        options.parquet.compatibility = compatibility
        options.parquet.rowGroupRows = 2_000
        options.parquet.pageRows = 300
        options.parquet.keyValueMetadata = [(key: "source", value: "a test")]
        let sink = MemorySink()
        _ = try CSVConverter.convert(from: MemorySource(csv), to: sink, options: options)

        let file = try ParquetFile(ParquetMemoryInput(sink.bytes))
        #expect(file.rowCount == Int64(count))
        #expect(file.rowGroups.count >= 3)
        #expect(file.schema.columns.map(\.name) == Self.types.map(\.name))
        #expect(file.keyValueMetadata.contains { $0.key == "source" && $0.value == "a test" })
        var rows = file.rows(portion: 777)
        for number in 0..<count {
            let found = try #require(try rows.next()).map(\.description)
            let expected = Self.row(number, nullEvery: nullEvery).map { $0 ?? "null" }
            guard found == expected else {
                Issue.record("row \(number): \(found), expected \(expected)")
                return
            }
        }
        #expect(try rows.next() == nil)
        let days = file.rowGroups.compactMap { $0.columns[6].minimum?.description }
        #expect(days.count == file.rowGroups.count && days.allSatisfy { $0.hasPrefix("19") })
        #expect(file.rowGroups.allSatisfy { $0.columns[11].nullCount == $0.rowCount })
    }
}

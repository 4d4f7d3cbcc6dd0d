import Columnar
import Foundation
import Testing

/// Makes random tables with their CSV text and the values that a Parquet file must hold.
struct RandomTable {
    var csv = ""
    var expected = ExpectedColumns()
    var types: [String: String] = [:]

    private enum Kind: CaseIterable {
        case integer, smallInteger, sequence, edgeInteger, price, double, boolean, date, timestamp, fraction, instant
        case word, text, unique, nulls, sparse
    }

    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let rows = [0, 1, 7, 8, 9, 100, 1000, 5000].randomElement(using: &random) ?? 1
        let lineEnd = ["\n", "\n", "\r\n"].randomElement(using: &random) ?? "\n"
        let nullShare: Double = [0.0, 0.0, 0.05, 0.5].randomElement(using: &random) ?? 0.0
        var columns: [[String]] = []
        for position in 0..<Int.random(in: 1...8, using: &random) {
            let kind = Kind.allCases.randomElement(using: &random) ?? .word
            var fields: [String] = []
            var values: [ExpectedColumns.Value] = []
            let distinct = Int.random(in: 1...300, using: &random)
            for row in 0..<rows {
                let isNull =
                    kind == .nulls || Double.random(in: 0..<1, using: &random) < (kind == .sparse ? 0.97 : nullShare)
                let (field, value) = isNull ? ("", .null) : Self.value(kind, row, distinct, &random)
                fields.append(field)
                values.append(value)
            }
            columns.append(fields)
            let hasValues = values.contains { if case .null = $0 { false } else { true } }
            expected.columns.append(("c\(position)", values))
            types["c\(position)"] = hasValues ? Self.arrowType(kind) : "string"
        }
        csv = columns.indices.map { "C\($0)" }.joined(separator: ",") + lineEnd
        for row in 0..<rows { csv += columns.map { $0[row] }.joined(separator: ",") + lineEnd }
    }

    private static func arrowType(_ kind: Kind) -> String {
        switch kind {
        case .integer, .smallInteger, .sequence, .edgeInteger, .sparse: "int64"
        case .price, .double: "double"
        case .boolean: "bool"
        case .date: "date32[day]"
        case .timestamp, .fraction: "timestamp[us]"
        case .instant: "timestamp[us, tz=UTC]"
        case .word, .text, .unique, .nulls: "string"
        }
    }

    private static func value(
        _ kind: Kind, _ row: Int, _ distinct: Int, _ random: inout SeededGenerator
    ) -> (String, ExpectedColumns.Value) {
        func pad(_ number: Int, _ width: Int = 2) -> String {
            String(repeating: "0", count: width - String(number).count) + String(number)
        }
        func day() -> String {
            let year =
                [Int.random(in: 1...9999, using: &random), 2024, 2000, 1900, 1, 9999].randomElement(using: &random) ?? 1
            return
                "\(pad(year, 4))-\(pad(Int.random(in: 1...12, using: &random)))-\(pad(Int.random(in: 1...28, using: &random)))"
        }
        func time() -> String {
            [23, 59, 59].map { pad(Int.random(in: 0...$0, using: &random)) }.joined(separator: ":")
        }
        switch kind {
        case .integer, .sparse:
            let number = Int64(bitPattern: random.next()) >> Int64.random(in: 0...63, using: &random)
            return ("\(number)", .integer(number))
        case .smallInteger:
            let number = Int64.random(in: 0..<Int64(distinct), using: &random)
            return ("\(number)", .integer(number))
        case .sequence:
            let number = Int64(1_000_000 + row)
            return ("\(number)", .integer(number))
        case .edgeInteger:
            let number = [Int64.min, .max, 0, -1, .max - 1, .min + 1].randomElement(using: &random) ?? 0
            return ("\(number)", .integer(number))
        case .price:
            let number = Double(Int.random(in: -100_000...100_000, using: &random)) / 100
            return ("\(number)", .double(number))
        case .double:
            if row > 0, Int.random(in: 0..<20, using: &random) == 0 {
                let special = [("NaN", Double.nan), ("inf", .infinity), ("-inf", -.infinity), ("-0.0", -0.0)]
                let (text, number) = special.randomElement(using: &random) ?? ("0.0", 0)
                return (text, .double(number))
            }
            var number = Double(bitPattern: random.next())
            while !number.isFinite || number.description.allSatisfy({ $0.isNumber }) {
                number = Double(bitPattern: random.next())
            }
            return ("\(number)", .double(number))
        case .boolean:
            let value = Bool.random(using: &random)
            return (value ? "true" : "False", .boolean(value))
        case .date:
            let text = day()
            return (text, .text(text))
        case .timestamp:
            let (date, time) = (day(), time())
            return (Bool.random(using: &random) ? "\(date) \(time)" : "\(date)T\(time)", .text("\(date) \(time)"))
        case .fraction:
            let text = "\(day()) \(time()).\(pad(Int.random(in: 1...999_999, using: &random), 6))"
            return (text, .text(text))
        case .instant:
            let text = "2024-05-\(pad(Int.random(in: 10...20, using: &random)))"
            let hour = Int.random(in: 3...20, using: &random)
            let offset = Int.random(in: -3...3, using: &random)
            let zone = offset == 0 ? "Z" : (offset < 0 ? "-" : "+") + pad(abs(offset)) + ":00"
            return ("\(text)T\(pad(hour)):30:15\(zone)", .text("\(text) \(pad(hour - offset)):30:15"))
        case .word:
            let text = "word\(Int.random(in: 0..<distinct, using: &random))"
            return (text, .text(text))
        case .unique:
            let text =
                "u" + String(random.next(), radix: 16)
                + String(repeating: "x", count: Int.random(in: 0...90, using: &random))
            return (text, .text(text))
        case .text, .nulls:
            let pieces = ["a,b", "\"", "line\nbreak", "\r\n", "日本", "😀", "plain text", "é", " ", "z"]
            var text = ""
            for _ in 0..<Int.random(in: 0...6, using: &random) { text += pieces.randomElement(using: &random) ?? "" }
            return ("\"" + text.replacing("\"", with: "\"\"") + "\"", .text(text))
        }
    }
}

@Suite("Conversion: random files, read by pyarrow, DuckDB and Polars", .timeLimit(.minutes(5)))
struct ConvertRandomTests {
    @Test("every value survives, whatever the options")
    func random() throws {
        let folder = try ScratchFolder()
        var jobs: [ParquetChecker.Job] = []
        for seed in 0..<240 {
            var random = SeededGenerator(seed: UInt64(seed) &* 7919)
            let table = RandomTable(seed: UInt64(seed))
            var options = ConversionOptions()
            options.csv.batchBytes = [256, 1024, 65_536, 512 << 10].randomElement(using: &random) ?? 1024
            options.parquet.rowGroupRows = [1, 64, 1000, 1_000_000].randomElement(using: &random) ?? 1000
            if table.csv.utf8.count > 100_000 { options.parquet.rowGroupRows = 1_000_000 }
            options.parquet.pageRows = [8, 100, 1000, 20_000].randomElement(using: &random) ?? 1000
            options.parquet.pageBytes = [256, 512 << 10].randomElement(using: &random) ?? 256
            options.parquet.compression =
                [.none, .snappy, .zstd(level: 1), .zstd(level: 9)].randomElement(using: &random) ?? .none
            options.parquet.compatibility = [.current, .legacy, .newest].randomElement(using: &random) ?? .current
            options.threads = Int.random(in: 1...2, using: &random)
            let path = folder.path("\(seed).parquet")
            let report = try convert(table.csv, options, to: path)
            #expect(
                report.outputBytes == (try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64) ?? -1)
            jobs.append(.init(parquet: path, expected: table.expected, types: table.types))
        }
        try ParquetChecker.check(jobs, in: folder.url)
    }
}

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

    /// Kinds of the columns, in words of this table.
    private var kinds: [Kind] = []
    var rows = 0

    /// - Parameter numbered: whether a last column, `k`, counts the rows from 0.
    init(seed: UInt64, numbered: Bool = false) {
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
            kinds.append(kind)
            let hasValues = values.contains { if case .null = $0 { false } else { true } }
            expected.columns.append(("c\(position)", values))
            types["c\(position)"] = hasValues ? Self.arrowType(kind) : "string"
        }
        self.rows = rows
        var names = columns.indices.map { "C\($0)" }
        if numbered {
            names.append("K")
            columns.append((0..<rows).map { "\($0)" })
            expected.columns.append(("k", (0..<rows).map { .integer(Int64($0)) }))
        }
        csv = names.joined(separator: ",") + lineEnd
        for row in 0..<rows { csv += columns.map { $0[row] }.joined(separator: ",") + lineEnd }
    }

    /// Leaves out rows; of columns that are left without a value that shows their type, the type is open.
    mutating func keep(_ isGood: (Int) -> Bool) {
        for column in expected.columns.indices {
            let values = expected.columns[column].values.enumerated().filter { isGood($0.offset) }.map(\.element)
            expected.columns[column].values = values
            let isKnown = values.contains {
                switch $0 {
                case .null: false
                case .double(let value): value.isFinite
                default: true
                }
            }
            if !isKnown { types[expected.columns[column].name] = nil }
        }
    }

    /// Whether all columns of doubles have a finite one: those without would be text.
    var hasPlainTypes: Bool {
        expected.columns.allSatisfy { column in
            !column.values.contains { if case .double = $0 { true } else { false } }
                || column.values.contains { if case .double(let value) = $0 { value.isFinite } else { false } }
        }
    }

    /// Masks a column of words or unique texts, if there is one.
    /// - Returns: its name.
    mutating func mask(_ action: Masking.Action) -> String? {
        guard let column = kinds.firstIndex(where: { $0 == .word || $0 == .unique }) else { return nil }
        expected.columns[column].values = expected.columns[column].values.map { value in
            guard case .text(let text) = value else { return value }
            if case .redact = action { return .text("***") }
            // Nothing but letters and digits is in these texts.
            let kept = text.count > 4 ? String(text.suffix(4)) : ""
            return .text(String(repeating: "*", count: text.count - kept.count) + kept)
        }
        return "c\(column)"
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
                [.none, .snappy, .automatic, .zstd(level: 1), .zstd(level: 9)].randomElement(using: &random) ?? .none
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

    /// A rule on the row numbers with what it says of a row.
    private static func rule(_ rows: Int, _ random: inout SeededGenerator) -> (dqdl: String, holds: (Int) -> Bool) {
        let (low, high) = (Int.random(in: -1...rows, using: &random), Int.random(in: 0...rows + 1, using: &random))
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return (#"ColumnValues "k" < \#(high)"#, { $0 < high })
        case 1: return (#"ColumnValues "k" >= \#(low)"#, { $0 >= low })
        case 2: return (#"ColumnValues "k" not between \#(low) and \#(low + 20)"#, { !(low < $0 && $0 < low + 20) })
        case 3: return (#"ColumnValues "k" not in [\#(low), 3, \#(high)]"#, { ![low, 3, high].contains($0) })
        case 4: return (#"ColumnLength "k" <= 2"#, { $0 < 100 })
        case 5: return (#"ColumnValues "k" matches "[0-9]*[02468]""#, { $0 % 2 == 0 })
        case 6:
            return (
                #"(ColumnValues "k" < \#(high)) or (ColumnValues "k" matches ".*7")"#, { $0 < high || $0 % 10 == 7 }
            )
        default: return (#"ColumnValues "k" != 5 where "k < 50""#, { $0 != 5 })
        }
    }

    @Test(
        "good rows survive with their values, bad ones are left out and masked ones masked, whatever rules, masks and profiles"
    )
    func checked() throws {
        let folder = try ScratchFolder()
        var jobs: [ParquetChecker.Job] = []
        for seed in 0..<80 {
            var random = SeededGenerator(seed: UInt64(seed) &* 104_729)
            var table = RandomTable(seed: 1000 + UInt64(seed), numbered: true)
            var options = ConversionOptions()
            options.csv.batchBytes = [256, 1024, 65_536, 512 << 10].randomElement(using: &random) ?? 1024
            options.parquet.rowGroupRows = [64, 1000, 1_000_000].randomElement(using: &random) ?? 1000
            options.parquet.pageRows = [8, 100, 1000, 20_000].randomElement(using: &random) ?? 1000
            options.threads = Int.random(in: 1...2, using: &random)
            options.csv.badRecords = .reject
            let all = table.expected.columns
            let rules = (0..<Int.random(in: 1...3, using: &random)).map { _ in Self.rule(table.rows, &random) }
            let isGood = { row in rules.allSatisfy { $0.holds(row) } }
            let bad = (0..<table.rows).filter { !isGood($0) }
            table.keep(isGood)
            if bad.count < table.rows, table.hasPlainTypes {
                let whole = [
                    #"IsUnique "k""#, #"Completeness "k" = 1"#, #"ColumnExists "c0""#, "RowCount = \(table.rows)",
                ]
                options.quality = try QualityRules(
                    dqdl: "Rules = [ \((rules.map(\.dqdl) + (table.rows > 0 ? whole : [])).joined(separator: ", ")) ]")
            } else {
                table.expected.columns = all
            }
            if Bool.random(using: &random) {
                let action: Masking.Action = Bool.random(using: &random) ? .redact : .keepLastFour
                if let column = table.mask(action) { options.masking = Masking(columns: [column: action]) }
            }
            if Bool.random(using: &random) { options.profile = 3 }
            let path = folder.path("checked-\(seed).parquet")
            let rejects = RejectCollector()
            let report = try convert(table.csv, options, rejected: rejects, to: path)
            let place: Comment = "seed \(seed), \(rules.map(\.dqdl))"
            if options.quality != nil {
                #expect(rejects.records.map(\.row) == bad.map { Int64($0) + 1 }, place)
                #expect(report.rows == Int64(table.rows - bad.count), place)
            }
            if let profile = report.profile {
                for (column, expected) in zip(profile.columns, table.expected.columns) {
                    let nulls = expected.values.count { if case .null = $0 { true } else { false } }
                    #expect(column.rows == report.rows && column.nulls == Int64(nulls), place)
                }
                let numbers = (0..<table.rows).filter { options.quality == nil || isGood($0) }
                #expect(profile.columns.last?.distinct.count == Int64(numbers.count), place)
                #expect(profile.columns.last?.maximum == numbers.last.map(String.init), place)
            }
            jobs.append(.init(parquet: path, expected: table.expected, types: table.types))
        }
        try ParquetChecker.check(jobs, in: folder.url)
    }
}

import Columnar
import Foundation
import Testing

/// Rules that are judged while columns are built, beside the same rules judged on the fields of every row.
@Suite("Quality while columns are built", .timeLimit(.minutes(5)))
struct QualityStagedTests {
    /// Rules of every kind; some hold of all rows, some of most, some of few.
    private static let pool = [
        #"IsPrimaryKey "id""#, #"IsUnique "id""#, #"Uniqueness "code" >= 0"#, #"DistinctValuesCount "name" > 0"#,
        #"ColumnValues "id" >= 0"#, #"ColumnValues "id" between -1 and 100000"#, #"ColumnValues "id" < 900"#,
        #"ColumnDataType "id" = "Integer""#, #"ColumnDataType "id" = "Long""#, #"IsComplete "code""#,
        #"ColumnValues "code" in [1, 2, 3, 4, 5, 6, 7, 8, 9]"#, #"ColumnValues "code" != 5"#,
        #"ColumnValues "code" not in [3, NULL]"#, #"(ColumnValues "code" < 7) or (ColumnValues "code" = NULL)"#,
        #"ColumnValues "price" > 0"#, #"ColumnValues "price" between -100 and 1000"#,
        #"ColumnDataType "price" = "Double""#, #"ColumnValues "price" not between 5 and 6"#, #"Mean "price" > -1000"#,
        #"Sum "id" > -1"#, #"StandardDeviation "price" >= 0"#, #"ColumnValues "city" in ["Ulm", "Bonn", "Köln"]"#,
        #"ColumnValues "city" != EMPTY"#, #"ColumnValues "city" matches "[A-Z].*""#, #"ColumnLength "city" <= 4"#,
        #"ColumnLength "city" between 0 and 30"#, #"ColumnValues "city" = NULL where "id > 500""#,
        #"ColumnValues "city" != WHITESPACES_ONLY"#, #"ColumnLength "name" < 40"#, #"ColumnLength "name" = 12"#,
        #"ColumnValues "name" matches "[a-z]+[0-9]*""#, #"IsComplete "name""#, #"Completeness "name" > 0.1"#,
        #"ColumnValues "flag" in ["true", "false"]"#, #"ColumnDataType "flag" = "Boolean""#,
        #"ColumnValues "at" > "2024-01-02""#, #"ColumnDataType "at" = "Timestamp""#,
        #"ColumnDataType "at" = "Date" where "code = 1""#, #"ColumnValues "day" between "2023-01-01" and "2025-01-01""#,
        #"ColumnValues "day" > "2024-01-01" where "city = 'Ulm' and price > 3""#, #"Completeness "city" > 0.5"#,
        #"(ColumnValues "price" > 1) and (ColumnLength "city" > 2)"#,
        #"(ColumnValues "id" > 100) or (ColumnValues "city" = "Ulm")"#, #"RowCount > 0"#, #"ColumnCount = 8"#,
    ]

    private struct Maker {
        var generator: SeededGenerator

        mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &generator) }
        mutating func pick(_ values: [String]) -> String { values[below(values.count)] }
        mutating func isRare(_ oneIn: Int) -> Bool { oneIn > 0 && below(oneIn) == 0 }

        /// - Parameter odd: one value in so many is an odd one.
        mutating func text(rows: Int, odd: Int) -> String {
            var text = "id,code,price,city,name,flag,at,day\n"
            var id = below(50)
            for _ in 0..<rows {
                id += isRare(odd) ? below(5) - 2 : 1
                var fields = [
                    "\(id)", "\(below(10))", "\(below(3000)).\(below(10))", pick(["Ulm", "Bonn", "Köln", "\"Ulm\""]),
                    "\(pick(["a", "bc", "def"]))\(below(1_000_000_000))", pick(["true", "false"]),
                    "2024-01-0\(1 + below(9)) 12:\(10 + below(50)):\(10 + below(50))",
                    "2024-0\(1 + below(9))-1\(below(10))",
                ]
                for index in fields.indices where isRare(odd) {
                    fields[index] = pick([
                        "", "", "\"\"", "NA", "\"NA\"", "-1", "0", "7", "\"8\"", "1.25", "NaN", "x", "TRUE", "Ö", "  ",
                        "\"a \"\"b\"\"\"", "2024-02-30", "2024-05-31", "2024-05-31T10:00:00Z", "99999999999999999999",
                    ])
                }
                text += fields.joined(separator: ",") + "\n"
                if isRare(20 * odd) { text += "short\n" }
            }
            return text
        }

        mutating func rules() -> String {
            "Rules = [ " + (0..<1 + below(6)).map { _ in pick(QualityStagedTests.pool) }.joined(separator: ", ") + " ]"
        }
    }

    @Test(
        "Reports, rejected rows, types and profiles are those of judging row by row",
        arguments: 1...40)
    func same(seed: Int) throws {
        var maker = Maker(generator: SeededGenerator(seed: UInt64(seed)))
        // Some files have no odd values, some hardly any, some many.
        let text = maker.text(rows: 900, odd: [0, 2000, 300, 40][seed % 4])
        for _ in 0..<4 {
            let dqdl = maker.rules()
            var rules = try QualityRules(dqdl: dqdl)
            rules.nullTokens = seed % 3 == 0 ? ["NA"] : []
            var options = ConversionOptions()
            options.csv.batchBytes = [1000, 3000, 20_000][maker.below(3)]
            options.parquet.pageRows = [50, 300, 20_000][maker.below(3)]
            options.parquet.rowGroupRows = [170, 1_000_000][maker.below(2)]
            try compare(text, rules, options, "\(dqdl), seed \(seed)")
        }
    }

    @Test(
        "Texts that hardly repeat, which have no dictionary, are judged as fields are",
        arguments: [0, 2000, 30])
    func withoutDictionary(odd: Int) throws {
        var maker = Maker(generator: SeededGenerator(seed: UInt64(odd + 1)))
        var text = "mail,word,code\n"
        // States that are built again and again take their time.
        var start = ""
        for row in 0..<24_000 {
            if row == 2_000 { start = text }
            var fields = [
                "u\(maker.below(1_000_000_000))@\(maker.pick(["a.example", "long.name.example", "b.example"]))",
                String((0..<16 + maker.below(20)).map { _ in "abc".randomElement(using: &maker.generator) ?? "a" }),
                "\(100_000_000 + maker.below(899_999_999))x",
            ]
            for index in fields.indices where maker.isRare(odd) {
                fields[index] = maker.pick([
                    "", "", "\"\"", "NA", "\"u@v\"", "ü\(fields[index])", "a b", "\"a \"\"b\"\"\"",
                ])
            }
            text += fields.joined(separator: ",") + "\n"
        }
        for (dqdl, tokens) in [
            (#"ColumnValues "mail" matches "[^@ ]+@[^@ ]+", ColumnLength "code" = 10"#, [] as [String]),
            (
                #"(ColumnLength "word" < 30) and (ColumnValues "word" matches ".*a.*"), ColumnValues "mail" != NULL"#,
                ["NA"]
            ),
            (#"(ColumnValues "code" > 5) or (ColumnLength "code" = 10), ColumnValues "word" not in ["a b"]"#, []),
            (#"ColumnLength "code" < 11 where "mail != 'u@v'", Uniqueness "mail" > 0.1"#, []),
        ] {
            var rules = try QualityRules(dqdl: "Rules = [ \(dqdl) ]")
            rules.nullTokens = tokens
            var options = ConversionOptions()
            options.csv.batchBytes = 20_000
            try compare(text, rules, options, "\(dqdl), odd \(odd)")
        }
        // More states than an automaton may have at a time.
        for dqdl in [
            #"ColumnValues "word" matches "[abc]*a[abc]{11}", ColumnLength "mail" between 3 and 40"#,
            #"ColumnValues "word" not matches "[abc]*a[abc]{12}", IsPrimaryKey "code""#,
        ] {
            var options = ConversionOptions()
            options.csv.batchBytes = 20_000
            try compare(start, try QualityRules(dqdl: "Rules = [ \(dqdl) ]"), options, "\(dqdl), odd \(odd)")
        }
    }

    /// Converts with rules, and compares with what judging the fields says.
    private func compare(_ text: String, _ rules: QualityRules, _ options: ConversionOptions, _ place: String) throws {
        let (bad, good) = (CollectedRejects(), MemorySink())
        let filtered = try QualityFilter(rules).run(MemorySource(text), good: good, bad: bad)
        var options = options
        options.csv.badRecords = .reject
        options.csv.nullTokens = rules.nullTokens
        options.profile = 5
        let plain = try CSVConverter.convert(from: MemorySource(good.bytes), to: MemorySink(), options: options)
        options.quality = rules
        for threads in [1, 2] {
            options.threads = threads
            let rejected = CollectedRejects()
            let report = try CSVConverter.convert(
                from: MemorySource(text), to: MemorySink(), options: options, rejectedRecords: rejected)
            let place = Comment(rawValue: "\(place), \(threads) threads")
            #expect(Self.rounded(report.quality) == Self.rounded(filtered), place)
            #expect(rejected.records == bad.records, place)
            #expect(report.columns == plain.columns, place)
            #expect(Self.rounded(report.profile) == Self.rounded(plain.profile), place)
        }
    }

    // Sums come out differently in their last digits when rows come in other portions.

    private static func rounded(_ value: Double?) -> Double? { value.map { Double(String(format: "%.9e", $0)) ?? $0 } }

    private static func rounded(_ report: QualityReport?) -> QualityReport? {
        guard var report else { return nil }
        for index in report.rules.indices { report.rules[index].measured = rounded(report.rules[index].measured) }
        return report
    }

    private static func rounded(_ profile: FileProfile?) -> FileProfile? {
        guard var profile else { return nil }
        for index in profile.columns.indices {
            profile.columns[index].mean = rounded(profile.columns[index].mean)
            profile.columns[index].standardDeviation = rounded(profile.columns[index].standardDeviation)
        }
        return profile
    }

    @Test("Values of bad rows leave no trace: not in dictionaries, not in statistics")
    func noTrace() throws {
        var text = "id,name\n"
        for index in 0..<3000 { text += index % 50 == 3 ? "-\(index),secret\(index)\n" : "\(index),n\(index % 7)\n" }
        var options = ConversionOptions()
        options.csv.batchBytes = 2000
        options.parquet.compression = .none
        options.quality = try QualityRules(dqdl: #"Rules = [ ColumnValues "name" matches "n.*" ]"#)
        let sink = MemorySink()
        let report = try CSVConverter.convert(from: MemorySource(text), to: sink, options: options)
        #expect(report.rows == 2940 && report.rejectedRows == 60)
        #expect(Data(sink.bytes).range(of: Data("secret".utf8)) == nil)
        #expect(Data(sink.bytes).range(of: Data("n6".utf8)) != nil)
    }

    @Test("Bad rows in every batch leave the others as they are, with a dictionary and without")
    func dropped() throws {
        var generator = SeededGenerator(seed: 3)
        var text = "id,word,unique,note\n"
        var kept: [String] = []
        for index in 0..<40_000 {
            let isBad = Int.random(in: 0..<80, using: &generator) == 0
            let note = index % 5 == 0 ? "" : "note \(Int.random(in: 0..<9_000, using: &generator))"
            let unique =
                index % 7 == 0 ? "" : "\(isBad ? "secret" : "ü")-\(UInt64.random(in: .min ... .max, using: &generator))"
            let row = "\(isBad ? -index : index),w\(Int.random(in: 0..<40, using: &generator)),\(unique),\(note)"
            text += row + "\n"
            if !isBad { kept.append(row) }
        }
        var options = ConversionOptions()
        options.csv.badRecords = .reject
        options.csv.batchBytes = 30_000
        options.parquet.compression = .none
        options.profile = 5
        let (plain, judged) = (MemorySink(), MemorySink())
        let expected = try CSVConverter.convert(
            from: MemorySource("id,word,unique,note\n" + kept.joined(separator: "\n") + "\n"), to: plain,
            options: options)
        options.quality = try QualityRules(
            dqdl:
                #"Rules = [ ColumnValues "id" >= 0, ColumnLength "unique" < 60, ColumnLength "word" < 5, ColumnLength "note" < 50 ]"#
        )
        let report = try CSVConverter.convert(from: MemorySource(text), to: judged, options: options)
        #expect(report.rows == expected.rows && report.rejectedRows == 40_000 - expected.rows)
        #expect(report.profile == expected.profile)
        #expect(Data(judged.bytes).range(of: Data("secret".utf8)) == nil)
        var rows = try ParquetFile(ParquetMemoryInput(judged.bytes)).rows()
        var expectedRows = try ParquetFile(ParquetMemoryInput(plain.bytes)).rows()
        while let row = try expectedRows.next() {
            let found = try rows.next()
            try #require(found == row)
        }
    }

    @Test("Ascending numbers are counted as runs, whatever comes after them")
    func ascending() throws {
        func check(_ keys: [String], distinct: Int64, once: Int64) throws {
            let found = DistinctKeys(mostKeys: 2000)
            for key in keys { try found.insert(key) }
            let counts = try found.counts()
            #expect(counts.distinct == distinct && counts.once == once, "\(keys.suffix(8))")
        }
        let numbers = (0..<3000).map { String($0) }
        try check(numbers, distinct: 3000, once: 3000)
        try check((-3000..<3000).map { String($0 * 3) }, distinct: 6000, once: 6000)
        try check(numbers + ["7", "x", "07", "7", "-0", "0"], distinct: 3003, once: 3001)
        let large = String(Int64.max)
        try check([String(Int64.min), large, large, "9223372036854775808"], distinct: 3, once: 2)
        try check(["1", "1"], distinct: 1, once: 0)
        try check(["2", "1", "2"], distinct: 2, once: 1)
        try check([], distinct: 0, once: 0)
    }
}

import Columnar
import Foundation
import Testing

/// Good and bad records of a file.
@Suite("Quality filter")
struct QualityFilterTests {
    /// Keeps what was rejected.
    private final class Collected: RejectedRecords {
        var records: [RejectedRecord] = []
        func beginPass() { records = [] }
        func receive(_ record: RejectedRecord) { records.append(record) }
    }

    private func filter(
        _ text: [UInt8], _ json: String, batchBytes: Int = 512 << 10
    ) throws -> (report: QualityReport, good: String, bad: [RejectedRecord]) {
        var filter = QualityFilter(try JSONDecoder().decode(QualityRules.self, from: Data(json.utf8)))
        filter.options.batchBytes = batchBytes
        let good = MemorySink()
        let bad = Collected()
        let report = try filter.run(MemorySource(text), good: good, bad: bad)
        return (report, String(decoding: good.bytes, as: UTF8.self), bad.records)
    }

    private let orders = """
        Order ID,amount,country,email,day
        1,10.50,DE,a@b.de,2024-01-01
        2,-1,DE,a@b.de,2024-01-01

        3,7,XX,a@b.de,2024-01-01
        x,7,FR,a@b.de,2024-01-01
        ,7,FR,a@b.de,2024-01-01
        6,7,FR,"multi
        line@b.de",2024-01-01
        7,7,FR
        8,7,FR,,2023-12-31
        9,7,FR,nobody,2024-01-01
        10,"7","FR","q""x@b.de",2024-01-01
        11,7,FR,NULL,2024-02-30

        """

    private let rules = """
        {"columns": {
           "Order ID": {"required": true, "type": "bigint"},
           "amount": {"min": 0, "max": 100},
           "country": {"allowed": ["DE", "FR"]},
           "email": {"pattern": "[^@ ]+@[^@ ]+", "completeness": 0.5},
           "day": {"min": "2024-01-01"}},
         "nullTokens": ["NULL"]}
        """

    @Test(
        "Each record goes to its side, as it stands, with number, line, offset and reason",
        arguments: [16, 64, 1 << 19])
    func sides(batchBytes: Int) throws {
        let bytes = Array(orders.utf8)
        let (report, good, bad) = try filter(bytes, rules, batchBytes: batchBytes)
        #expect(
            good == """
                Order ID,amount,country,email,day
                1,10.50,DE,a@b.de,2024-01-01
                6,7,FR,"multi
                line@b.de",2024-01-01
                10,"7","FR","q""x@b.de",2024-01-01

                """)
        #expect(
            bad.map { "\($0.row) \($0.line) \($0.code) \($0.column ?? "-")" } == [
                "2 3 RuleViolation amount", "3 5 RuleViolation country", "4 6 RuleViolation order_id",
                "5 7 RuleViolation order_id", "7 10 MalformedRow email", "8 11 RuleViolation day",
                "9 12 RuleViolation email", "11 14 RuleViolation day",
            ])
        for record in bad {
            let start = Int(record.byteOffset)
            #expect(Array(bytes[start..<start + record.bytes.count]) == record.bytes)
            #expect(bytes[start + record.bytes.count] == 10)
            #expect(bytes[start - 1] == 10)
        }
        #expect(bad.first?.reason == #"amount: "-1" is not ≥ 0 and ≤ 100"#)
        #expect(bad.first { $0.row == 5 }?.reason == "order_id: the value is missing")
        #expect(bad.last?.reason == #"day: "2024-02-30" is no date or timestamp"#)
        #expect(report.rows == 11 && report.good == 3 && report.bad == 8 && report.malformed == 1)
        #expect(report.passes)
        #expect(report.completeness.first { $0.column == "email" }?.share == 0.8)
        #expect(report.rules.first { $0.rule == "day: range ≥ 2024-01-01T00:00:00" }?.violations == 2)
    }

    @Test("Good and bad of a random broken file make up the input")
    func conservation() throws {
        var seed: UInt64 = 99
        func random(_ limit: UInt64) -> UInt64 {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (seed >> 33) % limit
        }
        var text = Array("id,value,note\n".utf8)
        let count = 20_000
        for row in 0..<count {
            switch random(12) {
            case 0: text += Array("\(row),\(row)\n".utf8)
            case 1: text += Array("\(row),\(row),a,b\n".utf8)
            case 2: text += Array("\(row),no number,a\n".utf8)
            case 3: text += Array("\(row),1,".utf8) + [0xFF, 0xFE, 10]
            case 4: text += Array("\(row),2,\"a\nb,\"\"c\"\"\"\r\n".utf8)
            case 5: text += Array("\(row),,\n".utf8)
            default: text += Array("\(row),\(random(1000)),plain\n".utf8)
            }
        }
        let (report, good, bad) = try filter(
            text, #"{"columns": {"value": {"type": "bigint", "max": 499}}}"#, batchBytes: 10_000)
        #expect(report.rows == Int64(count))
        #expect(report.good + report.bad == Int64(count))
        #expect(Int64(bad.count) == report.bad)
        let reader = try CSVReader(MemorySource(good))
        var ids: [Int64] = []
        try reader.forEachRecord { record in
            ids.append(record.integer(0) ?? -1)
            if let value = record.integer(1), value >= 500 { ids.append(-1) }
        }
        #expect(Int64(ids.count) == report.good)
        #expect(Set(ids).union(bad.map { $0.row - 1 }) == Set(0..<Int64(count)))
        #expect(bad.map(\.row) == bad.map(\.row).sorted())
    }

    @Test(
        "Thresholds decide on the file, and say why",
        arguments: [
            (#"{"thresholds": {"maximumBadRows": 7}}"#, "8 bad rows"),
            (#"{"thresholds": {"maximumBadShare": 0.5}}"#, "share 0.5"), (#"{"rows": {"min": 12}}"#, "11 rows"),
            (#"{"rows": {"max": 10}}"#, "11 rows"),
            (#"{"columns": {"email": {"completeness": 0.95}}}"#, "completeness"),
        ])
    func thresholds(extra: String, word: String) throws {
        var all = try JSONDecoder().decode(QualityRules.self, from: Data(rules.utf8))
        let more = try JSONDecoder().decode(QualityRules.self, from: Data(extra.utf8))
        all.rules += more.rules
        all.thresholds = more.thresholds
        let report = try QualityFilter(all).run(MemorySource(orders), good: MemorySink(), bad: Collected())
        #expect(!report.passes)
        let error = #expect(throws: ColumnarError.self) { try report.requirePass() }
        #expect(error?.code == .qualityThreshold)
        #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
    }

    @Test("A file without one good record fails by itself")
    func noneGood() throws {
        let report = try filter(Array("a\nx\n".utf8), #"{"columns": {"a": {"type": "bigint"}}}"#).report
        #expect(report.failures == ["no row is good"])
    }

    @Test("A header alone passes, unless rows are demanded")
    func headerOnly() throws {
        let (report, good, _) = try filter(Array("a;b c\n".utf8), "{}")
        #expect(good == "a;b c\n")
        #expect(report.passes && report.rows == 0)
        #expect(try !filter(Array("a,b\n".utf8), #"{"rows": {"min": 1}}"#).report.passes)
    }

    @Test("A required column that is not there is an error naming it and what is there")
    func missingColumn() throws {
        for rules in [
            #"{"requiredColumns": ["b"]}"#, #"{"columns": {"b": {"required": true}}}"#,
            #"{"columns": {"b": {"completeness": 0.1}}}"#,
        ] {
            let error = #expect(throws: ColumnarError.self) { try filter(Array("a,c\n1,2\n".utf8), rules) }
            #expect(error?.code == .missingColumn)
            #expect(error?.message.contains("column b") == true && error?.message.contains("a, c") == true)
        }
        #expect(try filter(Array("a,c\n1,2\n".utf8), #"{"columns": {"b": {"type": "bigint"}}}"#).report.passes)
    }

    @Test(
        "What makes a file unreadable as a whole stays an error",
        arguments: [
            ("", "EmptyFile"), ("a,a\n1,2\n", "DuplicateColumn"), ("a,,b\n1,2,3\n", "EmptyColumnName"),
            ("a,b\n1,\"2\n", "UnclosedQuote"),
        ])
    func unreadable(text: String, code: String) {
        let error = #expect(throws: ColumnarError.self) { try filter(Array(text.utf8), "{}") }
        #expect(error?.code.description == code)
    }

    @Test("The quarantine file has one JSON object a record, with the raw text or, where that is none, its bytes")
    func quarantine() throws {
        let text = Array("a,b\n1,\"x\"\"y\n\"\n2,".utf8) + [0xFF, 0x41, 10] + Array("3,c,d\n4,e\n".utf8)
        let filter = QualityFilter(
            try JSONDecoder().decode(QualityRules.self, from: Data(#"{"columns": {"b": {"maxLength": 1}}}"#.utf8)))
        let sink = MemorySink()
        let writer = QuarantineWriter(sink, source: "may.csv")
        let report = try filter.run(MemorySource(text), good: MemorySink(), bad: writer)
        try writer.finish()
        #expect(report.bad == 3 && report.good == 1 && writer.count == 3)
        let written = String(decoding: sink.bytes, as: UTF8.self)
        #expect(
            written.hasPrefix(
                #"{"sluice":"quarantine","version":1,"header":"a,b","delimiter":",","quote":"\"","source":"may.csv"}"#
                    + "\n"))
        let lines = written.split(separator: "\n").dropFirst()
        let objects = try lines.map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:] }
        #expect(objects.map { $0["row"] as? Int } == [1, 2, 3])
        #expect(objects.map { $0["line"] as? Int } == [2, 4, 5])
        #expect(objects.map { $0["byteOffset"] as? Int } == [4, 14, 19])
        let codes = objects.map { $0["code"] as? String }
        #expect(codes == ["RuleViolation", "InvalidUTF8", "MalformedRow"])
        #expect(objects.first?["raw"] as? String == "1,\"x\"\"y\n\"")
        #expect(objects.first?["column"] as? String == "b")
        let encoded = try #require(objects.compactMap { $0["rawBase64"] as? String }.first)
        #expect(Data(base64Encoded: encoded) == Data([0x32, 0x2C, 0xFF, 0x41]))
    }
}

import CSVToParquet
import Columnar
import FunctionKit
import FunctionSupport
import FunctionTesting
import Testing
import ValidateCSV

@Suite("ValidateCSV", .timeLimit(.minutes(5)))
struct ValidateCSVTests {
    private let folder = "validate/weather/seattle/"
    private let rules = """
        # Seattle, 2012 to 2015
        requiredColumns: [date, precipitation]
        columns:
          precipitation: {type: double, min: 0, max: 50}
          temp_max: {required: true, lessThan: 35}
          weather: {allowed: [drizzle, rain, sun, snow, fog]}
          date: {pattern: '\\d{4}[/-]\\d{2}[/-]\\d{2}', completeness: 1}
        rows: {min: 1000, max: 2000}
        thresholds: {maximumBadShare: 0.05}
        """

    @Test("Rows of a real file that break the rules beside it go to quarantine, the others go on and become a table")
    func realFile() async throws {
        let host = TestHost()
        let csv = try FunctionsSupport.vega("seattle-weather.csv")
        host.put("inbox", folder + "2015.csv", csv)
        host.put("inbox", folder + "_rules.yaml", rules)
        let run = await host.invoke(ValidateCSV(), objectCreated: "inbox", folder + "2015.csv")
        let output = try run.decodedOutput(as: ValidateCSV.Output.self)

        let lines = String(decoding: csv, as: UTF8.self).split(separator: "\n").map(String.init)
        let header = lines[0].split(separator: ",").map(String.init)
        func isBad(_ line: String) -> Bool {
            let values = Dictionary(
                uniqueKeysWithValues: zip(
                    header, line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)))
            return Double(values["precipitation"] ?? "") ?? 99 > 50 || Double(values["temp_max"] ?? "") ?? 99 >= 35
        }
        let bad = lines.dropFirst().filter(isBad)
        #expect(bad.count > 0)
        #expect(output.rules == "inbox/\(folder)_rules.yaml")
        #expect(output.report.bad == Int64(bad.count))
        #expect(output.report.good + output.report.bad == Int64(lines.count - 1))
        #expect(output.report.rows == output.report.good + output.report.bad)

        let good = try #require(host.text("landing-zone", "validated/weather/seattle/2015.csv"))
        #expect(output.good == "landing-zone/validated/weather/seattle/2015.csv")
        #expect(good == ([lines[0]] + lines.dropFirst().filter { !isBad($0) }).map { $0 + "\n" }.joined())

        let quarantine = try #require(output.quarantine)
        #expect(quarantine.hasPrefix("quarantine/weather/seattle/2015-") && quarantine.hasSuffix(".ndjson"))
        let key = String(quarantine.dropFirst("quarantine/".count))
        let records = try #require(host.text("quarantine", key)).split(separator: "\n").dropFirst().map {
            try TapeDecoder().decode(BadRecord.self, from: Array($0.utf8))
        }
        #expect(records.map(\.raw) == bad)
        for record in records {
            #expect(lines[record.line - 1] == record.raw)
            #expect(record.row == record.line - 1)
            #expect(Array(csv[record.byteOffset..<record.byteOffset + record.raw.utf8.count]) == Array(record.raw.utf8))
            #expect(record.reason.contains(record.column ?? "?") && record.code == "RuleViolation")
        }

        let converted = await host.invoke(
            CSVToParquet(), objectCreated: "landing-zone", "validated/weather/seattle/2015.csv")
        #expect(converted.failure == nil)
        #expect(host.table("weather", "seattle")?.rowCount == output.report.good)
    }

    private struct BadRecord: Decodable {
        var row: Int
        var line: Int
        var byteOffset: Int
        var code: String
        var column: String?
        var reason: String
        var raw: String
    }

    @Test("A file's own rules come before those of its folder, and those before the configuration")
    func precedence() async throws {
        var settings = TestHost.Settings()
        settings.configuration = ["rules": ["columns": ["a": ["max": 1]]]]
        let host = TestHost(settings: settings)
        let worker = try await host.start(ValidateCSV())
        host.put("inbox", "validate/d/t/x.csv", "a\n1\n2\n3\n")
        func good() async throws -> Int64 {
            try await worker.invoke(host.objectCreatedEvent("inbox", "validate/d/t/x.csv"))
                .decodedOutput(as: ValidateCSV.Output.self).report.good
        }
        #expect(try await good() == 1)
        host.put("inbox", "validate/d/t/_rules.yaml", "columns: {a: {max: 2}}")
        #expect(try await good() == 2)
        host.put("inbox", "validate/d/t/x.rules.yaml", "columns: {a: {max: 3}}")
        #expect(try await good() == 3)
    }

    @Test("Files whose paths differ in any part keep their good rows apart; the next function finds their table")
    func wholePath() async throws {
        let host = TestHost()
        let worker = try await host.start(ValidateCSV())
        let keys = ["europe/d/t/x.csv", "asia/d/t/x.csv", "d/t/x.csv", "D/t/x.csv", "d/t/x.txt"]
        for (index, key) in keys.enumerated() {
            host.put("inbox", "validate/" + key, "a\n\(index)\n")
            let run = try await worker.invoke(host.objectCreatedEvent("inbox", "validate/" + key))
            #expect(run.failure == nil)
        }
        for (index, key) in keys.enumerated() {
            let good = key.hasSuffix(".csv") ? key : key + ".csv"
            #expect(host.text("landing-zone", "validated/" + good) == "a\n\(index)\n")
            let converted = await host.invoke(CSVToParquet(), objectCreated: "landing-zone", "validated/" + good)
            #expect(converted.failure == nil)
        }
        #expect(host.table("d", "t")?.rowCount == 5)
    }

    @Test("The configuration says how files are written; what is not delimited text is refused")
    func input() async throws {
        let key = folder + "data.csv"
        func validate(_ input: JSONValue) async -> (run: TestInvocation, host: TestHost) {
            var settings = TestHost.Settings()
            settings.configuration = ["input": input]
            let host = TestHost(settings: settings)
            host.put("inbox", key, "1|'x'|n/a\n2||9\n")
            host.put("inbox", folder + "_rules.yaml", "columns: {c: {type: bigint, required: true}}")
            return (await host.invoke(ValidateCSV(), objectCreated: "inbox", key), host)
        }
        let (run, host) = await validate([
            "delimiter": "|", "quote": "'", "header": false, "columnNames": ["a", "b", "c"], "nullTokens": ["n/a"],
        ])
        let output = try run.decodedOutput(as: ValidateCSV.Output.self)
        #expect((output.report.good, output.report.bad) == (1, 1))
        #expect(host.text("landing-zone", "validated/" + key.dropFirst("validate/".count)) == "a|b|c\n2||9\n")
        for input: JSONValue in [["format": "ndjson"], ["delimiter": "||"], ["columnNames": ["a"]]] {
            let failure = await validate(input).run.failure
            #expect(failure?.code == "InvalidConfiguration" && failure?.message.contains("input") == true, "\(input)")
        }
    }

    @Test("Without a bad row there is no quarantine object")
    func allGood() async throws {
        let host = TestHost()
        host.put("inbox", "validate/d/t/x.csv", "a\n1\n")
        let output = try await host.invoke(ValidateCSV(), objectCreated: "inbox", "validate/d/t/x.csv")
            .decodedOutput(as: ValidateCSV.Output.self)
        #expect(output.quarantine == nil && output.rules == nil && output.report.good == 1)
        #expect(host.keys("quarantine").isEmpty)
        #expect(host.text("landing-zone", "validated/d/t/x.csv") == "a\n1\n")
    }

    @Test(
        "A file beyond its thresholds fails with the numbers, and neither side gets anything",
        arguments: [
            ("thresholds: {maximumBadRows: 1}\ncolumns: {a: {max: 1}}", "2 bad rows"),
            ("thresholds: {maximumBadShare: 0.5}\ncolumns: {a: {max: 1}}", "0.5"), ("rows: {min: 10}", "3 rows"),
            ("columns: {b: {completeness: 0.9}}", "completeness"), ("columns: {a: {type: boolean}}", "no row is good"),
        ])
    func thresholds(rules: String, word: String) async throws {
        let host = TestHost()
        host.put("inbox", "validate/d/t/x.csv", "a,b\n1,\n2,x\n3,y\n")
        host.put("inbox", "validate/d/t/x.rules.yaml", rules)
        let failure = try #require(
            await host.invoke(ValidateCSV(), objectCreated: "inbox", "validate/d/t/x.csv").failure)
        #expect(failure.code == "QualityThreshold" && failure.retry == false)
        #expect(
            failure.message.contains(word) && failure.message.contains("inbox/validate/d/t/x.csv"), "\(failure.message)"
        )
        #expect(host.keys("quarantine").isEmpty && host.keys("landing-zone").isEmpty)
    }

    /// Nine levels of nine aliases: a milliard of texts, if one wrote them out.
    private static let bomb =
        "bad: &l0 [x]\n"
        + (1...9).map { "l\($0): &l\($0) [\(Array(repeating: "*l\($0 - 1)", count: 9).joined(separator: ", "))]\n" }
        .joined()
        + "nullTokens: *l9\n"

    @Test(
        "Rules that cannot be read are InvalidRules, naming the file and what is wrong",
        arguments: [
            ("columns: {a: {maximum: 3}}", "maximum"), ("columns: {a: {pattern: '('}}", "pattern"),
            ("columns: [a]", "columns"),
            ("columns:\n  a: {max: 3\n  b: {}", "line"), ("columns: {a: {required: maybe}}", "required"),
            ("- a", "_rules.yaml"), (bomb, "aliases"),
            ("columns: {a: {minLength: 9223372036854775807:59}}", "minLength"),
        ])
    func invalidRules(rules: String, word: String) async throws {
        let host = TestHost()
        host.put("inbox", "validate/d/t/x.csv", "a\n1\n")
        host.put("inbox", "validate/d/t/_rules.yaml", rules)
        let failure = try #require(
            await host.invoke(ValidateCSV(), objectCreated: "inbox", "validate/d/t/x.csv").failure)
        #expect(failure.code == "InvalidRules" && failure.retry == false, "\(failure)")
        #expect(
            failure.message.contains("inbox/validate/d/t/_rules.yaml") && failure.message.contains(word), "\(failure)")
    }

    @Test(
        "Bad input keeps its code",
        arguments: [
            ("validate/d/t/x.csv", "", "EmptyFile"), ("validate/d/t/x.csv", "a,a\n", "DuplicateColumn"),
            ("validate/d/t/x.csv", "a\n\"1\n", "UnclosedQuote"), ("validate/d/t/x.csv", "b\n1\n", "MissingColumn"),
            ("x.csv", "a\n1\n", "InvalidKey"),
        ])
    func badInput(key: String, text: String, code: String) async throws {
        let host = TestHost()
        host.put("inbox", key, text)
        host.put("inbox", "validate/d/t/_rules.yaml", "requiredColumns: [a]")
        let failure = try #require(await host.invoke(ValidateCSV(), objectCreated: "inbox", key).failure)
        #expect(failure.code == code && failure.retry == false, "\(failure)")
        #expect(host.keys("quarantine").isEmpty && host.keys("landing-zone").isEmpty)
    }

    @Test("Malformed rows and invalid UTF-8 are bad rows, not a failure")
    func malformed() async throws {
        let host = TestHost()
        host.put("inbox", "validate/d/t/x.csv", Array("a,b\n1,2\n3\n4,5,6\n7,".utf8) + [0xFF] + Array("\n8,9\n".utf8))
        let output = try await host.invoke(ValidateCSV(), objectCreated: "inbox", "validate/d/t/x.csv")
            .decodedOutput(as: ValidateCSV.Output.self)
        #expect(output.report.rows == 5 && output.report.good == 2 && output.report.malformed == 3)
        #expect(host.text("landing-zone", "validated/d/t/x.csv") == "a,b\n1,2\n8,9\n")
    }

    @Test("The same event again replaces both outputs")
    func again() async throws {
        let host = TestHost()
        let worker = try await host.start(ValidateCSV())
        host.put("inbox", "validate/d/t/x.csv", "a,b\n1,2\n3\n")
        let event = host.objectCreatedEvent("inbox", "validate/d/t/x.csv")
        for attempt in 1...2 { #expect(try await worker.invoke(event, attempt: attempt).failure == nil) }
        #expect(host.keys("quarantine").count == 1 && host.keys("landing-zone").count == 1)
    }
}

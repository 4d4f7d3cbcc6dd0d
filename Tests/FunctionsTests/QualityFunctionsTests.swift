import CSVToParquet
import Columnar
import FunctionKit
import FunctionTesting
import Testing
import ValidateCSV

/// Rules in DQDL, reference tables, masks, profiles and quarantine files, through the functions.
@Suite("Quality in functions", .timeLimit(.minutes(5)))
struct QualityFunctionsTests {
    private static let orders = """
        order_id,customer,amount,email
        1,7,10.5,ada@example.org
        2,8,-1,bob@example.org
        3,9,x,eve@example.org
        4,7,3,
        5,7

        """

    private static let rules = """
        Rules = [
            ColumnValues "amount" > 0,
            IsPrimaryKey "order_id",
            ReferentialIntegrity "customer" "customers.id" >= 0.6
        ]
        """

    private func host(_ configuration: JSONValue = [:], _ environment: [String: String] = [:]) -> TestHost {
        var settings = TestHost.Settings()
        settings.configuration = configuration
        settings.environment = environment
        let host = FunctionsSupport.host(settings: settings)
        host.put("reference", "customers.csv", "id,name\n7,Ada\n8,Bob\n")
        return host
    }

    @Test("From a file with bad rows to a whole table: validated, mended in the quarantine file, put back, appended")
    func feedBack() async throws {
        let host = host()
        host.put("inbox", "validate/shop/orders/may.csv", Self.orders)
        host.put("inbox", "validate/shop/orders/may.rules.dqdl", Self.rules)
        let worker = try await host.start(ValidateCSV())
        func validate(_ key: String) async throws -> ValidateCSV.Output {
            let run = try await worker.invoke(host.objectCreatedEvent("inbox", key))
            #expect(run.failure == nil)
            let output = try run.decodedOutput(as: ValidateCSV.Output.self)
            #expect(output.rules == "inbox/validate/shop/orders/may.rules.dqdl")
            let good = try #require(output.good.split(separator: "/", maxSplits: 1).last.map(String.init))
            let loaded = await host.invoke(CSVToParquet(), objectCreated: "landing-zone", good)
            #expect(loaded.failure == nil)
            return output
        }
        let first = try await validate("validate/shop/orders/may.csv")
        #expect(first.report.good == 2 && first.report.bad == 3 && first.report.malformed == 1)
        #expect(first.report.rules.map(\.passed) == [false, true, true])
        #expect(host.table("shop", "orders")?.rowCount == 2)

        // Someone mends two of the three rows, and puts the file where data arrive.
        let key = String(try #require(first.quarantine).dropFirst("quarantine/".count))
        let quarantine = try #require(host.text("quarantine", key))
        #expect(quarantine.contains(#""source":"inbox/validate/shop/orders/may.csv""#))
        let mended = quarantine.replacing("2,8,-1,", with: "2,8,1,").replacing(
            #""raw":"5,7""#, with: #""raw":"5,7,12,""#)
        let name = try #require(key.split(separator: "/").last.map(String.init))
        host.put("inbox", "validate/shop/orders/\(name)", mended)
        let second = try await validate("validate/shop/orders/\(name)")
        #expect(second.report.good == 2 && second.report.bad == 1)
        #expect(second.good != first.good && second.quarantine != first.quarantine)
        #expect(host.table("shop", "orders")?.rowCount == 4)
        let files = host.keys("clean-zone").compactMap { host.object("clean-zone", $0) }
        #expect(files.count == 2)
        let sum = try FunctionsSupport.duckdb(
            "select count(*), sum(amount), list(order_id order by order_id) from read_parquet('$FOLDER/*.parquet')",
            files: files)
        #expect(sum == "[(4, 26.5, [1, 2, 4, 5])]")
    }

    @Test(
        "What is wrong with rules and references keeps its code and names the file",
        arguments: [
            ("Rules = [ IsComplet \"a\" ]", "InvalidRules", "line 1, column 11"),
            (
                "Rules = [ ReferentialIntegrity \"customer\" \"shops.id\" = 1 ]", "ReferenceMissing",
                "reference/shops.csv"
            ),
            ("Rules = [ ReferentialIntegrity \"customer\" \"customers.zip\" = 1 ]", "InvalidReference", "zip"),
            ("Rules = [ IsComplete \"zip\" ]", "MissingColumn", "zip"),
            ("Rules = [ RowCount > 5 ]", "QualityThreshold", "found 5"),
        ])
    func failures(rules: String, code: String, word: String) async throws {
        let host = host()
        host.put("inbox", "validate/shop/orders/may.csv", Self.orders)
        host.put("inbox", "validate/shop/orders/_rules.dqdl", rules)
        let failure = try #require(
            await host.invoke(ValidateCSV(), objectCreated: "inbox", "validate/shop/orders/may.csv").failure)
        #expect(failure.code == code && failure.message.contains(word), "\(failure)")
        #expect(host.keys("quarantine").isEmpty && host.keys("landing-zone").isEmpty)
    }

    @Test("NDJSON that is no quarantine file is refused; masks apply to the good rows alone")
    func masks() async throws {
        let host = host(["mask": ["columns": ["email": "sha256"], "saltVariable": "SALT"]], ["SALT": "s"])
        host.put("inbox", "validate/d/t/x.ndjson", "{\"a\":1}\n")
        let refused = await host.invoke(ValidateCSV(), objectCreated: "inbox", "validate/d/t/x.ndjson").failure
        #expect(refused?.code == "NotQuarantine")
        host.put("inbox", "validate/d/t/x.csv", Self.orders)
        host.put("inbox", "validate/d/t/_rules.yaml", "dqdl: 'Rules = [ ColumnValues \"amount\" > 0 ]'")
        let output = try await host.invoke(ValidateCSV(), objectCreated: "inbox", "validate/d/t/x.csv")
            .decodedOutput(as: ValidateCSV.Output.self)
        #expect(output.report.masked == ["email": "sha256"])
        let good = try #require(host.text("landing-zone", "validated/d/t/x.csv"))
        #expect(!good.contains("ada@") && good.contains("4,7,3,\n") && good.split(separator: "\n").count == 3)
        #expect(host.text("quarantine", host.keys("quarantine")[0])?.contains("bob@example.org") == true)
        let unset = self.host(["mask": ["auto": "redact", "saltVariable": "NOPE"]])
        unset.put("inbox", "validate/d/t/x.csv", Self.orders)
        let failure = await unset.invoke(ValidateCSV(), objectCreated: "inbox", "validate/d/t/x.csv").failure
        #expect(failure?.code == "InvalidConfiguration" && failure?.message.contains("NOPE") == true)
    }

    @Test("CSVToParquet judges, masks and profiles while it converts")
    func conversion() async throws {
        let host = host([
            "rules": ["dqdl": "Rules = [ ColumnValues \"amount\" > 0, Completeness \"email\" > 0.5 ]"],
            "malformedRows": "quarantine", "mask": ["auto": "redact"], "profile": true,
        ])
        host.put("landing-zone", "shop/orders/may.csv", Self.orders)
        let run = await host.invoke(CSVToParquet(), objectCreated: "landing-zone", "shop/orders/may.csv")
        #expect(run.failure == nil)
        #expect(host.table("shop", "orders")?.rowCount == 2)
        #expect(host.keys("quarantine").count == 1 && host.keys("quarantine")[0].hasPrefix("shop/orders/may-"))
        let bad = try #require(host.text("quarantine", host.keys("quarantine")[0]))
        #expect(bad.split(separator: "\n").count == 4 && bad.contains("MalformedRow") && bad.contains("is no number"))
        let keys = host.keys("clean-zone").sorted()
        #expect(keys.count == 2 && keys.contains { $0.hasPrefix("shop/orders/_") && $0.hasSuffix(".profile.json") })
        let profileKey = try #require(keys.first { $0.hasSuffix(".json") })
        let profile = try #require(host.text("clean-zone", profileKey))
        #expect(profile.contains("\"name\":\"amount\"") && !profile.contains("ada@example.org"))
        let file = try #require(host.object("clean-zone", keys.first { $0.hasSuffix(".parquet") } ?? ""))
        let rows = try FunctionsSupport.duckdb(
            "select order_id, amount, email from '$FOLDER/a.parquet' order by 1", files: [file])
        #expect(rows == "[(1, 10.5, '***'), (4, 3.0, None)]")

        let strict = self.host(["rules": ["dqdl": "Rules = [ RowCount > 100 ]"], "malformedRows": "quarantine"])
        strict.put("landing-zone", "shop/orders/may.csv", Self.orders)
        let failure = await strict.invoke(CSVToParquet(), objectCreated: "landing-zone", "shop/orders/may.csv").failure
        #expect(failure?.code == "QualityThreshold")
        #expect(strict.keys("clean-zone").isEmpty && strict.keys("quarantine").isEmpty)
        #expect(strict.table("shop", "orders") == nil)
    }
}

import FunctionJSON
import Glibc
import Gateway
import HostAPI

import Testing

extension Integration {
    /// The shipped app with real files, from the drop to the table.
    @Suite("The scenario", .timeLimit(.minutes(5)))
    struct ScenarioTests {
        private let sample = text(of: TestApp.packageRoot + "/Tests/Fixtures/data/test.csv")

        @Test("A CSV file becomes a table that three readers read; a second one appends")
        func table() async throws {
            try await HostProcess.with(.shipped()) { host in
                try host.copy(sample, to: "landing-zone", "cleanzonedb/csvtoparquet/test.csv")
                var table = try await self.table(host, "cleanzonedb", "csvtoparquet", files: 1)
                #expect(table.table.columns.map { "\($0.name) \($0.type)" } == ["name string", "favorite_num bigint"])
                #expect(table.table.rows == 25 && table.table.files == 1)
                #expect(table.table.classification == "parquet" && table.table.partitionKeys.isEmpty)
                #expect(table.table.location == "clean-zone/cleanzonedb/csvtoparquet/")
                #expect(table.table.properties["owner"] == "data-platform")
                #expect(table.versions.count == 1)
                let folder = host.bucket("clean-zone")
                #expect(try await ParquetReaders.rowsAndSum(folder, "favorite_num") == ["25 364", "25 364", "25 364"])
                #expect(host.keys("clean-zone") == table.files.map(\.key))

                try host.copy("name,FAVORITE_NUM\nAda,36\n", to: "landing-zone", "cleanzonedb/csvtoparquet/more.csv")
                table = try await self.table(host, "cleanzonedb", "csvtoparquet", files: 2)
                #expect(table.table.rows == 26)
                #expect(try await ParquetReaders.rowsAndSum(folder, "favorite_num") == ["26 400", "26 400", "26 400"])
                let sources = ["cleanzonedb/csvtoparquet/test.csv", "cleanzonedb/csvtoparquet/more.csv"]
                let pairs = table.files.map { file in
                    let source = file.rows == 25 ? sources[0] : sources[1]
                    return (parquet: "\(folder)/\(file.key)", csv: "\(host.bucket("landing-zone"))/\(source)")
                }
                #expect(try await ParquetReaders.complaints([pairs[0]].filter { $0.csv.hasSuffix("test.csv") }) == [])

                // A third one does not fit: named by column, row and text, and the table is as it was.
                try host.copy(
                    "name,favorite_num\nBob,7\nEve,seven\n", to: "landing-zone", "cleanzonedb/csvtoparquet/bad.csv")
                let letter = try await self.letter(host)
                #expect(letter.summary.code == "SchemaMismatch")
                for word in ["favorite_num", "seven", "2"] {
                    #expect(letter.summary.message.contains(word), "\(letter.summary.message)")
                }
                try await host.settled()
                #expect(try await host.client.table(database: "cleanzonedb", name: "csvtoparquet").files.count == 2)
                #expect(host.keys("clean-zone").count == 2)
            }
        }

        @Test("A key with too few folders is InvalidKey, and its dead letter keeps the file")
        func invalidKey() async throws {
            try await HostProcess.with(.shipped()) { host in
                try host.copy(sample, to: "landing-zone", "a/b.csv")
                let letter = try await self.letter(host)
                #expect(letter.summary.code == "InvalidKey" && letter.attempts.count == 1)
                #expect(letter.summary.subject == "landing-zone/a/b.csv")
                let input = try #require(letter.input)
                #expect(input.size == Int64(sample.utf8.count))
                #expect(text(of: try #require(input.path)) == sample)
                // The object itself may go.
                #expect(unlinkObject(host, "landing-zone", "a/b.csv"))
                _ = try await host.wait(for: "the deletion to be seen") {
                    try await host.objectEvents(type: "Object Deleted", of: "landing-zone").first
                }
                try await host.settled()
                #expect(text(of: try #require(input.path)) == sample)
            }
        }

        @Test(
            "What cannot be read as a table is a dead letter that says why",
            arguments: [
                ("EmptyFile", ""), ("DuplicateColumn", "a,A\n1,2\n"), ("EmptyColumnName", "a,,c\n1,2,3\n"),
                ("MalformedRow", "a,b\n1,2\n3\n"), ("MalformedRow", "a,b\n1,2,3\n"),
                ("UnclosedQuote", "a,b\n1,\"2\n3,4\n"),
            ])
        func unreadable(code: String, content: String) async throws {
            try await HostProcess.with(.shipped()) { host in
                try host.copy(content, to: "landing-zone", "d/t/x.csv")
                let letter = try await self.letter(host)
                #expect(letter.summary.code == code, "\(letter.summary)")
                #expect(letter.attempts.count == 1)
                #expect(host.keys("clean-zone") == [])
            }
        }

        @Test("Bytes that are no text are refused as what they are")
        func noText() async throws {
            try await HostProcess.with(.shipped()) { host in
                for (name, bytes) in [
                    ("invalid.csv", Array("a,b\n1,".utf8) + [0xFF, 0xFE] + Array("\n".utf8)),
                    (
                        "binary.csv",
                        [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + [UInt8](repeating: 0, count: 500)
                    ),
                ] as [(String, [UInt8])] {
                    try host.copy(bytes, to: "landing-zone", "d/t/\(name)")
                }
                let letters = try await host.wait(for: "two dead letters") {
                    let letters = try await host.deadLetters()
                    return letters.count == 2 ? letters : nil
                }
                let codes = Dictionary(uniqueKeysWithValues: letters.map { ($0.subject, $0.code) })
                #expect(
                    codes == ["landing-zone/d/t/invalid.csv": "InvalidUTF8", "landing-zone/d/t/binary.csv": "NotText"])
                #expect(letters.allSatisfy { $0.attempts == 1 } && host.keys("clean-zone") == [])
            }
        }

        @Test("A file with a header only makes no table; the first one with rows says what its types are")
        func headerOnly() async throws {
            try await HostProcess.with(.shipped()) { host in
                try host.copy("a,b\n", to: "landing-zone", "d/t/x.csv")
                _ = try await host.wait(for: "the header to be through") {
                    let status = try await host.client.status()
                    return status.subscriptions.contains { $0.function == "CSVToParquet" && $0.succeeded == 1 }
                        ? true : nil
                }
                #expect(try await host.client.listTables(database: nil).isEmpty && host.keys("clean-zone").isEmpty)
                try host.copy("a,b\n1,2\n", to: "landing-zone", "d/t/y.csv")
                let table = try await self.table(host, "d", "t", files: 1)
                #expect(
                    table.table.rows == 1
                        && table.table.columns.map { "\($0.name) \($0.type)" } == ["a bigint", "b bigint"])
                #expect(try await ParquetReaders.rowsAndSum(host.bucket("clean-zone"), "a") == ["1 1", "1 1", "1 1"])
            }
        }

        @Test("ValidateCSV parts a file by its rules; its good rows go on to be a table")
        func validation() async throws {
            try await HostProcess.with(.shipped()) { host in
                let rules = "columns: {id: {type: bigint, required: true}}\nthresholds: {maximumBadShare: 0.9}\n"
                try host.copy(rules, to: "inbox", "validate/shop/orders/_rules.yaml")
                try host.copy("id,city\n1,Ulm\nx,Rom\n3,Bonn\n", to: "inbox", "validate/shop/orders/1.csv")
                let table = try await self.table(host, "shop", "orders", files: 1)
                #expect(table.table.rows == 2)
                #expect(host.keys("quarantine").count == 1)
                let bad = text(of: host.bucket("quarantine") + "/" + (host.keys("quarantine").first ?? ""))
                #expect(bad.contains("x,Rom") && bad.split(separator: "\n").count == 2, "\(bad)")
                // What ran for what: each file once, the converted one with the lineage of the first.
                let status = try await host.settled()
                let matched = status.subscriptions.map { "\($0.function) \($0.matched) \($0.succeeded)" }.sorted()
                #expect(matched == ["CSVToParquet 1 1", "EnrichOrders 0 0", "StreamToParquet 0 0", "ValidateCSV 1 1"])
            }
        }

        @Test("EnrichOrders joins with the reference, and reads it again when it was replaced")
        func enrichment() async throws {
            try await HostProcess.with(.shipped()) { host in
                try host.move("customer_id,name\nC1,Ada\n", to: "reference", "customers.csv")
                _ = try await host.wait(for: "the reference to be known") {
                    let reference = try await host.client.listBuckets().first { $0.name == "reference" }
                    return reference?.objects == 1 ? true : nil
                }
                try host.copy("order_id,customer_id\n1,C1\n2,C2\n", to: "inbox", "orders/1.csv")
                let table = try await self.table(host, "sales", "orders", files: 1)
                #expect(
                    table.table.columns.map(\.name) == ["order_id", "customer_id", "customer_name", "ingested_at"])
                #expect(table.table.rows == 2)
                try host.move("customer_id,name\nC1,Ada\nC2,Bob\n", to: "reference", "customers.csv")
                try host.copy("order_id,customer_id\n3,C2\n", to: "inbox", "orders/2.csv")
                _ = try await self.table(host, "sales", "orders", files: 2)
                let script = """
                    import duckdb, sys
                    print(*duckdb.sql(f"select customer_name from read_parquet('{sys.argv[1]}/**/*.parquet') \
                    order by order_id").fetchall(), sep="")
                    """
                #expect(
                    try await ParquetReaders.lines(["-c", script, host.bucket("curated-zone")])
                        == ["('Ada',)(None,)('Bob',)"])
            }
        }

        @Test("A handler written against S3's own triggers gets S3's records, with the key encoded as S3 does")
        func notification() async throws {
            let app = try TestApp.faulty()
            try app.addInboxRule()
            try await HostProcess.with(app) { host in
                try host.copy("hello", to: "inbox", "a b/ü+1.csv")
                let invocation = try await host.wait(for: "the invocation") {
                    try await host.client.listInvocations(InvocationQuery(function: "Faulty"), page: PageRequest())
                        .items.first
                }
                #expect(invocation.outcome == "succeeded", "\(invocation)")
                let logs = try await host.client.invocation(requestID: invocation.requestID).logs
                #expect(logs.map(\.message) == ["ObjectCreated:Put a+b/%C3%BC%2B1.csv: hello"])
                let rule = try await host.client.rule(bus: "default", name: "seen")
                #expect(rule.targets.first?.inputFormat == "s3-notification")
            }
        }

        // MARK: Helpers

        private func table(
            _ host: HostProcess, _ database: String, _ name: String, files: Int
        ) async throws -> TableDetail {
            try await host.wait(for: "\(files) files in table \(database).\(name)") {
                do {
                    let table = try await host.client.table(database: database, name: name)
                    return table.files.count == files ? table : nil
                } catch let error as APIError where error.status == 404 {
                    return nil
                }
            }
        }

        private func letter(_ host: HostProcess) async throws -> DeadLetterDetail {
            let id = try await host.wait(for: "a dead letter") { try await host.deadLetters().first?.id }
            return try await host.client.deadLetter(id: id)
        }

        private func unlinkObject(_ host: HostProcess, _ bucket: String, _ key: String) -> Bool {
            unlink(host.bucket(bucket) + "/" + key) == 0
        }
    }
}

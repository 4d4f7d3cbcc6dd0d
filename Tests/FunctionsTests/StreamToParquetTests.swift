import Columnar
import FunctionKit
import FunctionTesting
import StreamToParquet
import Testing

@Suite("StreamToParquet", .timeLimit(.minutes(5)))
struct StreamToParquetTests {
    struct Click: Codable, Sendable {
        var user: String
        var page: String
        var seconds: Double?
    }

    private func host(_ configuration: JSONValue = [:]) -> TestHost {
        var settings = TestHost.Settings()
        settings.configuration = configuration
        settings.grants = .init(write: ["clean-zone"])
        return FunctionsSupport.host(settings: settings)
    }

    private func record(_ host: TestHost, _ key: String, _ data: String) -> StreamRecord {
        host.streamRecord("web-clicks", partitionKey: key, data)
    }

    /// `ok`, or the failure's code.
    private func results(_ run: TestInvocation) throws -> [String] {
        try #require(run.records, "\(String(describing: run.failure))").map {
            if case .failed(let failure) = $0 { failure.code } else { "ok" }
        }
    }

    private func files(_ host: TestHost) -> [[UInt8]] {
        host.keys("clean-zone").compactMap { host.object("clean-zone", $0) }
    }

    @Test("a batch becomes one file of the table, the next batch adds its own")
    func batches() async throws {
        let host = host()
        let worker = try await host.start(StreamToParquet())
        let first = [
            try host.streamRecord("web-clicks", partitionKey: "ada", json: Click(user: "ada", page: "/", seconds: 1.5)),
            record(host, "bob", "{\r\n  \"user\": \"bob\",\n  \"page\": \"/a\\nb\"\n}\n"),
            try host.streamRecord("web-clicks", partitionKey: "ada", json: Click(user: "ada", page: "/cart")),
        ]
        #expect(try results(try await worker.invoke(batch: first)) == ["ok", "ok", "ok"])
        let key = try #require(host.keys("clean-zone").first)
        #expect(key.hasPrefix("streams/web_clicks/") && key.hasSuffix(".parquet"))
        // The same batch again (after a crash, say) replaces its own file.
        #expect(try results(try await worker.invoke(batch: first, attempt: 2)) == ["ok", "ok", "ok"])
        #expect(host.keys("clean-zone") == [key])
        let second = [try host.streamRecord("web-clicks", partitionKey: "eve", json: Click(user: "eve", page: "/"))]
        #expect(try results(try await worker.invoke(batch: second)) == ["ok"])
        let table = try #require(host.table("streams", "web_clicks"))
        #expect(table.fileCount == 2 && table.rowCount == 4 && table.location == "clean-zone/streams/web_clicks/")
        #expect(table.columns.map { "\($0.name) \($0.type)" } == ["user string", "page string", "seconds double"])
        let answer = try FunctionsSupport.duckdb(
            #"SELECT "user", page, seconds FROM '$FOLDER/*.parquet' ORDER BY ALL"#, files: files(host))
        #expect(
            answer
                == #"[('ada', '/', 1.5), ('ada', '/cart', None), ('bob', '/a\nb', None), ('eve', '/', None)]"#)
    }

    @Test("what the stream knows of a record, and a folder for each day and user")
    func columns() async throws {
        let host = host([
            "database": "web", "table": "hits", "arrivalColumn": "at", "partitionKeyColumn": "key",
            "sequenceNumberColumn": "number", "load": ["partitionBy": "user,at:day", "compression": "zstd"],
        ])
        var records = ["ada", "bob", "ada"].map { record(host, $0, #"{"user":"\#($0)"}"#) }
        records.append(record(host, "eve", "{}"))
        // A member of that name is the record's own.
        records.append(record(host, "eve", #"{"user":"eve","key":"mine"}"#))
        for index in records.indices {
            records[index].arrival = try #require(Timestamp(rfc3339: "2026-11-2\(index % 2)T23:59:59.123Z"))
        }
        let run = try await host.invoke(StreamToParquet(), batch: records)
        #expect(try results(run) == ["ok", "ok", "ok", "ok", "ok"])
        let folders = host.keys("clean-zone").map { $0.split(separator: "/").dropLast().joined(separator: "/") }
        #expect(
            folders == [
                "web/hits/user=__HIVE_DEFAULT_PARTITION__/year=2026/month=11/day=21",
                "web/hits/user=ada/year=2026/month=11/day=20", "web/hits/user=bob/year=2026/month=11/day=21",
                "web/hits/user=eve/year=2026/month=11/day=20",
            ])
        let table = try #require(host.table("web", "hits"))
        #expect(table.rowCount == 5 && table.partitionKeys.map(\.name) == ["user", "year", "month", "day"])
        #expect(
            table.columns.map { "\($0.name) \($0.type)" }
                == ["at timestamp with local time zone", "key string", "number string"])
        let answer = try FunctionsSupport.duckdb(
            "SELECT key, count(*), min(number), max(\"at\")::text FROM '$FOLDER/*.parquet' GROUP BY key ORDER BY key",
            files: files(host))
        #expect(
            answer
                == "[('ada', 2, '\(records[0].sequenceNumber)', '2026-11-20 23:59:59.123+00'), "
                + "('bob', 1, '\(records[1].sequenceNumber)', '2026-11-21 23:59:59.123+00'), "
                + "('eve', 1, '\(records[3].sequenceNumber)', '2026-11-21 23:59:59.123+00'), "
                + "('mine', 1, '\(records[4].sequenceNumber)', '2026-11-20 23:59:59.123+00')]")
    }

    @Test("a record that is no JSON object fails alone, and what comes after it in its key waits")
    func noObject() async throws {
        let host = host()
        let records = [
            record(host, "a", "[1]"), record(host, "b", #"{"n":1}"#), record(host, "c", "{\"n\":"),
            record(host, "d", #"{"n":2}"#), record(host, "a", #"{"n":3}"#), record(host, "e", ""),
            host.streamRecord("web-clicks", partitionKey: "f", [0xFF]), record(host, "g", #"{"n":4,"n":5}"#),
            record(host, "b", #"{"n":6}"#),
        ]
        let run = try await host.invoke(StreamToParquet(), batch: records)
        #expect(
            try results(run) == [
                "InvalidRecord", "ok", "InvalidRecord", "ok", "HeldBack", "InvalidRecord", "InvalidRecord",
                "MalformedRow", "ok",
            ])
        for case .failed(let failure)? in run.records ?? [] {
            #expect(failure.retry == (failure.code == "HeldBack"))
        }
        guard case .failed(let failure)? = run.records?[2] else { return #expect(Bool(false)) }
        #expect(failure.message.contains("record \(records[2].sequenceNumber) of stream web-clicks"))
        #expect(failure.message.contains("partition key \"c\", is no JSON"))
        guard case .failed(let twice)? = run.records?[7] else { return #expect(Bool(false)) }
        #expect(twice.message.hasPrefix("record \(records[7].sequenceNumber): "), "\(twice.message)")
        // The file is there although records failed.
        let answer = try FunctionsSupport.duckdb(
            "SELECT list(n ORDER BY n) FROM '$FOLDER/*.parquet'", files: files(host))
        #expect(answer == "[([1, 2, 6],)]")
        #expect(host.table("streams", "web_clicks")?.rowCount == 3)
        #expect(run.effects.allSatisfy { $0.record == 1 })
    }

    @Test(
        "a record that does not fit the table or breaks a rule fails alone, and its key waits",
        arguments: [false, true])
    func mismatch(isPartitioned: Bool) async throws {
        let rules: JSONValue = ["columns": ["page": ["required": true]]]
        let load: JSONValue = isPartitioned ? ["rules": rules, "partitionBy": "page"] : ["rules": rules]
        let host = host(["load": load])
        let worker = try await host.start(StreamToParquet())
        let first = [record(host, "a", #"{"n":1,"page":"/"}"#)]
        #expect(try results(try await worker.invoke(batch: first)) == ["ok"])
        let records = [
            record(host, "z", #"{"n":"many","page":"/"}"#), record(host, "a", #"{"n":2,"page":"/"}"#),
            record(host, "b", #"{"n":3}"#), record(host, "c", #"{"n":4,"page":"/"}"#),
            record(host, "b", #"{"n":5,"page":"/"}"#), record(host, "z", #"{"n":6,"page":"/"}"#),
        ]
        let run = try await worker.invoke(batch: records)
        #expect(try results(run) == ["SchemaMismatch", "ok", "RuleViolation", "ok", "HeldBack", "HeldBack"])
        guard case .failed(let failure)? = run.records?[0] else { return #expect(Bool(false)) }
        #expect(failure.message.contains("column n") && failure.message.contains("many"), "\(failure.message)")
        #expect(host.table("streams", "web_clicks")?.rowCount == 3)
        #expect(host.keys("clean-zone").count == 2 && run.effects.allSatisfy { $0.record == 1 })
        // What waited comes in the next batch.
        #expect(try results(try await worker.invoke(batch: Array(records[4...]))) == ["ok", "ok"])
        let answer = try FunctionsSupport.duckdb(
            "SELECT list(n ORDER BY n) FROM '$FOLDER/*.parquet'", files: files(host))
        #expect(answer == "[([1, 2, 4, 5, 6],)]")
    }

    @Test("a batch of nothing but bad records makes no file")
    func allBad() async throws {
        let host = host(["load": ["rules": ["columns": ["n": ["min": 5]]]]])
        for data in ["7", #"{"n":1}"#, #"{"n":1,"n":2}"#] {
            let run = try await host.invoke(
                StreamToParquet(), batch: [record(host, "k", data), record(host, "l", data)])
            #expect(Set(try results(run)).isSubset(of: ["InvalidRecord", "RuleViolation", "MalformedRow"]))
        }
        #expect(host.keys("clean-zone").isEmpty && host.table("streams", "web_clicks") == nil)
    }

    @Test("a field that is masked and judged may be missing from a whole batch, once the table has it")
    func optionalField() async throws {
        let host = host([
            "load": ["mask": ["columns": ["mail": "redact"]], "rules": ["columns": ["n": ["required": true]]]]
        ])
        let worker = try await host.start(StreamToParquet())
        func results(_ data: String...) async throws -> [String] {
            let batch = data.enumerated().map { record(host, "k\($0)", $1) }
            return try self.results(try await worker.invoke(batch: batch))
        }
        #expect(try await results(#"{"n":1,"mail":"a@example.com"}"#) == ["ok"])
        #expect(try await results(#"{"n":2}"#, #"{"n":3}"#) == ["ok", "ok"])
        // A field that is demanded is the fault of each record.
        #expect(
            try await results(#"{"mail":"b@example.com"}"#, #"{"mail":null}"#) == ["RuleViolation", "RuleViolation"])
        #expect(host.table("streams", "web_clicks")?.rowCount == 3)
    }

    @Test("what concerns the batch fails the batch")
    func wholeBatch() async throws {
        let strict = host(["load": ["rules": ["columns": ["n": ["min": 5]], "thresholds": ["maximumBadRows": 0]]]])
        let share = ["4", "5"].map { record(strict, $0, "{\"n\":\($0)}") }
        #expect(try await strict.invoke(StreamToParquet(), batch: share).failure?.code == "QualityThreshold")
        #expect(strict.keys("clean-zone").isEmpty)
        let records = { (host: TestHost) in [self.record(host, "k", #"{"n":1}"#), self.record(host, "l", #"{"n":2}"#)] }
        let other = host(["load": ["targetBucket": "elsewhere"]])
        #expect(try await other.invoke(StreamToParquet(), batch: records(other)).failure?.code == "AccessDenied")
        let wrong = host(["load": ["compression": "rar"]])
        #expect(
            try await wrong.invoke(StreamToParquet(), batch: records(wrong)).failure?.code == "InvalidConfiguration")
        let parted = host(["load": ["partitionBy": "missing"]])
        #expect(try await parted.invoke(StreamToParquet(), batch: records(parted)).failure?.code == "MissingColumn")
        #expect(parted.keys("clean-zone").isEmpty)
    }
}

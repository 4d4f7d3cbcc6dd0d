import CSVToParquet
import Columnar
import Foundation
import FunctionKit
import FunctionSupport
import FunctionTesting
import Testing

@Suite("CSVToParquet, other inputs", .timeLimit(.minutes(5)))
struct InputFormatsTests {
    private func host(_ configuration: JSONValue) -> TestHost {
        var settings = TestHost.Settings()
        settings.configuration = configuration
        return FunctionsSupport.host(settings: settings)
    }

    private func load(_ host: TestHost, _ key: String) async throws -> TableLoader.Loaded {
        let run = await host.invoke(CSVToParquet(), objectCreated: "landing-zone", key)
        #expect(run.failure == nil)
        return try run.decodedOutput(as: TableLoader.Loaded.self)
    }

    @Test("Compressed input in another encoding, whatever its name")
    func compressed() async throws {
        // gzip of "id,name\n1,x\n2,caf\u{E9}\n" in Windows-1252, made by Python.
        let file: [UInt8] = [
            0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xCB, 0x4C, 0xD1, 0xC9, 0x4B, 0xCC, 0x4D, 0xE5,
            0x32, 0xD4, 0xA9, 0xE0, 0x32, 0xD2, 0x49, 0x4E, 0x4C, 0x7B, 0xC9, 0x05, 0x00, 0x69, 0xE0, 0x42, 0x4F, 0x13,
            0x00, 0x00, 0x00,
        ]
        let key = "shop/people/1.csv"
        let host = host(["input": ["encoding": "windows-1252"]])
        host.put("landing-zone", key, file)
        let output = try await load(host, key)
        #expect(output.rows == 2 && output.columns.map(\.type) == ["bigint", "string"] && output.quarantine == nil)
        // Without the setting, nothing is guessed.
        let plain = self.host([:])
        plain.put("landing-zone", key, file)
        let failure = try #require(await plain.invoke(CSVToParquet(), objectCreated: "landing-zone", key).failure)
        #expect(failure.code == "InvalidUTF8" && failure.retry == false && failure.message.contains("windows-1252"))
    }

    @Test("An access log becomes a table; lines that do not parse go to quarantine")
    func accessLog() async throws {
        let host = host(["input": ["format": "access-log", "logFormat": "common"], "malformedRows": "quarantine"])
        let line = #"1.1.1.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 5"#
        host.put("landing-zone", "web/hits/access.log", "\(line)\nnonsense\n\(line)\n")
        let output = try await load(host, "web/hits/access.log")
        #expect(output.rows == 2 && output.rejectedRows == 1)
        #expect(output.columns.contains { $0.name == "time" && $0.type == "timestamp with local time zone" })
        let quarantined = try #require(host.keys("quarantine").first)
        #expect(output.quarantine == "quarantine/\(quarantined)" && quarantined.hasPrefix("web/hits/access-"))
        let text = try #require(host.text("quarantine", quarantined))
        #expect(text.contains("\"line\":2") && text.contains("\"raw\":\"nonsense\"") && text.contains("\"reason\":"))
        // A file without bad lines leaves no object.
        host.put("landing-zone", "web/hits/other.log", "\(line)\n")
        #expect(try await load(host, "web/hits/other.log").quarantine == nil)
        #expect(host.keys("quarantine") == [quarantined])
    }

    @Test("Fixed-width text by a layout of the configuration")
    func fixedWidth() async throws {
        let host = host([
            "input": [
                "layout": ["columns": ["id:1-4:bigint", ["name": "city", "start": 5, "width": 6]], "skipLines": 1]
            ]
        ])
        host.put("landing-zone", "geo/towns/1.txt", "ID  CITY  \n0001Bonn  \n0002Köln  \n")
        let output = try await load(host, "geo/towns/1.txt")
        #expect(output.rows == 2 && output.columns.map { "\($0.name) \($0.type)" } == ["id bigint", "city string"])
    }

    @Test("NDJSON and JSON lists become nested tables; a second file reads by the table's schema")
    func json() async throws {
        let host = host([:])
        let record = #"{"id":1,"user":{"name":"Ada","tags":["x","y"]},"at":"2024-05-31T10:00:00Z"}"#
        host.put("landing-zone", "shop/events/1.ndjson", "\(record)\n\n{\"id\":2,\"user\":null}\n")
        let output = try await load(host, "shop/events/1.ndjson")
        #expect(output.rows == 2)
        let types = ["id bigint", "user struct<name:string,tags:array<string>>", "at timestamp with local time zone"]
        #expect(output.columns.map { "\($0.name) \($0.type)" } == types)
        // A list of objects, told by its content whatever its name.
        host.put("landing-zone", "shop/events/2.txt", "[\(record),\n {\"id\":3}]")
        #expect(try await load(host, "shop/events/2.txt").rows == 2)
        let table = try #require(host.table("shop", "events"))
        #expect(table.rowCount == 4 && table.fileCount == 2 && table.columns.map(\.type) == output.columns.map(\.type))
        let files = host.keys("clean-zone").compactMap { host.object("clean-zone", $0) }
        let answer = try FunctionsSupport.duckdb(
            "SELECT sum(id)::bigint, count(user), sum(len(user.tags))::bigint, max(user.name) FROM '$FOLDER/*.parquet'",
            files: files)
        #expect(answer == "[(7, 2, 4, 'Ada')]")
        // A record that is none fails the file, and is put aside where the configuration says so.
        host.put("landing-zone", "shop/events/3.ndjson", "{\"id\":4}\n{\"id\":\n")
        let failure = try #require(
            await host.invoke(CSVToParquet(), objectCreated: "landing-zone", "shop/events/3.ndjson").failure)
        #expect(failure.code == "MalformedRow" && failure.retry == false)
        let lenient = self.host(["malformedRows": "quarantine"])
        lenient.put("landing-zone", "shop/events/3.ndjson", "{\"id\":4}\n{\"id\":\n{\"id\":5}\n")
        let loaded = try await load(lenient, "shop/events/3.ndjson")
        #expect(loaded.rows == 2 && loaded.rejectedRows == 1 && loaded.quarantine != nil)
    }

    @Test("Automatic masks tell what they leave")
    func unmasked() async throws {
        let host = host(["mask": ["auto": "redact"]])
        let lines = (0..<200).map { "\($0),u\($0)@example.org,\($0 == 150 ? "a@b.de" : "fine")" }
        host.put("landing-zone", "shop/people/1.csv", "id,mail,note\n" + lines.joined(separator: "\n") + "\n")
        let output = try await load(host, "shop/people/1.csv")
        #expect(output.masked == ["mail": "redact"])
        #expect(output.unmasked?.map(\.column) == ["note"] && output.unmasked?.first?.firstRow == 151)
    }

    @Test("Rows that do not fit the table go to quarantine, too")
    func mismatch() async throws {
        let host = host(["malformedRows": "quarantine", "quarantineBucket": "bad"])
        host.put("landing-zone", "shop/items/1.csv", "id\n1\n")
        host.put("landing-zone", "shop/items/2.csv", "id\n2\nmany\n3,4\n")
        _ = try await load(host, "shop/items/1.csv")
        let output = try await load(host, "shop/items/2.csv")
        #expect(output.rows == 1 && output.rejectedRows == 2)
        let key = try #require(host.keys("bad").first)
        let text = try #require(host.text("bad", key))
        #expect(text.contains("SchemaMismatch") && text.contains("MalformedRow"))
    }

    @Test("Wrong settings are InvalidConfiguration", arguments: ["format", "encoding", "logFormat", "layout"])
    func wrong(_ key: String) async throws {
        let value: JSONValue = key == "layout" ? ["columns": ["a:1-2"]] : "?"
        let host = host(["input": key == "layout" ? ["format": "csv", key: value] : [key: value]])
        host.put("landing-zone", "a/b/c.csv", "a\n1\n")
        let failure = try #require(
            await host.invoke(CSVToParquet(), objectCreated: "landing-zone", "a/b/c.csv").failure)
        #expect(failure.code == "InvalidConfiguration" && failure.message.contains("input"))
    }

    @Test("A key of the configuration that does not exist is named, with those that do")
    func unknownKeys() async throws {
        let cases: [(JSONValue, String, String)] = [
            (["input": ["delimter": ";"]], "input: there is no key `delimter`", "delimiter"),
            (["targetBuckt": "x"], "there is no key `targetBuckt`", "targetBucket"),
            (["mask": ["column": ["a": "redact"]]], "mask: there is no key `column`", "columns"),
        ]
        for (configuration, problem, known) in cases {
            let host = host(configuration)
            host.put("landing-zone", "a/b/c.csv", "a\n1\n")
            let failure = try #require(
                await host.invoke(CSVToParquet(), objectCreated: "landing-zone", "a/b/c.csv").failure)
            #expect(failure.code == "InvalidConfiguration" && failure.retry == false)
            #expect(failure.message.contains(problem), "\(failure.message)")
            #expect(failure.message.contains(known), "\(failure.message)")
        }
        // Names that the user chooses are no keys.
        let free = host([
            "metadata": ["team": "data"], "properties": ["owner": "me"], "mask": ["columns": ["x": "redact"]],
        ])
        free.put("landing-zone", "a/b/c.csv", "x,y\n1,2\n")
        #expect(try await load(free, "a/b/c.csv").rows == 1)
    }

    @Test("A file that has no column of its table fails, with the delimiter that it seems to have")
    func stranger() async throws {
        let host = host(["input": ["delimiter": "|"]])
        host.put("landing-zone", "b/orders/1.csv", "order_id|city|amount\n1|Bonn|3\n")
        #expect(try await load(host, "b/orders/1.csv").rows == 1)
        host.put("landing-zone", "b/orders/2.csv", "order_id;city;amount\n9;Rome;1\n10;Oslo;2\n")
        let failure = try #require(
            await host.invoke(CSVToParquet(), objectCreated: "landing-zone", "b/orders/2.csv").failure)
        #expect(failure.code == "SchemaMismatch" && failure.retry == false)
        for word in ["order_id_city_amount", "order_id, city, amount", "with `;` it would have several"] {
            #expect(failure.message.contains(word), "\(failure.message)")
        }
        // One column in common is enough.
        host.put("landing-zone", "b/orders/3.csv", "city|country\nRome|Italy\n")
        #expect(try await load(host, "b/orders/3.csv").newColumns == ["country"])
    }

    @Test("A file of which every row would go to quarantine fails as a whole")
    func nothingGood() async throws {
        let host = host(["malformedRows": "quarantine"])
        host.put("landing-zone", "b/orders/1.csv", "a,b\n1\n2,3,4\n")
        let failure = try #require(
            await host.invoke(CSVToParquet(), objectCreated: "landing-zone", "b/orders/1.csv").failure)
        #expect(failure.code == "QualityThreshold" && failure.message.contains("all 2"), "\(failure.message)")
        #expect(host.keys("quarantine").isEmpty && host.keys("clean-zone").isEmpty)
    }
}

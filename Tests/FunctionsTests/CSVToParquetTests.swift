import CSVToParquet
import Columnar
import FunctionKit
import FunctionSupport
import FunctionTesting
import Testing

@Suite("CSVToParquet", .timeLimit(.minutes(5)))
struct CSVToParquetTests {
    private let key = "cleanzonedb/csvtoparquet/test.csv"

    private func parquet(_ host: TestHost, _ bucket: String = "clean-zone") -> [[UInt8]] {
        host.keys(bucket).compactMap { host.object(bucket, $0) }
    }

    @Test("The scenario: a CSV file becomes a Parquet file and a table")
    func scenario() async throws {
        let host = FunctionsSupport.host()
        host.put("landing-zone", key, FunctionsSupport.favorites)
        let run = await host.invoke(CSVToParquet(), objectCreated: "landing-zone", key)
        #expect(run.failure == nil)
        let output = try run.decodedOutput(as: TableLoader.Loaded.self)
        #expect(output.rows == 25)
        #expect(output.key.hasPrefix("cleanzonedb/csvtoparquet/") && output.key.hasSuffix(".parquet"))
        #expect(host.keys("clean-zone") == [output.key])

        let table = try #require(host.table("cleanzonedb", "csvtoparquet"))
        #expect(table.columns.map { "\($0.name) \($0.type)" } == ["name string", "favorite_num bigint"])
        #expect(table.location == "clean-zone/cleanzonedb/csvtoparquet/")
        #expect(table.classification == "parquet")
        #expect(table.fileCount == 1 && table.rowCount == 25 && table.version == 1)

        let answer = try FunctionsSupport.duckdb(
            "SELECT count(*), sum(favorite_num)::bigint FROM '$FOLDER/*.parquet'", files: parquet(host))
        #expect(answer == "[(25, 364)]")
    }

    @Test(
        "Real files are what pyarrow, DuckDB and Polars read there",
        arguments: ["seattle-weather.csv", "airports.csv", "iowa-electricity.csv", "la-riots.csv", "us-employment.csv"])
    func realFiles(name: String) async throws {
        let host = FunctionsSupport.host()
        let csv = try FunctionsSupport.vega(name)
        host.put("landing-zone", "Vega/\(name)/\(name)", csv)
        let run = await host.invoke(CSVToParquet(), objectCreated: "landing-zone", "Vega/\(name)/\(name)")
        let output = try run.decodedOutput(as: TableLoader.Loaded.self)
        #expect(output.database == "vega")
        #expect(output.table == ColumnName.normalized(name))
        try FunctionsSupport.verify(parquet: try #require(parquet(host).first), csv: csv)
    }

    @Test("A second file adds to the table, and reads by the table's schema")
    func append() async throws {
        let host = FunctionsSupport.host()
        let worker = try await host.start(CSVToParquet())
        host.put("landing-zone", "shop/items/1.csv", "id,price\n1,1.5\n2,2.5\n")
        host.put("landing-zone", "shop/items/2.csv", "price,id\n3,3\n4,4\n")
        for name in ["1", "2"] {
            let run = try await worker.invoke(host.objectCreatedEvent("landing-zone", "shop/items/\(name).csv"))
            #expect(run.failure == nil)
        }
        let table = try #require(host.table("shop", "items"))
        // The second file's prices would be integers by themselves.
        #expect(table.columns.map(\.type) == ["bigint", "double"])
        #expect(table.fileCount == 2 && table.rowCount == 4 && table.version == 1)
        let answer = try FunctionsSupport.duckdb(
            "SELECT sum(id)::bigint, sum(price), count(DISTINCT typeof(price)) FROM '$FOLDER/*.parquet'",
            files: parquet(host))
        #expect(answer == "[(10, 11.0, 1)]")
    }

    @Test("A corrected file under the same key replaces its rows, in the bucket and in the catalog")
    func correction() async throws {
        let host = FunctionsSupport.host()
        let worker = try await host.start(CSVToParquet())
        for (key, text) in [
            ("a/shop/items/1.csv", "id,price\n1,1.5\n2,2.5\n"), ("b/shop/items/1.csv", "id,price\n9,9.5\n"),
            ("a/shop/items/1.csv", "id,price\n1,1.5\n2,3.5\n3,4.5\n"),
        ] {
            host.put("landing-zone", key, text)
            #expect(try await worker.invoke(host.objectCreatedEvent("landing-zone", key)).failure == nil)
        }
        let table = try #require(host.table("shop", "items"))
        #expect(table.fileCount == 2 && table.rowCount == 4 && host.keys("clean-zone").count == 2)
        let answer = try FunctionsSupport.duckdb(
            "SELECT count(*), sum(price) FROM '$FOLDER/*.parquet'", files: parquet(host))
        #expect(answer == "[(4, 19.0)]")
    }

    @Test("What does not fit the table is SchemaMismatch, naming column, row and text, and nothing is left behind")
    func mismatch() async throws {
        let host = FunctionsSupport.host()
        let worker = try await host.start(CSVToParquet())
        host.put("landing-zone", "shop/items/1.csv", "id,price\n1,1.5\n")
        host.put("landing-zone", "shop/items/2.csv", "id,price\n1,2\nA-17,3\n")
        #expect(try await worker.invoke(host.objectCreatedEvent("landing-zone", "shop/items/1.csv")).failure == nil)
        let run = try await worker.invoke(host.objectCreatedEvent("landing-zone", "shop/items/2.csv"))
        let failure = try #require(run.failure)
        #expect(failure.code == "SchemaMismatch" && failure.retry == false)
        for word in ["landing-zone/shop/items/2.csv", "id", "row 2", "A-17", "`sluice catalog drop shop.items`"] {
            #expect(failure.message.contains(word), "\(failure.message)")
        }
        #expect(host.keys("clean-zone").count == 1)
        #expect(host.table("shop", "items")?.fileCount == 1)
    }

    @Test("A new column makes a new version of the schema; a missing one is null")
    func newColumn() async throws {
        let host = FunctionsSupport.host()
        let worker = try await host.start(CSVToParquet())
        for (name, text) in [("1", "id,a\n1,x\n"), ("2", "id,b\n2,2024-05-31\n"), ("3", "id\n3\n")] {
            host.put("landing-zone", "shop/items/\(name).csv", text)
            let run = try await worker.invoke(host.objectCreatedEvent("landing-zone", "shop/items/\(name).csv"))
            #expect(try run.decodedOutput(as: TableLoader.Loaded.self).newColumns == (name == "2" ? ["b"] : []))
        }
        let table = try #require(host.table("shop", "items"))
        #expect(table.columns.map { "\($0.name) \($0.type)" } == ["id bigint", "a string", "b date"])
        #expect(table.version == 2 && table.rowCount == 3)
    }

    @Test("The same event again replaces its own output")
    func again() async throws {
        let host = FunctionsSupport.host()
        let worker = try await host.start(CSVToParquet())
        host.put("landing-zone", key, FunctionsSupport.favorites)
        let event = host.objectCreatedEvent("landing-zone", key)
        for attempt in 1...3 { #expect(try await worker.invoke(event, attempt: attempt).failure == nil) }
        #expect(host.keys("clean-zone").count == 1)
        #expect(host.table("cleanzonedb", "csvtoparquet")?.rowCount == 25)
        // A re-upload is another event, of the same source: it replaces, too.
        host.put("landing-zone", key, FunctionsSupport.favorites)
        #expect(try await worker.invoke(host.objectCreatedEvent("landing-zone", key)).failure == nil)
        #expect(host.table("cleanzonedb", "csvtoparquet")?.rowCount == 25)
    }

    @Test("A header alone makes no table: the first rows say what its types are")
    func headerOnly() async throws {
        let host = FunctionsSupport.host()
        let worker = try await host.start(CSVToParquet())
        func load(_ text: String) async throws -> TableLoader.Loaded {
            host.put("landing-zone", key, text)
            return try await worker.invoke(host.objectCreatedEvent("landing-zone", key)).decodedOutput(
                as: TableLoader.Loaded.self)
        }
        let nothing = try await load("Name,favorite_num\n")
        #expect(nothing.rows == 0 && nothing.files.isEmpty && nothing.key.isEmpty)
        #expect(host.table("cleanzonedb", "csvtoparquet") == nil && host.keys("clean-zone").isEmpty)
        _ = try await load("Name,favorite_num\na,1\n")
        #expect(host.table("cleanzonedb", "csvtoparquet")?.columns.map(\.type) == ["string", "bigint"])
        // A new version without rows takes the place of the one before, in the table's types.
        #expect(try await load("Name,favorite_num\n").files.count == 1)
        #expect(host.table("cleanzonedb", "csvtoparquet")?.rowCount == 0)
        let file = try ParquetFile(ParquetMemoryInput(try #require(parquet(host).first)))
        #expect(file.rowCount == 0 && file.schema.columns.count == 2)
    }

    @Test(
        "Bad input is a permanent error with its own code, and leaves nothing behind",
        arguments: [
            ("", "EmptyFile", "empty"), ("\u{FEFF}", "EmptyFile", "empty"),
            ("a,B,b\n1,2,3\n", "DuplicateColumn", "\"b\""),
            ("a,,b\n1,2,3\n", "EmptyColumnName", "Column 2"), ("a,b\n1,2\n3\n", "MalformedRow", "Row 2"),
            ("a,b\n1,2,3\n", "MalformedRow", "Row 1"), ("a,b\n1,\"2\n3,4\n", "UnclosedQuote", "line 2"),
            ("\u{7F}ELF\u{2}\u{1}\u{1}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}", "NotText", "program"),
        ])
    func badInput(text: String, code: String, word: String) async throws {
        let host = FunctionsSupport.host()
        host.put("landing-zone", key, text)
        let run = await host.invoke(CSVToParquet(), objectCreated: "landing-zone", key)
        let failure = try #require(run.failure)
        #expect(failure.code == code)
        #expect(failure.retry == false)
        #expect(failure.message.contains(key) && failure.message.contains(word), "\(failure.message)")
        #expect(host.keys("clean-zone").isEmpty)
        #expect(host.table("cleanzonedb", "csvtoparquet") == nil)
    }

    @Test("Invalid UTF-8 names its place")
    func invalidUTF8() async throws {
        let host = FunctionsSupport.host()
        host.put("landing-zone", key, Array("a,b\n1,2\n3,".utf8) + [0xFF, 0x0A])
        let failure = try #require(await host.invoke(CSVToParquet(), objectCreated: "landing-zone", key).failure)
        #expect(failure.code == "InvalidUTF8" && failure.retry == false)
        #expect(failure.message.contains("line 3"), "\(failure.message)")
    }

    @Test(
        "A key with too few parts is InvalidKey and says what is missing",
        arguments: [
            "b.csv", "a/b.csv", "a//b.csv", "/a/b.csv", "a/2026/11/b.csv", "2026/11/21/b.csv", "a/y=2026/b.csv",
        ])
    func invalidKey(key: String) async throws {
        let host = FunctionsSupport.host()
        host.put("landing-zone", key, "a\n1\n")
        let failure = try #require(await host.invoke(CSVToParquet(), objectCreated: "landing-zone", key).failure)
        #expect(failure.code == "InvalidKey" && failure.retry == false)
        #expect(failure.message.contains("<database>/<table>"))
    }

    @Test("Folders of dates and partitions are no part of a table's name; of the others the last two are")
    func tableKeys() throws {
        for (key, database, table) in [
            ("shop/sales/x.csv", "shop", "sales"), ("shop/sales/2026/11/21/x.csv", "shop", "sales"),
            ("shop/sales/2026-11-21/x.csv", "shop", "sales"), ("2026/11/shop/sales/2026/x.csv", "shop", "sales"),
            ("shop/sales/2026/1/5/x.csv", "shop", "sales"), ("shop/sales/2026-11/21/x.csv", "shop", "sales"),
            ("shop/sales/2026-11-21/23/59/x.csv", "shop", "sales"), ("shop/sales/2026-11-21-23/x.csv", "shop", "sales"),
            ("shop/sales/2026.11/x.csv", "shop", "sales"), ("shop/sales/21.11.2026/x.csv", "shop", "sales"),
            ("20261121/shop/sales/x.csv", "shop", "sales"), ("shop/sales/202611/x.csv", "shop", "sales"),
            ("shop/sales/2026112123/x.csv", "shop", "sales"), ("shop/2026_11_21/sales/x.csv", "shop", "sales"),
            // Other numbers are names: of stores, of customers.
            ("stores/0042/x.csv", "stores", "0042"), ("customers/12345/x.csv", "customers", "12345"),
            ("shop/stores/0043/x.csv", "stores", "0043"), ("shop/07/x.csv", "shop", "07"),
            ("shop/2026/13/x.csv", "shop", "13"), ("shop/sales/1700/x.csv", "sales", "1700"),
            ("shop/2026/11/32/x.csv", "shop", "32"), ("shop/20261332/x.csv", "shop", "20261332"),
            ("shop/1-2-3/x.csv", "shop", "1_2_3"), ("shop/2026-11-/x.csv", "shop", "2026_11_"),
            ("shop/sales/year=2026/month=11/x.csv", "shop", "sales"), ("a/b/c/x.csv", "b", "c"),
            ("shop/2nd-half/x.csv", "shop", "2nd_half"),
        ] {
            let found = try TableKey(key)
            #expect(found.database == database && found.table == table && found.stem == "x", "\(key): \(found)")
        }
    }

    @Test("A file that was deleted before its handler ran is NoSuchKey")
    func deleted() async throws {
        let failure = try #require(
            await FunctionsSupport.host().invoke(CSVToParquet(), objectCreated: "landing-zone", key).failure)
        #expect(failure.code == "NoSuchKey")
    }

    @Test("A table that is no plain Parquet table is refused", arguments: ["csv", "parquet"])
    func foreignTable(classification: String) async throws {
        struct Register: Handler {
            var classification: String
            func handle(_ event: JSONValue, context: Context) async throws {
                try await context.catalog.register(
                    TableFile(
                        database: "cleanzonedb", table: "csvtoparquet",
                        file: ObjectLocation(bucket: "clean-zone", key: "x"), rows: 0,
                        columns: [TableColumn(name: "name", type: "uniontype<int,string>")], location: "clean-zone/x/",
                        classification: classification), base: nil)
            }
        }
        let host = FunctionsSupport.host()
        _ = try await host.invoke(Register(classification: classification), JSONValue.null)
        host.put("landing-zone", key, FunctionsSupport.favorites)
        let failure = try #require(await host.invoke(CSVToParquet(), objectCreated: "landing-zone", key).failure)
        #expect(failure.code == "Unsupported" && failure.retry == false)
    }
}

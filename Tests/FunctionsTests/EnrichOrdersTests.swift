import Columnar
import EnrichOrders
import FunctionKit
import FunctionSupport
import FunctionTesting
import Testing

@Suite("EnrichOrders", .timeLimit(.minutes(5)))
struct EnrichOrdersTests {
    private let customers = """
        customer_id,Name,since,score,notes
        C1,"Ada, Countess",2020-01-31,5,
        C2,Grace,2021-02-28,7.5,
        007,James,2006-11-14,,

        """
    private let orders = """
        order_id,customer_id,amount
        1,C1,10.5
        2,C9,20
        3,,30
        4,007,40
        5,C1,50

        """

    private func rows(_ host: TestHost) throws -> [[String]] {
        try host.keys("curated-zone").flatMap { key in
            try ParquetFile(ParquetMemoryInput(host.object("curated-zone", key) ?? [])).head(rows: 100)
                .map { $0.map(\.description) }
        }
    }

    @Test("Orders are joined with their customers, keep their row without one, and get the time of their event")
    func join() async throws {
        let host = FunctionsSupport.host()
        host.put("reference", "customers.csv", customers)
        host.put("inbox", "orders/1.csv", orders)
        var event = host.objectCreatedEvent("inbox", "orders/1.csv")
        event.time = try #require(Timestamp(rfc3339: "2024-05-31T09:00:00Z"))
        let run = try await host.invoke(EnrichOrders(), event)
        let output = try run.decodedOutput(as: EnrichOrders.Output.self)
        #expect(output.matched == 3 && output.unmatched == 2)
        #expect(output.loaded.rows == 5)
        let time = "2024-05-31T09:00:00Z"
        #expect(
            try rows(host) == [
                ["1", "C1", "10.5", "Ada, Countess", "2020-01-31", "5.0", "null", time],
                ["2", "C9", "20.0", "null", "null", "null", "null", time],
                ["3", "null", "30.0", "null", "null", "null", "null", time],
                ["4", "007", "40.0", "James", "2006-11-14", "null", "null", time],
                ["5", "C1", "50.0", "Ada, Countess", "2020-01-31", "5.0", "null", time],
            ])
        let table = try #require(host.table("sales", "orders"))
        #expect(
            table.columns.map { "\($0.name) \($0.type)" } == [
                "order_id bigint", "customer_id string", "amount double", "customer_name string", "customer_since date",
                "customer_score double", "customer_notes string", "ingested_at timestamp with local time zone",
            ])
        let files = host.keys("curated-zone").compactMap { host.object("curated-zone", $0) }
        let answer = try FunctionsSupport.duckdb(
            "SELECT customer_name, sum(amount), min(ingested_at)::varchar FROM '$FOLDER/*.parquet' GROUP BY 1 ORDER BY 2",
            files: files)
        #expect(
            answer
                == "[('James', 40.0, '2024-05-31 09:00:00+00'), (None, 50.0, '2024-05-31 09:00:00+00'), "
                + "('Ada, Countess', 60.5, '2024-05-31 09:00:00+00')]")
    }

    @Test("The reference is read once, and again when it was replaced")
    func cached() async throws {
        let host = FunctionsSupport.host()
        let worker = try await host.start(EnrichOrders())
        host.put("reference", "customers.csv", customers)
        var reads: [Bool] = []
        var etags: Set<String> = []
        for number in 1...4 {
            if number == 3 { host.put("reference", "customers.csv", "customer_id,name\nC1,Augusta\n") }
            host.put("inbox", "orders/\(number).csv", "order_id,customer_id\n\(number),C1\n")
            let run = try await worker.invoke(host.objectCreatedEvent("inbox", "orders/\(number).csv"))
            #expect(run.failure == nil)
            reads.append(run.logs.contains { $0.text.contains("read the reference") })
            etags.insert(try run.decodedOutput(as: EnrichOrders.Output.self).referenceETag)
        }
        #expect(reads == [true, false, true, false])
        #expect(etags.count == 2)
        let names = try rows(host).map { "\($0[0]) \($0[2])" }.sorted()
        #expect(names == ["1 Ada, Countess", "2 Ada, Countess", "3 Augusta", "4 Augusta"])
    }

    @Test("Real airports are joined with real states")
    func realFiles() async throws {
        var settings = TestHost.Settings()
        settings.configuration = [
            "reference": ["bucket": "reference", "key": "states.csv", "column": "state", "prefix": "state_"],
            "joinColumn": "state", "database": "geo", "table": "airports", "load": ["compression": "zstd"],
        ]
        let host = FunctionsSupport.host(settings: settings)
        let airports = try FunctionsSupport.vega("airports.csv")
        host.put("inbox", "orders/airports.csv", airports)
        host.put("reference", "states.csv", "state,name,population\nTX,Texas,29145505\nWA,Washington,7705281\n")
        let run = await host.invoke(EnrichOrders(), objectCreated: "inbox", "orders/airports.csv")
        let output = try run.decodedOutput(as: EnrichOrders.Output.self)
        let files = host.keys("curated-zone").compactMap { host.object("curated-zone", $0) }
        let answer = try FunctionsSupport.duckdb(
            "SELECT count(*), count(state_name), count(*) FILTER (state IN ('TX', 'WA')), max(state_population) "
                + "FROM '$FOLDER/*.parquet'", files: files)
        #expect(answer == "[(\(output.loaded.rows), \(output.matched), \(output.matched), 29145505)]")
        #expect(output.matched > 100 && output.matched + output.unmatched == output.loaded.rows)
    }

    @Test(
        "A reference that is no table with one row a key is InvalidReference",
        arguments: [
            ("", "EmptyFile"), ("id,name\n1,a\n", "customer_id"), ("customer_id,name\nC1,a\nC1,b\n", "C1"),
            ("customer_id,name\n,a\n", "Row 1"), ("customer_id,name\nC1\n", "MalformedRow"),
        ])
    func badReference(text: String, word: String) async throws {
        let host = FunctionsSupport.host()
        host.put("reference", "customers.csv", text)
        host.put("inbox", "orders/1.csv", orders)
        let failure = try #require(
            await host.invoke(EnrichOrders(), objectCreated: "inbox", "orders/1.csv").failure)
        #expect(failure.code == "InvalidReference" && failure.retry == false)
        #expect(failure.message.contains("reference/customers.csv") && failure.message.contains(word), "\(failure)")
    }

    @Test("A reference that is not there yet is tried again; orders that are gone are not")
    func missing() async throws {
        let host = FunctionsSupport.host()
        host.put("inbox", "orders/1.csv", orders)
        let failure = try #require(await host.invoke(EnrichOrders(), objectCreated: "inbox", "orders/1.csv").failure)
        #expect(failure.code == "ReferenceMissing" && failure.retry != false)
        host.remove("inbox", "orders/1.csv")
        host.put("reference", "customers.csv", customers)
        #expect(await host.invoke(EnrichOrders(), objectCreated: "inbox", "orders/1.csv").failure?.code == "NoSuchKey")
    }

    @Test(
        "Orders without the key's column, or with a column of a joined name, are refused",
        arguments: [("order_id\n1\n", "MissingColumn"), ("customer_id,customer_name\nC1,x\n", "DuplicateColumn")])
    func badOrders(text: String, code: String) async throws {
        let host = FunctionsSupport.host()
        host.put("reference", "customers.csv", customers)
        host.put("inbox", "orders/1.csv", text)
        let failure = try #require(await host.invoke(EnrichOrders(), objectCreated: "inbox", "orders/1.csv").failure)
        #expect(failure.code == code && failure.retry == false)
        #expect(host.keys("curated-zone").isEmpty)
    }
}

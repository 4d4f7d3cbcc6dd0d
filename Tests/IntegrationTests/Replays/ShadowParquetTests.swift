import Foundation
import FunctionJSON
import Gateway
import HostAPI
import Testing

extension Integration {
    @Suite("A dry run beside DuckDB", .timeLimit(.minutes(3)))
    struct ShadowParquetTests {
        @Test("The rows that a dry run says would change are those that DuckDB finds after the replay")
        func parquet() async throws {
            try await HostProcess.with(.shipped()) { host in
                let customers = (1...40).map { "C\($0),City \($0 % 5)\n" }.joined()
                try host.copy("customer_id,city\n" + customers, to: "reference", "customers.csv")
                _ = try await host.wait(for: "the reference") {
                    try await host.client.listBuckets().first { $0.name == "reference" }?.objects == 1 ? true : nil
                }
                for file in 0..<3 {
                    let orders = (0..<500).map { "\(file * 1000 + $0),C\($0 % 40 + 1),\($0 * 3)\n" }.joined()
                    try host.copy("order_id,customer_id,amount\n" + orders, to: "inbox", "orders/\(file).csv")
                }
                _ = try await host.wait(for: "the table") {
                    let table = try? await host.client.table(database: "sales", name: "orders")
                    return table?.files.count == 3 ? true : nil
                }
                try await host.settled()
                let old = temporaryFolder("before")
                defer { try? FileManager.default.removeItem(atPath: old) }
                try FileManager.default.copyItem(atPath: host.bucket("curated-zone"), toPath: old + "/zone")

                // Two customers move, one is gone.
                let moved = customers.replacing("C7,City 2\n", with: "C7,Oslo\n").replacing(
                    "C9,City 4\n", with: "C9,Rome\n"
                )
                .replacing("C11,City 1\n", with: "")
                try host.copy("customer_id,city\n" + moved, to: "reference", "customers.csv")
                _ = try await host.wait(for: "the new reference to be known") {
                    let events = try await host.client.listEvents(
                        EventQuery(source: "aws.s3"), page: PageRequest(limit: 1))
                    return events.items.first?.event.text.contains("customers.csv") == true ? true : nil
                }
                let request = ReplayRequest(
                    name: "dry", from: .init(milliseconds: 0), to: .init(milliseconds: 4_000_000_000_000),
                    rules: ["orders-landed"], dryRun: true)
                _ = try await host.client.startReplay(request)
                let dry = try await host.over(replay: "dry")
                let report = try #require(dry.shadow)
                #expect(report.objects.changed == 3 && report.catalog.same == 3, "\(report)")
                #expect(report.rows.added == 0 && report.rows.removed == 0 && report.rows.changed > 0)
                #expect(report.differences.allSatisfy { $0.rows?.keys == ["order_id"] })

                var real = request
                (real.name, real.dryRun) = ("real", false)
                _ = try await host.client.startReplay(real)
                let done = try await host.over(replay: "real")
                #expect(done.succeeded == 3 && done.dead == 0, "\(done)")
                // Outputs were replaced, not doubled.
                #expect(host.keys("curated-zone").count == 3)
                let found = try await ParquetReaders.lines([
                    "-c",
                    """
                    import sys, duckdb
                    old, new = (f"read_parquet('{folder}/**/*.parquet')" for folder in sys.argv[1:])
                    print(duckdb.sql(f"select count(*) from (from {new} except all from {old})").fetchall()[0][0],
                          duckdb.sql(f"select count(*) from (from {old} except all from {new})").fetchall()[0][0],
                          duckdb.sql(f"select count(*) from {old} o join {new} n using (order_id)"
                                     " where o is distinct from n").fetchall()[0][0])
                    """, old + "/zone", host.bucket("curated-zone"),
                ])
                let count = report.rows.changed
                #expect(found == ["\(count) \(count) \(count)"], "\(found)")
                let again = try await host.client.table(database: "sales", name: "orders")
                #expect(again.files.count == 3)
            }
        }
    }
}

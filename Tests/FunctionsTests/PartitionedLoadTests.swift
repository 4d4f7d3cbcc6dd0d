import CSVToParquet
import Columnar
import FunctionKit
import FunctionSupport
import FunctionTesting
import Testing

@Suite("CSVToParquet, partitioned", .timeLimit(.minutes(5)))
struct PartitionedLoadTests {
    private let key = "shop/orders/1.csv"

    private func host(_ configuration: JSONValue) -> TestHost {
        var settings = TestHost.Settings()
        settings.configuration = configuration
        return FunctionsSupport.host(settings: settings)
    }

    private func csv(_ rows: Range<Int>, header: String = "id,region,at,price") -> String {
        header + "\n"
            + rows.map { row in
                let region = row % 5 == 4 ? "" : ["EU", "a/b", "US"][row % 3]
                return "\(row),\(region),2024-05-\(10 + row % 2) 12:00:00,\(row).5\n"
            }.joined()
    }

    @Test("Rows go to files of their partitions, which the catalog knows; all of them or none")
    func partitions() async throws {
        let host = host(["partitionBy": "region,at:day", "openFiles": 2, "properties": ["owner": "me"]])
        let worker = try await host.start(CSVToParquet())
        host.put("landing-zone", key, csv(0..<60))
        let event = host.objectCreatedEvent("landing-zone", key)
        let run = try await worker.invoke(event)
        #expect(run.failure == nil)
        let output = try run.decodedOutput(as: TableLoader.Loaded.self)
        #expect(output.rows == 60 && output.columns.map(\.name) == ["id", "at", "price"])
        let table = try #require(host.table("shop", "orders"))
        #expect(
            table.partitionKeys.map { "\($0.name) \($0.type)" } == [
                "region string", "year string", "month string", "day string",
            ])
        #expect(table.rowCount == 60 && table.fileCount == Int64(output.files.count) && table.version == 1)
        #expect(host.keys("clean-zone") == output.files.map(\.key).sorted())
        #expect(
            output.files.contains {
                $0.key.hasPrefix("shop/orders/region=a%2Fb/year=2024/month=05/day=10/")
                    && $0.partition == ["a/b", "2024", "05", "10"]
            })
        #expect(output.files.contains { $0.partition.first == "__HIVE_DEFAULT_PARTITION__" })
        for file in output.files {
            let parquet = try ParquetFile(ParquetMemoryInput(try #require(host.object("clean-zone", file.key))))
            #expect(parquet.rowCount == file.rows)
            let metadata = Dictionary(
                parquet.keyValueMetadata.map { ($0.key, $0.value ?? "") }, uniquingKeysWith: { $1 })
            #expect(metadata["sluice.source"] == "landing-zone/\(key)")
            #expect(metadata["sluice.function"]?.isEmpty == false)
        }
        // The same event again replaces its own files, although the table now gives the types.
        #expect(try await worker.invoke(event, attempt: 2).failure == nil)
        #expect(host.keys("clean-zone") == output.files.map(\.key).sorted())

        // Another file adds to the table; a new and a missing column are told.
        host.put("landing-zone", "shop/orders/2.csv", "id,region,at,extra\n100,EU,2024-06-01 00:00:00,x\n")
        let second = try await worker.invoke(host.objectCreatedEvent("landing-zone", "shop/orders/2.csv"))
        let loaded = try second.decodedOutput(as: TableLoader.Loaded.self)
        #expect(loaded.drift == ["new column extra string", "missing column price double"])
        #expect(host.table("shop", "orders")?.rowCount == 61 && host.table("shop", "orders")?.version == 2)

        // A file that fails leaves nothing behind.
        let before = host.keys("clean-zone")
        host.put("landing-zone", "shop/orders/3.csv", csv(0..<30) + "x,EU,2024-05-10 00:00:00,1\n")
        let failure = try await worker.invoke(host.objectCreatedEvent("landing-zone", "shop/orders/3.csv")).failure
        #expect(failure?.code == "SchemaMismatch" && failure?.retry == false)
        #expect(host.keys("clean-zone") == before)
    }

    @Test("Keys stay the same when the first run had to begin again with wider types")
    func stableKeys() async throws {
        let host = host(["partitionBy": "region"])
        let worker = try await host.start(CSVToParquet())
        // More than one batch, and a late value that widens.
        let text = "id,region,v\n" + (0..<60_000).map { "\($0),\($0 % 3),\($0 == 59_000 ? "1.5" : "\($0)")\n" }.joined()
        host.put("landing-zone", key, text)
        let event = host.objectCreatedEvent("landing-zone", key)
        let first = try await worker.invoke(event).decodedOutput(as: TableLoader.Loaded.self)
        #expect(first.columns.map(\.type) == ["bigint", "double"] && first.files.count == 3)
        let again = try await worker.invoke(event, attempt: 2).decodedOutput(as: TableLoader.Loaded.self)
        #expect(again.files == first.files)
        #expect(host.keys("clean-zone").count == 3)
    }

    @Test("A corrected file leaves nothing of the one before, in partitions that it has no rows for any more either")
    func correction() async throws {
        for configuration in [["partitionBy": "region"], ["fileBytes": 20_000]] as [JSONValue] {
            let host = host(configuration)
            let worker = try await host.start(CSVToParquet())
            func load(_ key: String, _ text: String) async throws -> TableLoader.Loaded {
                host.put("landing-zone", key, text)
                return try await worker.invoke(host.objectCreatedEvent("landing-zone", key))
                    .decodedOutput(as: TableLoader.Loaded.self)
            }
            func text(_ rows: Int, _ regions: Int) -> String {
                "id,region,s\n"
                    + (0..<rows).map { row in
                        "\(row),\(row % regions),\(String(row &* 2_654_435_761 % 1_000_003, radix: 36))\n"
                    }.joined()
            }
            let first = try await load(key, text(60_000, 3))
            let other = try await load("shop/orders/2.csv", text(10, 3))
            let corrected = try await load(key, text(100, 1))
            #expect(first.files.count >= 2 && corrected.files.count == 1)
            #expect(host.keys("clean-zone") == (other.files + corrected.files).map(\.key).sorted())
            #expect(host.table("shop", "orders")?.rowCount == 110)
            #expect(host.table("shop", "orders")?.fileCount == Int64(other.files.count) + 1)
        }
    }

    @Test("Without the right to read the bucket of the files, a load that may make several is refused with what to do")
    func missingGrant() async throws {
        var settings = TestHost.Settings()
        settings.grants = .init(read: ["landing-zone"], write: ["clean-zone"])
        for (configuration, code) in [([:], nil), (["partitionBy": "region"], "AccessDenied")] as [(JSONValue, String?)]
        {
            settings.configuration = configuration
            let host = FunctionsSupport.host(settings: settings)
            host.put("landing-zone", key, csv(0..<10))
            let failure = await host.invoke(CSVToParquet(), objectCreated: "landing-zone", key).failure
            #expect(failure?.code == code && failure?.message.contains("grants.read") != false)
        }
    }

    @Test("A file size alone makes several files of one table")
    func fileSize() async throws {
        let host = host([
            "fileBytes": 20_000, "compression": "gzip:9", "compatibility": "legacy", "rowGroupRows": 25,
            "metadata": ["owner": "sales", "cost-center": "12"],
        ])
        var text = "id,s\n"
        for row in 0..<200_000 { text += "\(row),\(String(row &* 2_654_435_761 % 1_000_003, radix: 36))\n" }
        host.put("landing-zone", key, text)
        let run = await host.invoke(CSVToParquet(), objectCreated: "landing-zone", key)
        let output = try run.decodedOutput(as: TableLoader.Loaded.self)
        #expect(output.files.count > 1 && output.rows == 200_000)
        #expect(host.table("shop", "orders")?.partitionKeys.isEmpty == true)
        let file = try ParquetFile(ParquetMemoryInput(try #require(host.object("clean-zone", output.key))))
        #expect(file.rowGroups.allSatisfy { $0.columns.allSatisfy { ["gzip", "none"].contains($0.codec) } })
        #expect(file.rowGroups.count > 1 && file.rowGroups.allSatisfy { $0.rowCount <= 25 })
        #expect(
            file.keyValueMetadata.map(\.key) == ["sluice.source", "sluice.function", "cost-center", "owner"]
                && file.keyValueMetadata.last?.value == "sales")
    }

    @Test("A table that is partitioned otherwise is refused, as is a configuration that means nothing")
    func refusals() async throws {
        let host = host(["partitionBy": "region"])
        host.put("landing-zone", key, csv(0..<10))
        _ = await host.invoke(CSVToParquet(), objectCreated: "landing-zone", key)
        #expect(host.table("shop", "orders")?.partitionKeys.map(\.name) == ["region"])
        for (configuration, code, word) in [
            (["partitionBy": "at:soon"], "InvalidConfiguration", "soon"),
            (["fileBytes": 0], "InvalidConfiguration", "positive"),
            (["compatibility": "old"], "InvalidConfiguration", "legacy"),
            (["compression": "zstd:23"], "InvalidConfiguration", "1 (fast) to 22"),
            (["compression": "snappy:1"], "InvalidConfiguration", "knows none"),
            (["rowGroupRows": 0], "InvalidConfiguration", "rowGroupRows"),
            (["rowGroupBytes": -1], "InvalidConfiguration", "rowGroupBytes"),
            (["metadata": ["sluice.source": "x"]], "InvalidConfiguration", "sluice.source"),
            (["partitionBy": "nope"], "MissingColumn", "nope"),
            (["partitionBy": "price"], "Unsupported", "price"),
        ] as [(JSONValue, String, String)] {
            let other = self.host(configuration)
            other.put("landing-zone", key, csv(0..<10))
            let failure = await other.invoke(CSVToParquet(), objectCreated: "landing-zone", key).failure
            #expect(failure?.code == code && failure?.retry == false, "\(configuration): \(failure?.message ?? "")")
            #expect(failure?.message.contains(word) == true, "\(failure?.message ?? "")")
            #expect(other.keys("clean-zone").isEmpty)
        }
    }
}

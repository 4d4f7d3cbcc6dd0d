import AppConfig
import CSVToParquet
import EnrichOrders
import EventModel
import EventPatterns
import Foundation
import FunctionKit
import FunctionTesting
import StreamToParquet
import Testing
import ValidateCSV

/// `sluice.yaml`, `Functions/*/function.yaml` and `Events/` of this repository.
@Suite("The app of this repository", .timeLimit(.minutes(5)))
struct ShippedAppTests {
    private func app() throws -> AppDefinition {
        let loaded = try AppLoader.load(folder: FunctionsSupport.root.path)
        #expect(loaded.warnings.isEmpty, "\(loaded.warnings)")
        return loaded.definition
    }

    /// The functions that an event starts.
    private func targets(_ app: AppDefinition, _ event: [UInt8]) throws -> [String] {
        let subject = StreamFilter.subject(of: event)
        return try app.rules.filter { try EventPattern(parsing: $0.pattern).matches(subject) }.flatMap {
            $0.targets.map(\.function)
        }
    }

    @Test("One file starts one function at most, by where it lies")
    func disjoint() throws {
        let app = try app()
        #expect(app.functions.map(\.name) == ["CSVToParquet", "EnrichOrders", "StreamToParquet", "ValidateCSV"])
        let host = FunctionsSupport.host()
        for (bucket, key, functions) in [
            ("landing-zone", "cleanzonedb/csvtoparquet/test.csv", ["CSVToParquet"]),
            ("landing-zone", "a/b.csv", ["CSVToParquet"]), ("landing-zone", "validated/d/t/x.csv", ["CSVToParquet"]),
            ("landing-zone", "a/b/c.txt", []), ("inbox", "validate/d/t/x.csv", ["ValidateCSV"]),
            ("inbox", "validate/d/t/_rules.yaml", []), ("inbox", "validate/d/t/x-1.ndjson", ["ValidateCSV"]),
            ("inbox", "validate/d/t/_rules.dqdl", []), ("inbox", "orders/1.csv", ["EnrichOrders"]),
            ("inbox", "1.csv", []),
            ("clean-zone", "a/b/c.csv", []), ("reference", "customers.csv", []), ("quarantine", "a/b/c.ndjson", []),
        ] as [(String, String, [String])] {
            let event = try TapeEncoder().encode(host.objectCreatedEvent(bucket, key))
            #expect(try targets(app, event) == functions, "\(bucket)/\(key)")
        }
    }

    @Test("Each sample event starts the function of the rule it is named after")
    func samples() throws {
        let app = try app()
        let folder = FunctionsSupport.root.appending(path: "Events/samples")
        for rule in app.rules {
            let event = Array(try Data(contentsOf: folder.appending(path: "\(rule.name).json")))
            #expect(try targets(app, event) == rule.targets.map(\.function))
            if rule.bus == "default" {
                #expect(throws: Never.self) { try TapeDecoder().decode(Event<ObjectCreated>.self, from: event) }
            } else {
                #expect(rule.bus == "stream/clicks")
                #expect(throws: Never.self) { try TapeDecoder().decode(StreamRecord.self, from: event) }
            }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == app.rules.count)
    }

    /// A host with the settings that function.yaml has.
    private func host(_ function: String) throws -> TestHost {
        let definition = try #require(try app().function(named: function))
        var settings = TestHost.Settings()
        settings.functionName = function
        settings.configuration = try TapeDecoder().decode(JSONValue.self, from: Array(definition.configuration.utf8))
        settings.grants = .init(
            read: Set(definition.grants.read), write: Set(definition.grants.write),
            events: Set(definition.grants.events), streams: Set(definition.grants.streams ?? []))
        return FunctionsSupport.host(settings: settings)
    }

    @Test("The configuration and the grants of function.yaml are enough, and no more")
    func settings() async throws {
        let convert = try host("CSVToParquet")
        convert.put("landing-zone", "d/t/x.csv", FunctionsSupport.favorites)
        #expect(await convert.invoke(CSVToParquet(), objectCreated: "landing-zone", "d/t/x.csv").failure == nil)
        #expect(convert.table("d", "t")?.properties["owner"] == "data-platform")

        let validate = try host("ValidateCSV")
        validate.put("inbox", "validate/d/t/x.csv", "a,b\n1,2\n3\n4,5\n")
        validate.put("inbox", "validate/d/t/_rules.yaml", "columns: {a: {type: bigint}}")
        #expect(await validate.invoke(ValidateCSV(), objectCreated: "inbox", "validate/d/t/x.csv").failure == nil)
        #expect(validate.keys("quarantine").count == 1 && validate.keys("landing-zone").count == 1)

        let enrich = try host("EnrichOrders")
        enrich.put("reference", "customers.csv", "customer_id,name\nC1,Ada\n")
        enrich.put("inbox", "orders/1.csv", "order_id,customer_id\n1,C1\n")
        #expect(await enrich.invoke(EnrichOrders(), objectCreated: "inbox", "orders/1.csv").failure == nil)
        #expect(enrich.table("sales", "orders")?.rowCount == 1)

        let stream = try host("StreamToParquet")
        let click = stream.streamRecord("clicks", partitionKey: "ada", #"{"user":"ada","page":"/cart"}"#)
        #expect(try await stream.invoke(StreamToParquet(), batch: [click]).records == [.ok])
        let clicks = try #require(stream.table("streams", "clicks"))
        #expect(
            clicks.columns.map(\.name) == ["user", "page", "arrived_at", "partition_key", "sequence_number"]
                && clicks.partitionKeys.map(\.name) == ["year", "month", "day"])

        #expect(
            await convert.invoke(CSVToParquet(), objectCreated: "inbox", "d/t/x.csv").failure?.code == "AccessDenied")
    }
}

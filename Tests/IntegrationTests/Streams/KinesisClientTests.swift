import Foundation
import Gateway
import HostAPI
import Testing

extension Integration {
    @Suite("Streams by Kinesis' own client", .timeLimit(.minutes(5)))
    struct KinesisClientTests {
        private static func app() throws -> TestApp {
            let app = try TestApp.faulty()
            try app.edit("sluice.yaml") {
                $0 + "\nstreams:\n  clicks: {shards: 4, retentionHours: 48}\n  small:\n"
            }
            return app
        }

        /// A host that listens on TCP.
        private static func with(_ body: (HostProcess) async throws -> Void) async throws {
            let host = HostProcess(try app(), arguments: ["--listen", "127.0.0.1:0"])
            do {
                try await host.start()
                try await body(host)
                try await host.expectGoodOrder()
            } catch {
                await host.remove()
                throw error
            }
            await host.remove()
        }

        private static func boto3(_ host: HostProcess, _ part: String, _ more: String...) async throws {
            let address = try #require(host.listening)
            let script = TestApp.packageRoot + "/Tests/Tools/streams_boto3.py"
            let lines = try await ParquetReaders.lines([script, "http://\(address)", part] + more)
            #expect(lines == ["checked"])
        }

        @Test("boto3 puts and reads records: values, order, iterators, pages, errors, and a change of shards")
        func boto3() async throws {
            try await Self.with { host in
                try await Self.boto3(host, "values")
                try await Self.boto3(host, "descriptions")
                try await Self.boto3(host, "errors")
                try host.app.edit("sluice.yaml") { $0.replacing("shards: 4", with: "shards: 2") }
                let result = try await host.client.deploy(DeployRequest())
                #expect(result.accepted, "\(result.findings)")
                try await Self.boto3(host, "resharded")
            }
        }

        @Test("boto3 shows what is done instead of asking for a service that is not here")
        func otherServices() async throws {
            try await Self.with { host in
                let address = try #require(host.listening)
                let script = TestApp.packageRoot + "/Tests/Tools/services_boto3.py"
                #expect(try await ParquetReaders.lines([script, "http://\(address)"]) == ["checked"])
            }
        }

        @Test("What PutRecords has answered outlives the host")
        func killed() async throws {
            let folder = CommandFolder()
            defer { folder.remove() }
            try await Self.with { host in
                async let putting: Void = Self.boto3(host, "until_gone", folder.file("noted"))
                _ = try await host.wait(for: "a thousand records to be answered") {
                    text(of: folder.file("noted")).utf8.count { $0 == UInt8(ascii: "\n") } >= 1000 ? true : nil
                }
                await host.end(SIGKILL)
                try await putting
                try await host.start()
                try await Self.boto3(host, "acknowledged", folder.file("noted"))
            }
        }
    }
}

import Foundation
import FunctionJSON
import Gateway
import HostAPI
import Testing

extension Integration {
    @Suite("Webhooks over TLS", .timeLimit(.minutes(5)))
    struct WebhookCertificateTests {
        private func rule(_ port: Int, _ rest: String) -> String {
            """
            name: hook
            pattern: {source: [test.hook]}
            targets:
              - webhook: {url: "https://127.0.0.1:\(port)/hook"\(rest)}
                inputPath: $.detail
                retryPolicy: {maximumRetryAttempts: 1, intervalSeconds: 0.01}
            """
        }

        @Test(
            "An unknown certificate is a dead letter with its reason; once its authority is known the redrive delivers")
        func unknownThenKnown() async throws {
            let server = try await TLSServer()
            do {
                try await play(server)
            } catch {
                await server.stop()
                throw error
            }
            await server.stop()
        }

        private func play(_ server: TLSServer) async throws {
            let app = try TestApp.faulty()
            try app.write("Events/rules/hook.yaml", rule(server.port, ""))
            let name = "POST https://127.0.0.1:\(server.port)/hook: "
            try await HostProcess.with(app) { host in
                let receipt = try await host.client.putEvents(
                    EventSubmission(entries: [
                        EventEntry(source: "test.hook", detailType: "Hook", detail: try RawJSON(#"{"n":7}"#))
                    ]))
                let id = try #require(receipt.results.first?.eventID)
                let letter = try #require(try await host.outcome(of: id).letter)
                #expect(letter.summary.code == "WebhookUnreachable" && letter.attempts.count == 2)
                #expect(letter.summary.message.hasPrefix(name), "\(letter.summary)")
                #expect(letter.summary.message.contains("certificate"), "\(letter.summary)")

                /// What the redrive of it ends with, when it fails again.
                func redriven() async throws -> String {
                    #expect(try await host.redrive(.init(all: true)).failed == 1)
                    let letters = try await host.deadLetters()
                    #expect(letters.count == 1 && letters.first?.code == "WebhookUnreachable", "\(letters)")
                    return letters.first?.message ?? ""
                }
                // The file is read for each request: deployed once, it may come and change later.
                try app.write("Events/rules/hook.yaml", rule(server.port, ", caFile: certs/ca.pem"))
                let deployed = try await host.client.deploy(DeployRequest(app: app.folder))
                #expect(
                    deployed.accepted
                        && deployed.findings.contains { $0.message.contains("`certs/ca.pem` cannot be read") },
                    "\(deployed.findings)")
                #expect(try await redriven().contains("/certs/ca.pem cannot be read: No such file"))
                try app.write("certs/ca.pem", "no certificate at all\n")
                #expect(try await redriven().contains("holds no certificate in PEM form"))
                try app.write("certs/ca.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
                #expect(try await redriven().hasPrefix(name))
                #expect(server.bodies.isEmpty)

                try app.write("certs/ca.pem", text(of: server.authority))
                #expect(try await host.redrive(.init(all: true)).succeeded == 1)
                #expect(server.bodies == [#"{"n":7}"#])
                #expect(try await host.deadLetters().isEmpty)
            }
        }
    }
}

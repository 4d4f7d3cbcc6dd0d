import Foundation
import Gateway
import HostAPI
import Testing

extension Integration {
    @Suite("Pipelines that trigger themselves", .timeLimit(.minutes(5)))
    struct HopBudgetTests {
        @Test("A loop, by events or by objects, ends after sixteen hops with a dead letter that prints the cycle")
        func loops() async throws {
            let app = try TestApp.faulty()
            try app.write(
                "Events/rules/echo.yaml",
                """
                name: echo
                pattern: {source: [test.faulty]}
                targets: [{function: Faulty}]
                """)
            try app.write(
                "Events/rules/grow.yaml",
                """
                name: grow
                pattern:
                  source: [aws.s3]
                  detail-type: [Object Created]
                  detail: {bucket: {name: [outbox]}}
                targets: [{function: Faulty, inputFormat: s3-notification}]
                """)
            try await HostProcess.with(app) { host in
                try await host.put(FaultyRequest("emit"))
                try host.copy("content", to: "outbox", "loop/0")
                let letters = try await host.wait(for: "two dead letters") {
                    let letters = try await host.deadLetters()
                    return letters.count == 2 ? letters : nil
                }
                #expect(letters.allSatisfy { $0.code == "HopBudgetExceeded" && $0.condition == "PermanentError" })
                for (rule, cycle) in [
                    ("echo", "test.faulty: Echo → rule echo → Faulty → …"),
                    ("grow", "outbox/loop/15 → rule grow → Faulty → …"),
                ] {
                    let letter = try #require(letters.first { $0.rule == rule })
                    #expect(letter.message.contains("16 invocations in a row"), "\(letter.message)")
                    #expect(letter.message.contains(cycle), "\(letter.message)")
                    let detail = try await host.client.deadLetter(id: letter.id)
                    #expect(detail.lineage.count == 16, "\(detail.lineage)")
                    // It was the budget that ended it, not the handler.
                    #expect(detail.attempts.count == 1)
                }
                try await host.settled()
                #expect(host.keys("outbox").count == 17, "sixteen made from the first: \(host.keys("outbox"))")
                let echoes = try await host.client.listEvents(
                    EventQuery(source: "test.faulty"), page: PageRequest(limit: 1000))
                #expect(echoes.items.count == 16)
                // Sent again it is as deep as before.
                #expect(try await host.redrive(.init(all: true)).failed == 2)
                #expect(host.keys("outbox").count == 17)
            }
        }
    }
}

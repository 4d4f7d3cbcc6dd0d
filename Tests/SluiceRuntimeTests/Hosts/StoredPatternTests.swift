import Foundation
import HostAPI
import Journal
import SluiceRuntime
import Testing
import UVLoop

@Suite("Patterns that were accepted before a limit was set", .timeLimit(.minutes(5)))
@LoopActor
struct StoredPatternTests {
    private static let rules = [
        "r": """
        pattern: {source: [shop], detail: {c: [{wildcard: "QQQ*"}]}}
        targets: [{function: InC}]
        """
    ]
    /// More stars than a deployment takes.
    private static let costly = "*" + String(repeating: "a*", count: 16)

    @Test("A deployed pattern that is too costly by now keeps no host from starting: it stays in force, and is named")
    func restored() async throws {
        let first = try await HostInProcess(rules: Self.rules)
        let before = first.runtime.deployment
        await first.stop()
        // As an older version of sluice has stored it.
        let journal = first.journal.restarted()
        let stored = try #require(try journal.recover().deployment)
        let body = String(decoding: stored, as: UTF8.self).replacing("QQQ*", with: Self.costly)
            .replacing("\"ruleSet\":\(before.ruleSet)", with: "\"ruleSet\":\(before.ruleSet + 1)")
        var batch = Batch()
        batch.control.append(.deploy(ruleSet: before.ruleSet + 1, body: Array(body.utf8)))
        _ = try journal.commitBlocking(batch)

        let host = try await HostInProcess(rules: Self.rules, after: first, on: journal, isAsked: false)
        #expect(host.runtime.deployment.ruleSet == before.ruleSet + 1)
        let warnings = try await host.control.status().warnings
        #expect(warnings.contains { $0.contains("rule r stays in force") }, "\(warnings)")
        _ = try await host.put([String(repeating: "a", count: 16), "b"])
        let found = try await host.wait { try await host.control.status().subscriptions.first { $0.succeeded == 1 } }
        #expect(found.rule == "r" && found.matched == 1)
        // Mended, it is an ordinary one again.
        try await host.deploy(rules: ["r": Self.rules["r"]?.replacing("QQQ", with: "a") ?? ""])
        #expect(try await host.control.status().warnings == [])
        await host.stop()
    }
}

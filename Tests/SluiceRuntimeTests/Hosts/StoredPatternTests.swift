import AppConfig
import FunctionJSON
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

    /// The journal of a host that has stopped, whose stored deployment says something else in a place.
    private func journal(of host: HostInProcess, _ text: String, by other: String) throws -> InMemoryJournal {
        let journal = host.journal.restarted()
        let stored = try #require(try journal.recover().deployment)
        let ruleSet = host.runtime.deployment.ruleSet
        var body = String(decoding: stored, as: UTF8.self)
        #expect(body.contains(text))
        body = body.replacing(text, with: other).replacing("\"ruleSet\":\(ruleSet)", with: "\"ruleSet\":\(ruleSet + 1)")
        var batch = Batch()
        batch.control.append(.deploy(ruleSet: ruleSet + 1, body: Array(body.utf8)))
        _ = try journal.commitBlocking(batch)
        return journal
    }

    @Test("With --app, the refusal of a pattern that is in force all the same says how the host can be started")
    func asked() async throws {
        func rules(_ zone: String) -> [String: String] {
            [
                "r": """
                pattern: {source: [shop], detail: {at: [{time-of-day: [">=", "12:00", zone, \(zone)]}]}}
                targets: [{function: InC}]
                """
            ]
        }
        let first = try await HostInProcess(rules: rules("Europe/Berlin"))
        await first.stop()
        let journal = try journal(of: first, "Europe/Berlin", by: "Nowhere/Gone")
        let error = await #expect(throws: HostStartError.self) {
            _ = try await HostInProcess(rules: rules("Nowhere/Gone"), after: first, on: journal)
        }
        #expect(error?.message.contains("Without --app the host starts") == true, "\(error?.message ?? "-")")
        // Any other mistake needs no such advice.
        let other = await #expect(throws: HostStartError.self) {
            _ = try await HostInProcess(rules: ["x": "pattern: {source: 1}"], after: first, on: journal.restarted())
        }
        #expect(other?.message.contains("Without --app") == false)
        let host = try await HostInProcess(
            rules: rules("Nowhere/Gone"), after: first, on: journal.restarted(), isAsked: false)
        #expect(try await host.control.status().warnings.contains { $0.contains("rule r is not in force") })
        await host.stop()
    }

    @Test("A pattern that is too costly by now holds up no deployment of its app while it is unchanged")
    func redeployed() async throws {
        let costly = Self.rules["r"]?.replacing("QQQ*", with: Self.costly) ?? ""
        let first = try await HostInProcess(rules: Self.rules)
        await first.stop()
        let journal = try journal(of: first, "QQQ*", by: Self.costly)
        // The mistake of another file is not that of the pattern, which is only warned of.
        let other = await #expect(throws: HostStartError.self) {
            _ = try await HostInProcess(rules: ["r": costly, "x": "pattern: {source: 1}"], after: first, on: journal)
        }
        #expect(other?.findings.contains { $0.severity == "warning" && $0.code == "InvalidPattern" } == true)
        #expect(other?.message.contains("Without --app") == false, "\(other?.message ?? "-")")
        // Also where the app is asked for.
        let host = try await HostInProcess(rules: ["r": costly], after: first, on: journal.restarted())
        let before = host.runtime.deployment.ruleSet
        try await host.deploy(rules: ["r": costly, "new": "pattern: {source: [shop]}\ntargets: [{function: InC}]"])
        #expect(host.runtime.deployment.ruleSet == before + 1 && host.runtime.deployment.app.rules.count == 2)
        let again = try await host.control.deploy(DeployRequest())
        let warning = try #require(again.findings.first)
        #expect(again.accepted && again.findings.count == 1 && warning.severity == "warning", "\(again.findings)")
        #expect(warning.message.contains("rule `r` is taken because it is deployed already"), "\(warning)")
        _ = try await host.put([String(repeating: "a", count: 16)])
        _ = try await host.wait {
            try await host.control.status().subscriptions.filter { $0.succeeded == 1 }.count == 2 ? () : nil
        }
        await host.stop()
    }

    @Test("A rule whose time zone is gone keeps no host from starting: what it may want waits until it can be read")
    func zone() async throws {
        let rules = [
            "r": """
            pattern: {source: [shop], detail: {at: [{time-of-day: [">=", "12:00", zone, Europe/Berlin]}]}}
            targets: [{function: InC}]
            """,
            "other": "pattern: {source: [shop]}\ntargets: [{function: InC}]",
        ]
        func put(_ host: HostInProcess) async throws {
            let details = [#"{"at":"2026-01-01T13:00:00Z"}"#, #"{"at":"2026-01-01T03:00:00Z"}"#, #"{"c":"ok"}"#]
            let entries = try details.map { EventEntry(source: "shop", detailType: "d", detail: try RawJSON($0)) }
            _ = try await host.control.putEvents(EventSubmission(entries: entries))
        }
        func rule(_ name: String, _ host: HostInProcess) async throws -> SubscriptionStatus? {
            try await host.control.status().subscriptions.first { $0.rule == name }
        }
        let first = try await HostInProcess(rules: rules)
        await first.stop()
        let without = try journal(of: first, "Europe/Berlin", by: "Nowhere/Gone")
        let second = try await HostInProcess(rules: rules, after: first, on: without, isAsked: false)
        let warnings = try await second.control.status().warnings
        #expect(
            warnings.contains { $0.contains("rule r is not in force") && $0.contains("Nowhere/Gone") }, "\(warnings)")
        try await put(second)
        try await second.wait { try await rule("other", second)?.succeeded == 3 ? () : nil }
        // The third has nothing at that place.
        let waiting = try #require(try await rule("r", second))
        #expect(waiting.matched == 2 && waiting.waiting == 2 && waiting.inFlight == 0, "\(waiting)")
        #expect(waiting.pauseReason?.contains("not in force") == true)
        #expect(try await second.letters().isEmpty)
        await second.stop()
        let again = try journal(of: second, "Nowhere/Gone", by: "Europe/Berlin")
        let third = try await HostInProcess(rules: rules, after: second, on: again, isAsked: false)
        let done = try await third.wait { try await rule("r", third).flatMap { $0.waiting == 0 ? $0 : nil } }
        #expect(done.matched == 2 && done.succeeded == 1 && done.dropped == 1 && done.pauseReason == nil, "\(done)")
        #expect(try third.journal.audit() == [])
        await third.stop()
    }

    @Test("A deployed pattern that is too costly by now keeps no host from starting: it stays in force, and is named")
    func restored() async throws {
        let first = try await HostInProcess(rules: Self.rules)
        let before = first.runtime.deployment
        await first.stop()
        // As an older version of sluice has stored it.
        let journal = try journal(of: first, "QQQ*", by: Self.costly)

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

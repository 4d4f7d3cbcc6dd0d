import Foundation
import Gateway
import HostAPI
import Testing

extension Integration {
    /// What becomes of a file while its event waits for its turn.
    @Suite("Inputs that change while they wait", .timeLimit(.minutes(5)))
    struct QueuedInputTests {
        @Test("Deleted before its handler ran: one dead letter NoSuchKey. Replaced: superseded by the newer version")
        func gone() async throws {
            let app = try TestApp.faulty()
            try app.addInboxRule()
            try app.setFaulty("reservedConcurrency", "1")
            try app.setFaulty("timeout", "60")
            try await HostProcess.with(app) { host in
                let gate = try Gate(host)
                try await host.put(gate.request)
                let handler = try await gate.reached(host)
                // Nothing but the waiting handler may run, so these wait.
                try host.copy("going", to: "inbox", "gone.txt")
                try host.copy("one", to: "inbox", "twice.txt")
                _ = try await host.wait(for: "two events") {
                    try await host.objectEvents().count == 2 ? true : nil
                }
                try FileManager.default.removeItem(atPath: host.bucket("inbox") + "/gone.txt")
                try host.move("two", to: "inbox", "twice.txt")
                _ = try await host.wait(for: "the deletion and the new version") {
                    let deleted = try await host.objectEvents(type: "Object Deleted")
                    let created = try await host.objectEvents()
                    return deleted.map(\.key) == ["gone.txt"] && created.count == 3 ? true : nil
                }
                handler.open()

                let status = try await host.settled()
                let seen = try #require(status.subscriptions.first { $0.rule == "seen" })
                #expect(
                    [seen.matched, seen.succeeded, seen.superseded, seen.dead] == [3, 1, 1, 1], "\(seen)")
                let letters = try await host.deadLetters()
                let letter = try #require(letters.first)
                #expect(letters.count == 1 && letter.code == "NoSuchKey" && letter.condition == "PermanentError")
                #expect(letter.subject.contains("gone.txt") && letter.message.contains("gone.txt"), "\(letter)")
                let detail = try await host.client.deadLetter(id: letter.id)
                #expect(detail.attempts.count == 1)
                #expect(detail.input?.kind == "not kept" && detail.input?.note?.isEmpty == false, "\(detail)")
                // It is still gone.
                #expect(try await host.redrive(.init(all: true)).failed == 1)
                #expect(try await host.deadLetters().map(\.code) == ["NoSuchKey"])
            }
        }
    }
}

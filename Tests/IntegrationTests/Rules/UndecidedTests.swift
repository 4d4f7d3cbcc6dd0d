import Foundation
import FunctionJSON
import Gateway
import HostAPI
import Testing

extension Integration {
    @Suite("Events that a rule cannot decide", .timeLimit(.minutes(3)))
    struct UndecidedTests {
        private static let rules = """
            - name: hard
              pattern:
                detail:
                  Z: [{exists: false}]
                  a: {p: ["1"], q: ["1"]}
                  b: {p: ["1"], q: ["1"]}
                  c: {p: ["1"], q: ["1"]}
                  d: {p: ["1"], q: ["no"]}
              targets: [{function: Faulty}]
            - name: easy
              pattern: {source: [test.hard]}
              targets: [{function: Faulty}]
            """

        private static var detail: String {
            let pairs = (0..<400).map { _ in #"{"p":"1"},{"p":"1","q":"1"}"# }.joined(separator: ",")
            let last = (0..<400).map { _ in #"{"p":"1"},{"q":"no"}"# }.joined(separator: ",")
            return #"{"mode":"put","bucket":"outbox","key":"hard.txt","#
                + "\"a\":[\(pairs)],\"b\":[\(pairs)],\"c\":[\(pairs)],\"d\":[\(last)]}"
        }

        @Test("The rule's delivery becomes a dead letter that can be redriven; other rules are not affected")
        func deadLetter() async throws {
            let app = try TestApp.faulty()
            try app.write("Events/rules/hard.yaml", Self.rules)
            try await HostProcess.with(app) { host in
                let entry = EventEntry(source: "test.hard", detailType: "Hard", detail: try RawJSON(Self.detail))
                let receipt = try await host.client.putEvents(EventSubmission(entries: [entry]))
                let id = try #require(receipt.results.first?.eventID)
                _ = try await host.settled()
                let event = try await host.client.event(id: id)
                #expect(event.deliveries.first { $0.rule == "easy" }?.state == "settled")
                let hard = try #require(event.deliveries.first { $0.rule == "hard" })
                #expect(hard.state == "dead", "\(hard)")
                let letter = try await host.client.deadLetter(id: try #require(hard.deadLetter))
                #expect(letter.summary.code == "MatchUndecided")
                #expect(letter.summary.message.contains("could not decide"))
                let status = try await host.client.status()
                #expect(status.warnings.contains { $0.contains("could not decide") }, "\(status.warnings)")

                // The rules' own test says the same.
                let tested = try await host.client.testRules(RuleTestRequest(event: event.record.event, bus: nil))
                let verdict = try #require(tested.verdicts.first { $0.rule == "hard" })
                #expect(verdict.undecided == true && !verdict.matches)
                #expect(tested.verdicts.first { $0.rule == "easy" }?.matches == true)

                // A redrive is the user's decision that the function shall have it.
                try FileManager.default.removeItem(atPath: "\(host.bucket("outbox"))/hard.txt")
                #expect(try await host.redrive(DeadLetterSelection(ids: [letter.summary.id])).succeeded == 1)
                #expect(host.keys("outbox") == ["hard.txt"])
                #expect(try await host.client.event(id: id).deliveries.first { $0.rule == "hard" }?.state != "dead")
            }
        }
    }
}

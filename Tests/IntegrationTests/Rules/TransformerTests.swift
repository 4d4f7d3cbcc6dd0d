import Foundation
import FunctionJSON
import Gateway
import HostAPI
import Testing

extension Integration {
    @Suite("Input transformers", .timeLimit(.minutes(3)))
    struct TransformerTests {
        private static let rule = """
            name: transformed
            pattern: {source: [test.orders]}
            targets:
              - id: made
                function: Faulty
                inputTransformer:
                  inputPathsMap: {name: $.detail.name, mode: $.detail.mode, id: $.id, time: $.time}
                  inputTemplate: |
                    {"version": "0", "id": <id>, "detail-type": "Made", "source": "<aws.events.rule-name>",
                     "account": "000000000000", "time": <time>, "region": "local", "resources": [],
                     "detail": {"mode": <mode>, "bucket": "outbox", "key": "made/<name>.txt"}}
              - id: part
                function: Faulty
                inputPath: $.detail.nested
            """

        @Test("The handler gets what the target makes of the event; dead letters keep the event and show both")
        func transformed() async throws {
            let app = try TestApp.faulty()
            try app.write("Events/rules/transformed.yaml", Self.rule)
            try await HostProcess.with(app) { host in
                func put(_ detail: String) async throws -> EventDetail {
                    let receipt = try await host.client.putEvents(
                        EventSubmission(entries: [
                            EventEntry(source: "test.orders", detailType: "Order", detail: try RawJSON(detail))
                        ]))
                    let id = try #require(receipt.results.first?.eventID)
                    _ = try await host.settled()
                    return try await host.client.event(id: id)
                }
                let made = try await put(#"{"name": "one", "mode": "put"}"#)
                #expect(host.keys("outbox") == ["made/one.txt"])
                #expect(made.record.event.text.contains(#""detail-type":"Order""#))
                // The other target's path is not in the event: told, and kept for a redrive.
                let lacking = try #require(made.deliveries.first { $0.target == "part" }?.deadLetter)
                let letter = try await host.client.deadLetter(id: lacking)
                #expect(letter.summary.code == "InputTransformFailed" && letter.attempts.count == 1, "\(letter)")
                #expect(letter.summary.message.contains("$.detail.nested"))
                #expect(
                    letter.payload.text.contains(#""name":"one""#) || letter.payload.text.contains(#""name": "one""#))
                #expect(letter.handlerInput == nil && letter.handlerInputNote?.contains("$.detail.nested") == true)

                // A handler that fails: both the event and what it got.
                let failed = try await put(#"{"name": "two", "mode": "throw", "nested": 1}"#)
                let thrown = try #require(failed.deliveries.first { $0.target == "made" }?.deadLetter)
                let shown = try await host.client.deadLetter(id: thrown)
                #expect(shown.summary.code == "Deliberate" && shown.handlerInputNote == nil)
                #expect(shown.handlerInput?.text.contains(#""source":"transformed""#) == true, "\(shown)")
                #expect(shown.payload.text.contains("test.orders"))

                // A mended rule makes the dead letter deliverable, from the same event.
                try host.app.write(
                    "Events/rules/transformed.yaml", Self.rule.replacing("$.detail.mode", with: "$.detail.mode2"))
                try host.app.edit("Events/rules/transformed.yaml") {
                    $0.replacing("\"mode\": <mode>", with: "\"mode\": \"put\"").replacing(
                        ", mode: $.detail.mode2", with: "")
                }
                #expect(try await host.client.deploy(DeployRequest(app: host.app.folder)).accepted)
                let old = try await host.client.deadLetter(id: thrown)
                // What the handler got then, whatever the rule makes of the event now.
                #expect(old.handlerInput == shown.handlerInput && old.attempts.last?.input == shown.handlerInput)
                #expect(old.handlerInput?.text.contains(#""mode":"throw""#) == true, "\(old)")
                #expect(try await host.redrive(DeadLetterSelection(ids: [thrown])).succeeded == 1)
                #expect(host.keys("outbox").contains("made/two.txt"))
            }
        }
    }
}

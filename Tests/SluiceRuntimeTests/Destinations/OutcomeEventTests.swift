import AppConfig
import FunctionJSON
import Journal
import SluiceRuntime
import Testing

@Suite("Outcomes as events")
struct OutcomeEventTests {
    private func event(
        _ outcome: OutcomeEvent.Outcome, request: String = #"{"id":"e"}"#, ordinal: Int64 = 1
    ) -> OutcomeEvent {
        OutcomeEvent(
            function: "Load", version: 3, attempt: AttemptID(boot: 2, number: 7), invocations: 2,
            delivery: Delivery(subscription: SubscriptionID(4), position: 9, ordinal: ordinal),
            request: Array(request.utf8), outcome: outcome, time: 1_795_233_906_789)
    }

    private let death = Death(condition: "MaximumRetryAttempts", code: "TimedOut", message: "longer than \"2\" s")

    @Test("success in Lambda's shape")
    func success() throws {
        let text = String(decoding: event(.succeeded(Array("[1]".utf8))).payload(bus: "outcomes"), as: UTF8.self)
        let root = try JSONDocument(parsing: text).root
        #expect(root["source"]?.string == "lambda" && root["time"]?.string == "2026-11-21T04:05:06Z")
        #expect(root["detail-type"]?.string == "Lambda Function Invocation Result - Success")
        #expect(
            root["resources"]?.elements.compactMap(\.string) == [
                "arn:aws:events:local:000000000000:event-bus/outcomes",
                "arn:aws:lambda:local:000000000000:function:Load:3",
            ])
        let detail = try #require(root["detail"].map { JSONValue($0) })
        let expected = """
            {"version":"1.0","timestamp":"2026-11-21T04:05:06.789Z","requestContext":{"requestId":"2-7","functionArn":\
            "arn:aws:lambda:local:000000000000:function:Load:3","condition":"Success","approximateInvokeCount":2},\
            "requestPayload":{"id":"e"},"responseContext":{"statusCode":200,"executedVersion":"3"},"responsePayload":[1]}
            """
        #expect(detail == (try JSONValue(parsing: expected)))
    }

    @Test("failure, with Lambda's words for the condition")
    func failure() throws {
        func detail(_ condition: String) throws -> JSONValue {
            var death = death
            death.condition = condition
            let payload = event(.failed(death, backtrace: ["frame 1"])).payload(bus: "default")
            let root = try JSONDocument(parsing: payload).root
            #expect(root["detail-type"]?.string == "Lambda Function Invocation Result - Failure")
            return JSONValue(try #require(root["detail"]))
        }
        let exhausted = try detail("MaximumRetryAttempts")
        #expect(exhausted["requestContext"]?["condition"]?.string == "RetriesExhausted")
        #expect(exhausted["responseContext"]?["functionError"]?.string == "Unhandled")
        #expect(
            exhausted["responsePayload"]
                == ["errorMessage": "longer than \"2\" s", "errorType": "TimedOut", "stackTrace": ["frame 1"]])
        #expect(try detail("MaximumEventAgeInSeconds")["requestContext"]?["condition"]?.string == "EventAgeExceeded")
        #expect(try detail("PermanentError")["requestContext"]?["condition"]?.string == "PermanentError")
    }

    @Test("each outcome goes where it is wanted; the end of a loop nowhere")
    func buses() {
        let both = Destinations(onSuccess: "good", onFailure: "bad")
        #expect(event(.succeeded([])).bus(both) == "good" && event(.failed(death, backtrace: [])).bus(both) == "bad")
        #expect(event(.succeeded([])).bus(Destinations(onFailure: "bad")) == nil)
        #expect(event(.failed(death, backtrace: [])).bus(Destinations(onSuccess: "good")) == nil)
        let loop = Death(condition: "PermanentError", code: "HopBudgetExceeded", message: "a loop")
        #expect(event(.failed(loop, backtrace: [])).bus(both) == nil)
        #expect(Destinations(onFailure: "own").filled(from: both) == Destinations(onSuccess: "good", onFailure: "own"))
    }

    @Test("outputs that are no JSON, none, and too large ones")
    func payloads() throws {
        func detail(_ outcome: OutcomeEvent.Outcome, request: String = "{}") throws -> JSONValue {
            let payload = event(outcome, request: request).payload(bus: "default")
            #expect(payload.count <= 1 << 20 | 2048)
            return JSONValue(try #require(try JSONDocument(parsing: payload).root["detail"]))
        }
        #expect(try detail(.succeeded(Array("plain".utf8)))["responsePayload"] == "plain")
        #expect(try detail(.succeeded([]))["responsePayload"] == .null)
        let large = "\"" + String(repeating: "x", count: 1 << 20) + "\""
        let cut = try detail(.succeeded(Array(large.utf8)), request: #"{"a":1}"#)
        #expect(cut["responsePayload"] == .null && cut["requestPayload"] == ["a": 1])
        let bare = try detail(.succeeded(Array("1".utf8)), request: large)
        #expect(bare["responsePayload"] == .null && bare["requestPayload"] == .null)
    }

    @Test("ids are one for each outcome")
    func ids() {
        #expect(event(.succeeded([])).id == event(.succeeded([])).id)
        #expect(event(.succeeded([])).id != event(.succeeded([]), ordinal: 2).id)
    }
}

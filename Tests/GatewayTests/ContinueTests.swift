import Gateway
import HostAPI
import Testing

@Suite("Clients that wait to be told to send a body", .timeLimit(.minutes(5)))
struct ContinueTests {
    private static let told = "HTTP/1.1 100 Continue\r\n\r\n"
    private static let event = #"{"entries":[{"source":"a","detailType":"T","detail":{}}]}"#
    private static let accepted = #"{"results":[{"eventID":"id-0-a"}]}"#
    private static let health = head("GET /v1/health", body: nil)

    /// The head of a request whose body is announced.
    private static func head(_ request: String, body: Int?, expects: Bool = true, _ headers: String...) -> String {
        var lines = ["\(request) HTTP/1.1", "host: x"] + headers
        if let body { lines.append("content-length: \(body)") }
        if body != nil, expects { lines.append("Expect: 100-Continue") }
        return lines.joined(separator: "\r\n") + "\r\n\r\n"
    }

    private static func talk(_ parts: [(send: String, until: String)]) async throws -> [String] {
        let answer = try await Harness.with { try await RawHTTP.conversation($0.dataFolder + "/api.sock", parts) }
        return answer.split(separator: "HTTP/1.1 ").map { String($0) }
    }

    @Test("It is told so before it sends, once for each request, and the connection goes on")
    func told() async throws {
        let put = Self.head("POST /v1/events", body: Self.event.utf8.count)
        let answers = try await Self.talk([
            (put, Self.told), (Self.event, Self.accepted), (Self.health, "ready"), (put, Self.told),
            (Self.event, Self.accepted),
            (Self.head("POST /v1/events", body: Self.event.utf8.count, expects: false) + Self.event, Self.accepted),
        ])
        #expect(answers.map { $0.prefix(3) } == ["100", "200", "200", "100", "200", "200"])
        #expect(!answers.joined().contains("connection: close"))
    }

    @Test("AWS's calls too")
    func putEvents() async throws {
        let body = #"{"Entries":[{"Source":"a","DetailType":"T","Detail":"{}"}]}"#
        let head = Self.head("POST /", body: body.utf8.count, "x-amz-target: AWSEvents.PutEvents")
        let answers = try await Self.talk([(head, Self.told), (body, "FailedEntryCount")])
        #expect(answers.map { $0.prefix(3) } == ["100", "200"])
    }

    @Test("A refusal ends the connection, for the next request looks like the body that was not sent")
    func refused() async throws {
        for next in ["", Self.health, "x"] {
            let refused = Self.head("PUT /bucket/key", body: 100)
            let answers = try await Self.talk([(refused, "}"), (next, "")])
            #expect(answers.count == 1, "\(answers)")
            #expect(answers[0].hasPrefix("404 ") && answers[0].lowercased().contains("connection: close"))
        }
    }

    @Test("What is too long need not come")
    func tooLong() async throws {
        let answers = try await Self.talk([(Self.head("POST /v1/events", body: (8 << 20) + 1), "RequestTooLarge")])
        #expect(answers.map { $0.prefix(3) } == ["413"])
    }

    @Test("A client that does not wait is answered as any other")
    func impatient() async throws {
        let put = Self.head("POST /v1/events", body: Self.event.utf8.count) + Self.event
        let refused = Self.head("PUT /bucket/key", body: 3) + "abc"
        let answers = try await Self.talk([(put + refused + Self.health, "ready"), (Self.health, "ready")])
        #expect(answers.map { $0.prefix(3) } == ["200", "404", "200", "200"])
        #expect(!answers.joined().lowercased().contains("connection: close"))
    }

    @Test("What is asked behind other requests waits for its turn")
    func pipelined() async throws {
        let put = Self.head("POST /v1/events", body: Self.event.utf8.count)
        let answers = try await Self.talk([(Self.health + put, Self.told), (Self.event, Self.accepted)])
        #expect(answers.map { $0.prefix(3) } == ["200", "100", "200"])
        let refused = try await Self.talk([
            (Self.health + Self.head("PUT /bucket/key", body: 3), "connection: close"), ("abc", ""),
        ])
        #expect(refused.map { $0.prefix(3) } == ["200", "404"])
    }
}

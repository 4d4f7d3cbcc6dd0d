import FunctionJSON
import Gateway
import HostAPI
import Testing

@Suite("EventBridge's PutEvents over TCP", .timeLimit(.minutes(5)))
struct PutEventsTests {
    private static let headers = ["x-amz-target: AWSEvents.PutEvents", "content-type: application/x-amz-json-1.1"]

    /// Status line and JSON body of the answer.
    private static func post(
        _ body: String, headers: [String] = headers, to address: ListenAddress?
    ) async throws -> (status: String, body: JSONValue) {
        let answer = try await RawHTTP.tcp(
            try #require(address), RawHTTP.request("POST", "/", headers: headers, body: body))
        let status = String(answer.prefix { $0 != "\r\n" })
        let json = answer.split(separator: "\r\n\r\n", maxSplits: 1).last.map(String.init) ?? ""
        return (status, try JSONValue(parsing: json))
    }

    private static func with(_ body: @Sendable @escaping (Harness.Running) async throws -> Void) async throws {
        try await Harness.with(listen: ListenAddress(host: "127.0.0.1", port: 0), body)
    }

    @Test("Each entry is accepted or refused on its own, in the order of the request")
    func entries() async throws {
        try await Self.with { running in
            let (status, body) = try await Self.post(
                #"""
                {"Entries": [
                  {"Source": "shop", "DetailType": "Order", "Detail": "{\"n\": 1}", "Resources": ["arn:x"],
                   "Time": 1795233906.789, "EventBusName": "arn:aws:events:eu:123456789012:event-bus/orders"},
                  {"Source": "aws.s3", "DetailType": "Order", "Detail": "{}"},
                  {"DetailType": "Order", "Detail": "{}"},
                  {"Source": "shop", "DetailType": "Order", "Detail": "[1]"},
                  {"Source": "shop", "DetailType": "Order", "Detail": "{}", "EventBusName": "nowhere"}
                ]}
                """#, to: running.listening)
            #expect(status.contains("200"))
            #expect(body["FailedEntryCount"]?.int == 4)
            #expect(body["Entries"]?[0]?["EventId"]?.string == "id-0-shop")
            #expect(
                body["Entries"]?.array?.map { $0["ErrorCode"]?.string ?? "-" }
                    == [
                        "-", "NotAuthorizedForSourceException", "InvalidArgument", "MalformedDetail",
                        "ResourceNotFoundException",
                    ])
            #expect(
                body["Entries"]?[2]?["ErrorMessage"]?.string
                    == "Parameter Source is not valid. Reason: Source is a required argument.")
            let submission = try #require(running.host.submissions.first)
            #expect(submission.entries.count == 2)
            let entry = submission.entries[0]
            #expect(entry.bus == "orders")
            #expect(entry.detail.text == #"{"n": 1}"#)
            #expect(entry.resources == ["arn:x"])
            #expect(entry.time == "2026-11-21T04:05:06.789Z")
        }
    }

    @Test("A connection that asks for nothing is closed, and makes room for another one")
    func idle() async throws {
        var limits = ProducerLimits()
        limits.idleMilliseconds = 50
        limits.connections = 1
        try await Harness.with(listen: ListenAddress(host: "127.0.0.1", port: 0), producers: limits) { running in
            let address = try #require(running.listening)
            #expect(try await RawHTTP.tcp(address, []) == "")
            // Not to its end either.
            #expect(try await RawHTTP.tcp(address, Array("POST / HTTP/1.1\r\nhost: x\r\n".utf8)) == "")
            let (status, _) = try await Self.post(#"{"Entries": []}"#, to: address)
            #expect(status.hasPrefix("HTTP/1.1"))
        }
    }

    @Test("Requests as a whole: too many entries, too long, another operation, no JSON")
    func refusals() async throws {
        try await Self.with { running in
            let entry = #"{"Source":"s","DetailType":"t","Detail":"{}"}"#
            let many = Array(repeating: entry, count: 11).joined(separator: ",")
            let tooMany = try await Self.post("{\"Entries\":[\(many)]}", to: running.listening)
            #expect(tooMany.status.contains("400"))
            #expect(tooMany.body["__type"]?.string == "ValidationException")
            let long = String(repeating: "x", count: 1 << 20)
            let tooLong = try await Self.post(
                #"{"Entries":[{"Source":"s","DetailType":"t","Detail":"{\"a\":\"\#(long)\"}"}]}"#, to: running.listening
            )
            #expect(
                tooLong.body["message"]?.string == "Total size of the entries in the request is over the limit.")
            let other = try await Self.post(
                "{}", headers: ["x-amz-target: AWSEvents.PutRule"], to: running.listening)
            #expect(other.body["__type"]?.string == "UnknownOperationException")
            #expect(other.body["message"]?.string?.contains("PutEvents, TestEventPattern") == true)
            let noJSON = try await Self.post("{", to: running.listening)
            #expect(noJSON.status.contains("400"))
            #expect(noJSON.body["__type"]?.string == "SerializationException")
            #expect(running.host.submissions.isEmpty)
        }
    }

    @Test("The rest of the host is not reachable over TCP")
    func onlyProducers() async throws {
        try await Self.with { running in
            let address = try #require(running.listening)
            #expect(address.port != 0)
            let health = try await RawHTTP.tcp(address, RawHTTP.request("GET", "/v1/health"))
            #expect(health.hasPrefix("HTTP/1.1 200"))
            for path in ["/v1/status", "/v1/functions", "/v1/dlq", "/v1/logs"] {
                let answer = try await RawHTTP.tcp(address, RawHTTP.request("GET", path))
                #expect(answer.hasPrefix("HTTP/1.1 404"), "\(path)")
            }
        }
    }

    @Test("What is not here is told with a body: an S3 client's calls, and any other")
    func rest() async throws {
        try await Self.with { running in
            let address = try #require(running.listening)
            for (method, path) in [("GET", "/"), ("PUT", "/bucket/key%20a"), ("DELETE", "/bucket"), ("POST", "/x/y")] {
                let answer = try await RawHTTP.tcp(address, RawHTTP.request(method, path))
                #expect(answer.hasPrefix("HTTP/1.1 404"), "\(answer)")
                #expect(answer.contains("there is no \(method) ") && answer.contains("there is no S3"), "\(answer)")
            }
        }
    }

    @Test(
        "TestEventPattern answers whether a pattern matches, and refuses in AWS's words",
        arguments: [
            (#"{\"source\":[\"shop\"]}"#, Self.envelope, #"{"Result":true}"#),
            (#"{\"detail\":{\"n\":[{\"numeric\":[\">\",1]}]}}"#, Self.envelope, #"{"Result":false}"#),
            (#"{\"source\":\"shop\"}"#, Self.envelope, "InvalidEventPatternException"),
            (#"{\"source\":\"shop\"}"#, Self.envelope, #"\n at [Source: (String); line: 1, column: "#),
            (#"{\"source\":[\"shop\"]}"#, #"{\"source\":\"shop\"}"#, "Parameter Event is not valid."),
            (#"{\"source\":[\"shop\"]}"#, "[]", "Parameter Event is not valid."),
            (#"{\"a\":[\"\#(String(repeating: "x", count: 4096))\"]}"#, Self.envelope, "less than or equal to 4096"),
            // More than a deployment takes of one rule is a question like any other.
            (
                "{\((0..<20).map { #"\"f\#($0)\":[{\"wildcard\":\"*a*b*\"}]"# }.joined(separator: ","))}",
                Self.envelope, #"{"Result":false}"#
            ),
        ])
    func pattern(_ pattern: String, _ event: String, _ answer: String) async throws {
        try await Self.with { running in
            let (_, body) = try await Self.post(
                #"{"EventPattern":"\#(pattern)","Event":"\#(event)"}"#,
                headers: ["x-amz-target: AWSEvents.TestEventPattern"], to: running.listening)
            let text = String(decoding: body.serialized(), as: UTF8.self)
            #expect(text.contains(answer), "\(text)")
            let nothing = try await Self.post(
                "{}", headers: ["x-amz-target: AWSEvents.TestEventPattern"], to: running.listening)
            #expect(nothing.body["__type"]?.string == "ValidationException")
        }
    }

    /// Inside a JSON string.
    private static let envelope =
        #"{\"id\":\"1\",\"account\":\"0\",\"source\":\"shop\",\"time\":\"2026-11-21T04:05:06Z\","#
        + #"\"region\":\"local\",\"resources\":[],\"detail-type\":\"Order\",\"detail\":{\"n\":1}}"#

    @Test("An address that somebody has is waited for, where they may be on their way out, and only there")
    func takenAddress() async throws {
        let waiting = try await Harness.with(listen: ListenAddress(host: "127.0.0.1", port: 0)) { running in
            let taken = try #require(running.listening)
            let error = await #expect(throws: APIError.self) { try await taken.requireFree() }
            #expect(error?.message.contains("in use") == true)
            return Task { try await taken.requireFree(patience: .seconds(600)) }
        }
        try await waiting.value
    }

    @Test("Addresses")
    func addresses() {
        #expect(ListenAddress("8080") == ListenAddress(host: "127.0.0.1", port: 8080))
        #expect(ListenAddress("0.0.0.0:1") == ListenAddress(host: "0.0.0.0", port: 1))
        #expect(ListenAddress("[::1]:9")?.description == "[::1]:9")
        for text in ["", ":", ":80", "host", "host:", "1.2.3.4:65536", "::1:80", "host:-1", "a:8x"] {
            #expect(ListenAddress(text) == nil, "\(text)")
        }
    }
}

import FunctionJSON
import Gateway
import HostAPI
import Testing

@Suite("Producers' events on the short way", .timeLimit(.minutes(5)))
struct IntakeTests {
    /// A request that leaves the connection open, with one event of a source.
    private static func put(_ source: String, headers: [String] = []) -> [UInt8] {
        put(body: #"{"entries":[{"source":"\#(source)","detailType":"T","detail":{}}]}"#, headers: headers)
    }

    private static func put(body: String, headers: [String] = []) -> [UInt8] {
        let head = ["POST /v1/events HTTP/1.1", "host: x", "content-length: \(body.utf8.count)"] + headers
        return Array((head.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
    }

    private static let health = Array("GET /v1/health HTTP/1.1\r\nhost: x\r\n\r\n".utf8)

    /// What the answers say, in their order: status and body.
    private static func answers(_ text: String) -> [String] {
        text.components(between: "HTTP/1.1 ").map { answer in
            let status = answer.prefix(3)
            let body = answer.firstRange(of: "\r\n\r\n").map { answer[$0.upperBound...] } ?? ""
            return "\(status) \(body)"
        }
    }

    private static func accepted(_ source: String) -> String { #"200 {"results":[{"eventID":"id-0-\#(source)"}]}"# }

    @Test("Requests sent together on one connection are answered in their order, whichever way they take")
    func order() async throws {
        try await Harness.with { running in
            let requests =
                Self.put("a") + Self.put("b") + Self.health + Self.put("c") + Self.put(body: "{") + Self.put("d")
                + Self.put("e", headers: ["connection: close"])
            let answers = Self.answers(try await RawHTTP.unix(running.dataFolder + "/api.sock", requests))
            #expect(answers.count == 7)
            #expect(answers.first == Self.accepted("a"))
            #expect(answers.dropFirst().first == Self.accepted("b"))
            #expect(answers.dropFirst(2).first?.hasPrefix(#"200 {"state":"ready""#) == true)
            #expect(answers.dropFirst(3).first == Self.accepted("c"))
            #expect(answers.dropFirst(4).first?.hasPrefix("400 ") == true)
            #expect(answers.dropFirst(5).first == Self.accepted("d"))
            #expect(answers.last == Self.accepted("e"))
            #expect(running.host.submissions.count == 5)
        }
    }

    @Test("An answer says what it is, of whom and of when")
    func head() async throws {
        try await Harness.with { running in
            let answer = try await RawHTTP.unix(running.dataFolder + "/api.sock", Self.put("a"), ends: true)
            let lines = answer.lowercased().split(separator: "\r\n", omittingEmptySubsequences: false)
            #expect(lines.contains("content-type: application/json"))
            #expect(lines.contains("server: sluice"))
            #expect(lines.contains { $0.hasPrefix("date: ") && $0.hasSuffix(" gmt") })
        }
        #expect(HTTPDate.text(of: 784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
    }

    @Test(
        "While an answer is awaited, what comes after the request is held back: its end, the next one, a malformed one")
    func held() async throws {
        let next: [[UInt8]] = [[], Self.put("b"), Array("no request\r\n\r\n".utf8)]
        for rest in next {
            try await Harness.with { running in
                running.host.holdPuts()
                let request = Self.put("a") + rest
                async let answer = RawHTTP.unix(running.dataFolder + "/api.sock", request, ends: true)
                _ = await running.host.tailChanges.first { $0 == "put" }
                running.host.releasePuts()
                let answers = Self.answers(try await answer)
                #expect(answers.first == Self.accepted("a"))
                #expect(answers.count == (rest.isEmpty ? 1 : 2))
                if rest == next[1] { #expect(answers.last == Self.accepted("b")) }
                if rest == next[2] { #expect(answers.last?.hasPrefix("400") == true) }
            }
        }
    }

    @Test("A host that stops answers what it has taken first")
    func stop() async throws {
        try await Harness.with { running in
            running.host.holdPuts()
            async let answer = RawHTTP.unix(running.dataFolder + "/api.sock", Self.put("a"))
            _ = await running.host.tailChanges.first { $0 == "put" }
            await running.stop()
            running.host.releasePuts()
            let answers = Self.answers(try await answer)
            #expect(answers == [Self.accepted("a")])
        }
    }

    @Test("Too long a request is refused, and the connection goes on")
    func tooLong() async throws {
        try await Harness.with { running in
            let requests = Self.put(body: String(repeating: " ", count: (8 << 20) + 1)) + Self.put("b")
            let answers = Self.answers(
                try await RawHTTP.unix(running.dataFolder + "/api.sock", requests, ends: true))
            #expect(answers.count == 2)
            #expect(answers.first?.hasPrefix("413 ") == true)
            #expect(answers.first?.contains("RequestTooLarge") == true)
            #expect(answers.last == Self.accepted("b"))
        }
    }

    @Test("A body may come in chunks")
    func chunks() async throws {
        try await Harness.with { running in
            let parts = [#"{"entries":[{"source":"a","#, #""detailType":"T","detail":{}}]}"#]
            let body = parts.map { String($0.utf8.count, radix: 16) + "\r\n\($0)\r\n" }.joined() + "0\r\n\r\n"
            let head = "POST /v1/events HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
            let answer = try await RawHTTP.unix(
                running.dataFolder + "/api.sock", Array((head + body).utf8), ends: true)
            #expect(Self.answers(answer) == [Self.accepted("a")])
        }
    }
}

extension String {
    /// The texts behind each occurrence of a mark.
    fileprivate func components(between mark: String) -> [Substring] {
        var parts: [Substring] = []
        var rest = self[...]
        while let found = rest.firstRange(of: mark) {
            rest = rest[found.upperBound...]
            parts.append(rest[..<(rest.firstRange(of: mark)?.lowerBound ?? rest.endIndex)])
        }
        return parts
    }
}

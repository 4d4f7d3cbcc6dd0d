import Gateway
import HostAPI
import Testing

@Suite("Services of AWS that are not here", .timeLimit(.minutes(5)))
struct OtherServicesTests {
    private static func signed(_ service: String) -> String {
        "authorization: AWS4-HMAC-SHA256 Credential=any/20260101/local/\(service)/aws4_request, "
            + "SignedHeaders=host;x-amz-date, Signature=00"
    }

    private static func ask(_ request: [UInt8]) async throws -> String {
        try await Harness.with(listen: ListenAddress(host: "127.0.0.1", port: 0)) { running in
            let socket = try await RawHTTP.unix(running.dataFolder + "/api.sock", request)
            let answer = try await RawHTTP.tcp(try #require(running.listening), request)
            // Dates may differ.
            #expect(socket.split(separator: "\r\n\r\n").last == answer.split(separator: "\r\n\r\n").last)
            return answer
        }
    }

    @Test("S3: its own form of error, not that the object is not there")
    func s3() async throws {
        let requests = [
            RawHTTP.request("GET", "/", headers: [Self.signed("s3")]),
            RawHTTP.request("PUT", "/landing/a.csv", headers: [Self.signed("s3"), "content-length: 0"]),
            RawHTTP.request("POST", "/landing?delete", headers: [Self.signed("s3")], body: "<Delete/>"),
            // Unsigned, presigned, and signed in the old way.
            RawHTTP.request("GET", "/landing/a.csv", headers: ["x-amz-checksum-mode: ENABLED"]),
            RawHTTP.request("GET", "/landing/a.csv?X-Amz-Credential=any%2F20260101%2Flocal%2Fs3%2Faws4_request"),
            RawHTTP.request("GET", "/landing/a.csv?AWSAccessKeyId=any&Signature=00&Expires=1"),
            RawHTTP.request("GET", "/landing/a.csv", headers: ["authorization: AWS any:00"]),
        ]
        for request in requests {
            let answer = try await Self.ask(request)
            #expect(answer.hasPrefix("HTTP/1.1 501 "), "\(answer)")
            #expect(answer.lowercased().contains("content-type: application/xml"))
            #expect(answer.contains("<Error><Code>NotImplemented</Code><Message>there is no S3 API here: buckets are"))
            #expect(answer.contains("cp FILE DATA/buckets/BUCKET/KEY"))
        }
        let odd = try await Self.ask(RawHTTP.request("GET", "/b/<&>", headers: [Self.signed("s3")]))
        #expect(odd.contains("<Resource>/b/&lt;&amp;&gt;</Resource>"))
    }

    @Test("HEAD has no body, and what it says is not that the object is not there")
    func head() async throws {
        let requests = [([Self.signed("s3")], "501"), ([], "404")]
        for (headers, status) in requests {
            let answer = try await Self.ask(RawHTTP.request("HEAD", "/landing/a.csv", headers: headers))
            #expect(answer.hasPrefix("HTTP/1.1 \(status) ") && answer.hasSuffix("\r\n\r\n"), "\(answer)")
        }
    }

    @Test("Lambda: the message says what to do instead, with the function's name")
    func lambda() async throws {
        let path = "/2015-03-31/functions/Totals/invocations"
        for headers in [[Self.signed("lambda")], []] {
            let answer = try await Self.ask(RawHTTP.request("POST", path, headers: headers, body: "{}"))
            #expect(answer.hasPrefix("HTTP/1.1 501 "))
            let body = try AWSCalls.read(answer)
            #expect(body.message.hasPrefix("there is no Lambda API here: `sluice invoke Totals EVENT`"), "\(body)")
        }
    }

    @Test("The Query protocol: an error of its form, with the action's name")
    func query() async throws {
        let form = "content-type: application/x-www-form-urlencoded; charset=utf-8"
        let requests = [
            RawHTTP.request(
                "POST", "/", headers: [form, Self.signed("sns")], body: "Message=m&Action=Publish&Version=2010-03-31"),
            RawHTTP.request("POST", "/0/queue", headers: [Self.signed("sns")], body: ""),
            RawHTTP.request("GET", "/?Action=Publish&Version=2010-03-31", headers: [Self.signed("sns")]),
        ]
        for (request, isQuery) in zip(requests, [true, false, true]) {
            let answer = try await Self.ask(request)
            #expect(answer.hasPrefix(isQuery ? "HTTP/1.1 400 " : "HTTP/1.1 501 "), "\(answer)")
            #expect(
                answer.contains("<Code>InvalidAction</Code><Message>Publish of sns is not answered here.") == isQuery)
        }
        // A form without an action is none of AWS's.
        let other = try AWSCalls.read(try await Self.ask(RawHTTP.request("POST", "/", headers: [form], body: "a=b")))
        #expect(other.error == "UnknownOperationException")
    }

    @Test("Replays and archives: the commands and the key of sluice.yaml")
    func replays() async throws {
        try await AWSCalls.with { call in
            for (operation, words) in [
                ("StartReplay", "sluice replay start"), ("DescribeReplay", "sluice replay list"),
                ("CreateArchive", "archive.retentionDays"), ("ListArchives", "archive.retentionDays"),
                ("PutRule", "sluice rules list"),
            ] {
                let answer = try await call(operation, "{}", service: "AWSEvents")
                #expect(answer.error == "UnknownOperationException")
                #expect(answer.message.contains(words), "\(answer.message)")
            }
        }
    }

    @Test("Whoever is no client of AWS is told what is here")
    func others() async throws {
        let answer = try await Self.ask(RawHTTP.request("GET", "/landing/a.csv"))
        #expect(answer.hasPrefix("HTTP/1.1 404 "))
        #expect(answer.contains("buckets are folders"))
    }
}

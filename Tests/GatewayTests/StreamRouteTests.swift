import FunctionJSON
import Gateway
import HostAPI
import Testing

@Suite("Routes of streams", .timeLimit(.minutes(5)))
struct StreamRouteTests {
    @Test("Every call arrives with its arguments, and every answer as it was given")
    func roundTrip() async throws {
        try await Harness.with { running in
            let (there, here) = (running.client as any HostControl, running.host as any HostControl)
            let encoder = TapeEncoder(sortedKeys: true)
            func compare<Answer: Encodable>(
                sourceLocation: SourceLocation = #_sourceLocation, _ call: (any HostControl) async throws -> Answer
            ) async throws {
                let (answer, direct) = (try await call(there), try await call(here))
                #expect(try encoder.text(answer) == encoder.text(direct), sourceLocation: sourceLocation)
            }
            running.host.streams.declare("a.b_c-d", shards: 3)
            let receipt = try await there.putRecords(
                stream: "a.b_c-d",
                submission: RecordSubmission(records: [
                    .init(partitionKey: "ü\"\\\n", data: "AAAA"),
                    .init(partitionKey: "k", explicitHashKey: "340282366920938463463374607431768211455", data: ""),
                ]))
            let stored = running.host.streams.records(of: "a.b_c-d")
            #expect(receipt.results.map(\.sequenceNumber) == stored.map(\.sequenceNumber))
            #expect(receipt.results.map(\.shardID) == stored.map(\.shardID))
            #expect(stored.map(\.partitionKey) == ["ü\"\\\n", "k"])
            #expect(stored.map(\.data) == ["AAAA", ""])
            #expect(stored.last?.shardID == "shardId-000000000002")
            try await compare { try await $0.listStreams() }
            try await compare { try await $0.stream(name: "a.b_c-d") }
            running.host.streams.declare("a.b_c-d", shards: 1)
            try await compare { try await $0.stream(name: "a.b_c-d") }
            let number = stored[1].sequenceNumber
            let starts: [StreamStart] = [
                .trimHorizon, .latest, .atSequenceNumber(number), .afterSequenceNumber(number),
                .atTimestamp(stored[1].arrived),
            ]
            for start in starts {
                try await compare { try await $0.streamPosition(stream: "a.b_c-d", start: start) }
            }
            try await compare { try await $0.streamRecords(StreamQuery(stream: "a.b_c-d", after: 0)) }
            try await compare { try await $0.streamRecords(StreamQuery(stream: "a.b_c-d", after: 0, limit: 1)) }
            try await compare {
                try await $0.streamRecords(
                    StreamQuery(stream: "a.b_c-d", shard: "shardId-000000000002", after: 1, limit: 10_000))
            }
            let missing = await #expect(throws: APIError.self) { try await there.stream(name: "x/ü") }
            #expect(missing == APIError.notFound("stream", "x/ü", hint: "did you mean `clicks`?"))
        }
    }

    @Test("Requests that cannot be meant are refused before the host sees them")
    func invalid() async throws {
        try await Harness.with { running in
            running.host.streams.declare("s", shards: 1)
            for count in [0, RecordSubmission.maximumRecords + 1] {
                let entry = RecordSubmission.Entry(partitionKey: "k", data: "")
                let submission = RecordSubmission(records: Array(repeating: entry, count: count))
                let error = await #expect(throws: APIError.self) {
                    try await running.client.putRecords(stream: "s", submission: submission)
                }
                #expect(error?.message.contains("between 1 and 500") == true)
            }
            let socket = running.dataFolder + "/api.sock"
            for path in [
                "position", "position?start=latest", "position?start=AT_TIMESTAMP", "position?start=AT_SEQUENCE_NUMBER",
                "position?start=LATEST&shard=x", "records", "records?after=x", "records?after=-1",
                "records?after=0&limit=10001", "records?after=0&limit=0", "records?after=0&from=1",
            ] {
                let answer = try await RawHTTP.unix(socket, RawHTTP.request("GET", "/v1/streams/s/\(path)"))
                #expect(answer.hasPrefix("HTTP/1.1 400"), "\(path): \(answer)")
            }
            #expect(running.host.streams.records(of: "s").isEmpty)
        }
    }

    @Test("Over TCP streams are reached by Kinesis' calls alone")
    func tcp() async throws {
        try await AWSCalls.with { call in
            let address = try #require(call.running.listening)
            for path in ["/v1/streams", "/v1/streams/clicks", "/v1/streams/clicks/records?after=0"] {
                let answer = try await RawHTTP.tcp(address, RawHTTP.request("GET", path))
                #expect(answer.hasPrefix("HTTP/1.1 404"))
            }
        }
    }

    @Test("A submission read by hand is what Codable reads, and written by hand what Codable writes")
    func submission() throws {
        let body = #"""
            {"x": 1, "records": [{"data": "AA\/\/", "partitionKey": "\u00fc", "more": [1]},
              {"partitionKey": "k", "explicitHashKey": "7", "data": ""},
              {"partitionKey": "k", "explicitHashKey": null, "data": ""}]}
            """#
        let read = try RecordSubmission(json: Array(body.utf8))
        let decoded = try TapeDecoder().decode(RecordSubmission.self, from: body)
        #expect(read.records == decoded.records)
        #expect(try TapeDecoder().decode(RecordSubmission.self, from: read.json).records == read.records)
        #expect(try TapeEncoder().encode(read).count == read.json.count)
    }

    @Test(
        "A submission that is wrong names the record and the field",
        arguments: [
            ("", "is not JSON"), ("[]", "the array `records`"), (#"{"records": {}}"#, "the array `records`"),
            (#"{"records": [1]}"#, "records[0] must be an object"),
            (#"{"records": [{"partitionKey": "k"}]}"#, "records[0].data is missing"),
            (#"{"records": [{"data": ""}]}"#, "records[0].partitionKey is missing"),
            (#"{"records": [{"data": 1}]}"#, "records[0].data must be a text, not number"),
        ])
    func wrong(body: String, reason: String) throws {
        let error = #expect(throws: APIError.self) { try RecordSubmission(json: Array(body.utf8)) }
        #expect(error?.status == 400)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }
}

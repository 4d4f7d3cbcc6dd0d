import FunctionJSON
import HostAPI
import Testing

@Suite("A submission's body, read by hand")
struct SubmissionTests {
    @Test("gives what Codable gives, whatever the order of the fields, and passes by what it does not know")
    func same() throws {
        let body = Array(
            #"""
            {"extra": [1], "entries": [
              {"detail": {"a": [1.50, "\u0041"]}, "source": "s\"q", "detailType": "T", "more": {"x": null}},
              {"bus": null, "source": "s", "detailType": "T", "detail": {"a.b": 1}, "resources": ["r", "ü"],
               "time": "2026-01-01T00:00:00Z", "deduplicationID": "d"},
              {"bus": "b", "source": "s", "detailType": "T", "detail": {"a": 1, "a": 2}, "resources": null}
            ]}
            """#.utf8)
        let read = try EventSubmission(json: body)
        let decoded = try TapeDecoder().decode(EventSubmission.self, from: body)
        let encoder = TapeEncoder(sortedKeys: true)
        #expect(try encoder.text(read) == encoder.text(decoded))
        #expect(read.entries.map(\.detailTraits?.hasPlainNames) == [true, false, false])
        #expect(decoded.entries.allSatisfy { $0.detailTraits == nil })
    }

    @Test(
        "that is wrong names the entry and the field",
        arguments: [
            ("", "is not JSON"), (#"{"entries": [}"#, "is not JSON"), ("[]", "the array `entries`"),
            (#"{"entries": {}}"#, "the array `entries`"), (#"{"entries": [1]}"#, "entries[0] must be an object"),
            (#"{"entries": [{"detailType": "T", "detail": {}}]}"#, "entries[0].source is missing"),
            (#"{"entries": [{"source": "s", "detail": {}}]}"#, "entries[0].detailType is missing"),
            (#"{"entries": [{"source": "s", "detailType": "T"}]}"#, "entries[0].detail is missing"),
            (
                #"{"entries": [{"source": "s", "detailType": "T", "detail": {}}, {"source": 1}]}"#,
                "entries[1].source must be a text, not number"
            ),
            (#"{"entries": [{"resources": "r"}]}"#, "entries[0].resources must be an array"),
            (#"{"entries": [{"resources": [{}]}]}"#, "entries[0].resources must be a text, not object"),
        ])
    func wrong(body: String, reason: String) throws {
        let error = #expect(throws: APIError.self) { try EventSubmission(json: Array(body.utf8)) }
        #expect(error?.status == 400)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    @Test("The answer is the JSON that Codable makes")
    func receipt() throws {
        let receipt = EventReceipt(results: [
            .init(eventID: "id"), .init(code: "MalformedDetail", message: "a \"quoted\" reason\n"),
        ])
        #expect(try TapeDecoder().decode(EventReceipt.self, from: receipt.json).results == receipt.results)
        #expect(try TapeEncoder().encode(receipt).count == receipt.json.count)
    }
}

import FunctionJSON
import FunctionProtocol
import Testing

@Suite("The answer to a batch")
struct BatchAnswerTests {
    @Test("says in one number that all is well, and otherwise a result for each record")
    func forms() throws {
        let good = BatchAnswer(results: Array(repeating: .init(status: .ok), count: 200))
        #expect(try TapeEncoder().text(good) == #"{"ok":200}"#)
        #expect(try TapeDecoder().decode(BatchAnswer.self, from: #"{"ok":200}"#) == good)
        let mixed = BatchAnswer(results: [
            .init(status: .ok), .init(status: .dropped),
            .init(status: .failed, failure: Failure(code: "E", message: "m")),
        ])
        let text = try TapeEncoder().text(mixed)
        #expect(text.hasPrefix(#"{"results":[{"status":"Ok"},{"status":"Dropped"},{"#))
        #expect(try TapeDecoder().decode(BatchAnswer.self, from: text) == mixed)
        // The long form of all being well, as other workers may send it.
        let long = #"{"results":[{"status":"Ok"},{"status":"Ok"}]}"#
        #expect(try TapeDecoder().decode(BatchAnswer.self, from: long).results.count == 2)
        #expect(try TapeDecoder().decode(BatchAnswer.self, from: #"{"results":[]}"#).results.isEmpty)
    }

    @Test(
        "that is malformed is no answer",
        arguments: [
            "{}", "[]", #"{"ok":-1}"#, #"{"ok":1e18}"#, #"{"ok":1000001}"#, #"{"ok":true}"#, #"{"ok":1.5}"#,
            #"{"results":[{}]}"#, #"{"results":[{"status":"Fine"}]}"#, #"{"results":{}}"#,
        ])
    func malformed(text: String) {
        #expect(throws: DecodingError.self) { try TapeDecoder().decode(BatchAnswer.self, from: text) }
    }
}

import FunctionProtocol
import SluiceRuntime
import Testing

@Suite("batchItemFailures")
struct ItemFailuresTests {
    private let ids = ["a", "b", "c"]

    @Test("the events that are named have failed, the others have succeeded")
    func partial() throws {
        let output =
            #"{"batchItemFailures": [{"itemIdentifier": "c"}, {"itemIdentifier": "a"}, {"itemIdentifier": "c"}]}"#
        guard case .batch(let answer)? = ItemFailures.outcome(of: Array(output.utf8), ids: ids) else {
            Issue.record("no answer for records")
            return
        }
        #expect(answer.results.map(\.status) == [.failed, .ok, .failed])
        #expect(answer.results.first?.failure?.code == "RecordFailed")
    }

    @Test(
        "an empty list, none, or any other output is success",
        arguments: [
            #"{"batchItemFailures": []}"#, #"{"batchItemFailures": null}"#, "{}", "null", "", "fine", "7",
            #"{"other": 1}"#, #"["batchItemFailures"]"#, #"{"nested": {"batchItemFailures": [{}]}}"#,
            #""a text with \"batchItemFailures\" in it""#,
        ])
    func success(_ output: String) {
        #expect(ItemFailures.outcome(of: Array(output.utf8), ids: ids) == nil)
    }

    @Test(
        "what is malformed, empty or unknown fails the batch as a whole",
        arguments: [
            (#"{"batchItemFailures": [{"itemIdentifier": ""}]}"#, "is empty"),
            (#"{"batchItemFailures": [{"itemIdentifier": null}]}"#, "no text `itemIdentifier`"),
            (#"{"batchItemFailures": [{"itemIdentifier": 7}]}"#, "no text `itemIdentifier`"),
            (#"{"batchItemFailures": [{"itemidentifier": "a"}]}"#, "no text `itemIdentifier`"),
            (#"{"batchItemFailures": ["a"]}"#, "no text `itemIdentifier`"),
            (#"{"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "d"}]}"#, "\"d\" of entry 2"),
            (#"{"batchItemFailures": {"itemIdentifier": "a"}}"#, "is no list"),
            (#"{"batchItemFailures": "a"}"#, "is no list"),
        ])
    func malformed(_ output: String, _ says: String) {
        guard case .failure(let failure)? = ItemFailures.outcome(of: Array(output.utf8), ids: ids) else {
            Issue.record("not refused: \(output)")
            return
        }
        #expect(failure.code == "MalformedAnswer" && failure.message.contains(says), "\(failure)")
    }
}

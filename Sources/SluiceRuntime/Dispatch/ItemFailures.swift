import FunctionJSON
import FunctionProtocol

/// AWS's way to answer a batch (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html,
/// "Implementing partial batch responses"): `{"batchItemFailures": [{"itemIdentifier": ID}]}`, where an ID is that of
/// an event, of a stream's record its sequence number. What is not named has succeeded.
package enum ItemFailures {
    /// What an output means for a batch of the events `ids`; nil: it says nothing of its records, so all of them have
    /// succeeded.
    ///
    /// An empty or missing list is success. A list that is none, an entry without an identifier, an empty one or one
    /// that is no event's of the batch fails the batch as a whole, as in AWS: a guess could lose a record.
    package static func outcome(of output: [UInt8], ids: [String]) -> AttemptReport.Outcome? {
        guard output.contains(word), let root = try? JSONDocument(parsing: output).root,
            root.kind == .object, let list = root["batchItemFailures"]
        else { return nil }
        if list.kind == .null { return nil }
        guard list.kind == .array else { return malformed("`batchItemFailures` is no list") }
        let known = Set(ids)
        var failed: Set<String> = []
        for (index, item) in list.elements.enumerated() {
            guard let id = item["itemIdentifier"]?.string else {
                return malformed("entry \(index + 1) of `batchItemFailures` has no text `itemIdentifier`")
            }
            guard !id.isEmpty else {
                return malformed("the `itemIdentifier` of entry \(index + 1) of `batchItemFailures` is empty")
            }
            guard known.contains(id) else {
                return malformed(
                    "the `itemIdentifier` \"\(id.prefix(100))\" of entry \(index + 1) of `batchItemFailures` is no event of the batch"
                )
            }
            failed.insert(id)
        }
        guard !failed.isEmpty else { return nil }
        return .batch(
            BatchAnswer(
                results: ids.map { id in
                    failed.contains(id)
                        ? .init(
                            status: .failed,
                            failure: Failure(
                                code: "RecordFailed", message: "the handler named the event in its batchItemFailures"))
                        : .init(status: .ok)
                }))
    }

    private static let word = Array("\"batchItemFailures\"".utf8)

    private static func malformed(_ what: String) -> AttemptReport.Outcome {
        .failure(Failure(code: "MalformedAnswer", message: what))
    }
}

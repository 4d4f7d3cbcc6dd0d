import FunctionJSON

/// What the pattern of a rule on a stream is matched against, as with Lambda's event filtering of Kinesis
/// (https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis-filtering.html): the record with its data as JSON.
///
/// `{"partitionKey":"…","eventSource":"aws:kinesis","eventSourceARN":"…","data":{…}}`; without `data` where that is no
/// JSON.
package enum StreamFilter {
    /// The pattern of a rule that takes every record.
    package static let everything = #"{"eventSource":["aws:kinesis"]}"#
    /// What the document has.
    package static let fields = ["data", "eventSource", "eventSourceARN", "partitionKey"]
    /// Where records have the key that orders them.
    package static let partitionKeyPath = "kinesis.partitionKey"

    /// The document of a record.
    /// - Parameter data: JSON; nil leaves it out.
    package static func document(stream: String, partitionKey: String, data: [UInt8]?) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(140 + 2 * stream.utf8.count + partitionKey.utf8.count + (data?.count ?? 0))
        text += #"{"partitionKey":"#.utf8
        JSONWriter.append(string: partitionKey, to: &text)
        text += #","eventSource":"aws:kinesis","eventSourceARN":"#.utf8
        JSONWriter.append(string: StreamRecordText.arn(of: stream), to: &text)
        if let data {
            text += #","data":"#.utf8
            text += data
        }
        text.append(UInt8(ascii: "}"))
        return text
    }

    /// What a pattern sees of a stored payload: of a stream's record its document, of any other event the payload
    /// itself.
    package static func subject(of payload: [UInt8]) -> [UInt8] {
        StreamRecordText.Parts(payload).map(document) ?? payload
    }

    /// The same of a text that somebody has written, in any layout.
    package static func subject(parsing text: [UInt8]) -> [UInt8] {
        StreamRecordText.Parts(parsing: text).map(document) ?? text
    }

    private static func document(of record: StreamRecordText.Parts) -> [UInt8] {
        document(stream: record.stream, partitionKey: record.partitionKey, data: json(of: record.data))
    }

    /// What a record's data (base64) has for patterns: nil where it is no JSON.
    package static func json(of data: some Collection<UInt8>) -> [UInt8]? {
        Base64.decode(data).flatMap { (try? JSONDocument(parsing: $0)) == nil ? nil : $0 }
    }
}

import EventModel
import FunctionJSON
import Testing

@Suite("Records of streams")
struct StreamRecordTests {
    private let number = StreamSequence.text(of: 42)

    /// A record as Lambda's documentation shows it, with parts replaced.
    private func json(
        data: String = "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==", time: String = "1545084650.987", eventID: String? = nil
    ) -> String {
        #"{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"1","sequenceNumber":"\#(number)","#
            + #""data":"\#(data)","approximateArrivalTimestamp":\#(time)},"eventSource":"aws:kinesis","#
            + #""eventVersion":"1.0","eventID":"\#(eventID ?? "shardId-000000000006:\(number)")","#
            + #""eventName":"aws:kinesis:record","invokeIdentityArn":"arn:aws:iam::123456789012:role/lambda-role","#
            + #""awsRegion":"us-east-2","eventSourceARN":"arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream"}"#
    }

    @Test("Lambda's own form is read and written")
    func form() throws {
        let record = try TapeDecoder().decode(StreamRecord.self, from: json())
        #expect(record.text == "Hello, this is a test.")
        #expect(record.partitionKey == "1" && record.sequenceNumber == number)
        #expect(record.shardID == "shardId-000000000006" && record.eventID == "shardId-000000000006:\(number)")
        #expect(record.streamName == "lambda-stream" && record.replayName == nil)
        #expect(record.arrival.description == "2018-12-17T22:10:50.987Z")
        let written = try TapeEncoder().encode(record)
        #expect(try TapeDecoder().decode(StreamRecord.self, from: written) == record)
        var value = try TapeDecoder().decode([String: JSONValue].self, from: written)
        #expect(value.removeValue(forKey: "invokeIdentityArn") == "arn:aws:iam::000000000000:role/sluice")
        var original = try TapeDecoder().decode([String: JSONValue].self, from: json())
        original["invokeIdentityArn"] = nil
        #expect(value == original)
    }

    @Test("times keep their milliseconds, whole seconds and integers", arguments: [0, 1, 999, 1_795_280_000_123])
    func times(milliseconds: Int64) throws {
        let time = Timestamp(nanosecondsSinceEpoch: milliseconds * 1_000_000)
        let record = StreamRecord(
            partitionKey: "k", sequenceNumber: number, data: [0, 255], arrival: time,
            streamARN: "arn:aws:kinesis:local:000000000000:stream/s", replayName: "r", replayedFrom: "archive")
        let read = try TapeDecoder().decode(StreamRecord.self, from: try TapeEncoder().encode(record))
        #expect(read == record && read.text == nil)
        #expect(
            try TapeDecoder().decode(StreamRecord.self, from: json(time: "7")).arrival.nanosecondsSinceEpoch
                == 7_000_000_000)
    }

    @Test("what is no record says which member")
    func malformed() {
        for (text, words) in [
            (json(data: "!"), "data"), (json(data: "QQ="), "data"),
            (json(time: "1e300"), "approximateArrivalTimestamp"),
            (json(eventID: number), "eventID"), (json(eventID: "shardId-000000000006:1"), "eventID"), ("{}", "kinesis"),
        ] {
            let error = #expect(throws: DecodingError.self) { try TapeDecoder().decode(StreamRecord.self, from: text) }
            #expect(error.map { String(describing: $0).contains(words) } == true, "\(text)")
        }
    }

    @Test("records in AWS's envelope")
    func envelope() throws {
        let event = try TapeDecoder().decode(KinesisEvent.self, from: #"{"Records":[\#(json()),\#(json(data: ""))]}"#)
        #expect(event.records.map(\.data.count) == [22, 0])
        #expect(try TapeDecoder().decode(KinesisEvent.self, from: try TapeEncoder().encode(event)) == event)
    }

    @Test("what the log stores is what a function reads")
    func stored() throws {
        let bytes = StreamRecordText.bytes(
            stream: "clicks", shard: 3, partitionKey: "a \"b\" é", data: Base64.encode([1, 2, 255]),
            arrived: 1_795_280_000_007)
        let record = try TapeDecoder().decode(StreamRecord.self, from: bytes)
        #expect(record.partitionKey == "a \"b\" é" && record.data == [1, 2, 255] && record.streamName == "clicks")
        #expect(record.shardID == "shardId-000000000003" && record.sequenceNumber == StreamSequence.text(of: 0))
        #expect(record.arrival.nanosecondsSinceEpoch == 1_795_280_000_007_000_000)
        // And the other way round: what a test makes has the members of what is stored.
        let made = try TapeDecoder().decode(JSONValue.self, from: try TapeEncoder(sortedKeys: true).encode(record))
        let kept = try TapeDecoder().decode(JSONValue.self, from: bytes)
        #expect(try TapeEncoder(sortedKeys: true).encode(made) == TapeEncoder(sortedKeys: true).encode(kept))
    }

    @Test("the limits of a record")
    func limits() {
        func refusal(_ key: String = "k", _ hash: String? = nil, bytes: Int = 0) -> String? {
            let data = String(decoding: Base64.encode([UInt8](repeating: 7, count: bytes)), as: UTF8.self)
            do {
                _ = try PutRecordsEntry(partitionKey: key, explicitHashKey: hash, data: data).validate()
                return nil
            } catch {
                return error.field
            }
        }
        #expect(refusal() == nil && refusal(String(repeating: "é", count: 256)) == nil)
        #expect(refusal("") == "PartitionKey" && refusal(String(repeating: "é", count: 257)) == "PartitionKey")
        #expect(refusal(bytes: 1 << 20) == nil && refusal(bytes: (1 << 20) + 1) == "Data")
        for hash in ["0", "1", "340282366920938463463374607431768211455"] { #expect(refusal("k", hash) == nil) }
        for hash in ["", "-1", "+1", "01", "1.0", "x", "340282366920938463463374607431768211456"] {
            #expect(refusal("k", hash) == "ExplicitHashKey")
        }
        #expect(throws: PutRecordsEntry.Refusal.self) { try PutRecordsEntry(partitionKey: "k", data: "Q").validate() }
    }
}

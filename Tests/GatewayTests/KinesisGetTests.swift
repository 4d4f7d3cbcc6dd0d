import FunctionJSON
import Gateway
import HostAPI
import Testing

@Suite("Kinesis' calls: reading records", .timeLimit(.minutes(5)))
struct KinesisGetTests {
    private static func fill(_ call: AWSCalls, _ count: Int = 10) throws -> [StreamPage.Record] {
        let entries = (0..<count).map { RecordSubmission.Entry(partitionKey: "\($0)", data: "AAA\($0 % 10)") }
        _ = try call.running.host.streams.put("small", RecordSubmission(records: entries))
        return call.running.host.streams.records(of: "small")
    }

    private static let shard = "shardId-000000000000"

    @Test("Every way to begin")
    func types() async throws {
        try await AWSCalls.with { call in
            let records = try Self.fill(call)
            let fourth = #","StartingSequenceNumber":"\#(records[3].sequenceNumber)""#
            let time = #","Timestamp":\#(Double(records[3].arrived.milliseconds) / 1000)"#
            let expected = [
                ("TRIM_HORIZON", "", 0), ("LATEST", "", 10), ("AT_SEQUENCE_NUMBER", fourth, 3),
                ("AFTER_SEQUENCE_NUMBER", fourth, 4), ("AT_SEQUENCE_NUMBER", #","StartingSequenceNumber":"0""#, 0),
                ("AT_TIMESTAMP", time, 3), ("AT_TIMESTAMP", #","Timestamp":1"#, 0),
            ]
            for (type, more, first) in expected {
                let iterator = try await call.iterator(Self.shard, type, more, stream: "small")
                let answer = try await call.records(iterator)
                #expect(
                    answer.body["Records"]?.array?.compactMap { $0["PartitionKey"]?.string }
                        == records[first...].map(\.partitionKey), "\(type)\(more)")
            }
        }
    }

    @Test("A record has all that SDKs read; pages go on where the last one ended")
    func pages() async throws {
        try await AWSCalls.with { call in
            let records = try Self.fill(call)
            var iterator = try await call.iterator(Self.shard, "TRIM_HORIZON", stream: "small")
            let first = try await call.records(iterator, limit: 4)
            let record = try #require(first.body["Records"]?[1])
            #expect(record["SequenceNumber"]?.string == records[1].sequenceNumber)
            #expect(record["Data"]?.string == "AAA1")
            #expect(record["PartitionKey"]?.string == "1")
            #expect(record["EncryptionType"]?.string == "NONE")
            #expect(record["ApproximateArrivalTimestamp"]?.number?.text == "1700000002.789")
            #expect(first.body["MillisBehindLatest"]?.int == 6000)
            var keys: [String] = []
            for _ in 0..<4 {
                let page = try await call.records(iterator, limit: 4)
                keys += page.body["Records"]?.array?.compactMap { $0["PartitionKey"]?.string } ?? []
                iterator = try #require(page.body["NextShardIterator"]?.string)
            }
            #expect(keys == records.map(\.partitionKey))
            let end = try await call.records(iterator)
            #expect(end.body["Records"]?.array?.isEmpty == true)
            #expect(end.body["MillisBehindLatest"]?.int == 0)
        }
    }

    @Test("A closed shard ends with no iterator and the shards that follow it")
    func closed() async throws {
        try await AWSCalls.with { call in
            _ = try Self.fill(call, 3)
            call.running.host.streams.declare("small", shards: 2)
            let iterator = try await call.iterator(Self.shard, "TRIM_HORIZON", stream: "small")
            let part = try await call.records(iterator, limit: 2)
            #expect(part.body["NextShardIterator"]?.string != nil)
            #expect(part.body["ChildShards"] == nil)
            let answer = try await call.records(iterator)
            #expect(answer.body["Records"]?.array?.count == 3)
            #expect(answer.body["NextShardIterator"] == .null)
            let children = answer.body["ChildShards"]
            #expect(
                children?.array?.map { $0["ShardId"]?.string ?? "" } == [
                    "shardId-000000000001", "shardId-000000000002",
                ])
            #expect(children?[0]?["ParentShards"] == [.string(Self.shard)])
            #expect(children?[0]?["HashKeyRange"]?["StartingHashKey"]?.string == "0")
        }
    }

    @Test("Iterators that are none, that are too old, of what is gone")
    func iterators() async throws {
        try await AWSCalls.with { call in
            let now = APITime(milliseconds: 1_795_233_906_789)
            let good = ShardIterator(stream: "small", shard: Self.shard, after: 3, issued: now)
            #expect(ShardIterator(good.text) == good)
            #expect(good.text.utf8.count <= 512)
            let longest = ShardIterator(
                stream: String(repeating: "n", count: 128), shard: Self.shard, after: .max,
                issued: APITime(milliseconds: .max))
            #expect(longest.text.utf8.count <= 512)
            let texts = [
                "", "x", "AAAA", good.text + "=", good.text + "A", String(good.text.dropLast(4)), "\u{FC}",
                String(repeating: "A", count: 100_000),
            ]
            for text in texts { #expect(ShardIterator(text) == nil, "\(text.prefix(200))") }
            for text in texts {
                let answer = try await call.records(text)
                #expect(answer.error == "InvalidArgumentException")
            }
            let old = try await call.records(
                ShardIterator(stream: "small", shard: Self.shard, after: 0, issued: APITime(milliseconds: 5)).text)
            #expect(old.status == 400)
            #expect(old.error == "ExpiredIteratorException")
            #expect(old.message.contains("tolerated delay of 300000 milliseconds"))
            let future = APITime(milliseconds: 10_000_000_000_000)
            for (stream, shard) in [("gone", Self.shard), ("small", "shardId-000000000009")] {
                let text = ShardIterator(stream: stream, shard: shard, after: 0, issued: future).text
                let answer = try await call.records(text)
                #expect(answer.error == "ResourceNotFoundException", "\(answer.message)")
            }
        }
    }

    @Test(
        "Invalid requests for an iterator",
        arguments: [
            (#""ShardIteratorType":"LATEST""#, "ValidationException", "Value null at 'shardId'"),
            (#""ShardId":"shardId-000000000000""#, "ValidationException", "Value null at 'shardIteratorType'"),
            (
                #""ShardId":"shardId-000000000000","ShardIteratorType":"latest""#, "ValidationException",
                "Value 'latest' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value set"
            ),
            (
                #""ShardId":"shardId-000000000007","ShardIteratorType":"LATEST""#, "ResourceNotFoundException",
                "Shard shardId-000000000007 in stream clicks under account 000000000000 does not exist"
            ),
            (#""ShardId":"","ShardIteratorType":"LATEST""#, "ValidationException", "'shardId'"),
            (
                #""ShardId":"shardId-000000000000","ShardIteratorType":"AT_SEQUENCE_NUMBER""#,
                "InvalidArgumentException", "needs the parameter StartingSequenceNumber"
            ),
            (
                #""ShardId":"shardId-000000000000","ShardIteratorType":"AFTER_SEQUENCE_NUMBER","#
                    + #""StartingSequenceNumber":"4959""#,
                "InvalidArgumentException", "because it did not come from this stream"
            ),
            (
                #""ShardId":"shardId-000000000000","ShardIteratorType":"AT_TIMESTAMP""#, "InvalidArgumentException",
                "needs the parameter Timestamp"
            ),
            (
                #""ShardId":"shardId-000000000000","ShardIteratorType":"AT_TIMESTAMP","Timestamp":99999999999"#,
                "InvalidArgumentException", "cannot be greater than"
            ),
            (
                #""ShardId":"shardId-000000000000","ShardIteratorType":"AT_TIMESTAMP","Timestamp":"soon""#,
                "SerializationException", "must be a timestamp"
            ),
            (
                #""ShardId":"shardId-000000000000","ShardIteratorType":"LATEST","Timestamp":1"#,
                "InvalidArgumentException", "takes neither"
            ),
        ])
    func invalidIterator(members: String, type: String, message: String) async throws {
        try await AWSCalls.with { call in
            let answer = try await call("GetShardIterator", #"{"StreamName":"clicks",\#(members)}"#)
            #expect(answer.status == 400)
            #expect(answer.error == type)
            #expect(answer.message.contains(message), "\(answer.message)")
        }
    }

    @Test("Limits of GetRecords")
    func limits() async throws {
        try await AWSCalls.with { call in
            let iterator = try await call.iterator(Self.shard, "LATEST")
            let messages = [0: "greater than or equal to 1", 10_001: "less than or equal to 10000"]
            for (limit, message) in messages {
                let answer = try await call.records(iterator, limit: limit)
                #expect(answer.error == "ValidationException")
                #expect(answer.message.contains("at 'limit'") && answer.message.contains(message))
            }
            let text = try await call("GetRecords", #"{"ShardIterator":"\#(iterator)","Limit":"5"}"#)
            #expect(text.error == "SerializationException")
            let none = try await call("GetRecords", "")
            #expect(none.error == "ValidationException")
            let other = try await call(
                "GetRecords",
                #"{"ShardIterator":"\#(iterator)","StreamARN":"arn:aws:kinesis:x:000000000000:stream/small"}"#)
            #expect(other.error == "InvalidArgumentException")
        }
    }
}

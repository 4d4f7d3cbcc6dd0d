import FunctionJSON
import Gateway
import HostAPI
import Testing

@Suite("Kinesis' calls: streams and shards", .timeLimit(.minutes(5)))
struct KinesisDescribeTests {
    private static func ids(_ answer: AWSCalls.Answer) -> [String] {
        let shards = answer.body["Shards"] ?? answer.body["StreamDescription"]?["Shards"]
        return shards?.array?.compactMap { $0["ShardId"]?.string.map { String($0.suffix(2)) } } ?? []
    }

    @Test("A stream and its shards have all that SDKs read")
    func describe() async throws {
        try await AWSCalls.with { call in
            let answer = try await call("DescribeStream", #"{"StreamName":"clicks","Limit":3}"#)
            let stream = try #require(answer.body["StreamDescription"])
            #expect(stream["StreamName"]?.string == "clicks")
            #expect(stream["StreamARN"]?.string == "arn:aws:kinesis:local:000000000000:stream/clicks")
            #expect(stream["StreamStatus"]?.string == "ACTIVE")
            #expect(stream["StreamModeDetails"]?["StreamMode"]?.string == "PROVISIONED")
            #expect(stream["RetentionPeriodHours"]?.int == 24)
            #expect(stream["StreamCreationTimestamp"]?.number?.text == "1795233906.789")
            #expect(stream["EnhancedMonitoring"]?[0]?["ShardLevelMetrics"]?.array?.isEmpty == true)
            #expect(stream["EncryptionType"]?.string == "NONE")
            #expect(stream["HasMoreShards"]?.bool == true)
            #expect(Self.ids(answer) == ["00", "01", "02"])
            let shard = try #require(stream["Shards"]?[1])
            #expect(shard["HashKeyRange"]?["StartingHashKey"]?.string == "85070591730234615865843651857942052863")
            #expect(shard["SequenceNumberRange"]?["StartingSequenceNumber"]?.string?.count == 56)
            #expect(shard["SequenceNumberRange"]?["EndingSequenceNumber"] == nil)
            #expect(shard["ParentShardId"] == nil)
            let rest = try await call(
                "DescribeStream", #"{"StreamName":"clicks","ExclusiveStartShardId":"shardId-000000000002"}"#)
            #expect(Self.ids(rest) == ["03"])
            #expect(rest.body["StreamDescription"]?["HasMoreShards"]?.bool == false)
            let summary = try await call(
                "DescribeStreamSummary", #"{"StreamARN":"arn:aws:kinesis:local:000000000000:stream/clicks"}"#)
            #expect(summary.body["StreamDescriptionSummary"]?["OpenShardCount"]?.int == 4)
            #expect(summary.body["StreamDescriptionSummary"]?["ConsumerCount"]?.int == 0)
            let limits = try await call("DescribeLimits", "{}")
            #expect(limits.body["OpenShardCount"]?.int == 5)
            let tags = try await call("ListTagsForStream", #"{"StreamName":"clicks"}"#)
            #expect(tags.body["HasMoreTags"]?.bool == false)
            for operation in ["DescribeStream", "DescribeStreamSummary", "ListTagsForStream", "ListShards"] {
                let none = try await call(operation, #"{"StreamName":"nowhere"}"#)
                #expect(none.error == "ResourceNotFoundException")
            }
        }
    }

    @Test("Shards in pages, and those of a filter, over a change of their number")
    func shards() async throws {
        try await AWSCalls.with { call in
            let streams = call.running.host.streams
            _ = try streams.put("clicks", RecordSubmission(records: [.init(partitionKey: "k", data: "")]))
            streams.declare("clicks", shards: 2)
            _ = try streams.put("clicks", RecordSubmission(records: [.init(partitionKey: "k", data: "")]))
            func list(_ more: String) async throws -> AWSCalls.Answer {
                try await call("ListShards", #"{"StreamName":"clicks"\#(more)}"#)
            }
            let all = try await list("")
            #expect(Self.ids(all) == ["00", "01", "02", "03", "04", "05"])
            #expect(all.body["NextToken"] == nil)
            let child = try #require(all.body["Shards"]?[4])
            #expect(child["ParentShardId"]?.string == "shardId-000000000000")
            #expect(child["AdjacentParentShardId"]?.string == "shardId-000000000001")
            #expect(all.body["Shards"]?[0]?["SequenceNumberRange"]?["EndingSequenceNumber"]?.string?.count == 56)

            var pages: [[String]] = []
            var token: String?
            repeat {
                let body = token.map { #"{"NextToken":"\#($0)","MaxResults":4}"# }
                let page = try await call("ListShards", body ?? #"{"StreamName":"clicks","MaxResults":4}"#)
                pages.append(Self.ids(page))
                token = page.body["NextToken"]?.string
            } while token != nil && pages.count < 5
            #expect(pages == [["00", "01", "02", "03"], ["04", "05"]])

            func filtered(_ filter: String) async throws -> [String] {
                Self.ids(try await list(#","ShardFilter":{"Type":\#(filter)}"#))
            }
            #expect(try await filtered(#""AT_LATEST""#) == ["04", "05"])
            #expect(try await filtered(#""AT_TRIM_HORIZON""#) == ["00", "01", "02", "03"])
            #expect(try await filtered(#""FROM_TRIM_HORIZON""#).count == 6)
            #expect(try await filtered(#""AFTER_SHARD_ID","ShardId":"shardId-000000000003""#) == ["04", "05"])
            let second = try #require(streams.records(of: "clicks").last).arrived
            let time = "\(second.milliseconds / 1000).\(second.milliseconds % 1000)"
            #expect(try await filtered(#""AT_TIMESTAMP","Timestamp":\#(time)"#) == ["04", "05"])
            #expect(try await filtered(#""FROM_TIMESTAMP","Timestamp":1"#).count == 6)
            streams.expire("clicks", through: 1)
            #expect(try await filtered(#""AT_TRIM_HORIZON""#) == ["04", "05"])
            #expect(try await filtered(#""FROM_TRIM_HORIZON""#) == ["04", "05"])

            // A page's token keeps the filter, whatever is sent beside it.
            let first = try await list(#","MaxResults":1,"ShardFilter":{"Type":"AT_LATEST"}"#)
            let next = try #require(first.body["NextToken"]?.string)
            let last = try await list(#","NextToken":"\#(next)""#)
            #expect(Self.ids(first) + Self.ids(last) == ["04", "05"])
        }
    }

    @Test(
        "Invalid lists of shards",
        arguments: [
            (#"{}"#, "InvalidArgumentException", "Either StreamName or StreamARN"),
            (#"{"NextToken":"x"}"#, "InvalidArgumentException", "Invalid NextToken"),
            (#"{"StreamName":"clicks","MaxResults":0}"#, "ValidationException", "'maxResults'"),
            (#"{"StreamName":"clicks","ShardFilter":{}}"#, "ValidationException", "Value null at 'shardFilter.type'"),
            (#"{"StreamName":"clicks","ShardFilter":{"Type":"X"}}"#, "ValidationException", "AT_LATEST"),
            (
                #"{"StreamName":"clicks","ShardFilter":{"Type":"AT_TIMESTAMP"}}"#, "InvalidArgumentException",
                "takes a Timestamp"
            ),
            (
                #"{"StreamName":"clicks","ShardFilter":{"Type":"AT_LATEST","Timestamp":1}}"#,
                "InvalidArgumentException", "takes neither"
            ),
            (#"{"StreamName":"clicks","ShardFilter":[]}"#, "SerializationException", "must be an object"),
        ])
    func invalid(body: String, type: String, message: String) async throws {
        try await AWSCalls.with { call in
            let answer = try await call("ListShards", body)
            #expect(answer.error == type)
            #expect(answer.message.contains(message), "\(answer.message)")
        }
    }

    @Test("All streams, in pages by their names")
    func streams() async throws {
        try await AWSCalls.with { call in
            for number in 0..<5 { call.running.host.streams.declare("s\(number)", shards: 1) }
            func names(_ answer: AWSCalls.Answer) -> [String] {
                answer.body["StreamNames"]?.array?.compactMap(\.string) ?? []
            }
            let all = try await call("ListStreams", "{}")
            #expect(names(all) == ["clicks", "s0", "s1", "s2", "s3", "s4", "small"])
            #expect(all.body["HasMoreStreams"]?.bool == false)
            #expect(all.body["StreamSummaries"]?[0]?["StreamStatus"]?.string == "ACTIVE")
            let first = try await call("ListStreams", #"{"Limit":4}"#)
            #expect(first.body["HasMoreStreams"]?.bool == true)
            let token = try #require(first.body["NextToken"]?.string)
            let rest = try await call("ListStreams", #"{"Limit":4,"NextToken":"\#(token)"}"#)
            #expect(names(first) + names(rest) == names(all))
            let after = try await call("ListStreams", #"{"ExclusiveStartStreamName":"s3"}"#)
            #expect(names(after) == ["s4", "small"])
            #expect(try await call("ListStreams", #"{"NextToken":"!"}"#).error == "InvalidArgumentException")
        }
    }

    @Test("What would change streams says where they are declared; what is unknown, what is known")
    func refusals() async throws {
        try await AWSCalls.with { call in
            for operation in ["CreateStream", "DeleteStream", "UpdateShardCount", "SplitShard", "MergeShards"] {
                let answer = try await call(operation, #"{"StreamName":"other","ShardCount":1}"#)
                #expect(answer.status == 400)
                #expect(answer.error == "ValidationException")
                #expect(answer.message.contains("sluice.yaml"), "\(answer.message)")
            }
            let existing = try await call("CreateStream", #"{"StreamName":"clicks","ShardCount":1}"#)
            #expect(existing.error == "ResourceInUseException")
            for operation in ["RegisterStreamConsumer", "SubscribeToShard"] {
                let answer = try await call(operation, "{}")
                #expect(answer.error == "ValidationException")
                #expect(answer.message.contains("GetRecords"), "\(answer.message)")
            }
            let unknown = try await call("PutEverything", "{}")
            #expect(unknown.status == 400)
            #expect(unknown.error == "UnknownOperationException")
            #expect(unknown.message.contains("PutRecords"))
            let service = try await call("PutItem", "{}", service: "DynamoDB_20120810")
            #expect(service.error == "UnknownOperationException")
            var cbor = call
            cbor.contentType = "application/x-amz-cbor-1.1"
            let binary = try await cbor("PutRecord", "\u{BF}\u{FF}")
            #expect(binary.error == "SerializationException")
            #expect(binary.message.contains("AWS_CBOR_DISABLE"))
        }
    }

    @Test("The socket answers the same calls")
    func socket() async throws {
        try await AWSCalls.with { call in
            let request = RawHTTP.request(
                "POST", "/", headers: ["x-amz-target: Kinesis_20131202.ListStreams"], body: "{}")
            let answer = try AWSCalls.read(
                try await RawHTTP.unix(call.running.dataFolder + "/api.sock", request))
            #expect(answer.body["StreamNames"] == ["clicks", "small"])
        }
    }
}

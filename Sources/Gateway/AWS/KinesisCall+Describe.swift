import FunctionJSON
import HostAPI

extension KinesisCall {
    private static let maximumListed = Int64(10_000)

    func describeStream() async throws -> [UInt8] {
        let limit = try input.integer("Limit", in: 1...Self.maximumListed) ?? 100
        let after = input.has("ExclusiveStartShardId") ? try shardID("ExclusiveStartShardId") : nil
        let stream = try await stream()
        let shards = Self.ordered(stream.shards).filter { shard in after.map { $0 < shard.id } ?? true }
        var writer = JSONWriter(capacity: 512 + min(shards.count, limit) * 400)
        writer.beginObject()
        writer.name("StreamDescription")
        writer.beginObject()
        Self.writeHead(of: stream, to: &writer)
        writer.name("Shards")
        Self.write(shards.prefix(limit), to: &writer)
        writer.name("HasMoreShards")
        writer.value(shards.count > limit)
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }

    func describeStreamSummary() async throws -> [UInt8] {
        let stream = try await stream()
        var writer = JSONWriter(capacity: 512)
        writer.beginObject()
        writer.name("StreamDescriptionSummary")
        writer.beginObject()
        Self.writeHead(of: stream, to: &writer)
        writer.member("OpenShardCount", stream.openShards)
        writer.member("ConsumerCount", 0)
        writer.member("MaxRecordSizeInKiB", RecordSubmission.Entry.maximumDataBytes >> 10)
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }

    func listStreams() async throws -> [UInt8] {
        let limit = try input.integer("Limit", in: 1...Self.maximumListed) ?? 100
        var after = try input.text("ExclusiveStartStreamName")
        if let token = try input.text("NextToken") {
            guard let parts = OpaqueToken.parts(of: token, kind: "streams-1"), parts.count == 1 else {
                throw AWSError.invalidArgument("Invalid NextToken.")
            }
            after = parts[0]
        }
        let streams = try await control.listStreams().sorted { $0.name < $1.name }
            .filter { stream in after.map { $0 < stream.name } ?? true }
        let page = streams.prefix(limit)
        var writer = JSONWriter(capacity: 128 + page.count * 400)
        writer.beginObject()
        writer.name("StreamNames")
        writer.beginArray()
        for stream in page { writer.value(stream.name) }
        writer.endArray()
        writer.name("HasMoreStreams")
        writer.value(streams.count > limit)
        if streams.count > limit, let last = page.last {
            writer.member("NextToken", OpaqueToken.text(of: [last.name], kind: "streams-1"))
        }
        writer.name("StreamSummaries")
        writer.beginArray()
        for stream in page {
            writer.beginObject()
            Self.writeIdentity(of: stream, to: &writer)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    func listTags() async throws -> [UInt8] {
        _ = try await stream()
        return Array(#"{"Tags":[],"HasMoreTags":false}"#.utf8)
    }

    /// There are none of Kinesis' registered consumers.
    func listConsumers() async throws -> [UInt8] {
        _ = try await stream()
        return Array(#"{"Consumers":[]}"#.utf8)
    }

    func describeLimits() async throws -> [UInt8] {
        let open = try await control.listStreams().reduce(0) { $0 + $1.openShards }
        var writer = JSONWriter()
        writer.beginObject()
        // There is none: a number that no host reaches.
        writer.member("ShardLimit", 1_000_000)
        writer.member("OpenShardCount", open)
        writer.member("OnDemandStreamCount", 0)
        writer.member("OnDemandStreamCountLimit", 0)
        writer.endObject()
        return writer.bytes
    }

    // MARK: Parts of answers

    private static func writeIdentity(of stream: StreamInfo, to writer: inout JSONWriter) {
        writer.member("StreamName", stream.name)
        writer.member("StreamARN", stream.arn)
        writer.member("StreamStatus", "ACTIVE")
        writer.name("StreamModeDetails")
        writer.raw(#"{"StreamMode":"PROVISIONED"}"#)
        writer.name("StreamCreationTimestamp")
        write(stream.created, to: &writer)
    }

    private static func writeHead(of stream: StreamInfo, to writer: inout JSONWriter) {
        writeIdentity(of: stream, to: &writer)
        writer.member("RetentionPeriodHours", stream.retentionHours)
        writer.name("EnhancedMonitoring")
        writer.raw(#"[{"ShardLevelMetrics":[]}]"#)
        writer.member("EncryptionType", "NONE")
    }

    static func write(_ shards: some Sequence<StreamInfo.Shard>, to writer: inout JSONWriter) {
        writer.beginArray()
        for shard in shards {
            writer.beginObject()
            writer.member("ShardId", shard.id)
            // There is room for two, though more shards than two can have become one.
            if let parent = shard.parents.first { writer.member("ParentShardId", parent) }
            if let parent = shard.parents.dropFirst().first { writer.member("AdjacentParentShardId", parent) }
            writeHashKeys(of: shard, to: &writer)
            writer.name("SequenceNumberRange")
            writer.beginObject()
            writer.member("StartingSequenceNumber", shard.startingSequenceNumber)
            if let end = shard.endingSequenceNumber { writer.member("EndingSequenceNumber", end) }
            writer.endObject()
            writer.endObject()
        }
        writer.endArray()
    }

    static func writeHashKeys(of shard: StreamInfo.Shard, to writer: inout JSONWriter) {
        writer.name("HashKeyRange")
        writer.beginObject()
        writer.member("StartingHashKey", shard.startingHashKey)
        writer.member("EndingHashKey", shard.endingHashKey)
        writer.endObject()
    }

    /// By id, which is by number: paging goes on after one.
    static func ordered(_ shards: [StreamInfo.Shard]) -> [StreamInfo.Shard] { shards.sorted { $0.id < $1.id } }
}

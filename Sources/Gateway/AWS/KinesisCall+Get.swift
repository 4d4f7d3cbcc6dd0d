import EventModel
import FunctionJSON
import HostAPI

extension KinesisCall {
    func getShardIterator() async throws -> [UInt8] {
        let name = try streamName()
        let shard = try shardID("ShardId")
        let types = ["AFTER_SEQUENCE_NUMBER", "LATEST", "AT_TIMESTAMP", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON"]
        let type = try input.word("ShardIteratorType", of: types)
        let number = try input.text("StartingSequenceNumber")
        let time = try input.time("Timestamp")
        let stream = try await control.stream(name: name)
        guard stream.shards.contains(where: { $0.id == shard }) else { throw Self.noShard(shard, in: name) }
        let start: StreamStart
        switch type {
        case "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER":
            guard let number, time == nil else {
                throw AWSError.invalidArgument(
                    "ShardIteratorType \(type) needs the parameter StartingSequenceNumber and no Timestamp.")
            }
            guard StreamSequence.position(of: number) != nil else { throw Self.foreign(number, shard, name) }
            start = type == "AT_SEQUENCE_NUMBER" ? .atSequenceNumber(number) : .afterSequenceNumber(number)
        case "AT_TIMESTAMP":
            guard let time, number == nil else {
                throw AWSError.invalidArgument(
                    "ShardIteratorType AT_TIMESTAMP needs the parameter Timestamp and no StartingSequenceNumber.")
            }
            // A second more than AWS allows: the clocks of two machines are never the same.
            guard time.milliseconds <= now.milliseconds + 1000 else {
                throw AWSError.invalidArgument(
                    "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "
                        + "timestampInMillis: \(time.milliseconds), currentTimestampInMillis: \(now.milliseconds)")
            }
            start = .atTimestamp(time)
        default:
            guard number == nil, time == nil else {
                throw AWSError.invalidArgument(
                    "ShardIteratorType \(type) takes neither StartingSequenceNumber nor Timestamp.")
            }
            start = type == "LATEST" ? .latest : .trimHorizon
        }
        try await checkDryRun(name)
        let position = try await control.streamPosition(stream: name, start: start)
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("ShardIterator", iterator(name, shard, position))
        writer.endObject()
        return writer.bytes
    }

    func getRecords() async throws -> [UInt8] {
        let limit = try input.integer("Limit", in: 1...Int64(StreamQuery.maximumRecords)) ?? StreamQuery.maximumRecords
        let text = try input.needed("ShardIterator")
        guard let iterator = ShardIterator(text) else { throw AWSError.invalidArgument("Invalid ShardIterator.") }
        guard !iterator.isExpired(at: now) else {
            throw AWSError(
                "ExpiredIteratorException",
                "Iterator expired. The iterator was created at time \(iterator.issued) while right now it is \(now) which "
                    + "is further in the future than the tolerated delay of \(ShardIterator.lifetimeMilliseconds) "
                    + "milliseconds.")
        }
        if let other = try streamOfARN(), other != iterator.stream {
            throw AWSError.invalidArgument("The ShardIterator is of stream \(iterator.stream), not of \(other).")
        }
        try await checkDryRun(iterator.stream)
        let page = try await control.streamRecords(
            StreamQuery(stream: iterator.stream, shard: iterator.shard, after: iterator.after, limit: limit))
        var writer = JSONWriter(capacity: 640 + page.records.reduce(0) { $0 + $1.data.utf8.count + 512 })
        writer.beginObject()
        writer.name("Records")
        writer.beginArray()
        for record in page.records { Self.write(record, to: &writer) }
        writer.endArray()
        writer.member("MillisBehindLatest", max(0, page.behindMilliseconds))
        writer.name("NextShardIterator")
        if page.isEnd {
            writer.null()
            let shards = try await control.stream(name: iterator.stream).shards
            Self.writeChildren(shards.filter { $0.parents.contains(iterator.shard) }, to: &writer)
        } else {
            writer.value(self.iterator(iterator.stream, iterator.shard, page.next))
        }
        writer.endObject()
        return writer.bytes
    }

    private func iterator(_ stream: String, _ shard: String, _ position: StreamPosition) -> String {
        ShardIterator(stream: stream, shard: shard, after: position.after, issued: now).text
    }

    private static func write(_ record: StreamPage.Record, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("SequenceNumber", record.sequenceNumber)
        writer.name("ApproximateArrivalTimestamp")
        write(record.arrived, to: &writer)
        writer.member("Data", record.data)
        writer.member("PartitionKey", record.partitionKey)
        writer.member("EncryptionType", "NONE")
        writer.endObject()
    }

    /// What goes on where a shard has been read to its end.
    private static func writeChildren(_ shards: [StreamInfo.Shard], to writer: inout JSONWriter) {
        guard !shards.isEmpty else { return }
        writer.name("ChildShards")
        writer.beginArray()
        for shard in shards {
            writer.beginObject()
            writer.member("ShardId", shard.id)
            writer.name("ParentShards")
            writer.beginArray()
            for parent in shard.parents { writer.value(parent) }
            writer.endArray()
            writeHashKeys(of: shard, to: &writer)
            writer.endObject()
        }
        writer.endArray()
    }

    /// Seconds since 1970 with milliseconds: how AWS JSON has times.
    static func write(_ time: APITime, to writer: inout JSONWriter) {
        let milliseconds = max(0, time.milliseconds)
        let fraction = String(milliseconds % 1000)
        let zeros = String(repeating: "0", count: 3 - fraction.utf8.count)
        writer.raw("\(milliseconds / 1000).\(zeros)\(fraction)".utf8)
    }

    static func noShard(_ shard: String, in stream: String) -> AWSError {
        AWSError(
            "ResourceNotFoundException",
            "Shard \(shard) in stream \(stream) under account \(account) does not exist")
    }

    private static func foreign(_ number: String, _ shard: String, _ stream: String) -> AWSError {
        .invalidArgument(
            "StartingSequenceNumber \(AWSError.shown(number)) used in GetShardIterator on shard \(shard) in stream "
                + "\(stream) under account \(account) is invalid because it did not come from this stream.")
    }

    /// A shard's id that must be there.
    func shardID(_ name: String, of object: AWSInput? = nil) throws(AWSError) -> String {
        let input = object ?? input
        let shard = try input.needed(name)
        guard !shard.isEmpty else { throw input.validation(shard, name, "have length greater than or equal to 1") }
        guard shard.utf8.count <= 128 else {
            throw input.validation(shard, name, "have length less than or equal to 128")
        }
        return shard
    }
}

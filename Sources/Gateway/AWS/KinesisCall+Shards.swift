import EventModel
import FunctionJSON
import HostAPI

extension KinesisCall {
    /// Which shards `ListShards` answers, as a client asks for them and as its `NextToken` keeps them.
    private struct Choice {
        var stream: String
        /// After the shard with this id.
        var after: String?
        var filter: Filter

        enum Filter: Equatable {
            case all
            /// Open at some moment.
            case at(StreamStart)
            /// Open then or later.
            case from(StreamStart)
        }
    }

    func listShards() async throws -> [UInt8] {
        let limit = try input.integer("MaxResults", in: 1...10_000) ?? 1000
        let choice = try choice()
        let stream = try await control.stream(name: choice.stream)
        let shards = try await Self.ordered(matching(choice.filter, of: stream))
            .filter { shard in choice.after.map { $0 < shard.id } ?? true }
        let page = shards.prefix(limit)
        var writer = JSONWriter(capacity: 128 + page.count * 400)
        writer.beginObject()
        writer.name("Shards")
        Self.write(page, to: &writer)
        if shards.count > limit, let last = page.last {
            writer.member("NextToken", token(for: choice, after: last.id))
        }
        writer.endObject()
        return writer.bytes
    }

    private func choice() throws(AWSError) -> Choice {
        if let token = try input.text("NextToken") {
            // AWS refuses other parameters beside the token; boto3's paginator sends them all the same.
            let choice = try choice(token: token)
            guard input.has("StreamName") || input.has("StreamARN") else { return choice }
            let name = try streamName()
            guard name == choice.stream else {
                throw .invalidArgument("NextToken is of stream \(choice.stream), not of \(name).")
            }
            return choice
        }
        var choice = Choice(stream: try streamName(), after: nil, filter: .all)
        if input.has("ExclusiveStartShardId") { choice.after = try shardID("ExclusiveStartShardId") }
        guard let filter = try input.object("ShardFilter") else { return choice }
        guard choice.after == nil else {
            throw .invalidArgument("ExclusiveStartShardId and ShardFilter cannot be provided together.")
        }
        let types = [
            "AFTER_SHARD_ID", "AT_TRIM_HORIZON", "FROM_TRIM_HORIZON", "AT_LATEST", "AT_TIMESTAMP", "FROM_TIMESTAMP",
        ]
        let type = try filter.word("Type", of: types)
        let time = try filter.time("Timestamp")
        guard type.hasSuffix("TIMESTAMP") == (time != nil), (type == "AFTER_SHARD_ID") == filter.has("ShardId") else {
            throw .invalidArgument(
                "A ShardFilter of type \(type) takes "
                    + (type.hasSuffix("TIMESTAMP")
                        ? "a Timestamp and no ShardId."
                        : type == "AFTER_SHARD_ID" ? "a ShardId and no Timestamp." : "neither ShardId nor Timestamp."))
        }
        switch (type, time) {
        case ("AFTER_SHARD_ID", _): choice.after = try shardID("ShardId", of: filter)
        case ("AT_TRIM_HORIZON", _): choice.filter = .at(.trimHorizon)
        case ("FROM_TRIM_HORIZON", _): choice.filter = .from(.trimHorizon)
        case ("AT_TIMESTAMP", .some(let time)): choice.filter = .at(.atTimestamp(time))
        case ("FROM_TIMESTAMP", .some(let time)): choice.filter = .from(.atTimestamp(time))
        default: choice.filter = .at(.latest)
        }
        return choice
    }

    private func matching(_ filter: Choice.Filter, of stream: StreamInfo) async throws -> [StreamInfo.Shard] {
        let start: StreamStart
        switch filter {
        case .all: return stream.shards
        case .at(.latest): return stream.shards.filter(\.isOpen)
        case .at(let moment), .from(let moment): start = moment
        }
        let position = try await control.streamPosition(stream: stream.name, start: start)
        let later = stream.shards.filter { shard in
            guard let end = shard.endingSequenceNumber.flatMap(StreamSequence.position(of:)) else { return true }
            return end > position.after
        }
        guard case .at = filter else { return later }
        // Of those that go on after the moment, the ones that do not follow another of them: together they have every
        // key.
        let ids = Set(later.map(\.id))
        return later.filter { ids.isDisjoint(with: $0.parents) }
    }

    // MARK: Tokens

    private func token(for choice: Choice, after shard: String) -> String {
        let filter: [String]
        switch choice.filter {
        case .all: filter = ["", ""]
        case .at(let start): filter = ["at", Self.text(of: start)]
        case .from(let start): filter = ["from", Self.text(of: start)]
        }
        return OpaqueToken.text(of: [choice.stream, shard] + filter + ["\(now.milliseconds)"], kind: "shards-1")
    }

    private func choice(token: String) throws(AWSError) -> Choice {
        guard let parts = OpaqueToken.parts(of: token, kind: "shards-1"), parts.count == 5,
            let issued = Int64(parts[4])
        else { throw .invalidArgument("Invalid NextToken.") }
        let age = now.milliseconds.subtractingReportingOverflow(issued).partialValue
        guard age <= ShardIterator.lifetimeMilliseconds else {
            throw AWSError("ExpiredNextTokenException", "The NextToken has expired: it can be used for 300 seconds.")
        }
        var choice = Choice(stream: parts[0], after: parts[1], filter: .all)
        let start: StreamStart =
            switch parts[3] {
            case "latest": .latest
            case "horizon": .trimHorizon
            default: .atTimestamp(APITime(milliseconds: Int64(parts[3]) ?? 0))
            }
        if parts[2] == "at" { choice.filter = .at(start) }
        if parts[2] == "from" { choice.filter = .from(start) }
        return choice
    }

    private static func text(of start: StreamStart) -> String {
        switch start {
        case .latest: "latest"
        case .atTimestamp(let time): String(time.milliseconds)
        default: "horizon"
        }
    }
}

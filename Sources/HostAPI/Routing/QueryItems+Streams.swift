extension StreamStart {
    /// Kinesis' names of the ways to begin.
    package static let names = [
        "TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", "AT_TIMESTAMP",
    ]

    package init(query: QueryItems) throws(APIError) {
        try query.allow("start", "sequenceNumber", "time")
        let name = query.string("start") ?? ""
        let (number, time) = (query.string("sequenceNumber"), try query.time("time"))
        func needed<Value>(_ value: Value?, _ item: String) throws(APIError) -> Value {
            guard let value else { throw .invalidRequest("`start` \(name) needs `\(item)`") }
            return value
        }
        switch name {
        case "TRIM_HORIZON": self = .trimHorizon
        case "LATEST": self = .latest
        case "AT_SEQUENCE_NUMBER": self = .atSequenceNumber(try needed(number, "sequenceNumber"))
        case "AFTER_SEQUENCE_NUMBER": self = .afterSequenceNumber(try needed(number, "sequenceNumber"))
        case "AT_TIMESTAMP": self = .atTimestamp(try needed(time, "time"))
        default:
            throw .invalidRequest(
                "`start` must be one of \(Self.names.joined(separator: ", ")), not `\(name)`")
        }
    }

    package func add(to query: inout QueryItems) {
        switch self {
        case .trimHorizon: query.add("start", "TRIM_HORIZON")
        case .latest: query.add("start", "LATEST")
        case .atSequenceNumber(let number):
            query.add("start", "AT_SEQUENCE_NUMBER")
            query.add("sequenceNumber", number)
        case .afterSequenceNumber(let number):
            query.add("start", "AFTER_SEQUENCE_NUMBER")
            query.add("sequenceNumber", number)
        case .atTimestamp(let time):
            query.add("start", "AT_TIMESTAMP")
            query.add("time", time.description)
        }
    }
}

extension StreamQuery {
    /// The stream is part of the path.
    package init(stream: String, query: QueryItems) throws(APIError) {
        try query.allow("shard", "after", "limit")
        guard let after = try query.integer("after", in: 0...Int.max) else {
            throw .invalidRequest(
                "`after` is missing: a position of the stream", hint: "`…/position?start=TRIM_HORIZON` answers one")
        }
        self.init(
            stream: stream, shard: query.string("shard"), after: Int64(after),
            limit: try query.integer("limit", in: 1...Self.maximumRecords) ?? Self.maximumRecords)
    }

    package func add(to query: inout QueryItems) {
        query.add("shard", shard)
        query.add("after", String(after))
        query.add("limit", String(limit))
    }
}

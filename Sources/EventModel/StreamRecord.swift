/// A record of a stream as Lambda delivers one of Kinesis
/// (https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html): the input of functions on streams.
///
/// ```swift
/// struct Sessions: BatchHandler {
///     func handle(_ records: [Record<StreamRecord>], context: Context) async throws -> [RecordResult] {
///         await records.results { record in
///             let click = try record.event.decode(Click.self)
///             …
///         }
///     }
/// }
/// ```
public struct StreamRecord: Sendable, Hashable {
    /// 1 to 256 characters. Records of one key keep their order.
    public var partitionKey: String
    /// Larger than those of the records before it in its stream: compare as texts.
    public var sequenceNumber: String
    /// What the producer handed in, up to a mebibyte.
    public var data: [UInt8]
    /// When the host accepted it.
    public var arrival: Timestamp
    /// `shardId-000000000003`
    public var shardID: String
    /// `arn:aws:kinesis:local:000000000000:stream/clicks`
    public var streamARN: String
    /// The replay that delivers this record again; nil otherwise.
    public var replayName: String?
    /// The dead letter or archive from which the record comes again; nil for a first delivery.
    public var replayedFrom: String?

    public init(
        partitionKey: String, sequenceNumber: String, data: [UInt8], arrival: Timestamp,
        shardID: String = "shardId-000000000000", streamARN: String, replayName: String? = nil,
        replayedFrom: String? = nil
    ) {
        self.partitionKey = partitionKey
        self.sequenceNumber = sequenceNumber
        self.data = data
        self.arrival = arrival
        self.shardID = shardID
        self.streamARN = streamARN
        self.replayName = replayName
        self.replayedFrom = replayedFrom
    }

    /// Shard and sequence number: unique in the stream.
    public var eventID: String { "\(shardID):\(sequenceNumber)" }

    /// The stream's name: the end of its ARN.
    public var streamName: String {
        streamARN.lastIndex(of: "/").map { String(streamARN[streamARN.index(after: $0)...]) } ?? streamARN
    }

    /// The data as text; nil if it is not UTF-8.
    public var text: String? { String(validating: data, as: UTF8.self) }
}

extension StreamRecord: Codable {
    private enum Key: String, CodingKey {
        case eventID, kinesis, eventSource, eventVersion, eventName, invokeIdentityArn, awsRegion, eventSourceARN
        case replayName = "replay-name"
        case replayedFrom = "replayed-from"
    }

    private enum KinesisKey: String, CodingKey {
        case kinesisSchemaVersion, partitionKey, sequenceNumber, data, approximateArrivalTimestamp
    }

    /// `eventID`, `eventSourceARN` and the members of `kinesis` but its version are required.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let kinesis = try container.nestedContainer(keyedBy: KinesisKey.self, forKey: .kinesis)
        partitionKey = try kinesis.decode(String.self, forKey: .partitionKey)
        sequenceNumber = try kinesis.decode(String.self, forKey: .sequenceNumber)
        guard let data = Base64.decode(try kinesis.decode(String.self, forKey: .data).utf8) else {
            throw DecodingError.dataCorruptedError(forKey: .data, in: kinesis, debugDescription: "it is no base64")
        }
        self.data = data
        let seconds = try kinesis.decode(Double.self, forKey: .approximateArrivalTimestamp)
        guard let arrival = Timestamp(streamSeconds: seconds) else {
            throw DecodingError.dataCorruptedError(
                forKey: .approximateArrivalTimestamp, in: kinesis,
                debugDescription: "\(seconds) seconds since 1970 are beyond the years 1677 to 2262")
        }
        self.arrival = arrival
        let eventID = try container.decode(String.self, forKey: .eventID)
        guard let colon = eventID.firstIndex(of: ":"), eventID[eventID.index(after: colon)...] == sequenceNumber else {
            throw DecodingError.dataCorruptedError(
                forKey: .eventID, in: container,
                debugDescription: "\"\(eventID)\" is no shard, a colon and the sequence number")
        }
        shardID = String(eventID[..<colon])
        streamARN = try container.decode(String.self, forKey: .eventSourceARN)
        replayName = try container.decodeIfPresent(String.self, forKey: .replayName)
        replayedFrom = try container.decodeIfPresent(String.self, forKey: .replayedFrom)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(eventID, forKey: .eventID)
        var kinesis = container.nestedContainer(keyedBy: KinesisKey.self, forKey: .kinesis)
        try kinesis.encode("1.0", forKey: .kinesisSchemaVersion)
        try kinesis.encode(sequenceNumber, forKey: .sequenceNumber)
        try kinesis.encode(arrival.streamSeconds, forKey: .approximateArrivalTimestamp)
        try kinesis.encode(partitionKey, forKey: .partitionKey)
        try kinesis.encode(String(decoding: Base64.encode(data), as: UTF8.self), forKey: .data)
        try container.encode("aws:kinesis", forKey: .eventSource)
        try container.encode("1.0", forKey: .eventVersion)
        try container.encode("aws:kinesis:record", forKey: .eventName)
        try container.encode("arn:aws:iam::000000000000:role/sluice", forKey: .invokeIdentityArn)
        let parts = streamARN.split(separator: ":", omittingEmptySubsequences: false)
        try container.encode(parts.count > 3 ? String(parts[3]) : "local", forKey: .awsRegion)
        try container.encode(streamARN, forKey: .eventSourceARN)
        try container.encodeIfPresent(replayName, forKey: .replayName)
        try container.encodeIfPresent(replayedFrom, forKey: .replayedFrom)
    }
}

/// Records as AWS hands them to a function (`inputFormat: kinesis`): one object for the whole batch. The counterpart of
/// `S3Notification`.
///
/// ```swift
/// struct Sessions: Handler {
///     func handle(_ event: KinesisEvent, context: Context) async throws -> BatchItemFailures {
///         BatchItemFailures(event.records.filter { … }.map(\.sequenceNumber))
///     }
/// }
/// ```
public struct KinesisEvent: Codable, Sendable, Hashable {
    public var records: [StreamRecord]

    public init(records: [StreamRecord]) { self.records = records }

    enum CodingKeys: String, CodingKey {
        case records = "Records"
    }
}

extension Timestamp {
    /// Seconds since 1970 with a fraction, to the microsecond: a Double has no more of today's times.
    fileprivate init?(streamSeconds seconds: Double) {
        guard let microseconds = Int64(exactly: (seconds * 1_000_000).rounded()) else { return nil }
        let (nanoseconds, overflow) = microseconds.multipliedReportingOverflow(by: 1000)
        guard !overflow else { return nil }
        self.init(nanosecondsSinceEpoch: nanoseconds)
    }

    fileprivate var streamSeconds: Double { Double(nanosecondsSinceEpoch / 1000) / 1_000_000 }
}

/// An event as EventBridge delivers it: an envelope around a detail.
///
/// Keep the detail's type as narrow as the handler needs: unknown members are ignored. `Event<JSONValue>` takes any
/// detail, `Event<RawJSON>` keeps its bytes unread.
public struct Event<Detail> {
    /// Of the envelope: `0`.
    public var version: String
    /// Unique to the event; the same for every delivery, redrive and replay.
    public var id: String
    public var detailType: String
    /// Who sent it: `aws.s3` for object events, a reversed domain or an application's name for others.
    public var source: String
    /// Twelve digits.
    public var account: String
    /// When it happened, as the producer says.
    public var time: Timestamp
    public var region: String
    /// What it is about, as ARNs.
    public var resources: [String]
    public var detail: Detail
    /// The replay that delivers this event again; nil otherwise.
    public var replayName: String?
    /// The dead letter or archive from which the event comes again; nil for a first delivery.
    public var replayedFrom: String?

    public init(
        version: String = "0", id: String, detailType: String, source: String, account: String = "000000000000",
        time: Timestamp, region: String = "local", resources: [String] = [], detail: Detail, replayName: String? = nil,
        replayedFrom: String? = nil
    ) {
        self.version = version
        self.id = id
        self.detailType = detailType
        self.source = source
        self.account = account
        self.time = time
        self.region = region
        self.resources = resources
        self.detail = detail
        self.replayName = replayName
        self.replayedFrom = replayedFrom
    }
}

extension Event: Sendable where Detail: Sendable {}
extension Event: Equatable where Detail: Equatable {}
extension Event: Hashable where Detail: Hashable {}

/// Names and order of the envelope's members.
private enum EnvelopeKey: String, CodingKey {
    case version, id
    case detailType = "detail-type"
    case source, account, time, region, resources, detail
    case replayName = "replay-name"
    case replayedFrom = "replayed-from"
}

extension Event: Decodable where Detail: Decodable {
    /// `id`, `detail-type`, `source`, `time` and `detail` are required; what else is missing gets its default.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: EnvelopeKey.self)
        version = try container.decodeIfPresent(String.self, forKey: .version) ?? "0"
        id = try container.decode(String.self, forKey: .id)
        detailType = try container.decode(String.self, forKey: .detailType)
        source = try container.decode(String.self, forKey: .source)
        account = try container.decodeIfPresent(String.self, forKey: .account) ?? "000000000000"
        time = try container.decode(Timestamp.self, forKey: .time)
        region = try container.decodeIfPresent(String.self, forKey: .region) ?? "local"
        resources = try container.decodeIfPresent([String].self, forKey: .resources) ?? []
        detail = try container.decode(Detail.self, forKey: .detail)
        replayName = try container.decodeIfPresent(String.self, forKey: .replayName)
        replayedFrom = try container.decodeIfPresent(String.self, forKey: .replayedFrom)
    }
}

extension Event: Encodable where Detail: Encodable {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: EnvelopeKey.self)
        try container.encode(version, forKey: .version)
        try container.encode(id, forKey: .id)
        try container.encode(detailType, forKey: .detailType)
        try container.encode(source, forKey: .source)
        try container.encode(account, forKey: .account)
        try container.encode(time.description, forKey: .time)
        try container.encode(region, forKey: .region)
        try container.encode(resources, forKey: .resources)
        try container.encode(detail, forKey: .detail)
        try container.encodeIfPresent(replayName, forKey: .replayName)
        try container.encodeIfPresent(replayedFrom, forKey: .replayedFrom)
    }
}

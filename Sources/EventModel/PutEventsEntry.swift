public import FunctionJSON

/// One entry of a PutEvents request, as a producer sends it.
public struct PutEventsEntry: Sendable, Hashable {
    /// Entries a request may have.
    public static let maximumEntries = 10
    /// Bytes a request's entries may have together, by `size`.
    public static let maximumTotalSize = 1 << 20
    /// Characters of a detail-type.
    public static let maximumDetailType = 128
    /// Characters of a source.
    public static let maximumSource = 256
    /// Arrays and objects in one another that a detail may have. The event around it, answers that hold events and
    /// events about what became of one are deeper, and have to stay within what a parser reads.
    public static let maximumDetailDepth = 900

    public var eventBusName: String?
    public var source: String?
    public var detailType: String?
    /// A JSON object as text.
    public var detail: String?
    /// The detail where it was parsed when the entry was taken in: counts instead of `detail`.
    public var readDetail: ReadDetail?
    public var resources: [String]
    /// RFC 3339; the moment of acceptance when absent.
    public var time: String?
    /// The producer's deduplication id, in force for five minutes.
    public var deduplicationID: String?

    public init(
        eventBusName: String? = nil, source: String?, detailType: String?, detail: String?, resources: [String] = [],
        time: String? = nil, deduplicationID: String? = nil
    ) {
        self.eventBusName = eventBusName
        self.source = source
        self.detailType = detailType
        self.detail = detail
        self.resources = resources
        self.time = time
        self.deduplicationID = deduplicationID
    }

    /// The same with a detail that has been parsed already.
    public init(
        eventBusName: String? = nil, source: String?, detailType: String?, readDetail: ReadDetail,
        resources: [String] = [], time: String? = nil, deduplicationID: String? = nil
    ) {
        self.init(
            eventBusName: eventBusName, source: source, detailType: detailType, detail: nil, resources: resources,
            time: time, deduplicationID: deduplicationID)
        self.readDetail = readDetail
    }

    /// A detail that has been parsed.
    public struct ReadDetail: Sendable, Hashable {
        public var json: RawJSON
        /// Nil where it is not known.
        public var traits: JSONTraits?

        public init(_ json: RawJSON, traits: JSONTraits?) {
            self.json = json
            self.traits = traits
        }

        public init(_ node: JSONNode) {
            self.init(node.raw, traits: node.traits)
        }

        /// See `JSONTraits.hasPlainNames`; false also where that is not known.
        public var hasPlainNames: Bool { traits?.hasPlainNames ?? false }

        var isObject: Bool { json.withBytes { $0.first == UInt8(ascii: "{") } }

        /// Throws for a detail deeper than `maximumDetailDepth`. The parser may have allowed more.
        func checkDepth() throws(JSONError) {
            // Nearly every detail has fewer values in all: it needs no second parse.
            if let traits, traits.nodes <= maximumDetailDepth { return }
            _ = try JSONDocument(parsing: json.bytes, maximumDepth: maximumDetailDepth)
        }
    }

    /// As EventBridge counts: 14 for a time, and the UTF-8 bytes of source, detail-type, detail and resources.
    public var size: Int {
        (time == nil ? 0 : 14) + (source?.utf8.count ?? 0) + (detailType?.utf8.count ?? 0)
            + (readDetail?.json.count ?? detail?.utf8.count ?? 0)
            + resources.reduce(0) { $0 + $1.utf8.count }
    }

    /// Why an entry is refused, in EventBridge's words.
    public struct Refusal: Error, Sendable, Hashable, CustomStringConvertible {
        /// `InvalidArgument`, `MalformedDetail`, `NotAuthorizedForSourceException`.
        public var errorCode: String
        public var errorMessage: String
        /// What exactly is wrong with the detail, when it is the detail.
        public var cause: JSONError?

        public init(errorCode: String, errorMessage: String, cause: JSONError? = nil) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.cause = cause
        }

        public var description: String {
            "\(errorCode): \(errorMessage)" + (cause.map { " (\($0))" } ?? "")
        }
    }

    /// An entry with everything checked and in its type.
    public struct Valid: Sendable, Hashable {
        public var source: String
        public var detailType: String
        /// One JSON object.
        public var detail: ReadDetail
        public var resources: [String]
        public var time: Timestamp?
    }

    private static let reservedSources = ["aws.", "sluice."]

    /// Checks one entry. `allowReserved` lets the host itself send from the sources that are its own:
    /// those that begin with `aws.`, and with `sluice.`, whose events rules believe.
    public func validate(allowReserved: Bool = false) throws(Refusal) -> Valid {
        let moment = try Self.check(
            source: source, detailType: detailType, hasDetail: readDetail != nil || detail?.isEmpty == false,
            size: size, time: time, allowReserved: allowReserved)
        let read: ReadDetail
        if let readDetail {
            read = readDetail
            try Self.check(read)
        } else {
            do throws(JSONError) {
                read = ReadDetail(
                    try JSONDocument(parsing: Array((detail ?? "").utf8), maximumDepth: Self.maximumDetailDepth).root)
            } catch {
                throw Refusal(errorCode: "MalformedDetail", errorMessage: "Detail is malformed.", cause: error)
            }
            guard read.isObject else { throw Self.noObject }
        }
        return Valid(
            source: source ?? "", detailType: detailType ?? "", detail: read, resources: resources, time: moment)
    }

    /// Checks an entry whose detail has been parsed, as `validate` does, and makes no other of it.
    /// - Returns: the moment that `time` tells.
    package static func check(
        source: String, detailType: String, detail: ReadDetail, resources: [String], time: String?
    ) throws(Refusal) -> Timestamp? {
        var size = (time == nil ? 0 : 14) + source.utf8.count + detailType.utf8.count + detail.json.count
        for resource in resources { size += resource.utf8.count }
        let moment = try check(
            source: source, detailType: detailType, hasDetail: true, size: size, time: time, allowReserved: false)
        try check(detail)
        return moment
    }

    /// Everything but what the detail holds.
    private static func check(
        source: String?, detailType: String?, hasDetail: Bool, size: Int, time: String?, allowReserved: Bool
    ) throws(Refusal) -> Timestamp? {
        try require(source, "Source")
        try require(detailType, "DetailType")
        if !hasDetail { throw invalid("Detail", "Detail is a required argument.") }
        try limit(source, "Source", maximumSource)
        try limit(detailType, "DetailType", maximumDetailType)
        if !allowReserved, let source, reservedSources.contains(where: { source.utf8.starts(with: $0.utf8) }) {
            throw Refusal(errorCode: "NotAuthorizedForSourceException", errorMessage: "Not authorized for the source.")
        }
        guard size <= maximumTotalSize else {
            throw Refusal(errorCode: "InvalidArgument", errorMessage: tooLargeMessage)
        }
        guard let time else { return nil }
        guard let moment = Timestamp(rfc3339: time) else {
            throw invalid("Time", "\"\(time)\" is not a time of RFC 3339, such as 2021-11-12T00:00:00Z")
        }
        return moment
    }

    private static func check(_ detail: ReadDetail) throws(Refusal) {
        do throws(JSONError) {
            try detail.checkDepth()
        } catch {
            throw Refusal(errorCode: "MalformedDetail", errorMessage: "Detail is malformed.", cause: error)
        }
        guard detail.isObject else { throw noObject }
    }

    private static var noObject: Refusal {
        Refusal(errorCode: "MalformedDetail", errorMessage: "Detail is malformed.")
    }

    private static let tooLargeMessage = "Total size of the entries in the request is over the limit."

    /// Checks the request as a whole: the count of entries and their size together. Nil if it may pass.
    public static func refusal(ofRequest entries: [PutEventsEntry], maximumEntries: Int = maximumEntries) -> Refusal? {
        if entries.isEmpty || entries.count > maximumEntries {
            return Refusal(
                errorCode: "ValidationException",
                errorMessage:
                    "A request must have between 1 and \(maximumEntries) entries, this one has \(entries.count).")
        }
        if entries.reduce(0, { $0 + $1.size }) > maximumTotalSize {
            return Refusal(errorCode: "ValidationException", errorMessage: tooLargeMessage)
        }
        return nil
    }

    private static func require(_ value: String?, _ name: String) throws(Refusal) {
        if value?.isEmpty != false { throw invalid(name, "\(name) is a required argument.") }
    }

    private static func limit(_ value: String?, _ name: String, _ maximum: Int) throws(Refusal) {
        guard let value, value.utf8.count > maximum, value.unicodeScalars.count > maximum else { return }
        throw invalid(name, "\(name) must have at most \(maximum) characters.")
    }

    private static func invalid(_ name: String, _ reason: String) -> Refusal {
        Refusal(errorCode: "InvalidArgument", errorMessage: "Parameter \(name) is not valid. Reason: \(reason)")
    }
}

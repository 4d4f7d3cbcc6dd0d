public import FunctionJSON

/// The parts of an event around its detail, for making event bytes without encoding a type.
public struct EventEnvelope: Sendable, Hashable {
    public var id: String
    public var detailType: String
    public var source: String
    public var account: String
    public var time: Timestamp
    public var region: String
    public var resources: [String]
    public var replayName: String?
    public var replayedFrom: String?

    public init(
        id: String, detailType: String, source: String, account: String, time: Timestamp, region: String,
        resources: [String] = [], replayName: String? = nil, replayedFrom: String? = nil
    ) {
        self.id = id
        self.detailType = detailType
        self.source = source
        self.account = account
        self.time = time
        self.region = region
        self.resources = resources
        self.replayName = replayName
        self.replayedFrom = replayedFrom
    }

    /// The event's JSON, members in EventBridge's order, without white space of its own. `detail` is put in unread: it
    /// must be known to be one JSON object (`PutEventsEntry.validate`).
    public func bytes(detail: some Collection<UInt8>) -> [UInt8] {
        detail.withContiguousStorageIfAvailable { bytes(detail: $0) }
            ?? Array(detail).withUnsafeBufferPointer { bytes(detail: $0) }
    }

    /// The same for bytes that lie together: nothing generic is left where each event passes.
    private func bytes(detail: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        Self.bytes(
            id: id, detailType: detailType, source: source, account: account, time: time.description,
            region: region, resources: resources, replayName: replayName, replayedFrom: replayedFrom, detail: detail)
    }

    static func bytes(
        id: String, detailType: String, source: String, account: String, time: String, region: String,
        resources: [String], replayName: String?, replayedFrom: String?, detail: UnsafeBufferPointer<UInt8>
    ) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(
            detail.count + 220 + source.utf8.count + detailType.utf8.count
                + resources.reduce(0) { $0 + $1.utf8.count + 3 })
        append("{\"version\":\"0\",\"id\":", id, to: &output)
        append(",\"detail-type\":", detailType, to: &output)
        append(",\"source\":", source, to: &output)
        append(",\"account\":", account, to: &output)
        append(",\"time\":", time, to: &output)
        append(",\"region\":", region, to: &output)
        append(",\"resources\":[", to: &output)
        for (index, resource) in resources.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            JSONWriter.append(string: resource, to: &output)
        }
        append("],\"detail\":", to: &output)
        output.append(contentsOf: detail)
        if let replayName { append(",\"replay-name\":", replayName, to: &output) }
        if let replayedFrom { append(",\"replayed-from\":", replayedFrom, to: &output) }
        output.append(UInt8(ascii: "}"))
        return output
    }

    /// The source of an event as `bytes` writes it, read from its head alone; nil for an event of another form, and for
    /// one that has escapes before the end of its source.
    package static func writtenSource(of event: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        var place = 0
        guard skip(beforeID, in: event, &place), plainText(in: event, &place) != nil,
            skip(beforeDetailType, in: event, &place), plainText(in: event, &place) != nil,
            skip(beforeSource, in: event, &place)
        else { return nil }
        return plainText(in: event, &place)
    }

    static let beforeID: StaticString = #"{"version":"0","id":""#
    private static let beforeDetailType: StaticString = #","detail-type":""#
    private static let beforeSource: StaticString = #","source":""#

    private static func skip(_ text: StaticString, in event: UnsafeRawBufferPointer, _ place: inout Int) -> Bool {
        let (expected, count) = (text.utf8Start, text.utf8CodeUnitCount)
        guard event.count - place >= count else { return false }
        var offset = 0
        while offset + 8 <= count {
            let word = UnsafeRawPointer(expected).loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if event.loadUnaligned(fromByteOffset: place + offset, as: UInt64.self) != word { return false }
            offset += 8
        }
        while offset < count {
            if event[place + offset] != expected[offset] { return false }
            offset += 1
        }
        place += count
        return true
    }

    /// Up to the next quotation mark, which is skipped too.
    private static func plainText(in event: UnsafeRawBufferPointer, _ place: inout Int) -> UnsafeRawBufferPointer? {
        let start = place
        while place < event.count {
            let byte = event[place]
            if byte == UInt8(ascii: "\\") { return nil }
            place += 1
            if byte == UInt8(ascii: "\"") { return UnsafeRawBufferPointer(rebasing: event[start..<place - 1]) }
        }
        return nil
    }

    /// An event's bytes with `replay-name` and `replayed-from` set anew; everything else stays byte for byte, id and
    /// time above all. Fails for bytes that are no JSON object.
    public static func marked(
        _ event: [UInt8], replayName: String? = nil, replayedFrom: String? = nil
    ) throws(JSONError) -> [UInt8] {
        let root = try JSONDocument(parsing: event).root
        guard root.kind == .object else { return event }
        var writer = JSONWriter(capacity: event.count + 120)
        writer.beginObject()
        for (name, value) in root.members where name != "replay-name" && name != "replayed-from" {
            writer.name(name)
            writer.raw(value.sourceBytes)
        }
        if let replayName { writer.member("replay-name", replayName) }
        if let replayedFrom { writer.member("replayed-from", replayedFrom) }
        writer.endObject()
        return writer.bytes
    }
}

private func append(_ text: StaticString, to output: inout [UInt8]) {
    output.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
}

private func append(_ name: StaticString, _ value: String, to output: inout [UInt8]) {
    append(name, to: &output)
    JSONWriter.append(string: value, to: &output)
}

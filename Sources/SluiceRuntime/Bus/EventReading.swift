import AppConfig
import CLinux
import EventModel
import FunctionJSON

/// What the runtime itself needs to know of an event's bytes.
package enum EventReading {
    /// The object that an `Object Created` event of the object store is about; nil for any other event.
    package static func objectInput(of payload: [UInt8]) -> ObjectInput? {
        guard !StreamRecordText.isRecord(payload), mayBeObjectEvent(payload) else { return nil }
        guard let root = try? JSONDocument(parsing: payload).root, root["source"]?.string == ObjectCreated.source,
            root["detail-type"]?.string == ObjectCreated.detailType, let detail = root["detail"],
            let bucket = detail["bucket"]?["name"]?.string, let object = detail["object"],
            let key = object["key"]?.string, let etag = object["etag"]?.string
        else { return nil }
        return ObjectInput(
            bucket: bucket, key: key, size: object["size"]?.int64 ?? 0, etag: etag,
            sequencer: object["sequencer"]?.string ?? "")
    }

    /// The object that a record of a stream is about: its data is an `Object Created` event.
    package static func carriedObject(of payload: [UInt8]) -> ObjectInput? {
        StreamRecordText.Parts(payload).flatMap { Base64.decode($0.data) }.flatMap(objectInput)
    }

    /// Whether it is JSON, as every event is that was accepted.
    package static func isReadable(_ payload: [UInt8]) -> Bool { (try? JSONDocument(parsing: payload)) != nil }

    private static let source = Array(ObjectCreated.source.utf8)
    private static let quotedSource = Array("\"\(ObjectCreated.source)\"".utf8)

    /// False for nearly every event that is none, without parsing it. The host's envelopes have the source as it is;
    /// elsewhere (a payload of `sluice invoke`) it might be written with escapes.
    private static func mayBeObjectEvent(_ payload: [UInt8]) -> Bool {
        payload.withUnsafeBytes { text in
            if let written = EventEnvelope.writtenSource(of: text) {
                return written.count == source.count && written.elementsEqual(source)
            }
            return quotedSource.withUnsafeBytes { word in
                clinux_contains(text.baseAddress, text.count, word.baseAddress, word.count)
            } || !text.starts(with: envelopeStart) && text.contains(UInt8(ascii: "\\"))
        }
    }

    private static let envelopeStart = Array("{\"version\":\"0\",\"id\":".utf8)

    /// What an event is about, for people: `bucket/key`, `stream: partition key`, `Manifest Incomplete: bucket/key`,
    /// `failure of Function: bucket/key`, or `source: detail-type`.
    package static func subject(of payload: [UInt8]) -> String {
        if let record = StreamRecordText.Parts(payload) { return "\(record.stream): \(record.partitionKey)" }
        guard let root = try? JSONDocument(parsing: payload).root else { return "" }
        if let object = object(of: root) { return object }
        let (source, type) = (root["source"]?.string ?? "?", root["detail-type"]?.string ?? "?")
        guard let detail = root["detail"] else { return "\(source): \(type)" }
        if source == ManifestEvents.source, let bucket = detail["manifest"]?["bucket"]?.string,
            let key = detail["manifest"]?["key"]?.string
        {
            return "\(type): \(bucket)/\(key)"
        }
        if source == OutcomeEvent.source, type.hasPrefix(OutcomeEvent.detailType),
            let function = detail["requestContext"]?["functionArn"]?.string?.split(separator: ":").dropLast().last
        {
            let outcome = type.dropFirst(OutcomeEvent.detailType.count).lowercased()
            let request = detail["requestPayload"]
            let about = request.flatMap(Self.object) ?? request?["id"]?.string.map { "event \($0)" }
            return "\(outcome) of \(function)" + (about.map { ": \($0)" } ?? "")
        }
        return "\(source): \(type)"
    }

    /// `bucket/key` of an event about an object.
    static func object(of event: JSONNode) -> String? {
        guard let bucket = event["detail"]?["bucket"]?["name"]?.string,
            let key = event["detail"]?["object"]?["key"]?.string
        else { return nil }
        return "\(bucket)/\(key)"
    }

    /// The value at a path as a key by which deliveries are ordered: see `exact`.
    package static func key(of payload: [UInt8], path: String) -> String? { text(of: payload, path: path).map(exact) }

    /// The value at a path like `detail.object.key`, as text; nil where there is none. Texts are taken as they are,
    /// anything else by its JSON.
    package static func text(of payload: [UInt8], path: String) -> String? {
        if path == StreamFilter.partitionKeyPath, let key = StreamRecordText.partitionKey(of: payload) { return key }
        guard var node = try? JSONDocument(parsing: payload).root else { return nil }
        for step in path.split(separator: ".") {
            guard let next = node[String(step)] else { return nil }
            node = next
        }
        if node.kind == .null { return nil }
        return node.string ?? String(decoding: node.sourceBytes, as: UTF8.self)
    }

    /// A text that equals another one only if both have the same bytes: Swift's `==` and hashing, by which keys are
    /// told apart, take "é" in one and in two scalars for the same. Nearly all keys are ASCII and stay as they are.
    package static func exact(_ key: String) -> String {
        let mark = Character("\u{1}")
        if key.utf8.allSatisfy({ $0 < 0x80 }), key.utf8.first != mark.asciiValue { return key }
        return "\(mark)" + key.utf8.hexadecimal
    }

    /// The size of the object that an object event names; nil for any other event.
    package static func objectSize(of payload: [UInt8]) -> Int64? {
        guard let root = try? JSONDocument(parsing: payload).root else { return nil }
        return root["detail"]?["object"]?["size"]?.int64
    }

    /// The event as S3's own triggers send it; nil for an event that has no such form.
    package static func s3Notification(of payload: [UInt8], rule: String) -> [UInt8]? {
        try? S3Notification.bytes(events: [payload], configurationID: rule)
    }
}

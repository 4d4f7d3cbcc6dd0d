import FunctionJSON

/// The hot path of producers, by hand: `Codable` would cost several times what the rest of taking an event in does.
extension EventSubmission {
    /// Reads a request's body in one pass; what a detail holds is validated here and not again. Throws
    /// `InvalidRequest`, which names the entry and the field.
    package init(json bytes: [UInt8]) throws(APIError) {
        let list = try RequestBody.list("entries", in: bytes)
        var entries: [EventEntry] = []
        entries.reserveCapacity(list.count)
        for element in list.elements { entries.append(try EventEntry(element, number: entries.count)) }
        self.init(entries: entries, of: list.document)
    }
}

extension EventEntry {
    fileprivate init(_ node: JSONNode, number: Int) throws(APIError) {
        guard node.kind == .object else {
            throw .invalidRequest("entries[\(number)] must be an object, not \(node.kind)")
        }
        var texts = (bus: String?.none, source: String?.none, type: String?.none)
        var rest = (time: String?.none, deduplication: String?.none)
        var found: JSONNode?
        var resources: [String]?
        func text(_ value: JSONNode, _ name: StaticString) throws(APIError) -> String? {
            if value.kind == .null { return nil }
            guard let text = value.string else {
                throw .invalidRequest("entries[\(number)].\(name) must be a text, not \(value.kind)")
            }
            return text
        }
        var members = node.members
        while let value = members.nextValue() {
            if value.isNamed("source") {
                texts.source = try text(value, "source")
            } else if value.isNamed("detailType") {
                texts.type = try text(value, "detailType")
            } else if value.isNamed("detail") {
                found = value
            } else if value.isNamed("bus") {
                texts.bus = try text(value, "bus")
            } else if value.isNamed("resources") {
                if value.kind == .null { continue }
                guard value.kind == .array else {
                    throw .invalidRequest("entries[\(number)].resources must be an array of texts")
                }
                resources = []
                for element in value.elements { resources?.append(try text(element, "resources") ?? "") }
            } else if value.isNamed("time") {
                rest.time = try text(value, "time")
            } else if value.isNamed("deduplicationID") {
                rest.deduplication = try text(value, "deduplicationID")
            }
        }
        guard let source = texts.source, let type = texts.type, let found else {
            let missing = texts.source == nil ? "source" : texts.type == nil ? "detailType" : "detail"
            throw .invalidRequest("entries[\(number)].\(missing) is missing")
        }
        self.init(
            bus: texts.bus, source: source, detailType: type, detail: found.sharedRaw, resources: resources,
            time: rest.time, deduplicationID: rest.deduplication)
        detailTraits = found.traits
    }
}

extension EventReceipt {
    /// The same JSON that `Codable` makes.
    package var json: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24 + results.count * 54)
        bytes += #"{"results":["#.utf8
        for (index, result) in results.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            if let id = result.eventID, result.code == nil, result.message == nil {
                // Nearly all.
                Self.append(#"{"eventID":"#, to: &bytes)
                JSONWriter.append(string: id, to: &bytes)
                bytes.append(UInt8(ascii: "}"))
            } else {
                bytes += result.json
            }
        }
        bytes += "]}".utf8
        return bytes
    }

    private static func append(_ text: StaticString, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}

extension EventReceipt.Result {
    fileprivate var json: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        if let eventID { writer.member("eventID", eventID) }
        if let code { writer.member("code", code) }
        if let message { writer.member("message", message) }
        writer.endObject()
        return writer.bytes
    }
}

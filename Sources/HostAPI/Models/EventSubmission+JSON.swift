import FunctionJSON

/// The hot path of producers, by hand: `Codable` would cost several times what the rest of taking an event in does.
extension EventSubmission {
    /// Reads a request's body in one pass; what a detail holds is validated here and not again. Throws
    /// `InvalidRequest`, which names the entry and the field.
    package init(json bytes: [UInt8]) throws(APIError) {
        let list = try RequestBody.list("entries", in: bytes)
        entries = []
        entries.reserveCapacity(list.count)
        for element in list.elements { entries.append(try EventEntry(element, number: entries.count)) }
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
        func text(_ value: JSONNode, _ name: String) throws(APIError) -> String? {
            if value.kind == .null { return nil }
            guard let text = value.string else {
                throw .invalidRequest("entries[\(number)].\(name) must be a text, not \(value.kind)")
            }
            return text
        }
        for (name, value) in node.members {
            switch name {
            case "bus": texts.bus = try text(value, name)
            case "source": texts.source = try text(value, name)
            case "detailType": texts.type = try text(value, name)
            case "detail": found = value
            case "resources":
                if value.kind == .null { continue }
                guard value.kind == .array else {
                    throw .invalidRequest("entries[\(number)].resources must be an array of texts")
                }
                resources = []
                for element in value.elements { resources?.append(try text(element, name) ?? "") }
            case "time": rest.time = try text(value, name)
            case "deduplicationID": rest.deduplication = try text(value, name)
            default: break
            }
        }
        guard let source = texts.source, let type = texts.type, let found else {
            let missing = texts.source == nil ? "source" : texts.type == nil ? "detailType" : "detail"
            throw .invalidRequest("entries[\(number)].\(missing) is missing")
        }
        self.init(
            bus: texts.bus, source: source, detailType: type, detail: found.raw, resources: resources,
            time: rest.time, deduplicationID: rest.deduplication)
        detailTraits = found.traits
    }
}

extension EventReceipt {
    /// The same JSON that `Codable` makes.
    package var json: [UInt8] {
        var writer = JSONWriter(capacity: 24 + results.count * 52)
        writer.beginObject()
        writer.name("results")
        writer.beginArray()
        for result in results {
            writer.beginObject()
            if let id = result.eventID { writer.member("eventID", id) }
            if let code = result.code { writer.member("code", code) }
            if let message = result.message { writer.member("message", message) }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }
}

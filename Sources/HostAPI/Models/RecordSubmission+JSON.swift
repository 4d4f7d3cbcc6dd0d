import FunctionJSON

/// As with events, the hot path of producers by hand: data is a text of up to 1.4 MB that nobody needs to look at.
extension RecordSubmission {
    /// Reads a request's body in one pass. Throws `InvalidRequest`, which names the record and the field; what the
    /// texts hold is for the host to judge.
    package init(json bytes: [UInt8]) throws(APIError) {
        let list = try RequestBody.list("records", in: bytes)
        records = []
        records.reserveCapacity(list.count)
        for element in list.elements { records.append(try Entry(element, number: records.count)) }
    }

    /// The same JSON that `Codable` makes.
    package var json: [UInt8] {
        var writer = JSONWriter(capacity: 16 + records.reduce(0) { $0 + $1.data.utf8.count + 320 })
        writer.beginObject()
        writer.name("records")
        writer.beginArray()
        for record in records {
            writer.beginObject()
            writer.member("partitionKey", record.partitionKey)
            if let key = record.explicitHashKey { writer.member("explicitHashKey", key) }
            writer.member("data", record.data)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }
}

extension RecordSubmission.Entry {
    fileprivate init(_ node: JSONNode, number: Int) throws(APIError) {
        guard node.kind == .object else {
            throw .invalidRequest("records[\(number)] must be an object, not \(node.kind)")
        }
        var (key, hash, data) = (String?.none, String?.none, String?.none)
        func text(_ value: JSONNode, _ name: String) throws(APIError) -> String? {
            if value.kind == .null { return nil }
            guard let text = value.string else {
                throw .invalidRequest("records[\(number)].\(name) must be a text, not \(value.kind)")
            }
            return text
        }
        for (name, value) in node.members {
            switch name {
            case "partitionKey": key = try text(value, name)
            case "explicitHashKey": hash = try text(value, name)
            case "data": data = try text(value, name)
            default: break
            }
        }
        guard let key, let data else {
            throw .invalidRequest("records[\(number)].\(key == nil ? "partitionKey" : "data") is missing")
        }
        self.init(partitionKey: key, explicitHashKey: hash, data: data)
    }
}

extension RecordReceipt {
    /// The same JSON that `Codable` makes.
    package var json: [UInt8] {
        var writer = JSONWriter(capacity: 24 + results.count * 130)
        writer.beginObject()
        writer.name("results")
        writer.beginArray()
        for result in results {
            writer.beginObject()
            writer.member("shardID", result.shardID)
            writer.member("sequenceNumber", result.sequenceNumber)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }
}

extension StreamPage {
    /// The same JSON that `Codable` makes.
    package var json: [UInt8] {
        var writer = JSONWriter(capacity: 96 + records.reduce(0) { $0 + $1.data.utf8.count + 480 })
        writer.beginObject()
        writer.name("records")
        writer.beginArray()
        for record in records {
            writer.beginObject()
            writer.member("shardID", record.shardID)
            writer.member("sequenceNumber", record.sequenceNumber)
            writer.member("partitionKey", record.partitionKey)
            writer.member("arrived", record.arrived.description)
            writer.member("data", record.data)
            writer.endObject()
        }
        writer.endArray()
        writer.name("next")
        writer.beginObject()
        writer.member("after", next.after)
        writer.endObject()
        writer.member("behindMilliseconds", behindMilliseconds)
        writer.name("isEnd")
        writer.value(isEnd)
        writer.endObject()
        return writer.bytes
    }
}

/// The query of a URL, with typed access. Unknown names are refused, so that a misspelt filter does not select
/// everything.
package struct QueryItems: Sendable, Hashable {
    package private(set) var items: [(name: String, value: String)] = []

    package init() {}

    package init(_ items: some Sequence<(name: String, value: String)>) {
        self.items = Array(items)
    }

    package static func == (left: QueryItems, right: QueryItems) -> Bool {
        left.items.elementsEqual(right.items) { $0 == $1 }
    }

    package func hash(into hasher: inout Hasher) {
        for (name, value) in items {
            hasher.combine(name)
            hasher.combine(value)
        }
    }

    /// `?a=b&c=d`, or nothing.
    package var text: String {
        guard !items.isEmpty else { return "" }
        return "?"
            + items.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }
            .joined(separator: "&")
    }

    package mutating func add(_ name: String, _ value: String?) {
        if let value { items.append((name, value)) }
    }

    package mutating func add(_ name: String, _ value: Bool) {
        if value { items.append((name, "true")) }
    }

    package func string(_ name: String) -> String? {
        items.last { $0.name == name }?.value
    }

    package func strings(_ name: String) -> [String] {
        items.filter { $0.name == name }.map(\.value)
    }

    package func integer(_ name: String, in range: ClosedRange<Int>) throws(APIError) -> Int? {
        guard let text = string(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw .invalidRequest(
                "`\(name)` must be a whole number from \(range.lowerBound) to \(range.upperBound), not `\(text)`")
        }
        return number
    }

    package func time(_ name: String) throws(APIError) -> APITime? {
        guard let text = string(name) else { return nil }
        guard let time = APITime(rfc3339: text) else {
            throw .invalidRequest("`\(name)` must be an RFC 3339 time, not `\(text)`")
        }
        return time
    }

    package func bool(_ name: String) throws(APIError) -> Bool {
        switch string(name) {
        case nil, "false": false
        case "true", "": true
        case .some(let text): throw .invalidRequest("`\(name)` must be true or false, not `\(text)`")
        }
    }

    package func allow(_ names: String...) throws(APIError) {
        for (name, _) in items where !names.contains(name) {
            throw .invalidRequest("unknown query `\(name)`", hint: "allowed are: \(names.joined(separator: ", "))")
        }
    }
}

extension PageRequest {
    package init(query: QueryItems) throws(APIError) {
        self.init(
            limit: try query.integer("limit", in: 1...PageRequest.maximumLimit) ?? PageRequest.defaultLimit,
            after: query.string("after"))
    }

    package func add(to query: inout QueryItems) {
        query.add("limit", String(limit))
        query.add("after", after)
    }
}

extension EventQuery {
    package init(query: QueryItems) throws(APIError) {
        self.init(
            bus: query.string("bus"), source: query.string("source"), detailType: query.string("detail-type"),
            rule: query.string("rule"), object: query.string("object"), since: try query.time("since"),
            until: try query.time("until"))
    }

    package func add(to query: inout QueryItems) {
        query.add("bus", bus)
        query.add("source", source)
        query.add("detail-type", detailType)
        query.add("rule", rule)
        query.add("object", object)
        query.add("since", since?.description)
        query.add("until", until?.description)
    }
}

extension InvocationQuery {
    package init(query: QueryItems) throws(APIError) {
        let outcome = query.string("outcome")
        guard outcome.map(InvocationSummary.outcomes.contains) ?? true else {
            throw .invalidRequest(
                "there is no outcome `\(outcome ?? "")`", hint: InvocationSummary.outcomes.joined(separator: ", "))
        }
        self.init(
            function: query.string("function"), eventID: query.string("event"), outcome: outcome,
            since: try query.time("since"), until: try query.time("until"))
    }

    package func add(to query: inout QueryItems) {
        query.add("function", function)
        query.add("event", eventID)
        query.add("outcome", outcome)
        query.add("since", since?.description)
        query.add("until", until?.description)
    }
}

extension LogQuery {
    package init(query: QueryItems) throws(APIError) {
        self.init(
            function: query.string("function"), requestID: query.string("request"),
            tail: try query.integer("tail", in: 0...100_000) ?? 100, follow: try query.bool("follow"),
            since: try query.time("since"), until: try query.time("until"))
    }

    package func add(to query: inout QueryItems) {
        query.add("function", function)
        query.add("request", requestID)
        query.add("tail", String(tail))
        query.add("follow", follow)
        query.add("since", since?.description)
        query.add("until", until?.description)
    }
}

extension DeadLetterSelection {
    package init(query: QueryItems) throws(APIError) {
        var ids: [Int64] = []
        for text in query.strings("id") {
            guard let id = Int64(text) else { throw .invalidRequest("`id` must be a number, not `\(text)`") }
            ids.append(id)
        }
        self.init(
            ids: ids.isEmpty ? nil : ids, function: query.string("function"), code: query.string("code"),
            fingerprint: query.string("fingerprint"), since: try query.time("since"), until: try query.time("until"),
            eventPattern: query.string("event-pattern"))
    }

    package func add(to query: inout QueryItems) {
        for id in ids ?? [] { query.add("id", String(id)) }
        query.add("function", function)
        query.add("code", code)
        query.add("fingerprint", fingerprint)
        query.add("since", since?.description)
        query.add("until", until?.description)
        query.add("event-pattern", eventPattern)
    }
}

/// Seeded rules of every kind, as pattern texts that fit `BenchEvents`.
package enum BenchKind: String, CaseIterable, Sendable {
    case exact, prefix, suffix
    case ignoreCase = "ignore-case"
    case wildcard
    /// Wildcards that begin with a star.
    case wildcardLeading = "wildcard-leading"
    /// `anything-but` beside an exact field, as rules have it.
    case anythingBut = "anything-but"
    /// `anything-but` alone: nearly every rule matches every event.
    case anythingButAlone = "anything-but-alone"
    case numeric, arrays
    case s3Mix = "s3-mix"

    /// Whether the kind is measured on `Object Created` events; the others on city lots.
    package var usesObjectEvents: Bool { self == .s3Mix || self == .numeric }

    /// The distinct buckets of `Object Created` events for so many rules: about ten rules a bucket.
    package static func buckets(rules: Int) -> Int { max(5, rules / 10) }

    package func rules(count: Int, seed: UInt64) -> [String] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { rule($0, of: count, &random) }
    }

    private func rule(_ index: Int, of count: Int, _ random: inout SeededGenerator) -> String {
        let lot = "\(random.digits(4, below: 8000))\(random.digits(3, below: 120))"
        func property(_ name: String, _ tests: String) -> String { "{\"properties\":{\"\(name)\":[\(tests)]}}" }
        switch self {
        case .exact: return property("MAPBLKLOT", "\"\(lot)\"")
        case .prefix: return property("MAPBLKLOT", "{\"prefix\":\"\(lot.prefix(count > 1000 ? 6 : 5))\"}")
        case .suffix: return property("MAPBLKLOT", "{\"suffix\":\"\(lot.suffix(count > 1000 ? 6 : 5))\"}")
        case .ignoreCase:
            return property("STREET", "{\"equals-ignore-case\":\"\(BenchEvents.street(&random).lowercased())\"}")
        case .wildcard: return property("MAPBLKLOT", "{\"wildcard\":\"\(lot.prefix(4))*\(lot.suffix(1))\"}")
        case .wildcardLeading: return property("MAPBLKLOT", "{\"wildcard\":\"*\(lot.suffix(5))\"}")
        case .anythingBut:
            return
                "{\"properties\":{\"MAPBLKLOT\":[\"\(lot)\"],\"ODD_EVEN\":[{\"anything-but\":\"\(random.below(2) == 0 ? "E" : "O")\"}]}}"
        case .anythingButAlone: return property("MAPBLKLOT", "{\"anything-but\":\"\(lot)\"}")
        case .numeric:
            let low = random.below(9_999_000)
            let width = max(1, 10_000_000 / max(1, count))
            return "{\"detail\":{\"object\":{\"size\":[{\"numeric\":[\">=\",\(low),\"<\",\(low + width)]}]}}}"
        case .arrays: return arrays(count, &random)
        case .s3Mix: return s3(index, count, &random)
        }
    }

    /// Two narrow ranges that one point must fulfil.
    private func arrays(_ count: Int, _ random: inout SeededGenerator) -> String {
        let x = random.below(199)
        let y = random.below(149)
        func three(_ value: Int) -> String { String(repeating: "0", count: 3 - String(value).count) + String(value) }
        return """
            {"geometry":{"type":["Polygon"],"coordinates":{"x":[{"numeric":[">=",-122.\(three(x + 1)),"<",\
            -122.\(three(x))]}],"y":[{"numeric":[">",37.\(three(y)),"<=",37.\(three(y))5]}]}}}
            """
    }

    /// Rules as a pipeline has them: source, type and bucket, and for the key or the size one more condition.
    private func s3(_ index: Int, _ count: Int, _ random: inout SeededGenerator) -> String {
        let bucket = "orders-\(random.digits(6, below: BenchKind.buckets(rules: count)))"
        let folder = BenchEvents.folders[random.below(BenchEvents.folders.count)]
        let ending = BenchEvents.extensions[random.below(BenchEvents.extensions.count)]
        let object: String
        switch index % 5 {
        case 0: object = "\"key\":[{\"prefix\":\"\(folder)/\"}]"
        case 1: object = "\"key\":[{\"suffix\":\".\(ending)\"}]"
        case 2: object = "\"key\":[{\"wildcard\":\"\(folder)/*.\(ending)\"}]"
        case 3: object = "\"key\":[{\"exists\":true}],\"version-id\":[{\"exists\":false}]"
        default:
            object =
                "\"key\":[{\"prefix\":\"\(folder)/\"}],\"size\":[{\"numeric\":[\">\",0,\"<=\",\(1 + random.below(10_000_000))]}]"
        }
        return """
            {"source":["aws.s3"],"detail-type":["Object Created"],"detail":{"bucket":{"name":["\(bucket)"]},\
            "object":{\(object)}}}
            """
    }
}

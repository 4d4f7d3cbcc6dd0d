/// Hostile rules that spread what they cost over many fields, or over branches of `$or`: as many of each as the budget
/// accepts. The literals are in nearly all values, and what fails comes last.
enum SeveralFields {
    static func all(for kind: BenchKind) -> [HostileRule] {
        let fields = kind.usesObjectEvents ? objectFields : lotFields
        func rule(_ name: String, _ tests: [(path: String, test: String)]) -> HostileRule {
            HostileRule(name: name, pattern: pattern(tests), ordinary: ordinary(tests.map(\.path)))
        }
        let wildcards = fields.map { ($0.path, "{\"wildcard\":\"*\($0.byte)*\"}") }
        let missing = kind.usesObjectEvents ? "detail.unknown" : "properties.unknown"
        return [
            // About a third of the events pass all of them.
            rule("several hostile fields", Array(wildcards.prefix(mostWildcards))),
            rule(
                "several hostile fields of which the last fails",
                wildcards.prefix(mostWildcards - 1) + [(fields[fields.count - 1].path, "{\"wildcard\":\"*!*\"}")]),
            // As many with other fields besides, which cost no more than that they are there.
            rule(
                "several hostile fields and further ones",
                fields.dropFirst().prefix(mostWildcards - 1).map { ($0.path, "{\"wildcard\":\"*\($0.byte)*\"}") }
                    + fields.dropFirst(mostWildcards).filter { $0.path != "detail.object.size" }.prefix(mostFurther).map
                {
                    ($0.path, "{\"exists\":true}")
                }),
            rule("a hostile mix of fields", kind.usesObjectEvents ? objectMix : lotMix),
            rule(
                "a rule that asks every field to be there",
                fields.map { ($0.path, "{\"exists\":true}") } + [(missing, "{\"exists\":true}")]),
            HostileRule(
                name: "hostile branches",
                pattern: "{\"$or\":[\(kind.usesObjectEvents ? objectBranches : lotBranches)]}",
                ordinary: ordinary(kind.usesObjectEvents ? objectBranchFields : lotBranchFields)),
        ]
    }

    /// The most fields with the shortest wildcard that a rule may have.
    private static let mostWildcards = 4
    /// The fields that are put beside one wildcard less.
    private static let mostFurther = 5
    /// The most branches that an event may be led to by a number, with a test of another field and one that is shared.
    private static let mostBranches = 5

    private static let objectFields: [(path: String, byte: String)] = [
        ("detail.object.key", "2"), ("detail.object.etag", "a"), ("detail.object.version-id", "b"),
        ("detail.object.sequencer", "1"), ("detail.requester", "3"), ("detail.source-ip-address", "1"),
        ("detail.bucket.name", "r"), ("detail.request-id", "A"), ("detail.version", "0"), ("detail.object.size", "1"),
        ("detail.reason", "u"),
    ]

    private static let lotFields: [(path: String, byte: String)] = [
        ("properties.MAPBLKLOT", "0"), ("properties.BLKLOT", "0"), ("properties.BLOCK_NUM", "1"),
        ("properties.LOT_NUM", "0"), ("properties.FROM_ST", "1"), ("properties.TO_ST", "2"),
        ("properties.STREET", "E"), ("properties.ST_TYPE", "T"), ("type", "e"), ("properties.ODD_EVEN", "E"),
    ]

    private static let objectMix = [
        ("detail.object.size", "{\"numeric\":[\">\",0]}"),
        ("detail.object.etag", "{\"wildcard\":{\"equals-ignore-case\":\"*A*\"}}"),
        ("detail.object.key", "{\"anything-but\":{\"wildcard\":\"*!*\"}}"),
        ("detail.source-ip-address", "{\"cidr\":\"0.0.0.0/1\"},{\"cidr\":\"128.0.0.0/2\"}"),
        ("detail.requester", "{\"prefix\":\"1\"}"), ("detail.unknown", "{\"exists\":false}"),
        ("detail.reason", "{\"anything-but\":\"PutObject\"}"),
    ]

    private static let lotMix = [
        ("properties.MAPBLKLOT", "{\"wildcard\":{\"equals-ignore-case\":\"*1*\"}}"),
        ("properties.BLKLOT", "{\"regex\":\".*[0-9].*\"}"),
        ("properties.STREET", "{\"anything-but\":{\"wildcard\":\"*!*\"}}"),
        ("properties.LOT_NUM", "{\"prefix\":\"0\"},{\"prefix\":\"1\"}"), ("properties.unknown", "{\"exists\":false}"),
        ("geometry.type", "{\"suffix\":\"n\"}"), ("type", "{\"anything-but\":\"Feature\"}"),
    ]

    private static let objectBranchFields = ["detail.object.key", "detail.object.size", "detail.reason"]
    private static let lotBranchFields = ["properties.BLOCK_NUM", "properties.STREET", "type"]

    private static var objectBranches: String {
        (0..<mostBranches).map {
            pattern([
                ("detail.object.key", "{\"anything-but\":\"a\($0)\"}"),
                ("detail.object.size", "{\"numeric\":[\">\",\($0)]}"),
                ("detail.reason", "{\"anything-but\":\"PutObject\"}"),
            ])
        }.joined(separator: ",")
    }

    private static var lotBranches: String {
        (0..<mostBranches).map {
            pattern([
                ("properties.BLOCK_NUM", "{\"anything-but\":\"a\($0)\"}"),
                ("properties.STREET", "{\"anything-but\":\"b\($0)\"}"), ("type", "{\"anything-but\":\"Feature\"}"),
            ])
        }.joined(separator: ",")
    }

    private static func pattern(_ tests: [(path: String, test: String)]) -> String {
        "{\(tests.map { "\"\($0.path)\":[\($0.test)]" }.joined(separator: ","))}"
    }

    /// Every field must be there, and the last be a text that no event has.
    private static func ordinary(_ paths: [String]) -> String {
        pattern(
            paths.enumerated().map { ($1, $0 + 1 < paths.count ? "{\"exists\":true}" : "\"no such value\"") })
    }
}

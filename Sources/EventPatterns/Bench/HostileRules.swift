/// A rule of which it is measured what it leaves of the others' speed.
package struct HostileRule: Sendable {
    package var name: String
    package var pattern: String
    /// A rule that asks the same fields for a value that no event has, as rules do: what that costs is not the hostile
    /// rule's own.
    package var ordinary: String

    /// A rule of one's own, named by its text.
    package init(pattern: String) throws(PatternError) {
        let paths = try EventPattern(parsing: pattern, dialect: .extended, limits: .stored).paths
        let fields = paths.enumerated().map { index, path in
            "\"\(path)\":[\(index + 1 < paths.count ? "{\"exists\":true}" : "\"no such value\"")]"
        }
        self.init(name: pattern, pattern: pattern, ordinary: "{\(fields.joined(separator: ","))}")
    }

    init(name: String, pattern: String, ordinary: String) {
        self.name = name
        self.pattern = pattern
        self.ordinary = ordinary
    }
}

/// Rules that are made to cost the others as much as the complexity budget allows: those that cost most of hundreds
/// tried, each of another kind. Their literals occur in the field all along, so that nothing shows early that they
/// fail, and those that match do so for about half of the events, which cannot be foretold.
package enum HostileRules {
    /// Those for the events of a kind.
    package static func all(for kind: BenchKind) -> [HostileRule] {
        let ofOneField =
            kind.usesObjectEvents
            ? rules(
                wildcard: "*/2026/0*-0*1*2*.*", wildcards: ["*1*3*", "*2*5*", "*x*9*", "*y*8*"],
                list: #""source":["aws.s3"],"#, prefix: "incoming/2026/0", regex: ".*[0-4].{6}",
                costly: ".*([0-4][a-z]|[5-9].)?.*([a-c].|[d-z][0-9])?.*[0-9].*",
                beside: (["*1*", "*3*"], ".*0[0-2].*[0-4].{4}"),
                other: { #""detail":{"bucket":{"name":[\#($0)]}}"# },
                address: { #""detail":{"source-ip-address":[\#($0)]}"# }
            ) { #""detail":{"object":{"key":[\#($0)]}}"# }
            : rules(
                wildcard: "*E*N*T* *A*B*C*D*", wildcards: ["*E*A*", "*N*B*", "*R*C*", "*T*D*"],
                list: #""type":["Feature"],"#, prefix: "FREM", regex: ".*[A-M].{6}",
                costly: ".*([A-E][F-Z]|[K-Z].)?.*([A-C].|[D-Z][A-J])?.*[A-Z].*",
                beside: (["*E*"], ".*E[A-M].*[N-Z].{2}"),
                other: { #""properties":{"ODD_EVEN":[\#($0)]}"# },
                address: { #""properties":{"BLKLOT":[\#($0)]}"# }
            ) { #""properties":{"STREET":[\#($0)]}"# }
        return ofOneField + SeveralFields.all(for: kind)
    }

    private static func rules(
        wildcard: String, wildcards: [String], list: String, prefix: String, regex: String, costly: String,
        beside: (wildcards: [String], regex: String), other: (String) -> String, address: (String) -> String,
        field: (String) -> String
    ) -> [HostileRule] {
        let quoted = wildcards.map { "\"\($0)\"" }
        let plain = "{\(field("\"no such value\""))}"
        let rules = [
            ("a hostile wildcard", "{\(field("{\"wildcard\":\"\(wildcard)\"}"))}", plain),
            ("hostile wildcards", "{\(field(quoted.map { "{\"wildcard\":\($0)}" }.joined(separator: ",")))}", plain),
            (
                "hostile exclusions",
                "{\(field("{\"anything-but\":{\"wildcard\":[\(quoted.joined(separator: ","))]}}"))}", plain
            ),
            // Three hundred alternatives that begin alike.
            (
                "a hostile list",
                "{\(list)\(field((0..<300).map { "{\"prefix\":\"\(prefix)\($0)!\"}" }.joined(separator: ",")))}",
                "{\(list)\(field("\"no such value\""))}"
            ),
            (
                "a hostile list of exclusions",
                "{\(field("{\"anything-but\":{\"prefix\":[\((0..<300).map { "\"\(prefix)\($0)!\"" }.joined(separator: ","))]}}"))}",
                plain
            ),
            (
                "hostile lists of exclusions",
                "{\(field((0..<300).map { "{\"anything-but\":[\"\(prefix)\",\"\(prefix)\($0)!\"]}" }.joined(separator: ",")))}",
                plain
            ),
            // Of all lengths, in which half of the addresses lie.
            (
                "a hostile list of addresses",
                "{\(address((0..<300).map { "{\"cidr\":\"\(($0 * 37) % 256).\($0 % 7).\($0 % 16).0/\(8 + $0 % 20)\"}" }.joined(separator: ",")))}",
                "{\(address("\"10.1.2.3\""))}"
            ),
            // As much as two fields may cost together.
            (
                "a hostile $or over two fields",
                "{\"$or\":[{\(other(beside.wildcards.map { "{\"wildcard\":\"\($0)\"}" }.joined(separator: ",")))},{\(field("{\"regex\":\"\(beside.regex)\"}"))}]}",
                "{\"$or\":[{\(other("\"no such value\""))},{\(field("\"no such value\""))}]}"
            ),
            // A thousand branches, of which each asks for fields that are all absent but one.
            (
                "hostile absences", absences(10, field("{\"exists\":false}")),
                "{\"$or\":[{\(field("\"no such value\""))},{\"unknown\":[1]}]}"
            ),
            ("a hostile regex", "{\(field("{\"regex\":\"\(regex)\"}"))}", plain),
            // As much as a regular expression may cost.
            ("the costliest regex", "{\(field("{\"regex\":\"\(costly)\"}"))}", plain),
            (
                "a hostile wildcard that ignores case",
                "{\(field("{\"wildcard\":{\"equals-ignore-case\":\"\(wildcard)\"}}"))}", plain
            ),
        ]
        return rules.map { HostileRule(name: $0, pattern: $1, ordinary: $2) }
    }

    /// Of each of three groups of fields that no event has one must be absent, and one besides that every event has.
    private static func absences(_ count: Int, _ present: String) -> String {
        let groups = ["unknown", "unheard", "unseen"].map { group in
            let names = (0..<count).map { "{\"f\($0)\":[{\"exists\":false}]}" }
            return "\"\(group)\":{\"$or\":[\(names.joined(separator: ","))]}"
        }
        return "{\(groups.joined(separator: ",")),\(present)}"
    }
}

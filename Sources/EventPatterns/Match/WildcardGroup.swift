/// Wildcards of one list that begin and end alike, and so are looked for together: one by one, each would cost as much
/// as all of them, and which of them a text matches could not be foretold.
struct WildcardGroup {
    private struct Key: Hashable {
        var first: [UInt8]
        var last: [UInt8]
        var ignoringCase: Bool
    }

    let first: [UInt8]
    let last: [UInt8]
    /// Of each wildcard, what is between its stars.
    let literals: [[LiteralSearch.Literal]]
    private let ignoringCase: Bool

    /// The most wildcards of one group.
    private static let most = 4096

    /// Takes the wildcards out of a list that have others like them.
    static func group(_ tests: [ValueTest]) -> (others: [ValueTest], groups: [WildcardGroup]) {
        guard tests.count > 1 else { return (tests, []) }
        let keyed = tests.map { part($0) }
        var counts: [Key: Int] = [:]
        for (key, _) in keyed.compactMap(\.self) { counts[key, default: 0] += 1 }
        guard counts.values.contains(where: { $0 > 1 }) else { return (tests, []) }
        var others: [ValueTest] = []
        var order: [Key] = []
        var members: [Key: [[LiteralSearch.Literal]]] = [:]
        for (test, part) in zip(tests, keyed) {
            guard let (key, literals) = part, let count = counts[key], count > 1, count <= most else {
                others.append(test)
                continue
            }
            if members[key] == nil { order.append(key) }
            members[key, default: []].append(literals)
        }
        let groups = order.map {
            WildcardGroup(first: $0.first, last: $0.last, literals: members[$0] ?? [], ignoringCase: $0.ignoringCase)
        }
        return (others, groups)
    }

    /// The ends of a wildcard and what is between its stars; nil for other tests.
    private static func part(_ test: ValueTest) -> (Key, [LiteralSearch.Literal])? {
        switch test {
        case .wildcard(let wildcard):
            guard wildcard.segments.count > 2, let first = wildcard.segments.first, let last = wildcard.segments.last
            else { return nil }
            return (
                Key(first: first, last: last, ignoringCase: false),
                wildcard.segments.dropFirst().dropLast().map { LiteralSearch.Literal(bytes: $0, others: $0) }
            )
        case .wildcardIgnoringCase(let wildcard):
            let literals = wildcard.segments.compactMap(CaseText.byteForms)
            guard literals.count == wildcard.segments.count, literals.count > 2, literals[0].bytes.isEmpty,
                literals[literals.count - 1].bytes.isEmpty
            else { return nil }
            return (Key(first: [], last: [], ignoringCase: true), Array(literals.dropFirst().dropLast()))
        default: return nil
        }
    }

    /// The bytes that are gone through to look for the literals; nil for an automaton, of which all may be.
    var laneBytes: Int? {
        let (_, form) = program()
        guard form != .automaton else { return nil }
        let forms: LiteralSearch.Forms = form == .sequences ? .exact : form == .foldedSequences ? .folded : .either
        return literals.reduce(0) { $0 + LiteralSearch.laneBytes($1, forms) }
    }

    /// What finds any of the wildcards between the ends.
    func program() -> (bytes: [UInt8], form: ContainsAnyForm) {
        if ignoringCase {
            let forms = LiteralSearch.Forms.ignoringCase(literals.joined())
            return (LiteralSearch.encode(literals, forms), forms == .folded ? .foldedSequences : .casedSequences)
        }
        // Many literals that begin alike are found sooner by one automaton, if it need not have too many states.
        let single = literals.compactMap { $0.count == 1 ? $0[0].bytes : nil }
        if single.count == literals.count, single.count > 2, single.reduce(0, { $0 + $1.count }) > 24,
            ShiftAutomaton.canFind(single)
        {
            return (ShiftAutomaton.finding(single), .automaton)
        }
        return (LiteralSearch.encode(literals, .exact), .sequences)
    }
}

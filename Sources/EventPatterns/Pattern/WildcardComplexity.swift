/// EventBridge's measure of what a field's wildcards cost: how many of their prefixes a text can be in the middle of at
/// once.
///
/// event-ruler's `MachineComplexityEvaluator` counts the states that its automaton can be in at the same time. A star,
/// once reached, stays reached, so all stars of wildcards whose starts agree count, and besides them the prefixes that
/// end in the same letters: `*ab*cd*ef*` has 4 stars and is in one literal at a time, 5; `*a*a*a*a*` has 5 stars and
/// four literals that end in the same letter, 9; one star before `/dir/dir/dir/dir/dir/doc.txt` has six prefixes that
/// end in `/`, 7. Prefixes that several wildcards share count once.
enum WildcardComplexity {
    /// More bytes than this in the wildcards that one text can be in together are not counted out: EventBridge takes no
    /// pattern as long.
    static let mostBytes = 4096
    /// Nor are more than this in all the groups of such wildcards of a field: a quarter of a second would be too long.
    static let mostCounted = 262_144

    /// The score of the wildcards of one field, or something above `limit` as soon as it is known to be.
    static func score(_ wildcards: [Wildcard], limit: Int) -> Int {
        let starred = wildcards.filter { $0.stars > 0 }
        guard !starred.isEmpty else { return 0 }
        let sorted = starred.sorted { $0.segments[0].lexicographicallyPrecedes($1.segments[0]) }
        var highest = 0
        var counted = 0
        // Those whose first segment starts the current one's: the wildcards that one text can be in together.
        var together: [Wildcard] = []
        for (index, wildcard) in sorted.enumerated() {
            let first = wildcard.segments[0]
            while let last = together.last, !first.starts(with: last.segments[0]) { together.removeLast() }
            together.append(wildcard)
            // A group is complete when the next one does not go on from it.
            if index + 1 < sorted.count, sorted[index + 1].segments[0].starts(with: first) { continue }
            let bytes = together.reduce(0) { $0 + $1.text.count }
            counted += bytes
            if bytes > mostBytes || counted > mostCounted { return .max }
            highest = max(highest, score(ofGroup: together, limit: limit))
            if highest > limit { return highest }
        }
        return highest
    }

    private static func score(ofGroup wildcards: [Wildcard], limit: Int) -> Int {
        // The distinct prefixes, as a tree; a star is the token 256.
        var prefixes: [[Int: Int]] = [[:]]
        // The literals after stars, as a tree of their own with the number of prefixes that end at each node.
        var literals: [[Int: Int]] = [[:]]
        var counts = [0]
        var stars = 0
        for wildcard in wildcards {
            var prefix = 0
            for (number, segment) in wildcard.segments.enumerated() {
                var literal = 0
                if number > 0, step(256, &prefix, &prefixes) {
                    stars += 1
                    if stars > limit { return stars }
                }
                for byte in segment {
                    let isNew = step(Int(byte), &prefix, &prefixes)
                    guard number > 0 else { continue }
                    if step(Int(byte), &literal, &literals) { counts.append(0) }
                    if isNew { counts[literal] += 1 }
                }
            }
        }
        return stars + mostAtOnce(literals, counts)
    }

    /// Goes to a child, which is made if it is not there; true if it was made.
    private static func step(_ token: Int, _ node: inout Int, _ tree: inout [[Int: Int]]) -> Bool {
        if let next = tree[node][token] {
            node = next
            return false
        }
        tree.append([:])
        tree[node][token] = tree.count - 1
        node = tree.count - 1
        return true
    }

    /// The most prefixes that end in the same letters: along the failure links of Aho and Corasick (1975).
    private static func mostAtOnce(_ tree: [[Int: Int]], _ counts: [Int]) -> Int {
        var failure = [Int](repeating: 0, count: tree.count)
        var totals = counts
        var queue = Array(tree[0].values)
        var most = 0
        var index = 0
        while index < queue.count {
            let node = queue[index]
            index += 1
            totals[node] += totals[failure[node]]
            most = max(most, totals[node])
            for (token, child) in tree[node] {
                var at = failure[node]
                while at > 0, tree[at][token] == nil { at = failure[at] }
                failure[child] = tree[at][token] ?? 0
                queue.append(child)
            }
        }
        return most
    }
}

/// The suggestion "did you mean …".
package enum NearestName {
    /// The candidate with the fewest edits (insert, delete, replace, swap neighbours; letters of either case are
    /// equal), if those are at most a third of the name.
    package static func of(_ name: String, among candidates: some Sequence<String>) -> String? {
        let wanted = Array(name.lowercased().unicodeScalars)
        // A name of this length is no slip of a finger, and the table below is quadratic.
        guard wanted.count <= 200 else { return nil }
        var best: (name: String, distance: Int)?
        for candidate in candidates.sorted() {
            let distance = edits(wanted, Array(candidate.lowercased().unicodeScalars))
            if distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        guard let best, best.distance <= max(1, wanted.count / 3) else { return nil }
        return best.name
    }

    /// "did you mean `x`? known are a, b, c", with at most twelve names.
    package static func hint(
        for name: String, among candidates: some Collection<String>, known: String
    ) -> String {
        let list = candidates.sorted()
        let names = list.isEmpty ? "none" : list.prefix(12).joined(separator: ", ") + (list.count > 12 ? ", …" : "")
        let nearest = of(name, among: candidates).map { "did you mean `\($0)`? " } ?? ""
        return "\(nearest)\(known): \(names)"
    }

    /// Damerau and Levenshtein's distance, in its restricted form.
    private static func edits(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
        var previous: [Int] = []
        var row = Array(0...b.count)
        for i in 0..<a.count {
            var next = [i + 1]
            for j in 0..<b.count {
                var cost = min(row[j + 1] + 1, next[j] + 1, row[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, previous[j - 1] + 1) }
                next.append(cost)
            }
            previous = row
            row = next
        }
        return row[b.count]
    }
}

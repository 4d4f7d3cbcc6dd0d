/// The names that begin with a prefix and follow one of them, by bytes: SQLite compares text that way, and so do object
/// stores.
package struct KeyRange: Sendable, Hashable {
    /// Where it begins. One bound, never two: of two lower bounds SQLite seeks to the one it likes and steps over all
    /// that the other leaves out, which makes reading a large index page after page quadratic.
    package let lower: String
    package let includesLower: Bool
    /// What no name of the range reaches; nil: there is no end.
    package let upper: String?

    package init(prefix: String, after: String?) {
        if let after, !after.utf8.lexicographicallyPrecedes(prefix.utf8) {
            (lower, includesLower) = (after, false)
        } else {
            (lower, includesLower) = (prefix, true)
        }
        upper = Self.end(of: prefix)
    }

    /// The condition on a column, with one argument for each bound.
    package func condition(_ column: String) -> String {
        "\(column) \(includesLower ? ">=" : ">") ?" + (upper == nil ? "" : " AND \(column) < ?")
    }

    package var arguments: [String] { upper.map { [lower, $0] } ?? [lower] }

    /// The least text above all that begin with `prefix`, nil if there is none: UTF-8 sorts as its scalars do.
    private static func end(of prefix: String) -> String? {
        var scalars = Array(prefix.unicodeScalars)
        while let last = scalars.popLast() {
            // After U+D7FF come the surrogates, which no text holds.
            guard let next = Unicode.Scalar(last.value == 0xD7FF ? 0xE000 : last.value + 1) else { continue }
            var upper = String.UnicodeScalarView(scalars)
            upper.append(next)
            return String(upper)
        }
        return nil
    }
}

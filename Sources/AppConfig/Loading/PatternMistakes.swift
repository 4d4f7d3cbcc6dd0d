import EventPatterns

/// What is said of a pattern that is not valid: EventBridge's words for it, the field, the place in the file, and what
/// to write instead.
enum PatternMistakes {
    /// - Parameters:
    ///   - tree: the pattern with the places of the file.
    ///   - place: of the whole pattern.
    static func report(_ error: PatternError, tree: YAMLNode, at place: Place, file: ConfigFile) {
        let field = error.field.isEmpty ? "" : " at `\(error.field)`"
        file.report(
            .invalidPattern, "the pattern is not valid\(field): \(error.message)",
            at: self.place(along: error.path[...], in: tree) ?? place, hint: hint(for: error.message))
    }

    /// The place of the last name on the way that is there.
    private static func place(along path: ArraySlice<PatternError.Step>, in node: YAMLNode) -> Place? {
        switch (path.first, node.value) {
        case (.member(let name)?, .mapping(let entries)):
            guard let entry = entries.last(where: { $0.key == name }) else { return nil }
            return place(along: path.dropFirst(), in: entry.value) ?? entry.keyPlace
        case (.element(let index)?, .sequence(let items)) where items.indices.contains(index):
            return place(along: path.dropFirst(), in: items[index]) ?? items[index].place
        default: return nil
        }
    }

    private static let operators = [
        "all-of", "anything-but", "cidr", "date", "equals-ignore-case", "exactly", "exists", "numeric", "prefix",
        "regex", "suffix", "time-of-day", "wildcard",
    ]

    private static func hint(for message: String) -> String? {
        let unknown = "Unrecognized match type "
        if message.hasPrefix(unknown) {
            return NearestName.hint(
                for: String(message.dropFirst(unknown.count)), among: operators, known: "operators are")
        }
        return hints.first { message.contains($0.words) }?.hint
    }

    /// By what EventBridge's words contain.
    private static let hints: [(words: String, hint: String)] = [
        (
            "must be an object or an array",
            "values and operators stand in a list: [Object Created], [{suffix: .csv}]"
        ),
        ("must be numeric", "numbers stand without quotes: [{numeric: [\">\", 100]}]"),
        ("Array followed with $or", "$or is a list of patterns: [{a: [1]}, {b: [2]}]"),
        ("array of $or relationship", "$or is a list of patterns: [{a: [1]}, {b: [2]}]"),
        ("at least 2 Objects in $or", "$or is a list of two patterns or more: [{a: [1]}, {b: [2]}]"),
        (
            "Inside anything but list",
            "a list in anything-but holds texts alone or numbers alone; an operator stands by itself: "
                + "{anything-but: {prefix: x}}"
        ),
        ("Empty arrays are not allowed", "list the values that pass; [{exists: true}] takes any"),
        ("Empty objects are not allowed", "name a field of it: {key: [{exists: true}]}"),
        ("Match value must be String", "a list of values holds texts, numbers, true, false, null and operators"),
        ("Rule is too complex", "docs/writing-rules.md has the limits, under \"Patterns\""),
    ]
}

import EventPatterns

/// What is said of a pattern that is not valid: EventBridge's words for it, the field, the place in the file, and what
/// to write instead.
enum PatternMistakes {
    /// - Parameters:
    ///   - tree: the pattern with the places of the file.
    ///   - place: of the whole pattern.
    static func report(_ error: PatternError, tree: YAMLNode, at place: Place, file: ConfigFile) {
        let field = error.field.isEmpty ? "" : " at `\(shortened(error.field))`"
        file.report(
            .invalidPattern, "the pattern is not valid\(field): \(error.message)",
            at: self.place(along: error.path[...], in: tree) ?? place, hint: hint(for: error.message))
    }

    /// Of a path of a thousand names its beginning and what it leads to.
    private static func shortened(_ field: String) -> String {
        field.count <= 200 ? field : field.prefix(100) + "…" + field.suffix(60)
    }

    /// Reports a mistake, and those behind it: each is looked for with what was wrong before it taken out. What is only
    /// found in a pattern as a whole (limits) is told last, or with the next deployment.
    static func reportAll(_ first: PatternError, tree: YAMLNode, at place: Place, file: ConfigFile) {
        var (error, rest) = (first, tree)
        for _ in 0..<most {
            report(error, tree: tree, at: place, file: file)
            guard let corrected = rest.replaced(at: error.path[...]) else { return }
            rest = corrected
            do throws(PatternError) {
                _ = try EventPattern(parsing: rest.json, dialect: .extended)
                return
            } catch let next {
                // The same place again: it is not what stands there that is wrong.
                guard next.path != error.path, !next.path.isEmpty else { return }
                error = next
            }
        }
    }

    /// Of the mistakes of one pattern that many are told.
    private static let most = 20

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
        (
            "exceeds max value of",
            "a pattern, or a branch of its $or, may name 256 fields; leave some to the handler, or divide the branches "
                + "among several rules"
        ),
        ("Rule is too complex", "docs/writing-rules.md has the limits, under \"Patterns\""),
    ]
}

extension YAMLNode {
    /// With a filter that is always right in the place of what the way leads to; nil where it leads nowhere.
    fileprivate func replaced(
        at path: ArraySlice<PatternError.Step>, inOr isOfOr: Bool = false
    ) -> YAMLNode? {
        var node = self
        switch (path.first, value) {
        case (.member(let name)?, .mapping(var entries)):
            guard let index = entries.lastIndex(where: { $0.key == name }) else { return nil }
            if path.count > 1 {
                guard let inner = entries[index].value.replaced(at: path.dropFirst(), inOr: name == "$or")
                else { return nil }
                entries[index].value = inner
            } else {
                // `$or` itself: a field of that name could not be.
                if name == "$or" { entries[index].key = "or" }
                entries[index].value = anything
            }
            node.value = .mapping(entries)
        case (.element(let index)?, .sequence(var items)):
            guard items.indices.contains(index) else { return nil }
            if path.count > 1 {
                guard let inner = items[index].replaced(at: path.dropFirst()) else { return nil }
                items[index] = inner
            } else {
                items[index].value =
                    isOfOr
                    ? .mapping([YAMLEntry(key: "any", keyPlace: place, value: anything)]) : isThere.value
            }
            node.value = .sequence(items)
        default: return nil
        }
        return node
    }

    /// `[{exists: true}]`.
    private var anything: YAMLNode {
        YAMLNode(value: .sequence([isThere]), text: "", place: place)
    }

    /// `{exists: true}`.
    private var isThere: YAMLNode {
        let yes = YAMLNode(value: .bool(true), text: "true", place: place)
        return YAMLNode(
            value: .mapping([YAMLEntry(key: "exists", keyPlace: place, value: yes)]), text: "", place: place)
    }
}

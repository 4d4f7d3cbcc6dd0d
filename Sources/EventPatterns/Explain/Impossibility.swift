extension EventPattern {
    /// Why no event can ever match the pattern; nil if some event may.
    ///
    /// - Parameter envelope: whether events are known to have EventBridge's envelope: `version`, `id`, `detail-type`,
    ///   `source`, `account`, `time` and `region` are strings, `resources` is an array of strings, `detail` an object,
    ///   and there is nothing else.
    /// - Parameter known: sources whose events are known further.
    /// - Parameter constants: texts of the envelope that are the same in all events, by the names of their fields.
    public func impossibility(
        envelope: Bool = true, known: [KnownEvents] = [], constants: [String: String] = [:]
    ) -> String? {
        var reasons: [String] = []
        var told: Set<String> = []
        let own = conditions.map { Impossibility.reason($0, envelope, constants) }
        for branch in numbers {
            guard
                let reason = branch.lazy.compactMap({ own[Int($0)] }).first
                    ?? known.lazy.compactMap({ $0.reason(branch.map { conditions[Int($0)] }) }).first
            else { return nil }
            if told.insert(reason).inserted { reasons.append(reason) }
        }
        return reasons.isEmpty ? nil : reasons.joined(separator: "; ")
    }
}

/// Reasons why a field can pass with no value.
enum Impossibility {
    private static let strings: Set<String> = [
        "version", "id", "detail-type", "source", "account", "time", "region", "resources",
    ]

    static func reason(
        _ condition: FieldCondition, _ envelope: Bool, _ constants: [String: String] = [:]
    ) -> String? {
        // A field that may be absent always has that way.
        if condition.allowsAbsence, !envelope { return nil }
        let path = condition.path.description
        if envelope {
            let top = path.split(separator: ".", omittingEmptySubsequences: false).first.map(String.init) ?? ""
            // The array of resources may be empty, and then has no value.
            if path == "resources", condition.allowsAbsence { return nil }
            if strings.contains(path) {
                if condition.tests.allSatisfy({ !canPass($0, onlyStrings: true) }) {
                    return "\"\(path)\" is always a string, which \(accepts(condition.tests))"
                }
                if let constant = constants[path], !condition.tests.contains(where: { mayEqual($0, constant) }) {
                    return "\"\(path)\" is always \"\(constant)\", not \(list(condition.tests))"
                }
                return nil
            }
            if condition.allowsAbsence { return nil }
            if path == "detail" { return "\"detail\" is always an object, which no matcher accepts" }
            if strings.contains(top) {
                return "\"\(top)\" is a string and has no field \"\(path.dropFirst(top.utf8.count + 1))\""
            }
            if top != "detail" { return "events have no field \"\(top)\" beside \"detail\"" }
        }
        if condition.tests.allSatisfy({ !canPass($0, onlyStrings: false) }) {
            return "\"\(path)\": no value passes \(list(condition.tests))"
        }
        return nil
    }

    static func accepts(_ tests: [ValueTest]) -> String {
        tests.count == 1 ? "\(list(tests)) does not accept" : "none of \(list(tests)) accepts"
    }

    static func list(_ tests: [ValueTest]) -> String { tests.map(\.json).joined(separator: ", ") }

    static func canPass(_ test: ValueTest, onlyStrings: Bool) -> Bool {
        switch test {
        case .exact(let text), .prefix(let text), .suffix(let text): return !hasStray(text)
        case .equalsIgnoringCase(let value), .prefixIgnoringCase(let value), .suffixIgnoringCase(let value):
            return !hasStray(value.text)
        case .wildcard(let wildcard): return !hasStray(wildcard.text)
        case .number, .numberText, .literal: return !onlyStrings
        case .range(let range):
            // Ends that leave no double between them.
            let low = range.includesLow ? range.low : range.low.nextUp
            let high = range.includesHigh ? range.high : range.high.nextDown
            return !onlyStrings && low <= high && low < .infinity && high > -.infinity
        case .address, .cidr, .exists, .date, .timeOfDay: return true
        case .regex(let regex): return regex.text.isEmpty || !hasStray(regex.text)
        case .wildcardIgnoringCase(let wildcard): return !hasStray(wildcard.text)
        case .absent: return !onlyStrings
        case .anythingBut(let exclusion):
            guard onlyStrings else { return true }
            switch exclusion {
            case .wildcards(let values): return !values.contains { $0.segments.allSatisfy(\.isEmpty) && $0.stars > 0 }
            default: return true
            }
        }
    }

    /// False for what plainly asks for another text.
    private static func mayEqual(_ test: ValueTest, _ text: String) -> Bool {
        let bytes = Array(text.utf8)
        switch test {
        case .exact(let wanted): return wanted == bytes
        case .prefix(let wanted): return bytes.starts(with: wanted)
        case .suffix(let wanted): return bytes.reversed().starts(with: wanted.reversed())
        case .address, .cidr, .number, .numberText, .literal, .range: return false
        default: return true
        }
    }

    /// Half of a surrogate pair equals nothing.
    private static func hasStray(_ text: [UInt8]) -> Bool { text.contains(JSONText.strayInPattern) }
}

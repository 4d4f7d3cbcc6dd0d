import EventModel
package import EventPatterns

/// What is said of a pattern that is valid, but not what its author may think.
package enum PatternWarnings {
    /// The longest pattern that EventBridge's API takes, in characters of its JSON. Its quota is 2,048 until it is
    /// raised.
    private static let longest = 4096

    /// What buckets tell; nobody else may put events with that source (EventModel: `ObjectCreated`, `ObjectDeleted`).
    private static let objectEvents = KnownEvents(
        source: ObjectCreated.source, detailTypes: [ObjectCreated.detailType, ObjectDeleted.detailType],
        fields: [
            "detail.version": .text, "detail.bucket.name": .text, "detail.object.key": .text,
            "detail.object.size": .number, "detail.object.etag": .text, "detail.object.version-id": .text,
            "detail.object.sequencer": .text, "detail.request-id": .text, "detail.requester": .text,
            "detail.source-ip-address": .text, "detail.reason": .text, "detail.deletion-type": .text,
        ])

    /// Why no event that a host ever has can match a pattern; nil if some event may.
    ///
    /// - Parameter isOnStream: the rule takes records of a stream.
    package static func impossibility(_ pattern: EventPattern, isOnStream: Bool) -> String? {
        isOnStream
            ? pattern.impossibility(envelope: false)
            : pattern.impossibility(known: [objectEvents], constants: constants)
    }

    /// Why a deployment that adds a pattern refuses it for what it would cost the other rules; nil if it takes it.
    package static func refusalOfCost(_ text: String) -> String? {
        do throws(PatternError) {
            _ = try EventPattern(parsing: text, dialect: .extended)
            return nil
        } catch {
            return error.code == .limitExceeded ? error.message : nil
        }
    }

    /// What every event of a host has, whoever put it: rules that were written for an AWS account name others.
    private static let constants = ["version": "0", "account": "000000000000", "region": "local"]

    /// - Parameters:
    ///   - json: the pattern's text, as it would be given to EventBridge.
    ///   - tree: the pattern with the places of the file.
    ///   - isOnStream: the rule takes records of a stream.
    ///   - place: of the whole pattern.
    static func report(
        _ pattern: EventPattern, json: String, tree: YAMLNode, isOnStream: Bool, at place: Place, file: ConfigFile
    ) {
        if isOnStream { reportFields(of: tree, file: file) }
        for used in PatternExtension.allCases where pattern.extensions.contains(used) {
            file.report(
                .patternExtension, "the pattern uses `\(used.rawValue)`, which EventBridge does not have",
                at: self.place(of: used, in: tree, isMatcher: false) ?? place,
                hint: "nothing to do, unless the rule is meant to run on AWS too", severity: .warning)
        }
        if json.utf8.count > longest, json.unicodeScalars.count > longest {
            file.report(
                .patternExtension,
                "the pattern has \(json.unicodeScalars.count) characters, of which EventBridge takes \(longest)",
                at: place,
                hint: "nothing to do, unless the rule is meant to run on AWS too", severity: .warning)
        }
        // An account that is a number has been told of in better words.
        if let reason = impossibility(pattern, isOnStream: isOnStream),
            !(reason.hasPrefix("\"account\" is always a string") && PatternText.hasNumericAccount(tree))
        {
            file.report(
                .suspicious, "this rule can never match: \(reason)", at: place,
                hint: "`sluice rules why RULE EVENTFILE` compares the pattern with an event", severity: .warning)
        }
    }

    /// Records of streams have few fields at the root.
    private static func reportFields(of tree: YAMLNode, file: ConfigFile) {
        guard case .mapping(let entries) = tree.value else { return }
        for entry in entries where entry.key != "$or" {
            let root = entry.key.split(separator: ".").first.map(String.init) ?? entry.key
            guard !StreamFilter.fields.contains(root) else { continue }
            file.report(
                .suspicious, "records of streams have no field `\(root)`", at: entry.keyPlace,
                hint:
                    "patterns see \(StreamFilter.fields.joined(separator: ", ")): what the producer wrote is in `data`",
                severity: .warning)
        }
    }

    /// Where the operator stands for the first time. A field may bear an operator's name, so only what stands in a list
    /// of alternatives (not in that of `$or`, which holds patterns) is looked at.
    private static func place(of used: PatternExtension, in node: YAMLNode, isMatcher: Bool) -> Place? {
        switch node.value {
        case .mapping(let entries):
            for entry in entries {
                if isMatcher, isUse(entry, of: used) { return entry.keyPlace }
                if entry.key == "$or", case .sequence(let items) = entry.value.value {
                    for item in items {
                        if let place = place(of: used, in: item, isMatcher: false) { return place }
                    }
                } else if let place = place(of: used, in: entry.value, isMatcher: isMatcher) {
                    return place
                }
            }
            return nil
        case .sequence(let items):
            return items.lazy.compactMap { place(of: used, in: $0, isMatcher: true) }.first
        default: return nil
        }
    }

    private static func isUse(_ entry: YAMLEntry, of used: PatternExtension) -> Bool {
        switch used {
        case .regex: return entry.key == "regex"
        case .allOf: return entry.key == "all-of"
        case .date: return entry.key == "date"
        case .timeOfDay: return entry.key == "time-of-day"
        case .wildcardIgnoreCase:
            guard entry.key == "wildcard", case .mapping = entry.value.value else { return false }
            return true
        }
    }
}

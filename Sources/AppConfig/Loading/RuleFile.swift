import EventModel
import EventPatterns

/// The rules of `Events/rules/*.yaml` and `Events/schedules/*.yaml` (or `.yml`, `.json`), with the places that the
/// check of references needs.
struct RuleFile {
    var definition: RuleDefinition
    var file: ConfigFile
    /// Of the rule's name, or of the rule.
    var place: Place
    var busPlace: Place
    /// As a tree, with the places of the file where the pattern is written as YAML.
    var pattern: YAMLNode?
    /// Of the function's name, in the order of the targets.
    var functionPlaces: [Place] = []
    /// Buses of its targets, and of their destinations.
    var destinations: [(text: String, place: Place)] = []
    /// Streams of its targets.
    var streams: [(text: String, place: Place)] = []

    /// A file holds one rule (a mapping with `pattern` or `schedule`), a list of rules, or `rules:` with a list. Both
    /// folders are read alike: two names for what people look for in different places.
    static func loadAll(
        from folder: AppFolder, collector: FindingCollector, deployed: DeployedPatterns
    ) -> [RuleFile] {
        var rules: [RuleFile] = []
        let paths = ["Events/rules", "Events/schedules"].flatMap { folder.yamlFiles(in: $0, collector: collector) }
        for path in paths {
            let file = ConfigFile(name: path, collector: collector)
            guard let text = folder.text(of: file) else { continue }
            let before = collector.findings.count
            guard let root = YAMLReader.read(text, file: file) else {
                if collector.findings.count == before {
                    file.report(.suspicious, "the file holds no rule", at: nil, severity: .warning)
                }
                continue
            }
            rules += load(root, file: file, folder: folder, deployed: deployed)
        }
        refuseDuplicates(rules)
        return rules
    }

    private static func load(
        _ root: YAMLNode, file: ConfigFile, folder: AppFolder, deployed: DeployedPatterns
    ) -> [RuleFile] {
        func rule(_ node: YAMLNode, defaultName: String?) -> RuleFile? {
            RuleFile.rule(node, file: file, folder: folder, deployed: deployed, defaultName: defaultName)
        }
        switch root.value {
        case .null:
            file.report(.suspicious, "the file holds no rule", at: nil, severity: .warning)
            return []
        case .sequence(let items):
            return items.compactMap { rule($0, defaultName: nil) }
        case .mapping(let entries):
            guard entries.contains(where: { $0.key == "rules" }),
                var reader = MappingReader(root, subject: "the file", file: file)
            else { return rule(root, defaultName: stem(of: file.name)).map { [$0] } ?? [] }
            let items = reader.list("rules") ?? []
            reader.finish()
            return items.compactMap { rule($0, defaultName: nil) }
        default:
            file.report(.invalidValue, "a rule must be a mapping, not \(root.inWords)", at: root.place)
            return []
        }
    }

    private static func rule(
        _ node: YAMLNode, file: ConfigFile, folder: AppFolder, deployed: DeployedPatterns, defaultName: String?
    ) -> RuleFile? {
        guard var reader = MappingReader(node, subject: "a rule", file: file) else { return nil }
        let named = reader.string("name")
        if named == nil, defaultName == nil {
            reader.missing("name", hint: "each rule of a list needs its own name")
        }
        let name = named ?? defaultName ?? ""
        let place = reader.has("name") ? reader.place(of: "name") : reader.place
        if !name.isEmpty || named != nil, !Names.isRule(name) {
            file.report(
                .invalidValue, "`\(name)` cannot be a rule's name", at: place,
                hint: Names.ruleRule)
        }
        var result = RuleFile(
            definition: RuleDefinition(name: name, pattern: "{}", targets: [], file: file.name), file: file,
            place: place, busPlace: reader.place(of: "bus"))
        result.definition.description = reader.string("description") ?? ""
        result.readSource(&reader)
        result.definition.enabled = (reader.choice("state", State.self) ?? .enabled) == .enabled
        // Asked for as a node, so that it is named among the keys of a rule where one is misspelt.
        let hasSchedule = reader.node("schedule") != nil || reader.has("schedule")
        if hasSchedule {
            result.readSchedule(&reader)
        } else {
            result.readPattern(&reader, deployed)
        }
        result.readManifest(&reader)
        result.readTargets(&reader, folder: folder)
        reader.finish(
            instead: [
                "eventPattern": "pattern", "event_pattern": "pattern", "eventBusName": "bus", "eventBus": "bus",
                "streamName": "stream", "eventSourceArn": "stream", "filterCriteria": "pattern",
                "target": "targets", "enabled": "state", "scheduleExpression": "schedule", "rate": "schedule",
                "cron": "schedule",
                // As CloudFormation and the AWS API spell them.
                "Name": "name", "Description": "description", "State": "state", "EventPattern": "pattern",
                "EventBusName": "bus", "ScheduleExpression": "schedule", "Targets": "targets",
            ])
        return result
    }

    /// `bus:` or `stream:`.
    private mutating func readSource(_ reader: inout MappingReader) {
        let bus = reader.string("bus")
        definition.bus = bus ?? "default"
        guard let stream = reader.string("stream") else { return }
        busPlace = reader.place(of: "stream")
        definition.bus = StreamLog.name(of: stream)
        if bus != nil {
            file.report(
                .invalidValue, "a rule has either `bus` or `stream`", at: busPlace, hint: "make two rules of it")
        }
        for key in ["schedule", "manifest"] where reader.has(key) {
            file.report(
                .invalidValue, "a rule on a stream has no `\(key)`: that is about events of a bus",
                at: reader.place(of: key), hint: "make a rule of its own on a bus")
        }
    }

    private mutating func readPattern(_ reader: inout MappingReader, _ deployed: DeployedPatterns) {
        if StreamLog.isStream(definition.bus), !reader.has("pattern") {
            definition.pattern = StreamFilter.everything
            return
        }
        guard let (tree, json) = PatternText.read(&reader) else { return }
        pattern = tree
        definition.pattern = json
        let place = reader.place(of: "pattern")
        let isOnStream = StreamLog.isStream(definition.bus)
        do throws(PatternError) {
            let pattern = try EventPattern(parsing: json, dialect: .extended, limits: Self.limits(of: definition.name))
            PatternWarnings.report(pattern, json: json, tree: tree, isOnStream: isOnStream, at: place, file: file)
        } catch {
            if let excuse = deployed.excuse(error, pattern: json, bus: definition.bus, rule: definition.name) {
                file.report(.invalidPattern, excuse.message, at: place, severity: .warning)
                PatternWarnings.report(
                    excuse.pattern, json: json, tree: tree, isOnStream: isOnStream, at: place, file: file)
                return
            }
            // Of a text that is no JSON the tree is the place where it ceases to be.
            let isText = if case .null = tree.value { true } else { false }
            PatternMistakes.reportAll(
                error, tree: tree, at: isText ? tree.place : place, file: file)
        }
    }

    /// A schedule's rule takes its own scheduled events and no others: a pattern like any other, so that log, rule
    /// sets and tools need to know nothing of schedules.
    private mutating func readSchedule(_ reader: inout MappingReader) {
        if reader.node("pattern") != nil {
            file.report(
                .invalidValue, "a rule has either `pattern` or `schedule`", at: reader.place(of: "pattern"),
                hint: "make two rules of it")
        }
        definition.schedule = ScheduleReader.read(&reader)
        definition.pattern = ScheduledEvents.pattern(rule: definition.name, bus: definition.bus)
    }

    /// `manifest:` beside a pattern: the pattern takes the manifests, the targets get what becomes of them.
    private mutating func readManifest(_ reader: inout MappingReader) {
        guard var inner = reader.reader("manifest") else { return }
        let limit = inner.integer("timeLimit", in: 1...1_209_600, unit: "seconds")
        if !inner.has("timeLimit") {
            inner.missing("timeLimit", hint: "write manifest: {timeLimit: 3600}, the seconds that files may be late")
        }
        inner.finish(instead: ["timeout": "timeLimit", "timeLimitSeconds": "timeLimit", "limit": "timeLimit"])
        guard definition.schedule == nil else {
            file.report(
                .invalidValue, "a rule has either `schedule` or `manifest`", at: reader.place(of: "manifest"))
            return
        }
        definition.manifest = ManifestDefinition(pattern: definition.pattern, timeLimitSeconds: limit ?? 3600)
        definition.pattern = ManifestEvents.pattern(rule: definition.name, bus: definition.bus)
    }

    private mutating func readTargets(_ reader: inout MappingReader, folder: AppFolder) {
        guard let nodes = reader.list("targets") else {
            if !reader.has("targets") {
                reader.missing("targets", hint: "write targets: [{function: NAME}]")
            }
            return
        }
        if nodes.isEmpty {
            file.report(
                .missingKey, "the rule has no target, so nothing would happen", at: reader.place(of: "targets"),
                hint: "write targets: [{function: NAME}], or state: DISABLED with its target")
        }
        var ids: [String: Place] = [:]
        for node in nodes {
            guard let read = TargetReader.read(node, file: file, folder: folder, rule: definition) else { continue }
            let target = read.target
            if let first = ids[target.id] {
                file.report(
                    .duplicateName,
                    "two targets of the rule have the id `\(target.id)`, the first on line \(first.line)",
                    at: read.id, hint: "give each its own `id`")
            }
            ids[target.id] = read.id
            definition.targets.append(target)
            functionPlaces.append(read.function)
            destinations += read.buses
            streams += read.streams
        }
    }

    private static func refuseDuplicates(_ rules: [RuleFile]) {
        var first: [String: RuleFile] = [:]
        for rule in rules where !rule.definition.name.isEmpty {
            let key = "\(rule.definition.bus)/\(rule.definition.name)"
            if let other = first[key] {
                rule.file.report(
                    .duplicateName,
                    "a rule `\(rule.definition.name)` is already in \(other.file.name), line \(other.place.line)",
                    at: rule.place, hint: "a rule's name is unique on its bus")
            } else {
                first[key] = rule
            }
        }
    }

    /// Under the rule's own name.
    private static func limits(of name: String) -> PatternLimits {
        var limits = PatternLimits()
        if !name.isEmpty { limits.ruleName = name }
        return limits
    }

    private static func stem(of path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        return String(name.split(separator: ".").dropLast().joined(separator: "."))
    }

    private enum State: String, CaseIterable {
        case enabled = "ENABLED"
        case disabled = "DISABLED"
    }
}

import EventPatterns

/// The alarms of `Events/alarms/*.yaml`, with the places that the check of references needs.
struct AlarmFile {
    var definition: AlarmDefinition
    var file: ConfigFile
    var place: Place
    var busPlace: Place
    var bucketPlace: Place?
    /// Of `dimensions`.
    var dimensionsPlace: Place?

    /// A file holds one alarm (a mapping), a list of alarms, or `alarms:` with a list.
    static func loadAll(
        from folder: AppFolder, collector: FindingCollector, deployed: DeployedPatterns
    ) -> [AlarmFile] {
        var alarms: [AlarmFile] = []
        for path in folder.yamlFiles(in: "Events/alarms", collector: collector) {
            let file = ConfigFile(name: path, collector: collector)
            guard let text = folder.text(of: file), let root = YAMLReader.read(text, file: file) else { continue }
            alarms += load(root, file: file, deployed: deployed)
        }
        var first: [String: AlarmFile] = [:]
        for alarm in alarms where !alarm.definition.name.isEmpty {
            if let other = first[alarm.definition.name] {
                alarm.file.report(
                    .duplicateName,
                    "a second alarm `\(alarm.definition.name)`; the first is in \(other.file.name) line \(other.place.line)",
                    at: alarm.place, hint: "names of alarms are unique")
            } else {
                first[alarm.definition.name] = alarm
            }
        }
        return alarms
    }

    private static func load(_ root: YAMLNode, file: ConfigFile, deployed: DeployedPatterns) -> [AlarmFile] {
        func alarm(_ node: YAMLNode, defaultName: String?) -> AlarmFile? {
            AlarmFile.alarm(node, file: file, deployed: deployed, defaultName: defaultName)
        }
        switch root.value {
        case .null:
            file.report(.suspicious, "the file holds no alarm", at: nil, severity: .warning)
            return []
        case .sequence(let items): return items.compactMap { alarm($0, defaultName: nil) }
        case .mapping(let entries):
            guard entries.contains(where: { $0.key == "alarms" }),
                var reader = MappingReader(root, subject: "the file", file: file)
            else {
                let name = file.name.split(separator: "/").last.map { String($0.prefix { $0 != "." }) }
                return alarm(root, defaultName: name).map { [$0] } ?? []
            }
            let items = reader.list("alarms") ?? []
            reader.finish()
            return items.compactMap { alarm($0, defaultName: nil) }
        default:
            file.report(.invalidValue, "an alarm must be a mapping, not \(root.inWords)", at: root.place)
            return []
        }
    }

    private static func alarm(
        _ node: YAMLNode, file: ConfigFile, deployed: DeployedPatterns, defaultName: String?
    ) -> AlarmFile? {
        guard var reader = MappingReader(node, subject: "an alarm", file: file) else { return nil }
        let named = reader.string("name")
        if named == nil, defaultName == nil { reader.missing("name", hint: "each alarm of a list needs its own name") }
        let name = named ?? defaultName ?? ""
        let place = reader.has("name") ? reader.place(of: "name") : reader.place
        if !name.isEmpty || named != nil, !Names.isRule(name) {
            file.report(
                .invalidValue, "`\(name)` cannot be an alarm's name", at: place,
                hint: Names.ruleRule)
        }
        var result = AlarmFile(
            definition: AlarmDefinition(name: name, file: file.name), file: file, place: place,
            busPlace: reader.place(of: "bus"))
        result.definition.description = reader.string("description") ?? ""
        result.definition.bus = reader.string("bus") ?? "default"
        result.definition.enabled = (reader.choice("state", State.self) ?? .enabled) == .enabled
        if reader.has("expectedFile") {
            if reader.node("metric") != nil {
                file.report(
                    .invalidValue, "an alarm has either `metric` or `expectedFile`", at: reader.place(of: "metric"),
                    hint: "make two alarms of it")
            }
            result.readExpectedFile(&reader, deployed)
        } else {
            result.readThreshold(&reader)
        }
        reader.finish(
            later: [
                "alarmActions": "write a rule for the alarm's events: source aws.cloudwatch, resources: the alarm",
                "okActions": "write a rule for the alarm's events: source aws.cloudwatch, resources: the alarm",
                "statistic": "each metric has its own: sums for attempts, the value as it stands for all others",
            ],
            instead: [
                "alarmName": "name", "metricName": "metric", "comparison": "comparisonOperator", "enabled": "state",
                "alarmDescription": "description", "file": "expectedFile", "datapoints": "datapointsToAlarm",
                "missingData": "treatMissingData", "periods": "evaluationPeriods",
            ])
        return result
    }

    private enum State: String, CaseIterable {
        case enabled = "ENABLED"
        case disabled = "DISABLED"
    }

    private mutating func readThreshold(_ reader: inout MappingReader) {
        let metric = reader.choice("metric", AlarmDefinition.Metric.self)
        if !reader.has("metric") {
            reader.missing("metric", hint: "write metric: DeadLetters, or expectedFile: {…}")
        }
        let threshold = reader.number("threshold", in: -1e15...1e15)
        if !reader.has("threshold") {
            reader.missing("threshold", hint: "write threshold: and a number, 0 for none at all")
        }
        let isLower = metric == .freeDiskSpace || metric == .invocations
        let comparison =
            reader.choice("comparisonOperator", AlarmDefinition.Comparison.self) ?? (isLower ? .less : .greater)
        let period = reader.integer("period", in: 1...86400, unit: "seconds") ?? 60
        let periods = reader.integer("evaluationPeriods", in: 1...100) ?? 1
        let datapoints = reader.integer("datapointsToAlarm", in: 1...100) ?? periods
        let missing = reader.choice("treatMissingData", AlarmDefinition.MissingData.self) ?? .notBreaching
        let recovery = reader.number("recoveryThreshold", in: -1e15...1e15)
        let dimensions = readDimensions(&reader, metric: metric)
        if datapoints > periods {
            file.report(
                .invalidValue, "`datapointsToAlarm` is \(datapoints), of only \(periods) `evaluationPeriods`",
                at: reader.place(of: "datapointsToAlarm"), hint: "it is at most evaluationPeriods")
        }
        if let threshold, let recovery, comparison.holds(recovery, threshold) {
            file.report(
                .invalidValue, "`recoveryThreshold` \(recovery) is itself in alarm: the alarm would end at once",
                at: reader.place(of: "recoveryThreshold"),
                hint: "it lies on the good side of the threshold")
        }
        guard let metric, let threshold else { return }
        definition.threshold = AlarmDefinition.Threshold(
            metric: metric, dimensions: dimensions, comparison: comparison, threshold: threshold,
            recoveryThreshold: recovery, periodSeconds: period, evaluationPeriods: periods,
            datapointsToAlarm: datapoints, missingData: missing)
    }

    private mutating func readDimensions(
        _ reader: inout MappingReader, metric: AlarmDefinition.Metric?
    ) -> AlarmDefinition.Dimensions {
        var dimensions = AlarmDefinition.Dimensions()
        guard var inner = reader.reader("dimensions") else { return dimensions }
        dimensionsPlace = reader.place(of: "dimensions")
        dimensions.function = inner.string("function")
        dimensions.bus = inner.string("bus")
        dimensions.rule = inner.string("rule")
        dimensions.target = inner.string("target")
        inner.finish(instead: ["FunctionName": "function", "RuleName": "rule", "EventBusName": "bus"])
        if let metric, !metric.hasDimensions, !dimensions.isEmpty {
            file.report(
                .invalidValue, "`\(metric.rawValue)` is of the whole host and has no dimensions",
                at: dimensionsPlace, hint: "take `dimensions` away")
        }
        return dimensions
    }

    private mutating func readExpectedFile(_ reader: inout MappingReader, _ deployed: DeployedPatterns) {
        guard var inner = reader.reader("expectedFile") else { return }
        let bucket = inner.string("bucket")
        if !inner.has("bucket") { inner.missing("bucket", hint: "write bucket: landing-zone") }
        bucketPlace = inner.place(of: "bucket")
        let key = inner.node("key")
        if key == nil {
            inner.missing("key", hint: "write key: orders/today.csv, or a filter: key: [{prefix: orders/}]")
        }
        var deadline: ScheduleDefinition?
        if inner.has("by") {
            let timezone = inner.string("timezone") ?? "UTC"
            deadline = ScheduleReader.read(&inner, key: "by", timezone: timezone)
        } else {
            _ = inner.string("timezone")
            inner.missing("by", hint: "write by: cron(0 6 ? * MON-FRI *), or at(2026-12-24T18:00:00)")
        }
        let within = inner.integer("within", in: 1...31_536_000, unit: "seconds")
        inner.finish(instead: [
            "until": "by", "deadline": "by", "schedule": "by", "timeZone": "timezone", "prefix": "key",
            "window": "within",
        ])
        guard let bucket, let key, let deadline else { return }
        let filter: String
        switch key.value {
        case .string: filter = "[\(key.json)]"
        case .sequence: filter = key.json
        case .mapping: filter = "[\(key.json)]"
        default:
            inner.invalid("key", key, "a key, or a list of a pattern's filters", hint: "write key: [{suffix: .csv}]")
            return
        }
        // A bucket's name needs no escaping where it is valid; another one is reported by the check of references.
        let name = Names.isBucket(bucket) ? bucket : "invalid"
        let pattern = """
            {"source":["aws.s3"],"detail-type":["Object Created"],\
            "detail":{"bucket":{"name":["\(name)"]},"object":{"key":\(filter)}}}
            """
        do throws(PatternError) {
            _ = try EventPattern(parsing: pattern, dialect: .extended)
        } catch {
            if let excuse = deployed.excuse(error, pattern: pattern, alarm: definition.name) {
                file.report(.invalidPattern, excuse.message, at: key.place, severity: .warning)
            } else {
                file.report(
                    .invalidPattern, "`key` is no valid filter: \(error.message)", at: key.place,
                    hint: "what a pattern may say of detail.object.key: [{prefix: orders/}]")
            }
        }
        definition.expectedFile = AlarmDefinition.ExpectedFile(
            bucket: bucket, pattern: pattern, deadline: deadline, withinSeconds: within)
    }
}

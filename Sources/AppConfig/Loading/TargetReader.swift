import EventModel

/// One entry of a rule's `targets`.
enum TargetReader {
    /// Keys of the design that this version does not carry out.
    private static let later = [
        "log": "name a function; `sluice events tail` shows the events of a bus",
        "bucket": "name a function that puts objects",
        "deadLetterConfig": "what fails always goes to the host's dead letters: see `sluice dlq list`",
    ]
    private static let instead = [
        "retry": "retryPolicy", "batch": "batchSize", "arn": "function", "lambda": "function",
        "functionName": "function", "name": "id",
        "ordered": "ordering", "orderingKey": "ordering", "rate": "rateLimit",
        "batchWindow":
            "maximumBatchingWindowInSeconds",
    ]

    /// A target, and where what it names stands.
    struct Read {
        var target: TargetDefinition
        var id: Place
        var function: Place
        /// Buses of its destinations, and the one that it is.
        var buses: [(text: String, place: Place)]
        /// The stream that it is.
        var streams: [(text: String, place: Place)]
    }

    static func read(_ node: YAMLNode, file: ConfigFile, folder: AppFolder, rule: RuleDefinition) -> Read? {
        guard var reader = MappingReader(node, subject: "a target", file: file) else { return nil }
        let id = reader.string("id")
        var function = reader.string("function")
        let webhook = OutsideReader.webhook(&reader, folder: folder)
        let command = OutsideReader.command(&reader, folder: folder)
        let forward = forward(&reader, rule: rule)
        let kinds = ["function", "webhook", "command", "stream", "bus"].filter(reader.has)
        if kinds.count > 1 {
            file.report(
                .invalidValue, "a target has one of \(kinds.map { "`\($0)`" }.joined(separator: ", "))",
                at: reader.place(of: kinds[1]), hint: "make several targets of it")
        }
        let kind = kinds.first ?? "function"
        if kind != "function" {
            function = TargetDefinition.outsideName(kind: kind, bus: rule.bus, rule: rule.name, id: id ?? kind)
        }
        var target = TargetDefinition(
            id: id ?? (kind == "function" ? function ?? "" : kind), function: function ?? "", webhook: webhook,
            command: command, forward: forward)
        target.inputFormat = reader.choice("inputFormat", InputFormat.self)
        target.input = TargetInputReader.read(&reader, target: target.id)
        var destinations = DestinationReader()
        let named = destinations.read(&reader)
        target.destinations = named.isEmpty ? nil : named
        target.batchSize = reader.integer("batchSize", in: 1...10_000, unit: "events") ?? 1
        let isStream = StreamLog.isStream(rule.bus)
        target.delivery = DeliveryReader.read(&reader, isStream: isStream)
        // Of a stream's record until it leaves the retention, as with Lambda.
        if isStream { target.retry.maximumEventAgeSeconds = RetryPolicy.longestStreamAge }
        if let policy = reader.reader("retryPolicy") { target.retry = retryPolicy(policy, over: target.retry) }
        if let id, !Names.isRule(id) {
            file.report(
                .invalidValue, "`\(id)` cannot be a target's id", at: reader.place(of: "id"),
                hint: Names.ruleRule)
        }
        let other = ["log", "bucket"].contains(where: reader.has)
        if kinds.isEmpty, !other, !instead.keys.contains(where: { $0 != "name" && reader.has($0) }) {
            reader.missing(
                "function",
                hint: "write function: NAME, the name of a folder in Functions, or webhook, command, stream or bus")
        }
        reader.finish(later: later, instead: instead)
        guard function != nil, kind == "function" || target.isOutside else { return nil }
        let place = reader.place(of: kind)
        return Read(
            target: target, id: reader.place(of: reader.has("id") ? "id" : kind), function: place,
            buses: destinations.buses + (forward?.kind == .bus ? [(forward?.name ?? "", place)] : []),
            streams: forward?.kind == .stream ? [(forward?.name ?? "", place)] : [])
    }

    /// `stream:` with `partitionKeyPath:`, or `bus:`.
    private static func forward(_ reader: inout MappingReader, rule: RuleDefinition) -> ForwardDefinition? {
        let (stream, bus) = (reader.string("stream"), reader.string("bus"))
        let path = DeliveryReader.path("partitionKeyPath", &reader)
        if reader.has("partitionKeyPath"), stream == nil {
            reader.file.report(
                .missingKey, "`partitionKeyPath` is for a target that is a stream",
                at: reader.place(of: "partitionKeyPath"), hint: "write stream: NAME beside it")
        }
        // What appears has the lineage of the attempt: of one event.
        if stream != nil || bus != nil, reader.has("batchSize") {
            reader.file.report(
                .invalidValue, "`batchSize` beside `\(stream == nil ? "bus" : "stream")`: events go on one by one",
                at: reader.place(of: "batchSize"), hint: "take it away; what is ready together is committed together")
        }
        if let stream { return ForwardDefinition(kind: .stream, name: stream, partitionKeyPath: path) }
        guard let bus else { return nil }
        if StreamLog.isStream(rule.bus) {
            reader.file.report(
                .invalidValue, "records of a stream are no events: they cannot go to a bus",
                at: reader.place(of: "bus"), hint: "name a function that makes events of them")
        }
        for key in ["input", "inputPath", "inputTransformer"] where reader.has(key) {
            reader.file.report(
                .invalidValue, "`\(key)` beside `bus`: an event goes to another bus as it is",
                at: reader.place(of: key), hint: "take it away, or name a function that makes another event")
        }
        return ForwardDefinition(kind: .bus, name: bus)
    }

    private static func retryPolicy(_ mapping: MappingReader, over defaults: RetryPolicy) -> RetryPolicy {
        var reader = mapping
        var policy = defaults
        policy.maximumRetryAttempts = reader.integer("maximumRetryAttempts", in: 0...185) ?? policy.maximumRetryAttempts
        policy.maximumEventAgeSeconds =
            reader.integer("maximumEventAgeInSeconds", in: 1...1_209_600, unit: "seconds")
            ?? policy.maximumEventAgeSeconds
        policy.intervalSeconds =
            reader.number("intervalSeconds", in: 0.001...86400, unit: "seconds") ?? policy.intervalSeconds
        policy.backoffRate = reader.number("backoffRate", in: 1...100) ?? policy.backoffRate
        policy.maxDelaySeconds =
            reader.number("maxDelaySeconds", in: 0.001...86400, unit: "seconds") ?? policy.maxDelaySeconds
        policy.jitter = reader.choice("jitterStrategy", RetryPolicy.Jitter.self) ?? policy.jitter
        policy.on = reader.strings("on")?.map(\.text)
        policy.never = reader.strings("never")?.map(\.text)
        if policy.maxDelaySeconds < policy.intervalSeconds {
            reader.file.report(
                .invalidValue, "`maxDelaySeconds` is less than `intervalSeconds`",
                at: reader.place(of: reader.has("maxDelaySeconds") ? "maxDelaySeconds" : "intervalSeconds"),
                hint: "intervalSeconds is \(policy.intervalSeconds), maxDelaySeconds \(policy.maxDelaySeconds)")
        }
        reader.finish(instead: [
            "interval": "intervalSeconds", "maxAttempts": "maximumRetryAttempts", "jitter": "jitterStrategy",
            "maximumEventAge": "maximumEventAgeInSeconds", "maxDelay": "maxDelaySeconds",
        ])
        return policy
    }
}

import EventModel

/// Checks that the files of an app fit together: every name that one mentions, another has.
struct References {
    let host: HostFile
    let functions: [FunctionFile]
    let folder: AppFolder

    private var bucketNames: [String] { host.buckets.map(\.name) }
    private var busNames: [String] { host.buses.map(\.name) }

    func check(_ rules: [RuleFile]) {
        for function in functions {
            checkGrants(of: function)
            checkConfiguration(of: function)
        }
        checkReservations()
        for rule in rules {
            if let stream = StreamLog.stream(of: rule.definition.bus) {
                checkStream(stream, at: rule.busPlace, file: rule.file)
            } else {
                checkBus(rule.definition.bus, at: rule.busPlace, file: rule.file)
            }
            for (name, place) in rule.destinations { checkBus(name, at: place, file: rule.file) }
            for (name, place) in rule.streams { checkStream(name, at: place, file: rule.file) }
            let buckets = rule.pattern.map(PatternBuckets.init)
            for (name, place) in buckets?.named ?? [] { checkBucket(name, at: place, file: rule.file) }
            for (target, place) in zip(rule.definition.targets, rule.functionPlaces) {
                if !target.isOutside { checkFunction(target.function, at: place, file: rule.file) }
                if let name = target.delivery?.downstream { checkDownstream(name, at: place, file: rule.file) }
            }
        }
        LoopSearch(
            rules: rules, functions: functions, buckets: bucketNames, buses: busNames,
            streams: host.streams.map(\.name)
        ).report()
    }

    private func checkDownstream(_ name: String, at place: Place, file: ConfigFile) {
        let names = host.downstreams.map(\.name)
        guard !names.contains(name) else { return }
        file.report(
            .unknownDownstream, "unknown downstream `\(name)`", at: place,
            hint: NearestName.hint(for: name, among: names, known: "downstreams of sluice.yaml"))
    }

    /// Reservations that leave nothing for the others are no guarantee.
    private func checkReservations() {
        guard let limit = host.limits.concurrency else { return }
        let reserved = functions.reduce(0) { $0 + ($1.definition.reservedConcurrency ?? 0) }
        guard reserved >= limit, let first = functions.first(where: { $0.definition.reservedConcurrency != nil }) else {
            return
        }
        first.file.report(
            .suspicious,
            "the functions reserve \(reserved) invocations at once, and `limits.concurrency` is \(limit): "
                + "reservations are limits then, and guarantee nothing", at: nil,
            hint: "raise limits.concurrency above \(reserved), or reserve less", severity: .warning)
    }

    private func checkGrants(of function: FunctionFile) {
        for (name, place) in function.read + function.write where name != "*" {
            checkBucket(name, at: place, file: function.file)
        }
        for (name, place) in function.destinations { checkBus(name, at: place, file: function.file) }
        for (name, place) in function.events where name != "*" { checkBus(name, at: place, file: function.file) }
        for (name, place) in function.streams where name != "*" { checkStream(name, at: place, file: function.file) }
    }

    /// A warning each: what a configuration's members mean is the function's business.
    private func checkConfiguration(of function: FunctionFile) {
        let grants = function.definition.grants
        for (bucket, isWritten, place) in function.configured {
            if !bucketNames.contains(bucket) {
                function.file.report(
                    .suspicious, "`configuration` names `\(bucket)`, and there is no such bucket", at: place,
                    hint: NearestName.hint(for: bucket, among: bucketNames, known: "buckets of sluice.yaml"),
                    severity: .warning)
            } else if !(isWritten ? grants.mayWrite(bucket: bucket) : grants.mayRead(bucket: bucket)) {
                let verb = isWritten ? "write" : "read"
                function.file.report(
                    .suspicious,
                    "`configuration` names the bucket \(bucket), and the function has no grant to \(verb) there",
                    at: place, hint: "add it to `grants: {\(verb): […]}`", severity: .warning)
            }
        }
    }

    func checkStream(_ name: String, at place: Place, file: ConfigFile) {
        let names = host.streams.map(\.name)
        guard !names.contains(name) else { return }
        file.report(
            .unknownStream, "unknown stream `\(name)`", at: place,
            hint: NearestName.hint(for: name, among: names, known: "streams of sluice.yaml"))
    }

    func checkBucket(_ name: String, at place: Place, file: ConfigFile) {
        guard !bucketNames.contains(name) else { return }
        file.report(
            .unknownBucket, "unknown bucket `\(name)`", at: place,
            hint: NearestName.hint(for: name, among: bucketNames, known: "buckets of sluice.yaml"))
    }

    func checkBus(_ name: String, at place: Place, file: ConfigFile) {
        guard !busNames.contains(name) else { return }
        file.report(
            .unknownBus, "unknown event bus `\(name)`", at: place,
            hint: NearestName.hint(for: name, among: busNames, known: "buses of sluice.yaml"))
    }

    private func checkFunction(_ name: String, at place: Place, file: ConfigFile) {
        let names = functions.map(\.definition.name)
        guard !names.contains(name) else { return }
        let hint =
            Names.isFunction(name) && folder.isFolder("Functions/\(name)")
            ? "Functions/\(name) has no function.yaml; an empty one will do"
            : NearestName.hint(for: name, among: names, known: "functions of this app")
        file.report(.unknownFunction, "unknown function `\(name)`", at: place, hint: hint)
    }
}

/// The buckets that a pattern for object events names.
struct PatternBuckets {
    private(set) var named: [(name: String, place: Place)] = []

    /// Texts at `detail.bucket.name` of a pattern that takes events from `aws.s3`. Other sources may speak of buckets
    /// that are not ours.
    init(_ pattern: YAMLNode) {
        var sources: [YAMLNode] = []
        Self.collect(pattern, path: "", wanted: "source", into: &sources)
        guard sources.contains(where: { $0.text == "aws.s3" }) else { return }
        var names: [YAMLNode] = []
        Self.collect(pattern, path: "", wanted: "detail.bucket.name", into: &names)
        named = names.map { ($0.text, $0.place) }
    }

    /// The texts at a path. `$or` adds nothing to a path; steps may be joined by dots.
    static func collect(_ node: YAMLNode, path: String, wanted: String, into found: inout [YAMLNode]) {
        switch node.value {
        case .mapping(let entries):
            for entry in entries {
                if entry.key == "$or", case .sequence(let items) = entry.value.value {
                    for item in items { collect(item, path: path, wanted: wanted, into: &found) }
                } else {
                    let deeper = path.isEmpty ? entry.key : "\(path).\(entry.key)"
                    if deeper == wanted, case .sequence(let items) = entry.value.value {
                        found += items.filter { if case .string = $0.value { true } else { false } }
                    } else if wanted.hasPrefix(deeper + ".") {
                        collect(entry.value, path: deeper, wanted: wanted, into: &found)
                    }
                }
            }
        default: break
        }
    }
}

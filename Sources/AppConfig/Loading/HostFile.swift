/// `sluice.yaml`: buckets, buses, streams, limits, retention. Every key is optional, and so is the file.
struct HostFile {
    static let name = "sluice.yaml"

    var buckets: [BucketDefinition] = []
    var buses: [BusDefinition] = [BusDefinition()]
    var streams: [StreamDefinition] = []
    var limits = LimitsDefinition()
    var retention = RetentionDefinition()
    var downstreams: [DownstreamDefinition] = []

    static func load(from folder: AppFolder, collector: FindingCollector) -> HostFile {
        var result = HostFile()
        guard folder.exists(name) else { return result }
        let file = ConfigFile(name: name, collector: collector)
        guard let text = folder.text(of: file), let root = YAMLReader.read(text, file: file) else { return result }
        if case .null = root.value { return result }
        guard var reader = MappingReader(root, subject: "sluice.yaml", file: file) else { return result }
        result.buckets = (reader.mapping("buckets") ?? []).map { bucket($0, folder: folder, file: file) }
        result.readBuses(reader.mapping("buses") ?? [], file: file)
        result.streams = (reader.mapping("streams") ?? []).map { stream($0, file: file) }
        if let limits = reader.reader("limits") { result.limits = Self.limits(limits) }
        result.downstreams = (reader.mapping("downstreams") ?? []).map { downstream($0, file: file) }
        if var logs = reader.reader("logs") {
            result.retention.logDays = logs.integer("retentionDays", in: 1...3650, unit: "days") ?? 14
            logs.finish()
        }
        if var archive = reader.reader("archive") {
            result.retention.archiveDays = archive.integer("retentionDays", in: 0...3650, unit: "days") ?? 7
            archive.finish()
        }
        if var kept = reader.reader("keptInputs") {
            result.retention.keptInputDays = kept.integer("retentionDays", in: 0...3650, unit: "days")
            kept.finish()
        }
        reader.finish(
            instead: [
                "bucket": "buckets", "bus": "buses", "stream": "streams", "eventBuses": "buses", "archives": "archive",
                "log": "logs",
                "downstream": "downstreams",
            ])
        return result
    }

    private static func bucket(_ entry: YAMLEntry, folder: AppFolder, file: ConfigFile) -> BucketDefinition {
        var bucket = BucketDefinition(name: entry.key)
        check(entry, Names.isBucket, "a bucket's", Names.bucketRule, file)
        if case .null = entry.value.value { return bucket }
        guard var reader = MappingReader(entry.value, subject: "bucket `\(entry.key)`", file: file) else {
            return bucket
        }
        bucket.existing = reader.choice("existing", BucketDefinition.Existing.self) ?? bucket.existing
        bucket.ignore = (reader.strings("ignore") ?? []).compactMap { glob, place in
            if glob.isEmpty || glob.contains("\0") {
                file.report(.invalidValue, "a glob of `ignore` is empty", at: place)
                return nil
            }
            return glob
        }
        bucket.quietSeconds = reader.number("quiet", in: 0...3600, unit: "seconds") ?? bucket.quietSeconds
        bucket.lifecycle = LifecycleReader.read(&reader)
        if let path = reader.string("path") {
            if path.isEmpty || path.contains("\0") {
                file.report(.invalidValue, "`path` of bucket `\(entry.key)` is empty", at: reader.place(of: "path"))
            } else {
                bucket.path = folder.absolute(path)
            }
        }
        reader.finish(
            later: ["versioning": "each new version of a key triggers; older ones are not kept"],
            instead: ["lifecycleConfiguration": "lifecycle", "lifecycleRules": "lifecycle", "expiration": "lifecycle"])
        return bucket
    }

    /// Reports a name that its owner cannot have.
    private static func check(
        _ entry: YAMLEntry, _ isName: (String) -> Bool, _ owner: String, _ rule: String, _ file: ConfigFile
    ) {
        guard !isName(entry.key) else { return }
        file.report(.invalidValue, "`\(entry.key)` cannot be \(owner) name", at: entry.keyPlace, hint: rule)
    }

    private static func downstream(_ entry: YAMLEntry, file: ConfigFile) -> DownstreamDefinition {
        var downstream = DownstreamDefinition(name: entry.key)
        check(entry, Names.isRule, "a downstream's", Names.ruleRule, file)
        if case .null = entry.value.value { return downstream }
        guard var reader = MappingReader(entry.value, subject: "downstream `\(entry.key)`", file: file) else {
            return downstream
        }
        downstream.rateLimit = DeliveryReader.rate("rateLimit", &reader)
        downstream.concurrency = reader.integer("concurrency", in: 1...4096)
        reader.finish(instead: ["rate": "rateLimit", "maximumConcurrency": "concurrency"])
        return downstream
    }

    private mutating func readBuses(_ entries: [YAMLEntry], file: ConfigFile) {
        for entry in entries {
            Self.check(entry, Names.isRule, "a bus's", Names.ruleRule, file)
            if entry.key != "default" { buses.append(BusDefinition(name: entry.key)) }
            if case .null = entry.value.value { continue }
            MappingReader(entry.value, subject: "bus `\(entry.key)`", file: file)?.finish(
                later: ["retentionDays": "the retention of all buses is `archive: {retentionDays: …}`"])
        }
    }

    private static func stream(_ entry: YAMLEntry, file: ConfigFile) -> StreamDefinition {
        var stream = StreamDefinition(name: entry.key)
        check(entry, Names.isStream, "a stream's", Names.streamRule, file)
        if case .null = entry.value.value { return stream }
        guard var reader = MappingReader(entry.value, subject: "stream `\(entry.key)`", file: file) else {
            return stream
        }
        stream.shards = reader.integer("shards", in: 1...StreamDefinition.maximumShards) ?? stream.shards
        stream.retentionHours =
            reader.integer("retentionHours", in: 1...8760, unit: "hours") ?? stream.retentionHours
        reader.finish(
            later: ["streamMode": "every stream has the shards that it names, and no limit of throughput"],
            instead: [
                "shardCount": "shards", "retention": "retentionHours", "retentionPeriodHours": "retentionHours",
                "retentionPeriod": "retentionHours",
            ])
        return stream
    }

    private static func limits(_ reader: MappingReader) -> LimitsDefinition {
        var reader = reader
        var limits = LimitsDefinition()
        limits.concurrency = reader.integer("concurrency", in: 1...4096)
        limits.minFreeMegabytes = reader.integer("minFree", in: 16...1_048_576, unit: "MB") ?? limits.minFreeMegabytes
        limits.keepInputMegabytes =
            reader.integer("keepInput", in: 0...1_048_576, unit: "MB") ?? limits.keepInputMegabytes
        limits.hopBudget = reader.integer("hopBudget", in: 1...256) ?? limits.hopBudget
        reader.finish()
        return limits
    }
}

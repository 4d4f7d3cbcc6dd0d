/// `Functions/<Name>/function.yaml`, with the places that the check of references needs.
struct FunctionFile {
    var definition: FunctionDefinition
    var file: ConfigFile
    /// Names of `grants` with their places.
    var read: [(text: String, place: Place)] = []
    var write: [(text: String, place: Place)] = []
    var events: [(text: String, place: Place)] = []
    var streams: [(text: String, place: Place)] = []
    /// Buckets that `configuration` names where the functions that come with Sluice look for them.
    var configured: [(bucket: String, isWritten: Bool, place: Place)] = []
    /// Buses of its destinations.
    var destinations: [(text: String, place: Place)] = []

    static func loadAll(from folder: AppFolder, collector: FindingCollector) -> [FunctionFile] {
        folder.names(in: "Functions").compactMap { name in
            let path = "Functions/\(name)/function.yaml"
            guard folder.exists(path) else { return nil }
            return load(name: name, file: ConfigFile(name: path, collector: collector), folder: folder)
        }
    }

    private static func load(name: String, file: ConfigFile, folder: AppFolder) -> FunctionFile {
        var result = FunctionFile(definition: FunctionDefinition(name: name), file: file)
        if !Names.isFunction(name) {
            file.report(
                .invalidValue, "the folder's name `\(name)` cannot be a function's name", at: nil,
                hint: "a letter, then letters, digits and underscores, at most 64")
        }
        guard let text = folder.text(of: file), let root = YAMLReader.read(text, file: file) else { return result }
        if case .null = root.value { return result }
        guard let reader = MappingReader(root, subject: "a function", file: file) else { return result }
        result.readKeys(of: reader, folder: folder)
        return result
    }

    private mutating func readKeys(of mapping: MappingReader, folder: AppFolder) {
        var reader = mapping
        definition.description = reader.string("description") ?? ""
        definition.timeoutSeconds = reader.number("timeout", in: 0.01...86400, unit: "seconds") ?? 60
        definition.initTimeoutSeconds = reader.number("initTimeout", in: 0.01...600, unit: "seconds") ?? 10
        definition.memoryMegabytes = reader.integer("memorySize", in: 64...1_048_576, unit: "MB") ?? 512
        definition.stagingMegabytes = reader.integer("stagingSize", in: 1...16_777_216, unit: "MB") ?? 10240
        definition.reservedConcurrency = reader.integer("reservedConcurrency", in: 1...4096)
        definition.environment = environment(reader.mapping("environment") ?? [])
        if let grants = reader.reader("grants") { readGrants(grants) }
        definition.configuration = configuration(&reader)
        definition.logLevel = reader.choice("logLevel", LogLevel.self) ?? .info
        var destinations = DestinationReader()
        let named = destinations.read(&reader)
        definition.destinations = named.isEmpty ? nil : named
        self.destinations = destinations.buses
        definition.inputFormat = reader.choice("inputFormat", InputFormat.self) ?? .eventBridge
        if let module = reader.string("module") {
            if module.isEmpty || module.contains("\0") {
                file.report(.invalidValue, "`module` is empty", at: reader.place(of: "module"))
            } else {
                definition.module = folder.absolute(module)
            }
        }
        reader.finish(
            later: [
                "deadLetterConfig": "what fails always goes to the host's dead letters: see `sluice dlq list`",
                "retryPolicy": "give it to the target in the rule",
                "layers": "a function is one shared object", "alias": "a deployment replaces the version in use",
            ],
            instead: [
                "memory": "memorySize", "concurrency": "reservedConcurrency", "env": "environment",
                "reservedConcurrentExecutions": "reservedConcurrency", "ephemeralStorage": "stagingSize",
                "config": "configuration",
            ])
    }

    /// Values keep the text of the file: `PORT: 8080` and `FLAG: no` are "8080" and "no".
    private func environment(_ entries: [YAMLEntry]) -> [String: String] {
        var environment: [String: String] = [:]
        for entry in entries {
            if !Names.isVariable(entry.key) {
                file.report(
                    .invalidValue, "`\(entry.key)` cannot be the name of an environment variable", at: entry.keyPlace,
                    hint: "letters, digits and underscores, no digit first")
            } else if entry.key.hasPrefix("SLUICE_") {
                file.report(
                    .invalidValue, "`\(entry.key)`: names that begin with SLUICE_ belong to the host",
                    at: entry.keyPlace, hint: "choose another name")
            }
            switch entry.value.value {
            case .sequence, .mapping:
                file.report(
                    .invalidValue, "the environment variable `\(entry.key)` must be a text, not \(entry.value.inWords)",
                    at: entry.value.place, hint: "structured settings belong into `configuration`")
            default:
                if entry.value.text.contains("\0") {
                    file.report(
                        .invalidValue, "the environment variable `\(entry.key)` holds a NUL character",
                        at: entry.value.place)
                }
                environment[entry.key] = entry.value.text
            }
        }
        return environment
    }

    private mutating func readGrants(_ grants: MappingReader) {
        var reader = grants
        read = reader.strings("read") ?? []
        write = reader.strings("write") ?? []
        events = reader.strings("events") ?? []
        streams = reader.strings("streams") ?? []
        reader.finish(later: ["catalog": "every function may register tables"])
        definition.grants = Grants(
            read: Set(read.map(\.text)).sorted(), write: Set(write.map(\.text)).sorted(),
            events: Set(events.map(\.text)).sorted(),
            streams: streams.isEmpty ? nil : Set(streams.map(\.text)).sorted())
    }

    /// `targetBucket` and `quarantineBucket` are written to, `bucket` beside a `key` is read from.
    private mutating func findBuckets(in entries: [YAMLEntry]) {
        let hasKey = entries.contains { $0.key == "key" }
        for entry in entries {
            switch entry.value.value {
            case .mapping(let inner): findBuckets(in: inner)
            case .string(let name):
                let isWritten = entry.key == "targetBucket" || entry.key == "quarantineBucket"
                guard isWritten || entry.key == "bucket" && hasKey else { continue }
                configured.append((name, isWritten, entry.value.place))
            default: continue
            }
        }
    }

    private mutating func configuration(_ reader: inout MappingReader) -> String {
        guard let node = reader.node("configuration") else { return "{}" }
        guard case .mapping(let entries) = node.value else {
            reader.invalid("configuration", node, "a mapping")
            return "{}"
        }
        JSONNumbers.check(node, in: "configuration", file: file)
        findBuckets(in: entries)
        return node.json
    }
}

/// Numbers that JSON does not have.
enum JSONNumbers {
    static func check(_ node: YAMLNode, in subject: String, file: ConfigFile) {
        switch node.value {
        case .notFinite:
            file.report(
                .invalidValue, "\(subject) becomes JSON, which has no number \(node.text)", at: node.place,
                hint: "quote it if it is a text")
        case .sequence(let items): for item in items { check(item, in: subject, file: file) }
        case .mapping(let entries): for entry in entries { check(entry.value, in: subject, file: file) }
        default: break
        }
    }
}

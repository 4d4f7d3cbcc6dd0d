#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// `webhook:` and `command:` of a target.
enum OutsideReader {
    static func webhook(_ reader: inout MappingReader, folder: AppFolder) -> WebhookDefinition? {
        guard var inner = reader.reader("webhook") else { return nil }
        var url: String?
        var secretURL: SecretText?
        if let node = inner.node("url"), case .mapping = node.value {
            secretURL = secret(
                YAMLEntry(key: "url", keyPlace: node.place, value: node), of: "the webhook's", folder: folder,
                file: inner.file)
        } else {
            url = inner.string("url")
        }
        if !inner.has("url") {
            inner.missing(
                "url", hint: "write url: https://example.com/hook, or {fromEnvironment: NAME} where nobody may see it")
        }
        var definition = WebhookDefinition(url: url ?? "", secretURL: secretURL)
        definition.method = inner.choice("method", WebhookDefinition.Method.self) ?? .post
        definition.timeoutSeconds = inner.number("timeout", in: 0.1...300, unit: "seconds") ?? 30
        definition.concurrency = inner.integer("concurrency", in: 1...256) ?? 4
        if let path = inner.string("caFile") {
            definition.caFile = self.path(path, folder, inner.file, at: inner.place(of: "caFile"))
        }
        for entry in inner.mapping("headers") ?? [] {
            check(header: entry, file: inner.file)
            guard let value = secret(entry, of: "header", folder: folder, file: inner.file) else { continue }
            definition.headers.append(.init(name: entry.key, value: value))
        }
        inner.finish(
            later: [
                "body": "the body is the event, or what the target's `input` or `inputTransformer` makes of it",
                "retry": "give `retryPolicy` to the target",
            ],
            instead: [
                "uri": "url", "endpoint": "url", "header": "headers", "httpMethod": "method", "ca": "caFile",
                "cacert": "caFile", "caBundle": "caFile",
            ])
        if secretURL != nil { return definition }
        guard let url else { return nil }
        guard let finding = WebhookDefinition.problem(of: url) else { return definition }
        inner.file.report(
            .invalidValue, "`\(definition.shownURL)` \(finding)", at: inner.place(of: "url"),
            hint: "write url: https://example.com/hook")
        return nil
    }

    /// A list of program and arguments, or a mapping with `run`.
    static func command(_ reader: inout MappingReader, folder: AppFolder) -> CommandDefinition? {
        guard let node = reader.node("command") else { return nil }
        if case .sequence = node.value {
            return words(reader.strings("command") ?? [], reader, at: node.place, folder: folder)
        }
        guard case .mapping = node.value else {
            reader.file.report(
                .invalidValue, "`command` must be a list of a program and its arguments, not \(node.inWords)",
                at: node.place, hint: "write command: [notify-send, \"a file came\"], or a mapping with `run`")
            return nil
        }
        guard var inner = reader.reader("command") else { return nil }
        let words = inner.strings("run")
        if !inner.has("run") { inner.missing("run", hint: "write run: [notify-send, \"a file came\"]") }
        let timeout = inner.number("timeout", in: 0.1...86400, unit: "seconds") ?? 60
        let concurrency = inner.integer("concurrency", in: 1...256) ?? 1
        var environment: [String: SecretText] = [:]
        for entry in inner.mapping("environment") ?? [] {
            if !Names.isVariable(entry.key) || entry.key.hasPrefix("SLUICE_") {
                inner.file.report(
                    .invalidValue, "`\(entry.key)` cannot be the name of a variable", at: entry.keyPlace,
                    hint: "letters, digits and underscores, no digit first; SLUICE_ belongs to the host")
            }
            environment[entry.key] = secret(entry, of: "variable", folder: folder, file: inner.file)
        }
        inner.finish(instead: ["program": "run", "args": "run", "env": "environment"])
        guard let words, var command = self.words(words, inner, at: inner.place(of: "run"), folder: folder) else {
            return nil
        }
        command.timeoutSeconds = timeout
        command.concurrency = concurrency
        command.environment = environment
        return command
    }

    private static func words(
        _ words: [(text: String, place: Place)], _ reader: MappingReader, at place: Place, folder: AppFolder
    ) -> CommandDefinition? {
        guard let program = words.first, !program.text.isEmpty, !words.contains(where: { $0.text.contains("\0") })
        else {
            reader.file.report(
                .invalidValue, "`command` names no program", at: place, hint: "write command: [/usr/bin/logger, text]")
            return nil
        }
        guard let path = find(program.text, folder: folder) else {
            reader.file.report(
                .invalidValue, "there is no program `\(program.text)` that can be executed", at: program.place,
                hint: program.text.contains("/")
                    ? "paths are absolute, or beneath the app folder; make it executable with chmod +x"
                    : "it is looked for in PATH as the host has it; a path has a slash: ./notify.sh")
            return nil
        }
        return CommandDefinition(program: path, arguments: words.dropFirst().map(\.text))
    }

    /// With a slash a path, else a name to be found in PATH.
    private static func find(_ program: String, folder: AppFolder) -> String? {
        func isProgram(_ path: String) -> Bool {
            var status = stat()
            return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
        }
        if program.contains("/") {
            let path = folder.absolute(program.hasPrefix("./") ? String(program.dropFirst(2)) : program)
            return isProgram(path) ? path : nil
        }
        guard let list = getenv("PATH").map({ String(cString: $0) }) else { return nil }
        return list.split(separator: ":").lazy.map { "\($0)/\(program)" }.first { $0.hasPrefix("/") && isProgram($0) }
    }

    /// A text, or `{fromEnvironment: NAME}` or `{fromFile: PATH}`.
    private static func secret(
        _ entry: YAMLEntry, of kind: String, folder: AppFolder, file: ConfigFile
    ) -> SecretText? {
        switch entry.value.value {
        case .mapping:
            guard var reader = MappingReader(entry.value, subject: "\(kind) `\(entry.key)`", file: file) else {
                return nil
            }
            let variable = reader.string("fromEnvironment")
            let path = reader.string("fromFile")
            reader.finish(instead: ["env": "fromEnvironment", "file": "fromFile", "environment": "fromEnvironment"])
            if let variable, path == nil {
                if getenv(variable) == nil {
                    file.report(
                        .suspicious, "the variable `\(variable)` is not set: the target fails until the host has it",
                        at: entry.value.place, hint: "start the host with it", severity: .warning)
                }
                return .environment(variable)
            }
            if let path, variable == nil {
                return .file(self.path(path, folder, file, at: entry.value.place))
            }
            file.report(
                .invalidValue, "\(kind) `\(entry.key)` needs either `fromEnvironment` or `fromFile`",
                at: entry.value.place)
            return nil
        case .sequence, .null:
            file.report(
                .invalidValue, "\(kind) `\(entry.key)` must be a text, not \(entry.value.inWords)",
                at: entry.value.place, hint: "or {fromEnvironment: NAME}, or {fromFile: PATH}")
            return nil
        default:
            if kind == "header", secretHeaders.contains(entry.key.lowercased()) {
                file.report(
                    .suspicious, "the header `\(entry.key)` has its secret in the file", at: entry.value.place,
                    hint: "write {fromEnvironment: NAME}, or {fromFile: PATH}", severity: .warning)
            }
            if entry.value.text.contains(where: { $0 == "\0" || $0.isNewline }) {
                file.report(
                    .invalidValue, "\(kind) `\(entry.key)` holds a line feed or a NUL character",
                    at: entry.value.place)
                return nil
            }
            return .literal(entry.value.text)
        }
    }

    /// The file's absolute path, with a warning if it cannot be read now.
    private static func path(_ path: String, _ folder: AppFolder, _ file: ConfigFile, at place: Place) -> String {
        let whole = folder.absolute(path)
        if access(whole, R_OK) != 0 {
            file.report(
                .suspicious, "the file `\(path)` cannot be read: the target fails until it is there", at: place,
                hint: "paths are absolute, or beneath the app folder", severity: .warning)
        }
        return whole
    }

    private static let secretHeaders: Set<String> = ["authorization", "proxy-authorization", "x-api-key", "cookie"]

    private static func check(header: YAMLEntry, file: ConfigFile) {
        let name = header.key.lowercased()
        let isToken =
            !name.isEmpty
            && name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
                    || Array("!#$%&'*+-.^_`|~".utf8).contains(byte)
            }
        if !isToken {
            file.report(.invalidValue, "`\(header.key)` cannot be the name of a header", at: header.keyPlace)
        } else if ["content-length", "transfer-encoding", "connection", "host"].contains(name) {
            file.report(
                .invalidValue, "the header `\(header.key)` belongs to the connection", at: header.keyPlace,
                hint: "take it away")
        }
    }
}

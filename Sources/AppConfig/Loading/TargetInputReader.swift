import EventTransforms

/// `input`, `inputPath` and `inputTransformer` of a target: what the handler gets instead of the event.
enum TargetInputReader {
    private static let keys = ["input", "inputPath", "inputTransformer"]

    /// Nil where the target has none of them, and, with a report, where it is not valid.
    static func read(_ reader: inout MappingReader, target: String) -> InputDefinition? {
        let given = keys.filter(reader.has)
        let constant = constant(&reader)
        let path = reader.string("inputPath").map(InputDefinition.path)
        let transformer = reader.reader("inputTransformer").flatMap(transformer)
        if given.count > 1 {
            reader.file.report(
                .invalidValue,
                "only one of `input`, `inputPath` or `inputTransformer` must be provided for target `\(target)`",
                at: given.map { reader.place(of: $0) }.max(),
                hint: "this target has \(given.joined(separator: " and "))")
            return nil
        }
        guard let key = given.first, let definition = constant ?? path ?? transformer else { return nil }
        if reader.has("inputFormat") {
            reader.file.report(
                .invalidValue, "`inputFormat` has no meaning beside `\(key)`, which makes the whole input",
                at: reader.place(of: "inputFormat"), hint: "take one of the two away")
        }
        // A transformer's faults are at its own keys, which it has reported.
        guard transformer == nil else { return transformer }
        do throws(TransformError) {
            _ = try InputTransform(definition)
        } catch {
            reader.file.report(.invalidInput, error.message, at: reader.place(of: key), hint: hint(for: error))
            return nil
        }
        return definition
    }

    /// JSON: a text that holds it, as in EventBridge, or any other YAML value.
    private static func constant(_ reader: inout MappingReader) -> InputDefinition? {
        guard let node = reader.node("input") else { return nil }
        if case .string(let text) = node.value { return .constant(text) }
        JSONNumbers.check(node, in: "`input`", file: reader.file)
        return .constant(node.json)
    }

    private static func transformer(_ mapping: MappingReader) -> InputDefinition? {
        var reader = mapping
        let entries = reader.mapping("inputPathsMap") ?? []
        let template = reader.string("inputTemplate")
        if !reader.has("inputTemplate") {
            reader.missing("inputTemplate", hint: "write inputTemplate: '{\"id\": <id>}' with id in inputPathsMap")
        }
        var variables: [InputDefinition.Variable] = []
        var isValid = true
        func check(_ definition: InputDefinition, at place: Place) {
            do throws(TransformError) {
                _ = try InputTransform(definition)
            } catch {
                isValid = false
                mapping.file.report(.invalidInput, error.message, at: place, hint: hint(for: error))
            }
        }
        for entry in entries {
            guard case .string(let path) = entry.value.value else {
                isValid = false
                reader.invalid(entry.key, entry.value, "a path such as $.detail.id")
                continue
            }
            let variable = InputDefinition.Variable(name: entry.key, path: path)
            // Each alone with a template that uses none: a fault is the variable's.
            check(.template(variables: [variable], "{}"), at: entry.value.place)
            variables.append(variable)
        }
        if isValid, let template {
            let sorted = variables.sorted { $0.name < $1.name }
            check(.template(variables: sorted, template), at: reader.place(of: "inputTemplate"))
            variables = sorted
        }
        reader.finish(instead: [
            "inputPaths": "inputPathsMap", "template": "inputTemplate", "InputPathsMap": "inputPathsMap",
            "InputTemplate": "inputTemplate",
        ])
        return template.flatMap { isValid ? .template(variables: variables, $0) : nil }
    }

    private static func hint(for error: TransformError) -> String? {
        switch error.code {
        case .invalidPath: "a path is $, then .name, [0] or [*], such as $.detail.items[0].sku"
        case .invalidInput: "a text that is to be the input goes in JSON quotes: input: '\"text\"'"
        case .invalidTemplate: "try it with `sluice rules input EVENT.json --app .`"
        case .invalidVariable, .pathNotFound, .invalidResult: nil
        }
    }
}

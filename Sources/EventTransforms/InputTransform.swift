import FunctionJSON

/// What the predefined variables of a template say beside the event itself.
package struct TransformContext: Sendable, Hashable {
    /// `arn:aws:events:…:rule/NAME`
    package var ruleARN: String
    package var ruleName: String
    /// When the host took the event in, RFC 3339.
    package var ingestionTime: String

    package init(ruleARN: String, ruleName: String, ingestionTime: String) {
        self.ruleARN = ruleARN
        self.ruleName = ruleName
        self.ingestionTime = ingestionTime
    }
}

/// An `InputDefinition`, checked and ready: from an event to what the handler gets. Pure; the event stays as it is.
package struct InputTransform: Sendable, Hashable {
    /// Variables of `inputPathsMap` at most, as EventBridge limits them.
    package static let maximumVariables = 100
    /// Characters of `input` at most, as EventBridge limits them.
    package static let maximumInputLength = 8192

    private enum Kind: Sendable, Hashable {
        case constant([UInt8])
        case path(EventPath)
        case template(InputTemplate, [String: EventPath])
    }

    private let kind: Kind

    /// Checks a definition. Throws what a deployment must refuse: `invalidInput`, `invalidPath`, `invalidVariable`,
    /// `invalidTemplate`.
    package init(_ definition: InputDefinition) throws(TransformError) {
        switch definition {
        case .constant(let text):
            guard text.unicodeScalars.count <= Self.maximumInputLength else {
                throw TransformError(.invalidInput, "the input is longer than \(Self.maximumInputLength) characters")
            }
            do throws(JSONError) {
                kind = .constant(try JSONValue(parsing: text).serialized())
            } catch {
                throw TransformError(.invalidInput, "the input is not JSON: \(error)")
            }
        case .path(let text):
            kind = .path(try EventPath(text))
        case .template(let variables, let text):
            guard variables.count <= Self.maximumVariables else {
                throw TransformError(
                    .invalidVariable, "there are \(variables.count) variables; \(Self.maximumVariables) are allowed")
            }
            var paths: [String: EventPath] = [:]
            for variable in variables {
                try Self.check(name: variable.name)
                paths[variable.name] = try EventPath(variable.path)
            }
            kind = .template(try InputTemplate(text, names: Set(paths.keys)), paths)
        }
    }

    private static func check(name: String) throws(TransformError) {
        let isPlain = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        }
        guard isPlain, (1...256).contains(name.utf8.count) else {
            throw TransformError(
                .invalidVariable, "`\(name)` cannot be a variable: letters, digits, hyphens and underscores")
        }
        guard !name.hasPrefix("AWS") else {
            throw TransformError(.invalidVariable, "`\(name)`: variables that begin with AWS are reserved")
        }
    }

    /// What the handler gets for an event (a whole envelope): one JSON value without white space of its own.
    ///
    /// Throws `pathNotFound` where the event lacks what `inputPath` names, and `invalidResult` where the filled
    /// template is not JSON (an object within a string, which AWS drops silently) or too large.
    package func apply(to event: [UInt8], context: TransformContext) throws(TransformError) -> [UInt8] {
        let root: JSONNode
        do throws(JSONError) {
            root = try JSONDocument(parsing: event).root
        } catch {
            throw TransformError(.invalidResult, "the event is not JSON: \(error)")
        }
        switch kind {
        case .constant(let bytes):
            return bytes
        case .path(let path):
            switch path.find(in: root) {
            case .nothing:
                throw TransformError(.pathNotFound, "the event has nothing at inputPath `\(path.text)`")
            case .one(let node): return Self.json(node)
            case .many(let nodes): return Self.json(nodes)
            }
        case .template(let template, let paths):
            let filler = TemplateFiller(
                form: template.form, root: root, paths: paths, context: context)
            let filled = try filler.fill(template.segments)
            do throws(JSONError) {
                return try InputTemplate.render(filled, template.form)
            } catch {
                throw TransformError(
                    .invalidResult,
                    "the filled inputTemplate is not JSON: \(error); an object or a list cannot stand within a quoted "
                        + "value of a JSON template: take the quotes away. It became: "
                        + String(decoding: filled.prefix(200), as: UTF8.self))
            }
        }
    }

    static func json(_ node: JSONNode) -> [UInt8] { JSONValue(node).serialized() }

    static func json(_ nodes: [JSONNode]) -> [UInt8] {
        JSONValue.array(nodes.map { JSONValue($0) }).serialized()
    }
}

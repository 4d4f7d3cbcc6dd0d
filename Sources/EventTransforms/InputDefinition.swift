import FunctionJSON

/// What a target's handler gets instead of the event: one of `input`, `inputPath` and `inputTransformer`, in
/// EventBridge's words. As JSON it has the shape of the configuration: `{"inputPath":"$.detail"}`.
package enum InputDefinition: Sendable, Hashable {
    /// One variable of `inputPathsMap`.
    package struct Variable: Sendable, Hashable {
        package var name: String
        package var path: String

        package init(name: String, path: String) {
            self.name = name
            self.path = path
        }
    }

    /// Always this JSON text.
    case constant(String)
    /// The part of the event at this path.
    case path(String)
    /// The template, filled with the parts of the event at the variables' paths. Sorted by name, so that equal
    /// definitions are equal JSON.
    case template(variables: [Variable], String)
}

extension InputDefinition: Codable {
    private enum Keys: String, CodingKey {
        case input, inputPath, inputTransformer
    }

    private enum TransformerKeys: String, CodingKey {
        case inputPathsMap, inputTemplate
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        if let input = try container.decodeIfPresent(RawJSON.self, forKey: .input) {
            self = .constant(input.text)
        } else if let path = try container.decodeIfPresent(String.self, forKey: .inputPath) {
            self = .path(path)
        } else {
            let inner = try container.nestedContainer(keyedBy: TransformerKeys.self, forKey: .inputTransformer)
            let paths = try inner.decode([String: String].self, forKey: .inputPathsMap)
            self = .template(
                variables: paths.map { Variable(name: $0.key, path: $0.value) }.sorted { $0.name < $1.name },
                try inner.decode(String.self, forKey: .inputTemplate))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        switch self {
        case .constant(let text):
            try container.encode(RawJSON(text), forKey: .input)
        case .path(let path):
            try container.encode(path, forKey: .inputPath)
        case .template(let variables, let template):
            var inner = container.nestedContainer(keyedBy: TransformerKeys.self, forKey: .inputTransformer)
            let members = variables.map { JSONObject.Member(name: $0.name, value: .string($0.path)) }
            try inner.encode(JSONValue.object(JSONObject(members: members)), forKey: .inputPathsMap)
            try inner.encode(template, forKey: .inputTemplate)
        }
    }
}

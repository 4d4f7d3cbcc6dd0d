import Yams

/// Typed values out of YAML that anybody may have written.
///
/// Yams reads numbers by YAML 1.1, where `1:30` is ninety, and its arithmetic traps on one that does not fit
/// (`9223372036854775807:59`). YAML 1.2 has no such numbers: a plain scalar with a colon is text.
package enum PlainYAML {
    /// Aliases multiply: a text that stands for more values is refused (a "billion laughs" file has 10⁹).
    static let maximumNodes = 1_000_000
    /// Aliases also nest what they name, deeper than the parser's own limit of 1,000.
    static let maximumNesting = 1000

    /// Decodes the first document; an empty text decodes as an empty scalar.
    ///
    /// Throws `DecodingError`; with the parser's `YamlError` in it where the text is no YAML.
    package static func decode<Value: Decodable>(_ type: Value.Type, from text: String) throws -> Value {
        let root: Node
        do {
            root = try Yams.compose(yaml: text, Resolver.basic.appending(.merge), .default, .utf8) ?? Node("")
        } catch {
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: "The given data was not valid YAML.", underlyingError: error))
        }
        var nodes = 0
        return try YAMLDecoder().decode(type, from: plain(root, &nodes, depth: 0))
    }

    private static func plain(_ node: Node, _ nodes: inout Int, depth: Int) throws(DecodingError) -> Node {
        nodes += 1
        guard nodes <= maximumNodes, depth <= maximumNesting else {
            throw .dataCorrupted(
                .init(
                    codingPath: [],
                    debugDescription: nodes > maximumNodes
                        ? "the text stands for more than \(maximumNodes) values: write out what its aliases name"
                        : "more than \(maximumNesting) lists and mappings are nested in one another"))
        }
        switch node {
        case .scalar(var scalar):
            guard scalar.style == .plain || scalar.style == .any, scalar.string.utf8.contains(UInt8(ascii: ":")) else {
                return node
            }
            scalar.style = .doubleQuoted
            return .scalar(scalar)
        case .sequence(var sequence):
            for index in sequence.indices { sequence[index] = try plain(sequence[index], &nodes, depth: depth + 1) }
            return .sequence(sequence)
        case .mapping(var mapping):
            for index in mapping.indices {
                mapping[index].value = try plain(mapping[index].value, &nodes, depth: depth + 1)
            }
            return .mapping(mapping)
        case .alias:
            // The parser puts in what an alias names; this case exists for emitting.
            return node
        }
    }
}

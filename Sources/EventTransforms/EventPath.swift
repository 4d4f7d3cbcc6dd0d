package import FunctionJSON

/// A path into an event: the subset of JSONPath that EventBridge takes for `InputPath` and `InputPathsMap`
/// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html): `$`, members in dot
/// notation with letters, digits, `-`, `_` and `/`, array indices, and `*` for all members or elements.
package struct EventPath: Sendable, Hashable {
    /// As EventBridge limits it, in characters.
    package static let longest = 256
    /// The highest array index: no event is large enough to have more elements.
    package static let highestIndex = 10_000_000

    enum Step: Sendable, Hashable {
        case member(String)
        case element(Int)
        case all
    }

    /// What a path leads to.
    package enum Found: Sendable {
        case nothing
        case one(JSONNode)
        /// A path with `*` leads to a list, which may be empty.
        case many([JSONNode])
    }

    package let text: String
    private let steps: [Step]

    /// Reads a path. Throws `invalidPath` with what is wrong and where.
    package init(_ text: String) throws(TransformError) {
        func fail(_ reason: String) -> TransformError {
            TransformError(.invalidPath, "`\(text)` is no path into an event: \(reason)")
        }
        guard text.unicodeScalars.count <= Self.longest else {
            throw fail("it is longer than \(Self.longest) characters")
        }
        var rest = Substring(text)
        guard rest.popFirst() == "$" else { throw fail("it must begin with `$`, such as $.detail.id") }
        var steps: [Step] = []
        while let mark = rest.popFirst() {
            switch mark {
            case ".":
                if rest.first == "*" {
                    rest.removeFirst()
                    steps.append(.all)
                    continue
                }
                let name = rest.prefix(while: Self.isNameCharacter)
                guard !name.isEmpty else { throw fail("a name must follow the dot") }
                rest = rest[name.endIndex...]
                steps.append(.member(String(name)))
            case "[":
                guard let end = rest.firstIndex(of: "]") else { throw fail("`[` is not closed") }
                let inside = rest[..<end]
                rest = rest[rest.index(after: end)...]
                if inside == "*" {
                    steps.append(.all)
                } else if !inside.isEmpty, inside.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
                    guard let index = Int(inside), index <= Self.highestIndex else {
                        throw fail(
                            "no array of an event has an element `[\(inside)]`; \(Self.highestIndex) is the highest")
                    }
                    steps.append(.element(index))
                } else {
                    throw fail("`[\(inside)]` is no array index; members are written with a dot, not in brackets")
                }
            default:
                throw fail("`\(mark)` cannot stand after `\(text.prefix(text.count - rest.count - 1))`")
            }
        }
        self.text = text
        self.steps = steps
    }

    private static func isNameCharacter(_ character: Character) -> Bool {
        guard character.isASCII else { return false }
        return character.isLetter || character.isNumber || character == "-" || character == "_" || character == "/"
    }

    /// Follows the path from the root of an event.
    package func find(in root: JSONNode) -> Found {
        var nodes = [root]
        var isList = false
        for step in steps {
            switch step {
            case .member(let name):
                nodes = nodes.compactMap { $0[name] }
            case .element(let index):
                nodes = nodes.compactMap { $0.elements.dropFirst(index).first { _ in true } }
            case .all:
                isList = true
                nodes = nodes.flatMap { node in Array(node.elements) + node.members.map(\.value) }
            }
        }
        if isList { return .many(nodes) }
        return nodes.first.map(Found.one) ?? .nothing
    }
}

/// What a value is.
public enum JSONKind: UInt8, Sendable, Hashable, CustomStringConvertible {
    case null, `false`, `true`, number, string, array, object

    /// As error messages say it: `null`, `boolean`, `number`, `string`, `array`, `object`.
    public var description: String {
        switch self {
        case .null: "null"
        case .false, .true: "boolean"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}

/// One value (or member name) of a parsed document, in document order. The values of an array follow their array; in
/// an object each name, a string, is followed by its value. 20 bytes.
package struct TapeNode: Sendable {
    /// First byte: of the content for strings, of the value otherwise.
    package var offset: UInt32
    /// Bytes of the content for strings (without quotes), of the whole value otherwise.
    package var length: UInt32
    /// Index of the node after this one and all it holds.
    package var next: UInt32
    /// Elements of an array, members of an object.
    var count: UInt32
    package var kind: JSONKind
    /// A string with a backslash in it.
    package var escaped: Bool
}

/// A parsed document: its bytes and its nodes. Immutable, so it may be shared between tasks.
final class Tape: Sendable {
    let bytes: [UInt8]
    let nodes: [TapeNode]
    /// Takes down what a decoding asks for, where somebody wants to know what it does not.
    let asked: AskedMembers?

    init(bytes: [UInt8], nodes: [TapeNode], asked: AskedMembers? = nil) {
        self.bytes = bytes
        self.nodes = nodes
        self.asked = asked
    }

    convenience init(
        parsing bytes: [UInt8], maximumDepth: Int, asked: AskedMembers? = nil
    ) throws(JSONError) {
        let nodes = try bytes.withUnsafeBufferPointer { buffer throws(JSONError) in
            var parser = TapeParser(bytes: buffer, maximumDepth: maximumDepth)
            return try parser.parse()
        }
        self.init(bytes: bytes, nodes: nodes, asked: asked)
    }

    /// The bytes of a value as they stand in the document, quotes of a string included.
    func sourceRange(_ index: Int) -> Range<Int> {
        let node = nodes[index]
        let start = Int(node.offset)
        let end = start + Int(node.length)
        return node.kind == .string ? start - 1..<end + 1 : start..<end
    }

    /// The text of a string node, escapes resolved. Also for member names.
    func text(_ index: Int) -> String {
        let node = nodes[index]
        return bytes.withUnsafeBufferPointer { buffer in
            let content = UnsafeBufferPointer(rebasing: buffer[Int(node.offset)..<Int(node.offset) + Int(node.length)])
            return node.escaped ? StringText.unescaped(content) : String(decoding: content, as: UTF8.self)
        }
    }

    /// Whether a string node has that text.
    func isText(_ index: Int, _ text: StaticString) -> Bool {
        let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        let node = nodes[index]
        if node.escaped { return self.text(index).utf8.elementsEqual(wanted) }
        guard Int(node.length) == wanted.count else { return false }
        return bytes.withUnsafeBufferPointer { StringText.equal($0.baseAddress, Int(node.offset), wanted) }
    }

    /// A number as it stands in the document.
    func numberText(_ index: Int) -> String {
        String(decoding: bytes[sourceRange(index)], as: UTF8.self)
    }

    /// Whether no object in a value has a member name twice and no member name has a dot or an escape.
    func hasPlainNames(within value: Int) -> Bool {
        bytes.withUnsafeBufferPointer { buffer in
            (value..<Int(nodes[value].next)).allSatisfy {
                nodes[$0].kind != .object || hasPlainNames(object: $0, buffer)
            }
        }
    }

    private func hasPlainNames(object: Int, _ buffer: UnsafeBufferPointer<UInt8>) -> Bool {
        let end = Int(nodes[object].next)
        // Few names are compared with one another, many by way of a set.
        var known: Set<[UInt8]> = []
        let isLarge = nodes[object].count > 16
        var index = object + 1
        while index < end {
            let name = content(index, buffer)
            if nodes[index].escaped || name.contains(UInt8(ascii: ".")) { return false }
            if isLarge {
                if !known.insert(Array(name)).inserted { return false }
            } else {
                var earlier = object + 1
                while earlier < index {
                    if content(earlier, buffer).elementsEqual(name) { return false }
                    earlier = Int(nodes[earlier + 1].next)
                }
            }
            index = Int(nodes[index + 1].next)
        }
        return true
    }

    private func content(_ index: Int, _ buffer: UnsafeBufferPointer<UInt8>) -> Slice<UnsafeBufferPointer<UInt8>> {
        let start = Int(nodes[index].offset)
        return buffer[start..<start + Int(nodes[index].length)]
    }

    /// The value of the member `name`, the last one where a name occurs twice; nil if there is none.
    func member(_ name: String, of object: Int) -> Int? {
        var name = name
        return name.withUTF8 { wanted in
            bytes.withUnsafeBufferPointer { buffer in
                nodes.withUnsafeBufferPointer { nodes in
                    var found: Int?
                    var index = object + 1
                    let end = Int(nodes[object].next)
                    while index < end {
                        let node = nodes[index]
                        if node.escaped {
                            let content = UnsafeBufferPointer(
                                rebasing: buffer[Int(node.offset)..<Int(node.offset) + Int(node.length)])
                            if StringText.unescaped(content).utf8.elementsEqual(wanted) { found = index + 1 }
                        } else if Int(node.length) == wanted.count,
                            StringText.equal(buffer.baseAddress, Int(node.offset), wanted)
                        {
                            found = index + 1
                        }
                        index = Int(nodes[index + 1].next)
                    }
                    return found
                }
            }
        }
    }
}

/// A parsed JSON text: cheap to hold, to share and to walk. Nothing is copied out of it until asked for.
public struct JSONDocument: Sendable {
    /// The nesting that is accepted when nothing else is said, as EventBridge has it.
    public static let defaultMaximumDepth = 1000

    let tape: Tape

    /// Parses one JSON value with optional white space around it, strictly by RFC 8259 (UTF-8, no byte order mark, no
    /// comments, no trailing commas). Of a member name that occurs twice, the last one counts.
    public init(parsing bytes: [UInt8], maximumDepth: Int = defaultMaximumDepth) throws(JSONError) {
        tape = try Tape(parsing: bytes, maximumDepth: maximumDepth)
    }

    /// Parses a text.
    public init(parsing text: String, maximumDepth: Int = defaultMaximumDepth) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), maximumDepth: maximumDepth)
    }

    /// Parses borrowed bytes; they are copied.
    public init(parsing bytes: Span<UInt8>, maximumDepth: Int = defaultMaximumDepth) throws(JSONError) {
        try self.init(
            parsing: bytes.withUnsafeBufferPointer { Array($0) }, maximumDepth: maximumDepth)
    }

    /// The bytes that were parsed.
    public var bytes: [UInt8] { tape.bytes }

    /// Where everything stands, for who has bytes of the document at another place and need not find the end of any
    /// text again.
    package func withNodes<R, E: Error>(_ body: (UnsafeBufferPointer<TapeNode>) throws(E) -> R) throws(E) -> R {
        try tape.nodes.withUnsafeBufferPointer { (nodes) throws(E) -> R in try body(nodes) }
    }

    init(tape: Tape) { self.tape = tape }

    /// The outermost value.
    public var root: JSONNode { JSONNode(tape: tape, index: 0) }
}

/// One value within a document. A handler may ask for one as its event: nothing of it is read before it is asked for.
public struct JSONNode: Sendable {
    let tape: Tape
    let index: Int

    public var kind: JSONKind { tape.nodes[index].kind }

    /// What the value is a part of.
    package var document: JSONDocument { JSONDocument(tape: tape) }

    /// Where the value stands in the document's bytes, quotes included.
    public var sourceRange: Range<Int> { tape.sourceRange(index) }

    /// Where the name stands, quotes included, of which this is the value; only for members of an object.
    package var nameRange: Range<Int> {
        // The node before a member's value is its name.
        tape.sourceRange(max(0, index - 1))
    }

    /// The value as it stands in the document.
    public var sourceBytes: ArraySlice<UInt8> { tape.bytes[sourceRange] }

    /// The value as it stands in the document, with bytes of its own.
    public var raw: RawJSON {
        let range = sourceRange
        return tape.bytes.withUnsafeBufferPointer { RawJSON(unchecked: Array($0[range])) }
    }

    /// The same without a copy: it keeps the whole document in memory.
    package var sharedRaw: RawJSON { RawJSON(unchecked: tape.bytes, in: sourceRange) }

    /// The text of a string; nil for other kinds.
    public var string: String? { kind == .string ? tape.text(index) : nil }

    /// A boolean; nil for other kinds.
    public var bool: Bool? {
        switch kind {
        case .true: true
        case .false: false
        default: nil
        }
    }

    /// A number as it stands in the document; nil for other kinds.
    public var numberText: String? { kind == .number ? tape.numberText(index) : nil }

    /// A number without fraction that fits; nil otherwise.
    public var int64: Int64? { number { NumberText.integer($0, as: Int64.self) } }

    /// The nearest Double of a number; nil for other kinds and for numbers beyond its range.
    public var double: Double? { number { NumberText.double($0) } }

    private func number<T>(_ convert: (UnsafeBufferPointer<UInt8>) -> T?) -> T? {
        guard kind == .number else { return nil }
        return tape.bytes.withUnsafeBufferPointer { convert(UnsafeBufferPointer(rebasing: $0[sourceRange])) }
    }

    /// The number of elements of an array or members of an object; 0 for other kinds.
    public var count: Int { Int(tape.nodes[index].count) }

    /// The value of a member; nil if this is no object or has no such member.
    public subscript(name: String) -> JSONNode? {
        guard kind == .object, let member = tape.member(name, of: index) else { return nil }
        return JSONNode(tape: tape, index: member)
    }

    /// Of a member of an object: whether that is its name.
    package func isNamed(_ name: StaticString) -> Bool { tape.isText(index - 1, name) }

    /// The elements of an array, in order; empty for other kinds.
    public var elements: Elements { Elements(tape: tape, container: index, isArray: kind == .array) }

    /// The members of an object in document order, doubles included; empty for other kinds.
    public var members: Members { Members(tape: tape, container: index, isObject: kind == .object) }

    /// The elements of an array, in order.
    public struct Elements: Sequence, IteratorProtocol, Sendable {
        private let tape: Tape
        private var position: Int
        private let end: Int

        init(tape: Tape, container: Int, isArray: Bool) {
            self.tape = tape
            end = Int(tape.nodes[container].next)
            position = isArray ? container + 1 : end
        }

        public mutating func next() -> JSONNode? {
            guard position < end else { return nil }
            defer { position = Int(tape.nodes[position].next) }
            return JSONNode(tape: tape, index: position)
        }
    }

    /// The members of an object with their names, in the document's order.
    public struct Members: Sequence, IteratorProtocol, Sendable {
        private let tape: Tape
        private var position: Int
        private let end: Int

        init(tape: Tape, container: Int, isObject: Bool) {
            self.tape = tape
            end = Int(tape.nodes[container].next)
            position = isObject ? container + 1 : end
        }

        public mutating func next() -> (name: String, value: JSONNode)? {
            guard position < end else { return nil }
            defer { position = Int(tape.nodes[position + 1].next) }
            return (tape.text(position), JSONNode(tape: tape, index: position + 1))
        }

        /// The same without the name, of which no text is made: see `isNamed`.
        package mutating func nextValue() -> JSONNode? {
            guard position < end else { return nil }
            defer { position = Int(tape.nodes[position + 1].next) }
            return JSONNode(tape: tape, index: position + 1)
        }
    }
}

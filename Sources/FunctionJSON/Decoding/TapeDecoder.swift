/// Decodes any `Decodable` type from JSON bytes. Numbers are exact: an integer that does not fit, or a fraction where
/// an integer is wanted, is an error, never a rounding.
///
/// Every failure is a `DecodingError`; for text that is no JSON at all it is `dataCorrupted` with the `JSONError` (byte
/// offset, line, column) as its underlying error.
public struct TapeDecoder: Sendable {
    /// More nested arrays and objects than this are refused.
    public var maximumDepth: Int
    /// Whether a member that the type does not ask for is an error, which names it and those that are known in its
    /// place; false unless set. What is read as a dictionary, `JSONValue` or `RawJSON` may have any members.
    public var refusesUnknownMembers = false

    public init(maximumDepth: Int = JSONDocument.defaultMaximumDepth) {
        self.maximumDepth = maximumDepth
    }

    /// Decodes a whole JSON text.
    public func decode<T: Decodable>(_ type: T.Type, from bytes: [UInt8]) throws -> T {
        let tape: Tape
        do {
            tape = try Tape(
                parsing: bytes, maximumDepth: maximumDepth, asked: refusesUnknownMembers ? AskedMembers() : nil)
        } catch {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: [], debugDescription: "not JSON: \(error)", underlyingError: error))
        }
        let value = try tape.decode(type, at: 0)
        try tape.asked?.requireAll(of: tape)
        return value
    }

    /// Decodes borrowed bytes; they are copied once.
    public func decode<T: Decodable>(_ type: T.Type, from bytes: Span<UInt8>) throws -> T {
        try decode(type, from: bytes.withUnsafeBufferPointer { Array($0) })
    }

    /// Decodes a slice; it is copied once.
    public func decode<T: Decodable>(_ type: T.Type, from bytes: ArraySlice<UInt8>) throws -> T {
        try decode(type, from: Array(bytes))
    }

    /// Decodes a text.
    public func decode<T: Decodable>(_ type: T.Type, from text: String) throws -> T {
        try decode(type, from: Array(text.utf8))
    }

    /// Decodes a value of a document that is parsed already. Coding paths in errors begin at the document's root.
    public func decode<T: Decodable>(_ type: T.Type, from node: JSONNode) throws -> T {
        guard refusesUnknownMembers else { return try node.tape.decode(type, at: node.index) }
        // What is asked for belongs to this decoding alone, not to the document: a tape of its own over the same text.
        let tape = Tape(bytes: node.tape.bytes, nodes: node.tape.nodes, asked: AskedMembers())
        let value = try tape.decode(type, at: node.index)
        try tape.asked?.requireAll(of: tape)
        return value
    }
}

/// A step of a coding path.
struct TapeKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(stringValue: String) {
        self.stringValue = stringValue
        intValue = nil
    }

    init(intValue: Int) {
        stringValue = String(intValue)
        self.intValue = intValue
    }
}

/// The decoder that a type sees: a place on a tape. Two words, so it fits an existential without allocation.
struct TapeNodeDecoder: Decoder {
    let tape: Tape
    let index: Int

    var codingPath: [any CodingKey] { tape.codingPath(to: index) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        try tape.expect(.object, at: index, "an object", [String: String].self)
        return KeyedDecodingContainer(KeyedTapeContainer(tape: tape, index: index))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try tape.expect(.array, at: index, "an array", [String].self)
        return UnkeyedTapeContainer(tape: tape, index: index)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }
}

extension TapeNodeDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { tape.isNull(index) }
    func decode(_ type: Bool.Type) throws -> Bool { try tape.bool(index) }
    func decode(_ type: String.Type) throws -> String { try tape.string(index) }
    func decode(_ type: Double.Type) throws -> Double { try tape.double(index) }
    func decode(_ type: Float.Type) throws -> Float { try tape.float(index) }
    func decode(_ type: Int.Type) throws -> Int { try tape.integer(index) }
    func decode(_ type: Int8.Type) throws -> Int8 { try tape.integer(index) }
    func decode(_ type: Int16.Type) throws -> Int16 { try tape.integer(index) }
    func decode(_ type: Int32.Type) throws -> Int32 { try tape.integer(index) }
    func decode(_ type: Int64.Type) throws -> Int64 { try tape.integer(index) }
    func decode(_ type: Int128.Type) throws -> Int128 { try tape.integer(index) }
    func decode(_ type: UInt.Type) throws -> UInt { try tape.integer(index) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try tape.integer(index) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try tape.integer(index) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try tape.integer(index) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try tape.integer(index) }
    func decode(_ type: UInt128.Type) throws -> UInt128 { try tape.integer(index) }
    func decode<T: Decodable>(_ type: T.Type) throws -> T { try tape.decode(type, at: index) }
}

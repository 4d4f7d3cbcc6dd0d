/// Any JSON value. Numbers keep their text, so nothing is lost on the way through.
public enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// Parses a JSON text.
    public init(parsing bytes: [UInt8]) throws(JSONError) {
        self.init(try Tape(parsing: bytes, maximumDepth: JSONDocument.defaultMaximumDepth), at: 0)
    }

    /// Parses a JSON text.
    public init(parsing text: String) throws(JSONError) {
        try self.init(parsing: Array(text.utf8))
    }

    /// A value of a parsed document, copied out of it.
    public init(_ node: JSONNode) {
        self.init(node.tape, at: node.index)
    }

    init(_ tape: Tape, at index: Int) {
        switch tape.nodes[index].kind {
        case .null: self = .null
        case .true: self = .bool(true)
        case .false: self = .bool(false)
        case .number: self = .number(JSONNumber(unchecked: tape.numberText(index)))
        case .string: self = .string(tape.text(index))
        case .array:
            var elements: [JSONValue] = []
            elements.reserveCapacity(Int(tape.nodes[index].count))
            var element = index + 1
            while element < Int(tape.nodes[index].next) {
                elements.append(JSONValue(tape, at: element))
                element = Int(tape.nodes[element].next)
            }
            self = .array(elements)
        case .object:
            var members: [JSONObject.Member] = []
            members.reserveCapacity(Int(tape.nodes[index].count))
            var name = index + 1
            while name < Int(tape.nodes[index].next) {
                members.append(.init(name: tape.text(name), value: JSONValue(tape, at: name + 1)))
                name = Int(tape.nodes[name + 1].next)
            }
            self = .object(JSONObject(members: members))
        }
    }

    /// Encodes any value into its JSON form.
    public init(encoding value: some Encodable) throws {
        self = try JSONValue(parsing: TapeEncoder().encode(value))
    }

    /// Decodes a typed value from this one.
    public func decode<T: Decodable>(_ type: T.Type = T.self) throws -> T {
        try TapeDecoder().decode(type, from: serialized())
    }

    /// The JSON text as bytes, without white space unless `pretty`.
    public func serialized(sortedKeys: Bool = false, pretty: Bool = false) -> [UInt8] {
        var writer = JSONWriter()
        writer.value(self, sortedKeys: sortedKeys, indent: pretty ? 0 : nil)
        return writer.bytes
    }

    /// A member of an object; nil if this is no object or has no such member.
    public subscript(name: String) -> JSONValue? {
        get { object?[name] }
        set {
            guard case .object(var object) = self else { return }
            self = .null  // the object is ours alone now, and changes in place
            object[name] = newValue
            self = .object(object)
        }
    }

    /// An element of an array; nil if this is no array or is shorter.
    public subscript(index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    public var isNull: Bool { self == .null }
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var string: String? { if case .string(let value) = self { value } else { nil } }
    public var number: JSONNumber? { if case .number(let value) = self { value } else { nil } }
    /// The integer of a number without fraction that fits; nil otherwise.
    public var int: Int? { number?.integer(as: Int.self) }
    /// The nearest Double of a number within its range; nil otherwise.
    public var double: Double? { number?.double }
    public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    public var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
}

extension JSONValue: CustomStringConvertible {
    /// The JSON text.
    public var description: String { String(decoding: serialized(), as: UTF8.self) }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int) { self = .number(JSONNumber(value)) }
    /// A literal beyond Double's range becomes null, as JSON has no infinity.
    public init(floatLiteral value: Double) { self = JSONNumber(value).map(JSONValue.number) ?? .null }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(members: elements.map { .init(name: $0.0, value: $0.1) }))
    }
}

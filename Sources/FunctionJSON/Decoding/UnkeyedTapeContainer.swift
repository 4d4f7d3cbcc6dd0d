/// Elements of an array, one after the other.
struct UnkeyedTapeContainer: UnkeyedDecodingContainer {
    private let tape: Tape
    private let container: Int
    private var next: Int
    private(set) var currentIndex = 0

    init(tape: Tape, index: Int) {
        self.tape = tape
        container = index
        next = index + 1
    }

    var codingPath: [any CodingKey] { tape.codingPath(to: container) }
    var count: Int? { Int(tape.nodes[container].count) }
    var isAtEnd: Bool { next >= Int(tape.nodes[container].next) }

    /// Reads the next element; it counts as read only when `read` succeeds.
    private mutating func take<T>(_ type: T.Type, _ read: (Int) throws -> T) throws -> T {
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                type,
                DecodingError.Context(
                    codingPath: codingPath + [TapeKey(intValue: currentIndex)],
                    debugDescription: "the array ends after \(currentIndex) elements"))
        }
        let value = try read(next)
        next = Int(tape.nodes[next].next)
        currentIndex += 1
        return value
    }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, tape.isNull(next) else { return false }
        next += 1
        currentIndex += 1
        return true
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try take(type, tape.bool) }
    mutating func decode(_ type: String.Type) throws -> String { try take(type, tape.string) }
    mutating func decode(_ type: Double.Type) throws -> Double { try take(type, tape.double) }
    mutating func decode(_ type: Float.Type) throws -> Float { try take(type, tape.float) }
    mutating func decode(_ type: Int.Type) throws -> Int { try take(type, tape.integer) }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try take(type, tape.integer) }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try take(type, tape.integer) }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try take(type, tape.integer) }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try take(type, tape.integer) }
    mutating func decode(_ type: Int128.Type) throws -> Int128 { try take(type, tape.integer) }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try take(type, tape.integer) }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try take(type, tape.integer) }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try take(type, tape.integer) }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try take(type, tape.integer) }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try take(type, tape.integer) }
    mutating func decode(_ type: UInt128.Type) throws -> UInt128 { try take(type, tape.integer) }
    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let tape = self.tape
        return try take(type) { try tape.decode(type, at: $0) }
    }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) throws -> KeyedDecodingContainer<NestedKey> {
        let tape = self.tape
        return try take(KeyedDecodingContainer<NestedKey>.self) {
            try TapeNodeDecoder(tape: tape, index: $0).container(keyedBy: type)
        }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let tape = self.tape
        return try take((any UnkeyedDecodingContainer).self) {
            try TapeNodeDecoder(tape: tape, index: $0).unkeyedContainer()
        }
    }

    mutating func superDecoder() throws -> any Decoder {
        let tape = self.tape
        return try take((any Decoder).self) { TapeNodeDecoder(tape: tape, index: $0) }
    }
}

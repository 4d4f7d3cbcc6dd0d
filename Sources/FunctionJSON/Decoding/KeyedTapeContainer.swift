/// Members of an object by name. Few members are searched in order (an event has nine); many are indexed once.
struct KeyedTapeContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let tape: Tape
    private let index: Int
    private let byName: [String: Int]?

    init(tape: Tape, index: Int) {
        self.tape = tape
        self.index = index
        tape.asked?.open(index)
        guard tape.nodes[index].count > 24 else {
            byName = nil
            return
        }
        var byName: [String: Int] = [:]
        byName.reserveCapacity(Int(tape.nodes[index].count))
        var name = index + 1
        while name < Int(tape.nodes[index].next) {
            byName[tape.text(name)] = name + 1
            name = Int(tape.nodes[name + 1].next)
        }
        self.byName = byName
    }

    var codingPath: [any CodingKey] { tape.codingPath(to: index) }

    var allKeys: [Key] {
        var keys: [Key] = []
        var name = index + 1
        while name < Int(tape.nodes[index].next) {
            if let key = Key(stringValue: tape.text(name)) { keys.append(key) }
            name = Int(tape.nodes[name + 1].next)
        }
        return keys
    }

    func contains(_ key: Key) -> Bool { find(key) != nil }

    private func find(_ key: Key) -> Int? {
        tape.asked?.ask(key.stringValue, of: index)
        if let byName { return byName[key.stringValue] }
        return tape.member(key.stringValue, of: index)
    }

    private func value(_ key: Key) throws -> Int {
        guard let found = find(key) else {
            throw DecodingError.keyNotFound(
                key,
                DecodingError.Context(
                    codingPath: codingPath, debugDescription: "the member \"\(key.stringValue)\" is missing"))
        }
        return found
    }

    /// Nil when the member is missing or null.
    private func present(_ key: Key) -> Int? {
        guard let found = find(key), !tape.isNull(found) else { return nil }
        return found
    }

    func decodeNil(forKey key: Key) throws -> Bool { tape.isNull(try value(key)) }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try tape.bool(value(key)) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try tape.string(value(key)) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try tape.double(value(key)) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try tape.float(value(key)) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try tape.integer(value(key)) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try tape.integer(value(key)) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try tape.integer(value(key)) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try tape.integer(value(key)) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try tape.integer(value(key)) }
    func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 { try tape.integer(value(key)) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try tape.integer(value(key)) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try tape.integer(value(key)) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try tape.integer(value(key)) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try tape.integer(value(key)) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try tape.integer(value(key)) }
    func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 { try tape.integer(value(key)) }
    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try tape.decode(type, at: value(key)) }

    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try present(key).map(tape.bool) }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try present(key).map(tape.string) }
    func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { try present(key).map(tape.double) }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try present(key).map(tape.integer) }
    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { try present(key).map(tape.integer) }
    func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
        try present(key).map { try tape.decode(type, at: $0) }
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try TapeNodeDecoder(tape: tape, index: value(key)).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try TapeNodeDecoder(tape: tape, index: value(key)).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        guard let found = tape.member("super", of: index) else {
            throw DecodingError.keyNotFound(
                TapeKey(stringValue: "super"),
                DecodingError.Context(codingPath: codingPath, debugDescription: "the member \"super\" is missing"))
        }
        return TapeNodeDecoder(tape: tape, index: found)
    }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        TapeNodeDecoder(tape: tape, index: try value(key))
    }
}

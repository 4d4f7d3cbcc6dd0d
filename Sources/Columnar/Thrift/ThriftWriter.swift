/// Writes Thrift's compact protocol into a byte array.
///
/// Field headers hold the difference to the previous field of the same struct, so structs keep a stack of last ids.
package struct ThriftWriter {
    package private(set) var bytes: [UInt8] = []
    private var lastID: Int16 = 0
    private var outerIDs: [Int16] = []

    package init() {}

    /// The bytes of one whole struct.
    package static func bytes(of value: some ThriftEncodable) -> [UInt8] {
        var writer = ThriftWriter()
        writer.writeStruct(value)
        return writer.bytes
    }

    // MARK: fields; a nil value writes nothing

    package mutating func field(_ id: Int16, bool value: Bool?) {
        guard let value else { return }
        header(id, value ? .booleanTrue : .booleanFalse)
    }

    package mutating func field(_ id: Int16, int8 value: Int8?) {
        guard let value else { return }
        header(id, .int8)
        bytes.append(UInt8(bitPattern: value))
    }

    package mutating func field(_ id: Int16, int16 value: Int16?) {
        guard let value else { return }
        header(id, .int16)
        zigzag(Int64(value))
    }

    package mutating func field(_ id: Int16, int32 value: Int32?) {
        guard let value else { return }
        header(id, .int32)
        zigzag(Int64(value))
    }

    package mutating func field(_ id: Int16, int64 value: Int64?) {
        guard let value else { return }
        header(id, .int64)
        zigzag(value)
    }

    package mutating func field(_ id: Int16, binary value: [UInt8]?) {
        guard let value else { return }
        header(id, .binary)
        binary(value)
    }

    package mutating func field(_ id: Int16, string value: String?) {
        guard let value else { return }
        field(id, binary: Array(value.utf8))
    }

    package mutating func field(_ id: Int16, structure value: (some ThriftEncodable)?) {
        guard let value else { return }
        header(id, .structure)
        writeStruct(value)
    }

    /// An empty struct, as unions of markers use them.
    package mutating func emptyStruct(_ id: Int16) {
        header(id, .structure)
        bytes.append(0)
    }

    package mutating func field(_ id: Int16, structures values: [some ThriftEncodable]?) {
        guard let values else { return }
        listHeader(id, .structure, values.count)
        for value in values { writeStruct(value) }
    }

    package mutating func field(_ id: Int16, int32s values: [Int32]?) {
        guard let values else { return }
        listHeader(id, .int32, values.count)
        for value in values { zigzag(Int64(value)) }
    }

    package mutating func field(_ id: Int16, int64s values: [Int64]?) {
        guard let values else { return }
        listHeader(id, .int64, values.count)
        for value in values { zigzag(value) }
    }

    package mutating func field(_ id: Int16, strings values: [String]?) {
        guard let values else { return }
        listHeader(id, .binary, values.count)
        for value in values { binary(Array(value.utf8)) }
    }

    package mutating func field(_ id: Int16, binaries values: [[UInt8]]?) {
        guard let values else { return }
        listHeader(id, .binary, values.count)
        for value in values { binary(value) }
    }

    package mutating func field(_ id: Int16, bools values: [Bool]?) {
        guard let values else { return }
        listHeader(id, .booleanTrue, values.count)
        for value in values { bytes.append(value ? 1 : 2) }
    }

    /// Writes a struct with its stop byte, without a field header.
    package mutating func writeStruct(_ value: some ThriftEncodable) {
        outerIDs.append(lastID)
        lastID = 0
        value.encodeFields(to: &self)
        bytes.append(ThriftType.stop.rawValue)
        lastID = outerIDs.popLast() ?? 0
    }

    // MARK: primitives

    private mutating func header(_ id: Int16, _ type: ThriftType) {
        let delta = Int(id) - Int(lastID)
        if delta > 0 && delta <= 15 {
            bytes.append(UInt8(delta) << 4 | type.rawValue)
        } else {
            bytes.append(type.rawValue)
            zigzag(Int64(id))
        }
        lastID = id
    }

    private mutating func listHeader(_ id: Int16, _ element: ThriftType, _ count: Int) {
        header(id, .list)
        if count < 15 {
            bytes.append(UInt8(count) << 4 | element.rawValue)
        } else {
            bytes.append(0xF0 | element.rawValue)
            varint(UInt64(count))
        }
    }

    private mutating func binary(_ value: [UInt8]) {
        varint(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    private mutating func zigzag(_ value: Int64) {
        varint(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

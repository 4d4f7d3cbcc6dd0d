/// Reads Thrift's compact protocol from memory that the caller keeps alive.
///
/// Input is never trusted: every length is checked against what is left, nesting is limited, and an error names the
/// byte offset (of `fileOffset` plus the position in the buffer) where the format's rules were broken.
package struct ThriftReader {
    /// Deepest nesting of skipped values; Parquet's own metadata needs six.
    private static let maximumDepth = 32

    private let buffer: UnsafeRawBufferPointer
    /// Bytes read so far.
    package private(set) var position = 0
    private let fileOffset: Int64
    private let memory: Int
    /// Of lists so far.
    private var memoryTaken = 0

    /// - Parameters:
    ///   - buffer: must outlive the reader.
    ///   - fileOffset: where the buffer starts in its file; only used in error messages.
    ///   - memory: the most that lists may take in memory.
    package init(_ buffer: UnsafeRawBufferPointer, fileOffset: Int64 = 0, memory: Int = .max) {
        self.buffer = buffer
        self.fileOffset = fileOffset
        self.memory = memory
    }

    /// Decodes one struct that starts at the first byte of `bytes`.
    package static func decode<Value: ThriftDecodable>(
        _ type: Value.Type, from bytes: [UInt8], fileOffset: Int64 = 0, memory: Int = .max
    ) throws(ColumnarError) -> Value {
        let result = bytes.withUnsafeBytes { buffer -> Result<Value, ColumnarError> in
            do throws(ColumnarError) {
                var reader = ThriftReader(buffer, fileOffset: fileOffset, memory: memory)
                return .success(try Value(from: &reader))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    package var remaining: Int { buffer.count - position }

    // MARK: structs

    /// The next field of the struct being read, nil at its end.
    /// - Parameter lastID: 0 before the first field; kept by the caller, one for each struct.
    package mutating func nextField(after lastID: inout Int16) throws(ColumnarError) -> ThriftField? {
        let byte = try byte()
        if byte == 0 { return nil }
        guard let type = ThriftType(rawValue: byte & 0x0F), type != .stop else {
            throw corrupt("a field header has the unknown type \(byte & 0x0F)")
        }
        let delta = Int16(byte >> 4)
        if delta != 0 {
            let (id, overflow) = lastID.addingReportingOverflow(delta)
            if overflow { throw corrupt("a field id overflows") }
            lastID = id
        } else {
            guard let id = Int16(exactly: try zigzag()) else { throw corrupt("a field id overflows") }
            lastID = id
        }
        return ThriftField(id: lastID, type: type)
    }

    package mutating func bool(_ field: ThriftField) throws(ColumnarError) -> Bool {
        switch field.type {
        case .booleanTrue: return true
        case .booleanFalse: return false
        default: throw wrongType(field, "bool")
        }
    }

    package mutating func int8(_ field: ThriftField) throws(ColumnarError) -> Int8 {
        guard field.type == .int8 else { throw wrongType(field, "i8") }
        return Int8(bitPattern: try byte())
    }

    package mutating func int16(_ field: ThriftField) throws(ColumnarError) -> Int16 {
        guard field.type == .int16 else { throw wrongType(field, "i16") }
        guard let value = Int16(exactly: try zigzag()) else { throw corrupt("an i16 is out of range") }
        return value
    }

    package mutating func int32(_ field: ThriftField) throws(ColumnarError) -> Int32 {
        guard field.type == .int32 else { throw wrongType(field, "i32") }
        return try int32Value()
    }

    package mutating func int64(_ field: ThriftField) throws(ColumnarError) -> Int64 {
        guard field.type == .int64 else { throw wrongType(field, "i64") }
        return try zigzag()
    }

    package mutating func binary(_ field: ThriftField) throws(ColumnarError) -> [UInt8] {
        guard field.type == .binary else { throw wrongType(field, "binary") }
        return try binaryValue()
    }

    /// Text; invalid UTF-8 is repaired, since names in foreign files must not make them unreadable.
    package mutating func string(_ field: ThriftField) throws(ColumnarError) -> String {
        String(decoding: try binary(field), as: UTF8.self)
    }

    package mutating func structure<Value: ThriftDecodable>(
        _ field: ThriftField, as type: Value.Type
    ) throws(ColumnarError) -> Value {
        guard field.type == .structure else { throw wrongType(field, "struct") }
        return try Value(from: &self)
    }

    // MARK: lists

    package mutating func structures<Value: ThriftDecodable>(
        _ field: ThriftField, of type: Value.Type
    ) throws(ColumnarError) -> [Value] {
        let count = try list(field, of: .structure)
        try take(count, of: MemoryLayout<Value>.stride)
        var values: [Value] = []
        values.reserveCapacity(min(count, 4096))
        for _ in 0..<count { values.append(try Value(from: &self)) }
        return values
    }

    package mutating func int32s(_ field: ThriftField) throws(ColumnarError) -> [Int32] {
        let count = try list(field, of: .int32)
        var values: [Int32] = []
        for _ in 0..<count { values.append(try int32Value()) }
        return values
    }

    package mutating func int64s(_ field: ThriftField) throws(ColumnarError) -> [Int64] {
        let count = try list(field, of: .int64)
        var values: [Int64] = []
        for _ in 0..<count { values.append(try zigzag()) }
        return values
    }

    package mutating func binaries(_ field: ThriftField) throws(ColumnarError) -> [[UInt8]] {
        let count = try list(field, of: .binary)
        // An array of its own, and perhaps a text.
        try take(count, of: 64)
        var values: [[UInt8]] = []
        for _ in 0..<count { values.append(try binaryValue()) }
        return values
    }

    package mutating func strings(_ field: ThriftField) throws(ColumnarError) -> [String] {
        try binaries(field).map { String(decoding: $0, as: UTF8.self) }
    }

    package mutating func bools(_ field: ThriftField) throws(ColumnarError) -> [Bool] {
        let count = try list(field, of: .booleanTrue)
        var values: [Bool] = []
        for _ in 0..<count { values.append(try byte() == 1) }
        return values
    }

    /// Passes over the value of a field that the reader does not know.
    package mutating func skip(_ field: ThriftField) throws(ColumnarError) {
        try skipValue(of: field.type, inField: true, depth: 0)
    }

    // MARK: primitives

    /// An error at the present position.
    package func corrupt(_ problem: String) -> ColumnarError {
        ColumnarError(
            .corruptFile,
            "The Parquet metadata is damaged: \(problem). The file was cut or changed after it was written.",
            byteOffset: fileOffset + Int64(position))
    }

    /// Counts the memory of a list that is about to be read.
    private mutating func take(_ count: Int, of size: Int) throws(ColumnarError) {
        memoryTaken += count * size
        guard memoryTaken <= memory else {
            throw ColumnarError(
                .limitExceeded,
                "The Parquet footer would take more than \(memory) bytes of memory, which is the limit "
                    + "(ParquetLimits.footerMemory).", byteOffset: fileOffset + Int64(position))
        }
    }

    private func wrongType(_ field: ThriftField, _ wanted: String) -> ColumnarError {
        corrupt("field \(field.id) should be \(wanted) and is \(field.type)")
    }

    private mutating func byte() throws(ColumnarError) -> UInt8 {
        guard position < buffer.count else { throw corrupt("it ends within a value") }
        defer { position += 1 }
        return buffer[position]
    }

    private mutating func varint() throws(ColumnarError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 64 {
            let byte = try byte()
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw corrupt("a number is longer than ten bytes")
    }

    private mutating func zigzag() throws(ColumnarError) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    private mutating func int32Value() throws(ColumnarError) -> Int32 {
        guard let value = Int32(exactly: try zigzag()) else { throw corrupt("an i32 is out of range") }
        return value
    }

    private mutating func length() throws(ColumnarError) -> Int {
        let length = try varint()
        guard length <= UInt64(remaining) else {
            throw corrupt("a length of \(length) exceeds the \(remaining) bytes left")
        }
        return Int(length)
    }

    private mutating func binaryValue() throws(ColumnarError) -> [UInt8] {
        let count = try length()
        defer { position += count }
        return Array(buffer[position..<position + count])
    }

    /// A list header; each element takes a byte at least, which bounds the count by what is left.
    private mutating func list(_ field: ThriftField, of wanted: ThriftType) throws(ColumnarError) -> Int {
        guard field.type == .list || field.type == .set else { throw wrongType(field, "list") }
        let (type, count) = try listHeader()
        let isBool = wanted == .booleanTrue && type == .booleanFalse
        guard count == 0 || type == wanted || isBool else { throw corrupt("a list of \(wanted) holds \(type)") }
        return count
    }

    private mutating func listHeader() throws(ColumnarError) -> (ThriftType, Int) {
        let byte = try byte()
        let count = byte >> 4 == 15 ? try length() : Int(byte >> 4)
        guard count <= remaining else { throw corrupt("a list of \(count) exceeds the \(remaining) bytes left") }
        guard let type = ThriftType(rawValue: byte & 0x0F) else { throw corrupt("a list has an unknown type") }
        return (type, count)
    }

    private mutating func skipValue(of type: ThriftType, inField: Bool, depth: Int) throws(ColumnarError) {
        guard depth < Self.maximumDepth else { throw corrupt("it is nested too deeply") }
        switch type {
        case .stop: throw corrupt("a value has no type")
        case .booleanTrue, .booleanFalse: if !inField { _ = try byte() }
        case .int8: _ = try byte()
        case .int16, .int32, .int64: _ = try varint()
        case .double: try advance(8)
        case .uuid: try advance(16)
        case .binary: try advance(try length())
        case .list, .set:
            let (element, count) = try listHeader()
            for _ in 0..<count { try skipValue(of: element, inField: false, depth: depth + 1) }
        case .map:
            let count = try length()
            if count == 0 { return }
            let types = try byte()
            guard let key = ThriftType(rawValue: types >> 4), let value = ThriftType(rawValue: types & 0x0F) else {
                throw corrupt("a map has unknown types")
            }
            for _ in 0..<count {
                try skipValue(of: key, inField: false, depth: depth + 1)
                try skipValue(of: value, inField: false, depth: depth + 1)
            }
        case .structure:
            var lastID: Int16 = 0
            while let field = try nextField(after: &lastID) {
                try skipValue(of: field.type, inField: true, depth: depth + 1)
            }
        }
    }

    private mutating func advance(_ count: Int) throws(ColumnarError) {
        guard count <= remaining else { throw corrupt("it ends within a value") }
        position += count
    }
}

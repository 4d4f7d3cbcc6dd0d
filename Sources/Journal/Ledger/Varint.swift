/// Writes the journal's compact blobs: unsigned LEB128 integers (seven bits a byte, low bits first) and raw bytes.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func varint(_ value: Int) { varint(UInt64(bitPattern: Int64(value))) }

    mutating func raw(_ values: some Sequence<UInt8>) { bytes.append(contentsOf: values) }

    /// Four bytes, little-endian.
    mutating func fixed(_ value: UInt32) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }

    /// Eight bytes, little-endian.
    mutating func fixed(_ value: UInt64) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
}

/// A blob of the journal that does not read as what it should be; `at` is the byte where it stopped making sense.
package struct MalformedBlob: Error, CustomStringConvertible {
    package var what: String
    package var at: Int

    package init(what: String, at: Int) {
        self.what = what
        self.at = at
    }

    package var description: String { "malformed \(what) at byte \(at)" }
}

/// Reads what `ByteWriter` wrote. Every read is bounds-checked: a blob may come from a damaged file.
struct ByteReader {
    let bytes: [UInt8]
    let what: String
    private(set) var offset = 0

    init(_ bytes: [UInt8], what: String) {
        self.bytes = bytes
        self.what = what
    }

    var isAtEnd: Bool { offset == bytes.count }
    var malformed: MalformedBlob { MalformedBlob(what: what, at: offset) }

    mutating func varint() throws(MalformedBlob) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while offset < bytes.count, shift < 64 {
            let byte = bytes[offset]
            offset += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw malformed
    }

    /// A count or ordinal: a varint that is positive as a signed number.
    mutating func count() throws(MalformedBlob) -> Int {
        let value = try varint()
        guard value <= UInt64(Int64.max) else { throw malformed }
        return Int(value)
    }

    mutating func byte() throws(MalformedBlob) -> UInt8 {
        guard offset < bytes.count else { throw malformed }
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func fixed64() throws(MalformedBlob) -> UInt64 {
        guard offset + 8 <= bytes.count else { throw malformed }
        var value: UInt64 = 0
        for index in (0..<8).reversed() { value = value << 8 | UInt64(bytes[offset + index]) }
        offset += 8
        return value
    }
}

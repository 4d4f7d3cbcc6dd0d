/// A rule of the format that page data breaks, before it is known where: the column reader adds the place.
struct DecodeFault: Error {
    /// Completes "the page …".
    let problem: String
    let code: ColumnarError.Code

    init(_ problem: String, code: ColumnarError.Code = .corruptFile) {
        self.problem = problem
        self.code = code
    }

    /// A feature of the format that this reader does not do.
    static func unsupported(_ problem: String) -> DecodeFault { DecodeFault(problem, code: .unsupported) }
}

/// Reads `width` (0...64) bits that start at bit `bit`, least significant first, as all packed integers of Parquet.
///
/// The caller has checked that `bit + width` lies within the buffer.
@inline(__always)
func packedBits(_ buffer: UnsafeRawBufferPointer, bit: Int, width: Int) -> UInt64 {
    if width == 0 { return 0 }
    let byte = bit >> 3
    let shift = UInt64(bit & 7)
    var value: UInt64
    if byte + 8 <= buffer.count {
        value = UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: byte, as: UInt64.self)) >> shift
        if Int(shift) + width > 64 { value |= UInt64(buffer[byte + 8]) << (64 - shift) }
    } else {
        value = 0
        let last = (bit + width - 1) >> 3
        // Within eight bytes of the end, so that no ninth byte is needed.
        for index in byte...last { value |= UInt64(buffer[index]) << UInt64((index - byte) * 8) }
        value >>= shift
    }
    return width == 64 ? value : value & (1 << UInt64(width) - 1)
}

/// Reads a variable-length unsigned integer (seven bits a byte, least significant first).
func readVarint(_ bytes: [UInt8], _ position: inout Int, end: Int) throws(DecodeFault) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < end, shift < 64 {
        let byte = bytes[position]
        position += 1
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 { return value }
        shift += 7
    }
    throw DecodeFault("ends within a variable-length number")
}

/// Reads a little-endian 32-bit length that must not exceed what is left before `end`.
func readLength(_ bytes: [UInt8], _ position: inout Int, end: Int) throws(DecodeFault) -> Int {
    guard end - position >= 4 else { throw DecodeFault("ends within a length") }
    let length = bytes.withUnsafeBytes {
        Int(UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: UInt32.self)))
    }
    position += 4
    guard length <= end - position else {
        throw DecodeFault("holds a length of \(length) where \(end - position) bytes are left")
    }
    return length
}

/// Parquet's hybrid of run lengths and bit packing, for dictionary indices and definition levels.
///
/// Source: https://parquet.apache.org/docs/file-format/data-pages/encodings/ (RLE)
enum RunLengthHybrid {
    /// Runs shorter than this are packed.
    private static let minimumRun = 16

    /// Encodes indices without a length prefix.
    static func encode(
        _ values: UnsafePointer<UInt32>, count: Int, width: Int, into buffer: inout RawBuffer
    ) {
        var literalStart = 0
        var position = 0
        while position < count {
            // Literals come in groups of eight, so runs are looked for at group boundaries.
            guard position + minimumRun <= count, isRun(values + position) else {
                position += 8
                continue
            }
            var end = position + minimumRun
            let value = values[position]
            while end < count, values[end] == value { end += 1 }
            appendLiteral(values + literalStart, position - literalStart, width, &buffer)
            appendRun(value, end - position, width, &buffer)
            position = end
            literalStart = end
        }
        appendLiteral(values + literalStart, count - literalStart, width, &buffer)
    }

    /// Encodes the levels of an optional column: bit i of `validity` tells whether value i is there. With the length in
    /// four bytes before, as data pages of version 1 have it.
    static func encodeLevels(
        validity: UnsafePointer<UInt8>, count: Int, hasNulls: Bool, into buffer: inout RawBuffer
    ) {
        let lengthOffset = buffer.count
        buffer.append(littleEndian: UInt32(0))
        if hasNulls {
            encodeBitmap(validity, count, &buffer)
        } else {
            appendRun(1, count, 1, &buffer)
        }
        let length = UInt32(buffer.count - lengthOffset - 4)
        UnsafeMutableRawPointer(buffer.base + lengthOffset).storeBytes(of: length.littleEndian, as: UInt32.self)
    }

    private static func encodeBitmap(_ bitmap: UnsafePointer<UInt8>, _ count: Int, _ buffer: inout RawBuffer) {
        let whole = count / 8
        var literalStart = 0
        var position = 0
        while position < whole {
            let byte = bitmap[position]
            var end = position
            if byte == 0 || byte == 0xFF { while end < whole, bitmap[end] == byte { end += 1 } }
            guard end - position >= 4 else {
                position = max(end, position + 1)
                continue
            }
            appendPacked(bitmap + literalStart, position - literalStart, &buffer)
            appendRun(byte == 0 ? 0 : 1, (end - position) * 8, 1, &buffer)
            position = end
            literalStart = end
        }
        appendPacked(bitmap + literalStart, (count + 7) / 8 - literalStart, &buffer)
    }

    /// Groups of eight bits, as they stand.
    private static func appendPacked(_ bytes: UnsafePointer<UInt8>, _ groups: Int, _ buffer: inout RawBuffer) {
        guard groups > 0 else { return }
        buffer.append(varint: UInt64(groups) << 1 | 1)
        buffer.append(bytes, groups)
    }

    @inline(__always)
    private static func isRun(_ values: UnsafePointer<UInt32>) -> Bool {
        let first = values[0]
        if values[1] != first { return false }
        var difference: UInt32 = 0
        for index in 2..<minimumRun { difference |= values[index] ^ first }
        return difference == 0
    }

    private static func appendLiteral(
        _ values: UnsafePointer<UInt32>, _ count: Int, _ width: Int, _ buffer: inout RawBuffer
    ) {
        guard count > 0 else { return }
        buffer.append(varint: UInt64((count + 7) / 8) << 1 | 1)
        BitPacking.pack(values, count: count, width: width, into: &buffer)
    }

    private static func appendRun(_ value: UInt32, _ count: Int, _ width: Int, _ buffer: inout RawBuffer) {
        buffer.append(varint: UInt64(count) << 1)
        var rest = value
        for _ in 0..<(width + 7) / 8 {
            buffer.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }
}

/// The checksum of pages: CRC-32 as in gzip and Ethernet.
enum CRC32 {
    /// Eight tables, so that eight bytes are taken in a step ("slicing by 8").
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
            tables[byte] = value
        }
        for table in 1..<8 {
            for byte in 0..<256 {
                let value = tables[(table - 1) * 256 + byte]
                tables[table * 256 + byte] = value >> 8 ^ tables[Int(value & 0xFF)]
            }
        }
        return tables
    }()

    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { source in
            tables.withUnsafeBufferPointer { tables in
                var value = UInt32.max
                var position = 0
                while position + 8 <= source.count {
                    let word =
                        UInt64(littleEndian: source.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                        ^ UInt64(value)
                    value = 0
                    for index in 0..<8 {
                        value ^= tables[(7 - index) * 256 + Int(word >> UInt64(index * 8) & 0xFF)]
                    }
                    position += 8
                }
                while position < source.count {
                    value = value >> 8 ^ tables[Int((value ^ UInt32(source[position])) & 0xFF)]
                    position += 1
                }
                return ~value
            }
        }
    }
}

extension ParquetValue {
    /// A stored value in its meaning.
    /// - Parameter index: below `vector.count`.
    init(_ vector: ParquetVector, at index: Int, leaf: ParquetLeaf) {
        switch vector {
        case .boolean(let values): self = .boolean(values[index])
        case .int32(let values): self = Self.number(Int64(values[index]), leaf: leaf)
        case .int64(let values): self = Self.number(values[index], leaf: leaf)
        case .int96(let values): self = .timestamp(ParquetTimestamp(values[index]))
        case .float(let values): self = .float(values[index])
        case .double(let values): self = .double(values[index])
        case .bytes(let values): self = Self.text(values[index], leaf: leaf)
        }
    }

    /// A bound in the statistics: a PLAIN value, texts without a length. Nil where it does not fit the column's type.
    init?(bound bytes: [UInt8], leaf: ParquetLeaf) {
        func little<Number: FixedWidthInteger>(_ type: Number.Type) -> Number? {
            guard bytes.count == MemoryLayout<Number>.size else { return nil }
            return bytes.withUnsafeBytes { Number(littleEndian: $0.loadUnaligned(as: Number.self)) }
        }
        switch leaf.physicalType {
        case .boolean:
            guard bytes.count == 1 else { return nil }
            self = .boolean(bytes[0] != 0)
        case .int32:
            guard let value = little(Int32.self) else { return nil }
            self = Self.number(Int64(value), leaf: leaf)
        case .int64:
            guard let value = little(Int64.self) else { return nil }
            self = Self.number(value, leaf: leaf)
        case .float:
            guard let value = little(UInt32.self) else { return nil }
            self = .float(Float(bitPattern: value))
        case .double:
            guard let value = little(UInt64.self) else { return nil }
            self = .double(Double(bitPattern: value))
        case .byteArray: self = Self.text(bytes[...], leaf: leaf)
        case .fixedLenByteArray:
            guard bytes.count == leaf.typeLength else { return nil }
            self = Self.text(bytes[...], leaf: leaf)
        default: return nil
        }
    }

    private static func number(_ value: Int64, leaf: ParquetLeaf) -> ParquetValue {
        switch leaf.meaning {
        case .date: return .date(Int32(truncatingIfNeeded: value))
        case .decimal(_, let scale): return .decimal(ParquetDecimal(unscaled: value, scale: Int(scale)))
        case .time(let unit, _):
            let (nanoseconds, isOverflow) = value.multipliedReportingOverflow(by: 1_000_000_000 / unit.perSecond)
            // Not within a day: shown as stored.
            guard !isOverflow, (0..<86_400_000_000_000).contains(nanoseconds) else { return .integer(value) }
            return .time(nanoseconds: nanoseconds, digits: unit.digits)
        case .timestamp(let unit, let isAdjusted):
            return .timestamp(ParquetTimestamp(count: value, unit: unit, isUTC: isAdjusted))
        case .integer(let bitWidth, false):
            return .unsigned(bitWidth == 64 ? UInt64(bitPattern: value) : UInt64(UInt32(truncatingIfNeeded: value)))
        default: return .integer(value)
        }
    }

    private static func text(_ bytes: ArraySlice<UInt8>, leaf: ParquetLeaf) -> ParquetValue {
        switch leaf.meaning {
        case .string, .enumeration, .json: return .string(String(decoding: bytes, as: UTF8.self))
        case .decimal(_, let scale):
            // More than any precision needs: its digits would take a time that is the square of its length.
            guard bytes.count <= ParquetDecimal.mostBytes else { return .binary(Array(bytes)) }
            return .decimal(ParquetDecimal(unscaled: Array(bytes), scale: Int(scale)))
        case .uuid: return .uuid(Array(bytes))
        case .float16:
            guard bytes.count == 2, let low = bytes.first, let high = bytes.last else { return .binary(Array(bytes)) }
            return .float(float(half: UInt16(low) | UInt16(high) << 8))
        default: return .binary(Array(bytes))
        }
    }

    /// A number of half precision, widened.
    private static func float(half: UInt16) -> Float {
        let isNegative = half >> 15 == 1
        let exponent = Int(half >> 10 & 0x1F)
        let fraction = Float(half & 0x3FF)
        let magnitude: Float
        switch exponent {
        case 0: magnitude = fraction * 0x1p-24
        case 31: magnitude = fraction == 0 ? .infinity : .nan
        default: magnitude = Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction / 1024)
        }
        return isNegative ? -magnitude : magnitude
    }
}

/// PLAIN: values one after the other, little-endian; texts with a length before them.
struct PlainDecoder: Sendable {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int
    private let type: PhysicalType
    private let width: Int
    private var bit = 0

    init(_ bytes: [UInt8], range: Range<Int>, leaf: ParquetLeaf) throws(DecodeFault) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
        type = leaf.physicalType
        width = leaf.valueWidth ?? 0
    }

    /// Exactly `count` values; texts are views into the page.
    mutating func decode(_ count: Int) throws(DecodeFault) -> ParquetVector {
        switch type {
        case .boolean: return .boolean(try booleans(count))
        case .int32: return .int32(try numbers(count).map(Int32.init(littleEndian:)))
        case .int64: return .int64(try numbers(count).map(Int64.init(littleEndian:)))
        case .float:
            return .float(try numbers(count).map { (raw: UInt32) in Float(bitPattern: UInt32(littleEndian: raw)) })
        case .double:
            return .double(try numbers(count).map { (raw: UInt64) in Double(bitPattern: UInt64(littleEndian: raw)) })
        case .int96: return .int96(try int96s(count))
        case .byteArray: return .bytes(try texts(count))
        default: return .bytes(try fixed(count))
        }
    }

    private mutating func take(_ byteCount: Int) throws(DecodeFault) -> Int {
        guard byteCount <= end - position else {
            throw DecodeFault("needs \(byteCount) more bytes of values and has \(end - position)")
        }
        defer { position += byteCount }
        return position
    }

    private mutating func numbers<Number: FixedWidthInteger>(_ count: Int) throws(DecodeFault) -> [Number] {
        let size = MemoryLayout<Number>.size
        let start = try take(count * size)
        return [Number](unsafeUninitializedCapacity: count) { target, initialized in
            bytes.withUnsafeBytes { source in
                UnsafeMutableRawBufferPointer(target).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: source[start..<start + count * size]))
            }
            initialized = count
        }
    }

    private mutating func booleans(_ count: Int) throws(DecodeFault) -> [Bool] {
        guard bit + count <= (end - position) * 8 else { throw DecodeFault("ends before its last value") }
        let start = bit
        bit += count
        let base = position
        return (start..<start + count).map { bytes[base + $0 >> 3] >> UInt8($0 & 7) & 1 == 1 }
    }

    private mutating func int96s(_ count: Int) throws(DecodeFault) -> [ParquetInt96] {
        let start = try take(count * 12)
        return bytes.withUnsafeBytes { source in
            (0..<count).map { index in
                ParquetInt96(
                    nanoseconds: UInt64(
                        littleEndian: source.loadUnaligned(fromByteOffset: start + index * 12, as: UInt64.self)),
                    julianDay: UInt32(
                        littleEndian: source.loadUnaligned(fromByteOffset: start + index * 12 + 8, as: UInt32.self)))
            }
        }
    }

    private mutating func texts(_ count: Int) throws(DecodeFault) -> ParquetBytes {
        var result = ParquetBytes(storage: bytes)
        result.reserveCapacity(min(count, (end - position) / 4))
        for _ in 0..<count {
            let length = try readLength(bytes, &position, end: end)
            result.append(start: position, count: length)
            position += length
        }
        return result
    }

    private mutating func fixed(_ count: Int) throws(DecodeFault) -> ParquetBytes {
        let start = try take(count * width)
        var result = ParquetBytes(storage: bytes)
        result.reserveCapacity(count)
        for index in 0..<count { result.append(start: start + index * width, count: width) }
        return result
    }
}

/// BYTE_STREAM_SPLIT: the first bytes of all values, then the second bytes, and so on.
struct ByteStreamSplitDecoder: Sendable {
    private let bytes: [UInt8]
    private let start: Int
    private let type: PhysicalType
    private let width: Int
    private let total: Int
    private var next = 0

    init(_ bytes: [UInt8], range: Range<Int>, leaf: ParquetLeaf) throws(DecodeFault) {
        guard let width = leaf.valueWidth, leaf.physicalType != .int96 else {
            throw DecodeFault("splits the bytes of values without a fixed width")
        }
        guard range.count % width == 0 else {
            throw DecodeFault("splits \(range.count) bytes among values of \(width)")
        }
        self.bytes = bytes
        start = range.lowerBound
        type = leaf.physicalType
        self.width = width
        total = range.count / width
    }

    /// Exactly `count` values.
    mutating func decode(_ count: Int) throws(DecodeFault) -> ParquetVector {
        guard count <= total - next else { throw DecodeFault("ends before its last value") }
        let first = next
        next += count
        switch type {
        case .int32: return .int32((first..<next).map { Int32(truncatingIfNeeded: gather($0)) })
        case .int64: return .int64((first..<next).map { Int64(bitPattern: gather($0)) })
        case .float: return .float((first..<next).map { Float(bitPattern: UInt32(truncatingIfNeeded: gather($0))) })
        case .double: return .double((first..<next).map { Double(bitPattern: gather($0)) })
        default:
            var storage: [UInt8] = []
            storage.reserveCapacity(count * width)
            for index in first..<next {
                for byte in 0..<width { storage.append(bytes[start + byte * total + index]) }
            }
            var result = ParquetBytes(storage: storage)
            for index in 0..<count { result.append(start: index * width, count: width) }
            return .bytes(result)
        }
    }

    private func gather(_ index: Int) -> UInt64 {
        var value: UInt64 = 0
        for byte in 0..<width { value |= UInt64(bytes[start + byte * total + index]) << UInt64(byte * 8) }
        return value
    }
}

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
        case .int32: return .int32(try numbers(count))
        case .int64: return .int64(try numbers(count))
        case .float: return .float(try numbers(count))
        case .double: return .double(try numbers(count))
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

    /// Numbers in the machine's order: Sluice runs on little-endian machines only.
    private mutating func numbers<Number: BitwiseCopyable>(_ count: Int) throws(DecodeFault) -> [Number] {
        let size = MemoryLayout<Number>.size
        let start = try take(count * size)
        return [Number](room: count) { target, initialized in
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
        // Each value has four bytes of length: what cannot be there takes no memory.
        guard count <= (end - position) / 4 else { throw DecodeFault("ends within a length") }
        var (start, end, wrong) = (position, end, -1)
        let spans = bytes.withUnsafeBytes { source in
            [ParquetBytes.Span](room: count) { target, initialized in
                for index in 0..<count {
                    guard end - start >= 4 else { return }
                    let length = Int(UInt32(littleEndian: source.loadUnaligned(fromByteOffset: start, as: UInt32.self)))
                    start += 4
                    guard length <= end - start else {
                        wrong = length
                        return
                    }
                    target[index] = ParquetBytes.Span(start: start, count: length)
                    start += length
                    initialized = index + 1
                }
            }
        }
        guard spans.count == count else {
            throw DecodeFault(
                wrong < 0
                    ? "ends within a length" : "holds a length of \(wrong) where \(end - start) bytes are left")
        }
        position = start
        return ParquetBytes(storage: bytes, spans: spans)
    }

    private mutating func fixed(_ count: Int) throws(DecodeFault) -> ParquetBytes {
        let (start, width) = (try take(count * width), width)
        return ParquetBytes(
            storage: bytes, spans: (0..<count).map { ParquetBytes.Span(start: start + $0 * width, count: width) })
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
            let width = width
            return .bytes(
                ParquetBytes(
                    storage: storage, spans: (0..<count).map { ParquetBytes.Span(start: $0 * width, count: width) }))
        }
    }

    private func gather(_ index: Int) -> UInt64 {
        var value: UInt64 = 0
        for byte in 0..<width { value |= UInt64(bytes[start + byte * total + index]) << UInt64(byte * 8) }
        return value
    }
}

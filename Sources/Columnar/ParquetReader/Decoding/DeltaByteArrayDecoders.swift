/// DELTA_LENGTH_BYTE_ARRAY: all lengths as deltas, then all bytes.
struct DeltaLengthDecoder: Sendable {
    private let bytes: [UInt8]
    private var lengths: DeltaBinaryDecoder
    private var position: Int
    private let end: Int

    init(_ bytes: [UInt8], range: Range<Int>, limit: Int) throws(DecodeFault) {
        self.bytes = bytes
        lengths = try DeltaBinaryDecoder(bytes, range: range, limit: limit)
        position = try lengths.endPosition()
        end = range.upperBound
    }

    /// Exactly `count` values, as views into the page.
    mutating func decode(_ count: Int) throws(DecodeFault) -> ParquetBytes {
        var portion: [Int64] = []
        try lengths.decode(count, into: &portion)
        var result = ParquetBytes(storage: bytes)
        result.reserveCapacity(count)
        for length in portion {
            guard length >= 0, length <= Int64(end - position) else {
                throw DecodeFault("holds a length of \(length) where \(end - position) bytes are left")
            }
            result.append(start: position, count: Int(length))
            position += Int(length)
        }
        return result
    }
}

/// DELTA_BYTE_ARRAY: how much each value shares with the one before it, and the rest.
struct DeltaByteArrayDecoder: Sendable {
    /// Values come out materialised and may share long prefixes: no more than this many bytes at once.
    private static let maximumBytes = 256 << 20
    /// How many values to ask for at once.
    static let portion = 256

    private var prefixes: DeltaBinaryDecoder
    private var suffixes: DeltaLengthDecoder
    private var last: [UInt8] = []

    init(_ bytes: [UInt8], range: Range<Int>, limit: Int) throws(DecodeFault) {
        prefixes = try DeltaBinaryDecoder(bytes, range: range, limit: limit)
        let start = try prefixes.endPosition()
        suffixes = try DeltaLengthDecoder(bytes, range: start..<range.upperBound, limit: limit)
    }

    /// Exactly `count` values.
    mutating func decode(_ count: Int) throws(DecodeFault) -> ParquetBytes {
        var lengths: [Int64] = []
        try prefixes.decode(count, into: &lengths)
        let rest = try suffixes.decode(count)
        var storage: [UInt8] = []
        var spans: [(start: Int, count: Int)] = []
        spans.reserveCapacity(count)
        for index in 0..<count {
            let prefix = lengths[index]
            guard prefix >= 0, prefix <= Int64(last.count) else {
                throw DecodeFault("shares \(prefix) bytes with a value of \(last.count)")
            }
            last.removeSubrange(Int(prefix)...)
            last.append(contentsOf: rest[index])
            guard storage.count + last.count <= Self.maximumBytes else {
                throw DecodeFault(
                    "expands to more than \(Self.maximumBytes) bytes in \(Self.portion) values", code: .limitExceeded)
            }
            spans.append((storage.count, last.count))
            storage.append(contentsOf: last)
        }
        var result = ParquetBytes(storage: storage)
        result.reserveCapacity(count)
        for span in spans { result.append(start: span.start, count: span.count) }
        return result
    }
}

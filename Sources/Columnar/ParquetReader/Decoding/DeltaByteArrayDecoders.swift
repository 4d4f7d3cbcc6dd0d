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
        let portion = try lengths.decode(count)
        var start = position
        var wrong: Int64?
        let limit = Int64(end)
        let spans = [ParquetBytes.Span](room: count) { target, initialized in
            for (index, length) in portion.enumerated() {
                guard length >= 0, length <= limit - Int64(start) else {
                    wrong = length
                    return
                }
                target[index] = ParquetBytes.Span(start: start, count: Int(length))
                start += Int(length)
                initialized = index + 1
            }
        }
        if let wrong { throw DecodeFault("holds a length of \(wrong) where \(end - start) bytes are left") }
        position = start
        return ParquetBytes(storage: bytes, spans: spans)
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
        let lengths = try prefixes.decode(count)
        let rest = try suffixes.decode(count)
        var storage: [UInt8] = []
        var spans: [ParquetBytes.Span] = []
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
            spans.append(ParquetBytes.Span(start: storage.count, count: last.count))
            storage.append(contentsOf: last)
        }
        return ParquetBytes(storage: storage, spans: spans)
    }
}

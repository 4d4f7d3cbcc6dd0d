/// Present values of one column in a row, nulls left out, as they are stored.
public enum ParquetVector: Sendable {
    case boolean([Bool])
    case int32([Int32])
    case int64([Int64])
    case int96([ParquetInt96])
    case float([Float])
    case double([Double])
    /// Texts, binaries and values of fixed length.
    case bytes(ParquetBytes)

    public var count: Int {
        switch self {
        case .boolean(let values): values.count
        case .int32(let values): values.count
        case .int64(let values): values.count
        case .int96(let values): values.count
        case .float(let values): values.count
        case .double(let values): values.count
        case .bytes(let values): values.count
        }
    }

    /// The values at `indices`; an index beyond the end is a fault of the page that holds it.
    func gather(_ indices: [UInt32]) throws(DecodeFault) -> ParquetVector {
        let limit = UInt32(clamping: count)
        var highest: UInt32 = 0
        for index in indices { highest = max(highest, index) }
        guard indices.isEmpty || highest < limit else {
            throw DecodeFault("refers to value \(highest) of a dictionary of \(limit)")
        }
        switch self {
        case .boolean(let values): return .boolean(Self.gather(values, indices))
        case .int32(let values): return .int32(Self.gather(values, indices))
        case .int64(let values): return .int64(Self.gather(values, indices))
        case .int96(let values): return .int96(Self.gather(values, indices))
        case .float(let values): return .float(Self.gather(values, indices))
        case .double(let values): return .double(Self.gather(values, indices))
        case .bytes(let values):
            return .bytes(ParquetBytes(storage: values.storage, spans: Self.gather(values.spans, indices)))
        }
    }

    /// The indices have been checked.
    @inline(__always)
    private static func gather<Value: BitwiseCopyable>(_ values: [Value], _ indices: [UInt32]) -> [Value] {
        values.withUnsafeBufferPointer { source in
            [Value](room: indices.count) { target, initialized in
                indices.withUnsafeBufferPointer { indices in
                    guard let source = source.baseAddress else { return }
                    for index in 0..<indices.count { target[index] = source[Int(truncatingIfNeeded: indices[index])] }
                    initialized = indices.count
                }
            }
        }
    }
}

/// Byte strings that are views into one shared buffer: a page, or a dictionary. Copying one copies no bytes.
public struct ParquetBytes: Sendable {
    /// Where a value lies in the buffer.
    struct Span: BitwiseCopyable, Sendable {
        // The buffer has 2 GB at most.
        private var first: UInt32
        private var length: UInt32

        init(start: Int, count: Int) {
            first = UInt32(truncatingIfNeeded: start)
            length = UInt32(truncatingIfNeeded: count)
        }

        var start: Int { Int(first) }
        var count: Int { Int(length) }
    }

    let storage: [UInt8]
    let spans: [Span]

    init(storage: [UInt8], spans: [Span]) {
        self.storage = storage
        self.spans = spans
    }

    public var count: Int { spans.count }

    /// The bytes of one value.
    public subscript(index: Int) -> ArraySlice<UInt8> {
        let span = spans[index]
        return storage[span.start..<span.start + span.count]
    }
}

/// The deprecated timestamp of Impala and Spark.
public struct ParquetInt96: Sendable, Hashable, BitwiseCopyable {
    /// Since midnight.
    public var nanoseconds: UInt64
    /// Days since noon of the first of January, 4713 BC; 2,440,588 is 1970-01-01.
    public var julianDay: UInt32
}

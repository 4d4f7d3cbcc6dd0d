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
        let limit = count
        for index in indices where Int(index) >= limit {
            throw DecodeFault("refers to value \(index) of a dictionary of \(limit)")
        }
        switch self {
        case .boolean(let values): return .boolean(indices.map { values[Int($0)] })
        case .int32(let values): return .int32(indices.map { values[Int($0)] })
        case .int64(let values): return .int64(indices.map { values[Int($0)] })
        case .int96(let values): return .int96(indices.map { values[Int($0)] })
        case .float(let values): return .float(indices.map { values[Int($0)] })
        case .double(let values): return .double(indices.map { values[Int($0)] })
        case .bytes(let values): return .bytes(values.gather(indices))
        }
    }
}

/// Byte strings that are views into one shared buffer: a page, or a dictionary. Copying one copies no bytes.
public struct ParquetBytes: Sendable {
    private let storage: [UInt8]
    private var spans: [(start: Int, count: Int)] = []

    init(storage: [UInt8]) {
        self.storage = storage
    }

    public var count: Int { spans.count }

    /// The bytes of one value.
    public subscript(index: Int) -> ArraySlice<UInt8> {
        let span = spans[index]
        return storage[span.start..<span.start + span.count]
    }

    mutating func reserveCapacity(_ count: Int) { spans.reserveCapacity(count) }

    mutating func append(start: Int, count: Int) { spans.append((start, count)) }

    func gather(_ indices: [UInt32]) -> ParquetBytes {
        var result = ParquetBytes(storage: storage)
        result.spans = indices.map { spans[Int($0)] }
        return result
    }
}

/// The deprecated timestamp of Impala and Spark.
public struct ParquetInt96: Sendable, Hashable {
    /// Since midnight.
    public var nanoseconds: UInt64
    /// Days since noon of the first of January, 4713 BC; 2,440,588 is 1970-01-01.
    public var julianDay: UInt32
}

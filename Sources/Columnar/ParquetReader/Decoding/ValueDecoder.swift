/// The values of one data page, in any of the encodings.
enum ValueDecoder: Sendable {
    case plain(PlainDecoder)
    case dictionary(RunLengthDecoder, ParquetVector)
    case runs(RunLengthDecoder)
    case delta(DeltaBinaryDecoder, isNarrow: Bool)
    case deltaLength(DeltaLengthDecoder)
    case deltaBytes(DeltaByteArrayDecoder)
    case split(ByteStreamSplitDecoder)

    /// - Parameters:
    ///   - range: the values' bytes in the page.
    ///   - limit: how many values the page holds at most.
    ///   - dictionary: the chunk's dictionary, if its page came before.
    init(
        _ bytes: [UInt8], range: Range<Int>, encoding: ParquetEncoding, leaf: ParquetLeaf, limit: Int,
        dictionary: ParquetVector?
    ) throws(DecodeFault) {
        let type = leaf.physicalType
        switch encoding {
        case .plain: self = .plain(try PlainDecoder(bytes, range: range, leaf: leaf))
        case .plainDictionary, .rleDictionary:
            guard let dictionary else { throw DecodeFault("refers to a dictionary that is not there") }
            // A page of nulls alone may lack even the width.
            let width = range.isEmpty ? 0 : bytes[range.lowerBound]
            let indices = min(range.lowerBound + 1, range.upperBound)..<range.upperBound
            self = .dictionary(try RunLengthDecoder(bytes, range: indices, width: Int(width)), dictionary)
        case .rle:
            guard type == .boolean else { throw Self.misplaced(encoding, type) }
            var position = range.lowerBound
            let length = try range.isEmpty ? 0 : readLength(bytes, &position, end: range.upperBound)
            self = .runs(try RunLengthDecoder(bytes, range: position..<position + length, width: 1))
        case .deltaBinaryPacked:
            guard type == .int32 || type == .int64 else { throw Self.misplaced(encoding, type) }
            self = .delta(try DeltaBinaryDecoder(bytes, range: range, limit: limit), isNarrow: type == .int32)
        case .deltaLengthByteArray:
            guard type == .byteArray else { throw Self.misplaced(encoding, type) }
            self = .deltaLength(try DeltaLengthDecoder(bytes, range: range, limit: limit))
        case .deltaByteArray:
            guard type == .byteArray || type == .fixedLenByteArray else { throw Self.misplaced(encoding, type) }
            self = .deltaBytes(try DeltaByteArrayDecoder(bytes, range: range, limit: limit))
        case .byteStreamSplit: self = .split(try ByteStreamSplitDecoder(bytes, range: range, leaf: leaf))
        default: throw .unsupported("uses \(encoding.word) for its values, which this reader does not know")
        }
    }

    private static func misplaced(_ encoding: ParquetEncoding, _ type: PhysicalType) -> DecodeFault {
        DecodeFault("uses \(encoding.word) for values of type \(type.word)")
    }

    /// The most values to ask for at once.
    var portion: Int {
        if case .deltaBytes = self { return DeltaByteArrayDecoder.portion }
        return .max
    }

    /// Exactly `count` values.
    mutating func decode(_ count: Int, leaf: ParquetLeaf) throws(DecodeFault) -> ParquetVector {
        switch self {
        case .plain(var decoder):
            defer { self = .plain(decoder) }
            return try decoder.decode(count)
        case .dictionary(var decoder, let dictionary):
            defer { self = .dictionary(decoder, dictionary) }
            return try dictionary.gather(try decoder.decode(count))
        case .runs(var decoder):
            defer { self = .runs(decoder) }
            return .boolean(try decoder.decode(count).map { $0 != 0 })
        case .delta(var decoder, let isNarrow):
            defer { self = .delta(decoder, isNarrow: isNarrow) }
            let values = try decoder.decode(count)
            return isNarrow ? .int32(values.map(Int32.init(truncatingIfNeeded:))) : .int64(values)
        case .deltaLength(var decoder):
            defer { self = .deltaLength(decoder) }
            return .bytes(try decoder.decode(count))
        case .deltaBytes(var decoder):
            defer { self = .deltaBytes(decoder) }
            let values = try decoder.decode(count)
            if let width = leaf.valueWidth {
                for index in 0..<count where values[index].count != width {
                    throw DecodeFault("holds a value of \(values[index].count) bytes in a column of \(width)")
                }
            }
            return .bytes(values)
        case .split(var decoder):
            defer { self = .split(decoder) }
            return try decoder.decode(count)
        }
    }
}

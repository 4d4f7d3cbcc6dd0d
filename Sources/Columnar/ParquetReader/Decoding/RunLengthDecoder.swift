/// Parquet's hybrid of run lengths and bit packing: levels, dictionary indices, booleans.
///
/// A stream of runs: a header `count << 1` and one value in whole bytes, or `groups << 1 | 1` and eight packed values a
/// group. Values come out in any portions, so that a run of two milliards costs no memory.
/// Source: https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE
struct RunLengthDecoder: Sendable {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int
    private let width: Int
    private var runCount = 0
    private var runValue: UInt32 = 0
    private var packedCount = 0
    private var packedBit = 0

    /// - Parameter width: bits of a value, 0...32.
    init(_ bytes: [UInt8], range: Range<Int>, width: Int) throws(DecodeFault) {
        guard (0...32).contains(width) else { throw DecodeFault("packs values in \(width) bits") }
        self.bytes = bytes
        self.position = range.lowerBound
        self.end = range.upperBound
        self.width = width
    }

    /// Exactly `count` values.
    mutating func decode(_ count: Int) throws(DecodeFault) -> [UInt32] {
        var fault: DecodeFault?
        let values = [UInt32](room: count) { target, initialized in
            do throws(DecodeFault) {
                if let start = target.baseAddress { try decode(count, into: start) }
                initialized = count
            } catch {
                fault = error
            }
        }
        if let fault { throw fault }
        return values
    }

    /// Takes `count` values without giving them out where they are all the same; nil, and nothing is taken, where a run
    /// does not show that.
    mutating func takeSame(_ count: Int) throws(DecodeFault) -> UInt32? {
        if runCount == 0, packedCount == 0, count > 0 { try nextRun() }
        guard runCount >= count else { return nil }
        runCount -= count
        return runValue
    }

    /// Writes exactly `count` values.
    mutating func decode(_ count: Int, into target: UnsafeMutablePointer<UInt32>) throws(DecodeFault) {
        var left = count
        var target = target
        while left > 0 {
            var portion = 0
            if runCount > 0 {
                portion = min(left, runCount)
                target.update(repeating: runValue, count: portion)
                runCount -= portion
            } else if packedCount > 0 {
                portion = min(left, packedCount)
                let (bit, width) = (packedBit, width)
                bytes.withUnsafeBytes { buffer in
                    BitUnpacking.unpack(buffer, bit: bit, width: width, count: portion, into: target)
                }
                packedBit += portion * width
                packedCount -= portion
            } else {
                try nextRun()
            }
            target += portion
            left -= portion
        }
    }

    private mutating func nextRun() throws(DecodeFault) {
        guard position < end else { throw DecodeFault("ends before its last value") }
        let header = try readVarint(bytes, &position, end: end)
        guard header <= UInt64(UInt32.max) else { throw DecodeFault("holds a run of \(header >> 1) values") }
        let count = Int(header >> 1)
        if header & 1 == 1 {
            packedBit = position * 8
            packedCount = count * 8
            let available = end - position
            if count * width > available {
                // Some writers leave the padding of the last group away.
                packedCount = available * 8 / width
                position = end
            } else {
                position += count * width
            }
        } else {
            let byteCount = (width + 7) / 8
            guard byteCount <= end - position else { throw DecodeFault("ends within a run") }
            runValue = 0
            for index in 0..<byteCount { runValue |= UInt32(bytes[position + index]) << UInt32(index * 8) }
            position += byteCount
            runCount = count
        }
    }
}

/// DELTA_BINARY_PACKED: blocks of differences, each in miniblocks of one bit width.
/// Source: https://parquet.apache.org/docs/file-format/data-pages/encodings/#DELTAENC
struct DeltaBinaryDecoder: Sendable {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int
    /// Values of a miniblock.
    private let miniblockSize: Int
    private let miniblockCount: Int
    /// Values not yet given out, the first one included.
    private(set) var remaining: Int
    private var isFirst = true
    private var last: Int64
    private var minimum: Int64 = 0
    private var widths: [UInt8] = []
    private var miniblock: Int
    private var miniblockLeft = 0
    private var width = 0
    private var bit = 0

    /// - Parameter limit: how many values the page can hold at most.
    init(_ bytes: [UInt8], range: Range<Int>, limit: Int) throws(DecodeFault) {
        self.bytes = bytes
        end = range.upperBound
        var position = range.lowerBound
        let blockSize = try readVarint(bytes, &position, end: end)
        let miniblockCount = try readVarint(bytes, &position, end: end)
        let total = try readVarint(bytes, &position, end: end)
        let first = try readVarint(bytes, &position, end: end)
        guard blockSize > 0, blockSize <= 1 << 20, blockSize % 128 == 0, miniblockCount > 0,
            miniblockCount <= blockSize, blockSize % miniblockCount == 0, blockSize / miniblockCount % 8 == 0
        else { throw DecodeFault("has delta blocks of \(blockSize) values in \(miniblockCount) parts") }
        guard total <= UInt64(limit) else { throw DecodeFault("claims \(total) deltas where \(limit) values are left") }
        self.miniblockCount = Int(miniblockCount)
        miniblockSize = Int(blockSize / miniblockCount)
        miniblock = self.miniblockCount
        remaining = Int(total)
        last = Self.zigzag(first)
        self.position = position
    }

    private static func zigzag(_ value: UInt64) -> Int64 {
        Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// Exactly `count` values.
    mutating func decode(_ count: Int) throws(DecodeFault) -> [Int64] {
        guard count <= remaining else { throw DecodeFault("ends before its last delta") }
        var fault: DecodeFault?
        let values = [Int64](room: count) { target, initialized in
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

    private mutating func decode(_ count: Int, into start: UnsafeMutablePointer<Int64>) throws(DecodeFault) {
        var left = count
        var target = start
        if isFirst && left > 0 {
            isFirst = false
            target.pointee = last
            target += 1
            left -= 1
            remaining -= 1
        }
        while left > 0 {
            if miniblockLeft == 0 { try nextMiniblock() }
            let portion = min(left, miniblockLeft)
            let (bit, width, minimum, before) = (bit, width, minimum, last)
            last = bytes.withUnsafeBytes { buffer in
                BitUnpacking.accumulate(
                    buffer, bit: bit, width: width, count: portion, minimum: minimum, from: before, into: target)
            }
            self.bit += portion * width
            target += portion
            miniblockLeft -= portion
            left -= portion
            remaining -= portion
        }
    }

    /// Where the deltas end: what follows them in the encodings built on this one. Decodes nothing.
    func endPosition() throws(DecodeFault) -> Int {
        var copy = self
        if copy.isFirst && copy.remaining > 0 {
            copy.isFirst = false
            copy.remaining -= 1
        }
        while copy.remaining > 0 {
            try copy.nextMiniblock()
            copy.remaining -= min(copy.remaining, copy.miniblockSize)
        }
        return copy.position
    }

    private mutating func nextMiniblock() throws(DecodeFault) {
        if miniblock == miniblockCount {
            minimum = Self.zigzag(try readVarint(bytes, &position, end: end))
            guard miniblockCount <= end - position else { throw DecodeFault("ends within a delta block") }
            widths = Array(bytes[position..<position + miniblockCount])
            position += miniblockCount
            miniblock = 0
        }
        width = Int(widths[miniblock])
        guard width <= 64 else { throw DecodeFault("packs deltas in \(width) bits") }
        let byteCount = miniblockSize * width / 8
        guard byteCount <= end - position else { throw DecodeFault("ends within a delta block") }
        bit = position * 8
        position += byteCount
        miniblock += 1
        miniblockLeft = miniblockSize
    }
}

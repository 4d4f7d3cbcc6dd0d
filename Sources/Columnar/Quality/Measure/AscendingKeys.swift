/// Whole numbers in ascending order, as the keys of a table mostly come: a few bytes for each run of consecutive
/// numbers instead of a hash for each of them, and no question whether two are equal.
final class AscendingKeys {
    /// Bytes of runs; whoever needs more takes hashes, which may go to a file.
    private static let mostBytes = 4 << 20

    /// Finished runs: how far each begins after the end of the one before, and its length less one.
    private var runs = RawBuffer(capacity: 64)
    private var previousEnd: Int64 = 0
    private var start: Int64 = 0
    private var end: Int64 = 0
    private(set) var count: Int64 = 0

    deinit { runs.free() }

    /// Takes a number, if it is larger than all before and there is room.
    @inline(__always)
    func add(_ value: Int64) -> Bool {
        if count > 0 {
            guard value > end else { return false }
            // No overflow: the number is larger than the one before.
            if value &- 1 == end {
                end = value
                count &+= 1
                return true
            }
            guard runs.count < Self.mostBytes else { return false }
            finishRun()
        }
        (start, end) = (value, value)
        count &+= 1
        return true
    }

    private func finishRun() {
        runs.append(varint: UInt64(bitPattern: start &- previousEnd))
        runs.append(varint: UInt64(bitPattern: end &- start))
        previousEnd = end
    }

    /// All numbers, in order. Nothing may be added afterwards.
    func forEach(_ body: (Int64) throws(ColumnarError) -> Void) throws(ColumnarError) {
        guard count > 0 else { return }
        finishRun()
        var position = 0
        var number: Int64 = 0
        while position < runs.count {
            number &+= Int64(bitPattern: varint(&position))
            let last = number &+ Int64(bitPattern: varint(&position))
            try body(number)
            while number < last {
                number &+= 1
                try body(number)
            }
        }
    }

    private func varint(_ position: inout Int) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < runs.count {
            let byte = runs.base[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        return value
    }
}

/// The text of a whole number, with readable bytes behind, as keys are hashed. Its owner must call `free()`.
struct NumberText {
    private static let end = 24
    private let bytes: UnsafeMutablePointer<UInt8>
    private(set) var length = 0

    init() {
        bytes = .allocate(capacity: Self.end + 16)
        bytes.initialize(repeating: 0, count: Self.end + 16)
    }

    func free() { bytes.deallocate() }

    var start: UnsafePointer<UInt8> { UnsafePointer(bytes + Self.end - length) }

    mutating func set(_ number: Int64) {
        var rest = number.magnitude
        var position = Self.end
        repeat {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            position -= 1
            bytes[position] = 0x30 + UInt8(digit)
            rest = quotient
        } while rest > 0
        if number < 0 {
            position -= 1
            bytes[position] = UInt8(ascii: "-")
        }
        length = Self.end - position
    }
}

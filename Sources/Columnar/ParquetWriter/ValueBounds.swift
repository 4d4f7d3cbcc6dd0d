/// Least and greatest value of a page or chunk, in the order of the column's type.
struct ValueBounds {
    /// Numbers as 64-bit integers or, for doubles, bit patterns; meaningless while `isEmpty`.
    var least: Int64 = 0
    var greatest: Int64 = 0
    /// Texts.
    var leastText: [UInt8] = []
    var greatestText: [UInt8] = []
    var isEmpty = true
    /// Whether there is a NaN, which is not among the others.
    var hasNaN = false

    /// Bytes of a text bound; longer bounds are cut.
    private static let textLimit = 64

    // MARK: numbers

    mutating func add(integers values: UnsafePointer<Int64>, count: Int) {
        guard count > 0 else { return }
        // Four side by side, since each comparison waits for the one before.
        let first = values[0]
        var (low, low1, low2, low3) = (first, first, first, first)
        var (high, high1, high2, high3) = (first, first, first, first)
        var index = 0
        while index &+ 4 <= count {
            let (a, b, c, d) = (values[index], values[index &+ 1], values[index &+ 2], values[index &+ 3])
            low = a < low ? a : low
            low1 = b < low1 ? b : low1
            low2 = c < low2 ? c : low2
            low3 = d < low3 ? d : low3
            high = a > high ? a : high
            high1 = b > high1 ? b : high1
            high2 = c > high2 ? c : high2
            high3 = d > high3 ? d : high3
            index &+= 4
        }
        while index < count {
            low = min(low, values[index])
            high = max(high, values[index])
            index &+= 1
        }
        (low, high) = (min(min(low, low1), min(low2, low3)), max(max(high, high1), max(high2, high3)))
        if isEmpty {
            (least, greatest, isEmpty) = (low, high, false)
        } else {
            (least, greatest) = (min(least, low), max(greatest, high))
        }
    }

    /// NaN has no place in the order and is passed over; that there is one is kept.
    mutating func add(doubles values: UnsafePointer<Int64>, count: Int) {
        // Comparisons with NaN are false, so that it never becomes a bound. Four bounds side by side, since each
        // comparison waits for the one before.
        let values = UnsafeRawPointer(values).assumingMemoryBound(to: Double.self)
        var (low0, low1, low2, low3) = (Double.infinity, Double.infinity, Double.infinity, Double.infinity)
        var (high0, high1, high2, high3) = (-low0, -low0, -low0, -low0)
        var unordered: UInt8 = 0
        var index = 0
        while index &+ 4 <= count {
            let (a, b, c, d) = (values[index], values[index &+ 1], values[index &+ 2], values[index &+ 3])
            low0 = a < low0 ? a : low0
            low1 = b < low1 ? b : low1
            low2 = c < low2 ? c : low2
            low3 = d < low3 ? d : low3
            high0 = a > high0 ? a : high0
            high1 = b > high1 ? b : high1
            high2 = c > high2 ? c : high2
            high3 = d > high3 ? d : high3
            unordered |= (a != a || b != b ? 1 : 0) | (c != c || d != d ? 1 : 0)
            index &+= 4
        }
        while index < count {
            unordered |= values[index] != values[index] ? 1 : 0
            low0 = values[index] < low0 ? values[index] : low0
            high0 = values[index] > high0 ? values[index] : high0
            index &+= 1
        }
        var low = min(min(low0, low1), min(low2, low3))
        var high = max(max(high0, high1), max(high2, high3))
        hasNaN = hasNaN || unordered != 0
        // Nothing but NaN.
        guard low <= high else { return }
        if !isEmpty {
            low = min(low, Double(bitPattern: UInt64(bitPattern: least)))
            high = max(high, Double(bitPattern: UInt64(bitPattern: greatest)))
        }
        // Zeros of both signs are equal, so the bounds must include both.
        if low == 0 { low = -0.0 }
        if high == 0 { high = 0.0 }
        (least, greatest, isEmpty) = (Int64(bitPattern: low.bitPattern), Int64(bitPattern: high.bitPattern), false)
    }

    mutating func merge(integers other: ValueBounds) {
        guard !other.isEmpty else { return }
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: 2) { pair in
            guard let pair = pair.baseAddress else { return }
            (pair[0], pair[1]) = (other.least, other.greatest)
            add(integers: pair, count: 2)
        }
    }

    mutating func merge(doubles other: ValueBounds) {
        hasNaN = hasNaN || other.hasNaN
        guard !other.isEmpty else { return }
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: 2) { pair in
            guard let pair = pair.baseAddress else { return }
            (pair[0], pair[1]) = (other.least, other.greatest)
            add(doubles: pair, count: 2)
        }
    }

    // MARK: as bytes

    /// Forgets of long texts what `encoded` does not look at: bounds of a page are kept as long as its row group.
    mutating func cutTexts() {
        let enough = Self.textLimit + 1
        if leastText.count > enough { leastText = Array(leastText.prefix(enough)) }
        if greatestText.count > enough { greatestText = Array(greatestText.prefix(enough)) }
    }

    /// The bounds as PLAIN values for statistics: nil where there are none, and where there is a NaN, for to DuckDB and
    /// Spark it is a number above all others, so that they would pass over rows that they would find.
    func encoded(as kind: ColumnLayout) -> (least: [UInt8], greatest: [UInt8], leastExact: Bool, greatestExact: Bool)? {
        guard !isEmpty else { return nil }
        switch kind {
        case .text:
            let low = Self.wholeCharacters(leastText)
            let lowExact = low.count == leastText.count
            if greatestText.count <= Self.textLimit { return (low, greatestText, lowExact, true) }
            // Cut and counted up, a bound lies above everything that begins like it.
            guard let high = Self.successor(greatestText) else { return nil }
            return (low, high, lowExact, false)
        case .boolean: return ([UInt8(truncatingIfNeeded: least)], [UInt8(truncatingIfNeeded: greatest)], true, true)
        case .int32: return (Self.bytes(least, 4), Self.bytes(greatest, 4), true, true)
        case .double where hasNaN: return nil
        case .int64, .double: return (Self.bytes(least, 8), Self.bytes(greatest, 8), true, true)
        case .fixed16: return (leastText, greatestText, true, true)
        }
    }

    private static func bytes(_ value: Int64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// The beginning of a text, of at most `textLimit` bytes.
    private static func wholeCharacters(_ text: [UInt8]) -> [UInt8] {
        var cut = min(text.count, textLimit)
        while cut > 0, cut < text.count, text[cut] & 0xC0 == 0x80 { cut -= 1 }
        return Array(text.prefix(cut))
    }

    /// The least text of at most `textLimit` bytes above all texts that begin as this one; whole characters only. Nil
    /// where there is none, or where the text is no UTF-8, as files of other writers may have it: what characters are
    /// worth is not the order of such bytes.
    private static func successor(_ text: [UInt8]) -> [UInt8]? {
        guard let beginning = String(validating: wholeCharacters(text), as: UTF8.self) else { return nil }
        var scalars = Array(beginning.unicodeScalars)
        while let last = scalars.popLast() {
            let next = last.value == 0xD7FF ? 0xE000 : last.value + 1
            guard let scalar = Unicode.Scalar(next), UTF8.width(scalar) == UTF8.width(last) else { continue }
            scalars.append(scalar)
            return scalars.flatMap { Array(String($0).utf8) }
        }
        return nil
    }
}

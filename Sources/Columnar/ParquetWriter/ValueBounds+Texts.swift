import Glibc

/// Texts, compared byte by byte without sign.
extension ValueBounds {
    /// Texts that lie one after the other.
    mutating func add(texts: UnsafePointer<UInt8>, lengths: UnsafePointer<UInt32>, count: Int) {
        guard count > 0 else { return }
        var position = 0
        var low = UnsafeBufferPointer(start: texts, count: Int(lengths[0]))
        var high = low
        var (lowPrefix, highPrefix) = (Self.prefix(low), Self.prefix(low))
        for index in 0..<count {
            let text = UnsafeBufferPointer(start: texts + position, count: Int(lengths[index]))
            let prefix = Self.prefix(text)
            if prefix <= lowPrefix, Self.isLess(text, low) { (low, lowPrefix) = (text, prefix) }
            if prefix >= highPrefix, Self.isLess(high, text) { (high, highPrefix) = (text, prefix) }
            position += text.count
        }
        add(least: low, greatest: high)
    }

    mutating func add(least low: UnsafeBufferPointer<UInt8>, greatest high: UnsafeBufferPointer<UInt8>) {
        let isLower = isEmpty || leastText.withUnsafeBufferPointer { Self.isLess(low, $0) }
        let isHigher = isEmpty || greatestText.withUnsafeBufferPointer { Self.isLess($0, high) }
        if isLower { leastText = Array(low) }
        if isHigher { greatestText = Array(high) }
        isEmpty = false
    }

    /// Texts of a dictionary, by the ids of the values.
    mutating func add(_ dictionary: borrowing ValueDictionary, ids: UnsafePointer<UInt32>, count: Int) {
        guard count > 0 else { return }
        var (lowID, highID) = (ids[0], ids[0])
        var (low, high) = (dictionary.text(lowID), dictionary.text(highID))
        var (lowPrefix, highPrefix) = (Self.prefix(low), Self.prefix(high))
        for index in 1..<max(1, count) {
            let id = ids[index]
            if id == lowID || id == highID { continue }
            let text = dictionary.text(id)
            let prefix = Self.prefix(text)
            if prefix <= lowPrefix, Self.isLess(text, low) { (low, lowPrefix, lowID) = (text, prefix, id) }
            if prefix >= highPrefix, Self.isLess(high, text) { (high, highPrefix, highID) = (text, prefix, id) }
        }
        add(least: low, greatest: high)
    }

    /// Texts of a dictionary.
    /// - Parameter isThere: 1 for each id whose text counts; at least one is.
    mutating func add(_ dictionary: borrowing ValueDictionary, where isThere: UnsafePointer<UInt8>) {
        var (low, high) = (
            UnsafeBufferPointer<UInt8>(start: nil, count: 0), UnsafeBufferPointer<UInt8>(start: nil, count: 0)
        )
        var (lowPrefix, highPrefix) = (UInt64.max, UInt64(0))
        var isFirst = true
        for id in 0..<dictionary.count where isThere[id] == 1 {
            let text = dictionary.text(UInt32(truncatingIfNeeded: id))
            let prefix = Self.prefix(text)
            if isFirst || (prefix <= lowPrefix && Self.isLess(text, low)) { (low, lowPrefix) = (text, prefix) }
            if isFirst || (prefix >= highPrefix && Self.isLess(high, text)) { (high, highPrefix) = (text, prefix) }
            isFirst = false
        }
        if !isFirst { add(least: low, greatest: high) }
    }

    mutating func merge(texts other: ValueBounds) {
        guard !other.isEmpty else { return }
        other.leastText.withUnsafeBufferPointer { low in
            other.greatestText.withUnsafeBufferPointer { high in add(least: low, greatest: high) }
        }
    }

    /// The first eight bytes in their order; shorter texts are filled with zeros.
    @inline(__always)
    private static func prefix(_ text: UnsafeBufferPointer<UInt8>) -> UInt64 {
        guard let start = text.baseAddress, text.count > 0 else { return 0 }
        // Buffers of texts are readable for eight bytes after their end.
        let word = loadWord(start).byteSwapped
        return text.count >= 8 ? word : word & ~(~0 &>> UInt64(truncatingIfNeeded: text.count &* 8))
    }

    static func isLess(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Bool {
        let common = min(a.count, b.count)
        if common > 0, let first = a.baseAddress, let second = b.baseAddress {
            let order = memcmp(first, second, common)
            if order != 0 { return order < 0 }
        }
        return a.count < b.count
    }
}

/// Decimals of sixteen bytes.
extension ValueBounds {
    /// Big-endian numbers that lie one after the other, compared with their sign.
    mutating func add(fixed16 bytes: UnsafePointer<UInt8>, count: Int) {
        guard count > 0 else { return }
        var (low, high) = (Self.wide(bytes), Self.wide(bytes))
        for index in 1..<max(1, count) {
            let value = Self.wide(bytes + 16 * index)
            low = min(low, value)
            high = max(high, value)
        }
        merge(low, high)
    }

    mutating func merge(fixed16 other: ValueBounds) {
        guard !other.isEmpty else { return }
        merge(Self.wide(other.leastText), Self.wide(other.greatestText))
    }

    private mutating func merge(_ low: Int128, _ high: Int128) {
        let isFirst = isEmpty
        if isFirst || low < Self.wide(leastText) { leastText = Self.bigEndian(low) }
        if isFirst || high > Self.wide(greatestText) { greatestText = Self.bigEndian(high) }
        isEmpty = false
    }

    /// Sixteen bytes as a number.
    static func wide(_ bytes: UnsafePointer<UInt8>) -> Int128 {
        let high = Int64(bitPattern: loadWord(bytes).byteSwapped)
        return Int128(high) << 64 | Int128(loadWord(bytes + 8).byteSwapped)
    }

    private static func wide(_ bytes: [UInt8]) -> Int128 {
        bytes.withUnsafeBufferPointer { buffer in buffer.count == 16 ? buffer.baseAddress.map { wide($0) } ?? 0 : 0 }
    }

    private static func bigEndian(_ value: Int128) -> [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: value >> Int128(120 - 8 * $0)) }
    }
}

/// Finds out how an event may be read when it is matched: once when it is taken in, for all matching afterwards.
public enum EventFacts {
    /// Checks that a text is a JSON object and tells how it may be read: `.validated` if no object in it has a field
    /// name twice and no field name has a dot or an escape, else `.strict`.
    ///
    /// Text after the object is ignored, as in matching.
    public static func reading(of event: [UInt8]) throws(EventError) -> EventReading {
        try event.withUnsafeBufferPointer { bytes throws(EventError) in try reading(of: bytes) }
    }

    /// See `reading(of:)` for an array.
    public static func reading(of event: UnsafeBufferPointer<UInt8>) throws(EventError) -> EventReading {
        let scratch = MatchScratch()
        try Matcher<Bool>().scan(event, reading: .strict, scratch: scratch)
        guard let base = event.baseAddress else { return .strict }
        return hasPlainNames(base, event.count) ? .validated : .strict
    }

    /// Looks at the field names of a valid object.
    private static func hasPlainNames(_ base: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        // The hashes of the names of every open object, one after the other, and where each object's begin (-1: an
        // array).
        var names: [UInt64] = []
        var starts: [Int] = []
        var index = 0
        var expectsName = false
        while index < count {
            let byte = base[index]
            index += 1
            switch byte {
            case UInt8(ascii: "{"):
                starts.append(names.count)
                expectsName = true
            case UInt8(ascii: "["):
                starts.append(-1)
                expectsName = false
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard let start = starts.popLast() else { return false }
                if start >= 0 {
                    if hasRepeat(names[start...]) { return false }
                    names.removeSubrange(start...)
                }
                if starts.isEmpty { return true }
                expectsName = false
            case UInt8(ascii: ","): expectsName = (starts.last ?? -1) >= 0
            case UInt8(ascii: "\""):
                let start = index
                var isPlain = true
                while index < count, base[index] != UInt8(ascii: "\"") {
                    if base[index] == UInt8(ascii: "\\") {
                        isPlain = false
                        index += 1
                    } else if base[index] == UInt8(ascii: ".") {
                        isPlain = false
                    }
                    index += 1
                }
                index += 1
                if expectsName {
                    if !isPlain { return false }
                    names.append(ByteHash.hash(base + start, index - 1 - start, seed: 0))
                    expectsName = false
                }
            default: break
            }
        }
        return false
    }

    /// Whether two names have the same hash; names that only share it make reading strict, which is never wrong.
    private static func hasRepeat(_ names: ArraySlice<UInt64>) -> Bool {
        if names.count <= 16 {
            var index = names.startIndex
            while index < names.endIndex {
                if names[(index + 1)...].contains(names[index]) { return true }
                index += 1
            }
            return false
        }
        let sorted = names.sorted()
        return zip(sorted, sorted.dropFirst()).contains { $0 == $1 }
    }
}

import Glibc

/// How often each of some values occurs. Values are the texts of a `ValueDictionary`: numbers as their eight bytes.
final class ValueTally {
    /// Behind pointers: what is looked up for every value should not be checked for exclusive access each time.
    private let dictionary = UnsafeMutablePointer<ValueDictionary>.allocate(capacity: 1)
    /// Counts by id, 64 bits each.
    private let counts = UnsafeMutablePointer<RawBuffer>.allocate(capacity: 1)
    /// A number as the bytes of a text, with readable bytes behind.
    private let number = UnsafeMutablePointer<Int64>.allocate(capacity: 2)

    init() {
        dictionary.initialize(to: ValueDictionary(keepsAllTexts: true))
        counts.initialize(to: RawBuffer())
        number.initialize(repeating: 0, count: 2)
    }

    deinit {
        dictionary.pointee.free()
        counts.pointee.free()
        dictionary.deinitialize(count: 1)
        counts.deinitialize(count: 1)
        dictionary.deallocate()
        counts.deallocate()
        number.deallocate()
    }

    var count: Int { dictionary.pointee.count }
    /// Bytes of all values.
    var bytes: Int { dictionary.pointee.texts.count }

    private var countPointer: UnsafeMutablePointer<Int64> {
        UnsafeMutableRawPointer(counts.pointee.base).assumingMemoryBound(to: Int64.self)
    }

    /// - Parameter key: `ValueDictionary.key` of the text. Eight bytes from `text` must be readable.
    func add(_ text: UnsafePointer<UInt8>, _ length: Int, key: UInt64, times: Int64) {
        if let id = dictionary.pointee.find(text, length, flags: 0, key: key) {
            countPointer[Int(id)] += times
        } else {
            _ = dictionary.pointee.insert(text, length, flags: 0, value: 0, key: key)
            counts.pointee.append(littleEndian: times)
        }
    }

    func add(_ value: Int64, times: Int64) {
        withText(of: value) { add($0, 8, key: UInt64(bitPattern: value), times: times) }
    }

    /// Makes room for `values` more texts of `bytes`, as it comes.
    func reserve(_ values: Int, bytes: Int) {
        dictionary.pointee.reserve(values, bytes: bytes)
        counts.pointee.reserve(8 * values)
    }

    /// Adds to the count of a value that is there already.
    /// - Returns: whether it is.
    func addKnown(_ text: UnsafePointer<UInt8>, _ length: Int, key: UInt64, times: Int64) -> Bool {
        guard dictionary.pointee.count > 0,
            let id = dictionary.pointee.find(text, length, flags: 0, key: key)
        else { return false }
        countPointer[Int(id)] += times
        return true
    }

    /// Begins to bring the place of a number into the nearest cache.
    @inline(__always)
    func fetch(_ value: Int64) { dictionary.pointee.fetch(key: UInt64(bitPattern: value), 8) }

    /// The eight bytes that stand for a number.
    func withText<Result>(of value: Int64, _ body: (UnsafePointer<UInt8>) -> Result) -> Result {
        number[0] = value
        return body(UnsafeRawPointer(number).assumingMemoryBound(to: UInt8.self))
    }

    func forEach(_ body: (UnsafeBufferPointer<UInt8>, Int64) -> Void) {
        for id in 0..<count { body(dictionary.pointee.text(UInt32(id)), countPointer[id]) }
    }

    /// The most frequent values, ties in the order in which they came.
    func top(_ limit: Int) -> [(value: [UInt8], count: Int64)] {
        let counts = countPointer
        let ids = (0..<count).sorted { (counts[$0], $1) > (counts[$1], $0) }
        return ids.prefix(limit).map { (Array(dictionary.pointee.text(UInt32($0))), counts[$0]) }
    }

    /// Keeps only the most frequent values, and of those what came more than once.
    func prune(to limit: Int) {
        let old = dictionary.pointee
        let oldCounts = counts.pointee
        let times = countPointer
        // Most values of a column that has many came once: those are left out first, and none is copied on the way.
        let kept = (0..<count).filter { times[$0] > 1 }.sorted { (times[$0], $1) > (times[$1], $0) }
        // A table for few is found in the near caches, where one that held many would not be.
        dictionary.pointee = ValueDictionary(keepsAllTexts: true)
        counts.pointee = RawBuffer()
        for id in kept.prefix(limit) {
            let text = old.text(UInt32(id))
            guard let base = text.baseAddress else { continue }
            add(base, text.count, key: ValueDictionary.key(base, text.count), times: times[id])
        }
        old.free()
        oldCounts.free()
    }
}

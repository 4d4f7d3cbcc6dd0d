import Glibc

/// How often each of some values occurs. Values are the texts of a `ValueDictionary`: numbers as their eight bytes.
final class ValueTally {
    private var dictionary = ValueDictionary(keepsAllTexts: true)
    private var counts: [Int64] = []
    /// A number as the bytes of a text, with readable bytes behind.
    private let number = UnsafeMutablePointer<Int64>.allocate(capacity: 2)
    /// Bytes of all values.
    var bytes: Int { dictionary.texts.count }

    init() { number.initialize(repeating: 0, count: 2) }

    deinit {
        dictionary.free()
        number.deallocate()
    }

    var count: Int { dictionary.count }

    /// Eight bytes from `text` must be readable.
    func add(_ text: UnsafePointer<UInt8>, _ length: Int, times: Int64) {
        if let id = dictionary.find(text, length, flags: 0) {
            counts[Int(id)] += times
        } else {
            _ = dictionary.insert(text, length, flags: 0, value: 0)
            counts.append(times)
        }
    }

    func add(_ value: Int64, times: Int64) {
        number[0] = value
        add(UnsafeRawPointer(number).assumingMemoryBound(to: UInt8.self), 8, times: times)
    }

    func forEach(_ body: (UnsafeBufferPointer<UInt8>, Int64) -> Void) {
        for id in counts.indices { body(dictionary.text(UInt32(id)), counts[id]) }
    }

    /// The most frequent values, ties in the order in which they came.
    func top(_ limit: Int) -> [(value: [UInt8], count: Int64)] {
        let ids = counts.indices.sorted { (counts[$0], $1) > (counts[$1], $0) }
        return ids.prefix(limit).map { (Array(dictionary.text(UInt32($0))), counts[$0]) }
    }

    /// Keeps only the most frequent values.
    func prune(to limit: Int) {
        let kept = top(limit)
        dictionary.free()
        dictionary = ValueDictionary(keepsAllTexts: true)
        counts = []
        for (value, count) in kept {
            let padded = value + [UInt8](repeating: 0, count: 16)
            padded.withUnsafeBufferPointer { buffer in
                if let base = buffer.baseAddress { add(base, value.count, times: count) }
            }
        }
    }
}

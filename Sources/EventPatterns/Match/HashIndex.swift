/// A read-only table from 64-bit keys to lists of sub-rules.
///
/// A key is the hash of what a value must have (path, kind of test, text); equal keys of different tests only cost a
/// verification that fails.
struct HashIndex {
    struct Slot: BitwiseCopyable {
        /// 0 in an empty slot.
        var key: UInt64
        /// The sub-rule itself if `count` is 1, else where its list begins.
        var first: UInt32
        var count: UInt32
    }

    private(set) var slots: Buffer<Slot>
    private(set) var lists: Buffer<UInt32>
    private let mask: Int

    /// Builds the table from pairs of key and sub-rule.
    init(keys: Buffer<UInt64>, subRules: Buffer<UInt32>) {
        var size = 8
        while size < keys.count + keys.count / 2 { size *= 2 }
        mask = size - 1
        slots = Buffer(repeating: Slot(key: 0, first: 0, count: 0), count: size)
        for index in 0..<keys.count {
            let slot = HashIndex.find(keys[index], slots, mask)
            slots.base[slot].key = keys[index]
            slots.base[slot].count += 1
        }
        var listed = 0
        for index in 0..<size where slots[index].count > 1 {
            slots.base[index].first = UInt32(listed)
            listed += Int(slots[index].count)
        }
        lists = Buffer(repeating: 0, count: listed)
        // `filled` counts what each list has so far.
        let filled = Buffer<UInt32>(repeating: 0, count: size)
        for index in 0..<keys.count {
            let slot = HashIndex.find(keys[index], slots, mask)
            if slots[slot].count == 1 {
                slots.base[slot].first = subRules[index]
            } else {
                lists[Int(slots[slot].first + filled[slot])] = subRules[index]
                filled[slot] += 1
            }
        }
        filled.free()
    }

    private static func find(_ key: UInt64, _ slots: Buffer<Slot>, _ mask: Int) -> Int {
        var slot = Int(truncatingIfNeeded: key >> 32) & mask
        while slots[slot].key != 0, slots[slot].key != key { slot = (slot + 1) & mask }
        return slot
    }

    /// The slot of a key, -1 if the key is not there.
    @inline(__always)
    func slot(_ key: UInt64) -> Int {
        var slot = Int(truncatingIfNeeded: key >> 32) & mask
        while true {
            let found = slots.base[slot].key
            if found == key { return slot }
            if found == 0 { return -1 }
            slot = (slot + 1) & mask
        }
    }

    /// The most slots that are gone through to find a key.
    var longestSearch: Int {
        (0..<slots.count).reduce(0) { longest, index in
            let key = slots[index].key
            if key == 0 { return longest }
            return max(longest, 1 + (index - Int(truncatingIfNeeded: key >> 32) & mask) & mask)
        }
    }

    func free() {
        slots.free()
        lists.free()
    }

    var byteCount: Int { slots.byteCount + lists.byteCount }
}

import Glibc

/// The field names of an object, as they stand in the input, and which field each of them means.
///
/// Records mostly have the same names in the same order: a name is compared with the one that came after the last name
/// the time before, and looked up only where that fails.
final class JSONKeys {
    private struct Key {
        /// The first eight bytes of the name and its closing quote; compared under the mask.
        var first: UInt64
        var mask: UInt64
        /// The name and its closing quote.
        var text: UnsafeMutablePointer<UInt8>
        /// Bytes of the name and its closing quote.
        var length: Int
        var field: Int
    }

    private var keys: UnsafeMutablePointer<Key>
    private(set) var count = 0
    private var capacity = 8
    /// Positions of keys plus one, by hash; 0 is free.
    private var table: [Int32] = Array(repeating: 0, count: 16)

    /// Names that are remembered. More stand in objects that are maps rather than records; they are looked up the slow
    /// way.
    static let limit = 20_000

    init() {
        keys = .allocate(capacity: capacity)
    }

    deinit {
        for index in 0..<count { keys[index].text.deallocate() }
        keys.deallocate()
    }

    /// Whether the key at `index` stands at `name`, the first byte after an opening quote. Then it is `length` bytes to
    /// the first byte after the closing quote.
    @inline(__always)
    func matches(_ index: Int, _ name: UnsafePointer<UInt8>) -> (field: Int, length: Int)? {
        guard index < count else { return nil }
        let key = keys + index
        guard loadWord(name) & key.pointee.mask == key.pointee.first else { return nil }
        let length = key.pointee.length
        if length > 8, memcmp(name + 8, key.pointee.text + 8, length &- 8) != 0 { return nil }
        return (key.pointee.field, length)
    }

    /// The position of a name without escapes; nil where it is new.
    func find(_ name: UnsafePointer<UInt8>, _ length: Int) -> Int? {
        var slot = hash(name, length)
        while table[slot] != 0 {
            let index = Int(table[slot]) - 1
            if keys[index].length == length + 1, memcmp(keys[index].text, name, length) == 0 { return index }
            slot = (slot + 1) & (table.count - 1)
        }
        return nil
    }

    func field(_ index: Int) -> Int { keys[index].field }

    /// Adds a name that `find` did not find.
    func add(_ name: UnsafePointer<UInt8>, _ length: Int, field: Int) -> Int {
        if count == capacity { grow() }
        let text = UnsafeMutablePointer<UInt8>.allocate(capacity: length + 9)
        memcpy(text, name, length)
        text[length] = 0x22
        memset(text + length + 1, 0, 8)
        // A name that must be written with an escape never stands in the input as it is: nothing equals it under no
        // mask.
        let isPlain = (0..<length).allSatisfy { text[$0] >= 0x20 && text[$0] != 0x22 && text[$0] != 0x5C }
        let whole = length + 1 >= 8 ? ~UInt64(0) : ~(~UInt64(0) << UInt64(8 * (length + 1)))
        let mask = isPlain ? whole : 0
        keys[count] = Key(
            first: isPlain ? loadWord(text) & mask : 1, mask: mask, text: text, length: length + 1, field: field)
        count += 1
        if 2 * count > table.count {
            table = Array(repeating: 0, count: table.count * 2)
            for index in 0..<count { place(index) }
        } else {
            place(count - 1)
        }
        return count - 1
    }

    private func place(_ index: Int) {
        var slot = hash(keys[index].text, keys[index].length - 1)
        while table[slot] != 0 { slot = (slot + 1) & (table.count - 1) }
        table[slot] = Int32(index + 1)
    }

    private func hash(_ name: UnsafePointer<UInt8>, _ length: Int) -> Int {
        // FNV-1a: names are short, and this is not the usual way.
        var value: UInt64 = 0xCBF2_9CE4_8422_2325
        for offset in 0..<length { value = (value ^ UInt64(name[offset])) &* 0x100_0000_01B3 }
        return Int(truncatingIfNeeded: value ^ value >> 32) & (table.count - 1)
    }

    private func grow() {
        let larger = UnsafeMutablePointer<Key>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: keys, count: count)
        keys.deallocate()
        keys = larger
        capacity *= 2
    }
}

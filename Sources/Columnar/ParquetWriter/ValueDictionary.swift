import CLinux
import Glibc

/// The distinct values of a column chunk, found by the text of their fields: a number that occurs again is never parsed
/// again.
///
/// Keys are exact. Texts of up to eight bytes are the key themselves; longer ones are found by a 64-bit hash and then
/// compared byte by byte. Open addressing with linear probing, at most half full.
struct ValueDictionary {
    /// The id that stands for null: its texts are the null tokens.
    static let nullID: UInt32 = .max

    struct Slot {
        /// The text, or its hash.
        var key: UInt64
        /// 0: free. Else the length of the text, with the flags below.
        var tag: UInt32
        var id: UInt32
    }

    static let occupied: UInt32 = 1 << 31
    /// The text was quoted and would mean null without quotes.
    static let quotedToken: UInt32 = 1 << 30

    private(set) var slots: UnsafeMutablePointer<Slot>
    private(set) var slotCount: Int
    private(set) var shift: UInt64
    /// Slots in use; more than `count` by the null tokens.
    private var used = 0
    /// Distinct values.
    private(set) var count = 0
    /// Texts by id: four bytes of length and the bytes, as a PLAIN dictionary page has them. Numbers keep only texts
    /// longer than eight bytes.
    private(set) var texts = RawBuffer()
    /// Offset of each id's text, 32 bits each.
    private(set) var offsets = RawBuffer()
    /// Bit patterns of numbers by id, 64 bits each.
    private(set) var values = RawBuffer()
    private let keepsAllTexts: Bool
    /// Slots that were taken since `beginStage`, 32 bits each, in order; void after the table has grown.
    private var staged = RawBuffer(capacity: 64)
    private var isStaging = false
    private var hasGrown = false

    /// - Parameter keepsAllTexts: the values are the texts themselves.
    init(keepsAllTexts: Bool) {
        self.keepsAllTexts = keepsAllTexts
        slotCount = 256
        shift = 64 - 8
        slots = .allocate(capacity: slotCount)
        memset(slots, 0, slotCount * MemoryLayout<Slot>.stride)
    }

    func free() {
        slots.deallocate()
        texts.free()
        offsets.free()
        values.free()
        staged.free()
    }

    /// Forgets everything, keeping memory for as many values.
    mutating func clear() {
        memset(slots, 0, slotCount * MemoryLayout<Slot>.stride)
        (used, count, texts.count, offsets.count, values.count) = (0, 0, 0, 0, 0)
    }

    /// Bytes that the dictionary page will have.
    var pageBytes: Int { keepsAllTexts ? texts.count : count * 8 }

    func value(_ id: UInt32) -> Int64 {
        UnsafeRawPointer(values.base).load(fromByteOffset: Int(id) * 8, as: Int64.self)
    }

    var valuePointer: UnsafePointer<Int64> {
        UnsafeRawPointer(values.base).assumingMemoryBound(to: Int64.self)
    }

    var offsetPointer: UnsafePointer<UInt32> {
        UnsafeRawPointer(offsets.base).assumingMemoryBound(to: UInt32.self)
    }

    func text(_ id: UInt32) -> UnsafeBufferPointer<UInt8> {
        let entry = texts.base + Int(offsetPointer[Int(id)])
        let length = UnsafeRawPointer(entry).loadUnaligned(as: UInt32.self)
        return UnsafeBufferPointer(start: entry + 4, count: Int(length))
    }

    // MARK: keys

    @inline(__always)
    static func shortSlot(_ word: UInt64, _ length: Int, _ shift: UInt64) -> Int {
        let mixed = (word ^ (UInt64(truncatingIfNeeded: length) &<< 56)) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed &>> shift)
    }

    @inline(__always)
    static func longSlot(_ hash: UInt64, _ shift: UInt64) -> Int {
        Int(truncatingIfNeeded: hash &>> shift)
    }

    /// The hash of more than eight bytes, by folded multiplication as in wyhash.
    @inline(__always)
    static func longHash(_ text: UnsafePointer<UInt8>, _ length: Int) -> UInt64 {
        var hash = UInt64(truncatingIfNeeded: length) &* 0xA076_1D64_78BD_642F
        var position = 0
        while position &+ 16 < length {
            let (first, second) = (loadWord(text + position), loadWord(text + position + 8))
            hash = fold(first ^ 0xE703_7ED1_A0B4_28DB, second ^ hash)
            position &+= 16
        }
        let first = length > 16 ? loadWord(text + length - 16) : loadWord(text)
        let last = loadWord(text + length - 8)
        return fold(first ^ 0x8EBC_6AF0_9C88_C6E3, last ^ hash)
    }

    @inline(__always)
    private static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let (high, low) = a.multipliedFullWidth(by: b)
        return high ^ low
    }

    /// Whether two texts of the same length, more than eight, are equal.
    @inline(__always)
    static func areEqual(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        var position = 0
        while position < length &- 8 {
            if loadWord(a + position) != loadWord(b + position) { return false }
            position &+= 8
        }
        return loadWord(a + length - 8) == loadWord(b + length - 8)
    }

    // MARK: looking up and adding

    /// What a text is found by. Eight bytes from `text` must be readable.
    @inline(__always)
    static func key(_ text: UnsafePointer<UInt8>, _ length: Int) -> UInt64 {
        length <= 8 ? shortKey(text, length) : longHash(text, length)
    }

    /// The id of a text, nil where it is new. Eight bytes from `text` must be readable.
    func find(_ text: UnsafePointer<UInt8>, _ length: Int, flags: UInt32) -> UInt32? {
        find(text, length, flags: flags, key: Self.key(text, length))
    }

    /// The same with the text's `key` at hand.
    func find(_ text: UnsafePointer<UInt8>, _ length: Int, flags: UInt32, key: UInt64) -> UInt32? {
        let tag = UInt32(truncatingIfNeeded: length) | Self.occupied | flags
        var position = length <= 8 ? Self.shortSlot(key, length, shift) : Self.longSlot(key, shift)
        while slots[position].tag != 0 {
            let slot = slots[position]
            if slot.key == key && slot.tag == tag && (length <= 8 || matches(slot, text, length)) { return slot.id }
            position = (position &+ 1) & (slotCount &- 1)
        }
        return nil
    }

    /// Begins to bring the slot of a key into the nearest cache.
    @inline(__always)
    func fetch(key: UInt64, _ length: Int) {
        clinux_prefetch(slots + (length <= 8 ? Self.shortSlot(key, length, shift) : Self.longSlot(key, shift)))
    }

    /// Whether the long text of a slot, whose hash and length agree, is this one.
    @inline(__always)
    func matches(_ slot: Slot, _ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        // Texts of null tokens stand nowhere: the caller finds them again in its list.
        guard slot.id != Self.nullID else { return false }
        return Self.areEqual(texts.base + Int(offsetPointer[Int(slot.id)]) + 4, text, length)
    }

    @inline(__always)
    static func shortKey(_ text: UnsafePointer<UInt8>, _ length: Int) -> UInt64 {
        length == 0 ? 0 : loadWord(text) & (~0 &>> UInt64(truncatingIfNeeded: 64 &- 8 &* length))
    }

    /// Adds a text that `find` did not find.
    mutating func insert(_ text: UnsafePointer<UInt8>, _ length: Int, flags: UInt32, value: Int64) -> UInt32 {
        insert(text, length, flags: flags, value: value, key: Self.key(text, length))
    }

    /// The same with the text's `key` at hand.
    mutating func insert(
        _ text: UnsafePointer<UInt8>, _ length: Int, flags: UInt32, value: Int64, key: UInt64
    ) -> UInt32 {
        let id = UInt32(truncatingIfNeeded: count)
        count += 1
        if !keepsAllTexts { values.append(littleEndian: value) }
        offsets.append(littleEndian: UInt32(truncatingIfNeeded: texts.count))
        if keepsAllTexts || length > 8 {
            texts.append(littleEndian: UInt32(truncatingIfNeeded: length))
            texts.append(text, length)
            // Comparisons load whole words.
            texts.reserve(16)
        }
        place(key, length, flags, id)
        return id
    }

    /// Makes a short text mean null.
    mutating func insertNull(_ text: UnsafePointer<UInt8>, _ length: Int) {
        if length <= 8 { place(Self.shortKey(text, length), length, 0, Self.nullID) }
    }

    private mutating func place(_ key: UInt64, _ length: Int, _ flags: UInt32, _ id: UInt32) {
        if (used + 1) * 2 > slotCount { grow() }
        used += 1
        let tag = UInt32(truncatingIfNeeded: length) | Self.occupied | flags
        store(Slot(key: key, tag: tag, id: id))
    }

    private mutating func store(_ slot: Slot) {
        let length = Int(slot.tag & 0x3FFF_FFFF)
        var position =
            length <= 8 ? Self.shortSlot(slot.key, length, shift) : Self.longSlot(slot.key, shift)
        while slots[position].tag != 0 { position = (position &+ 1) & (slotCount &- 1) }
        slots[position] = slot
        if isStaging { staged.append(littleEndian: UInt32(truncatingIfNeeded: position)) }
    }

    // MARK: taking back

    /// From now on entries can be taken back.
    mutating func beginStage() {
        staged.count = 0
        (isStaging, hasGrown) = (true, false)
    }

    mutating func endStage() { isStaging = false }

    /// Forgets the entries that came since `beginStage`.
    /// - Parameter count: distinct values then.
    mutating func rollBack(to count: Int) {
        isStaging = false
        guard count < self.count else { return }
        texts.count = Int(offsetPointer[count])
        offsets.count = 4 * count
        if !keepsAllTexts { values.count = 8 * count }
        self.count = count
        if !hasGrown {
            // The last entry taken is in nobody's way: no other was placed behind it.
            let positions = UnsafeRawPointer(staged.base).assumingMemoryBound(to: UInt32.self)
            for index in 0..<staged.count / 4 {
                slots[Int(positions[index])] = Slot(key: 0, tag: 0, id: 0)
                used -= 1
            }
            return
        }
        let old = slots
        slots = .allocate(capacity: slotCount)
        memset(slots, 0, slotCount * MemoryLayout<Slot>.stride)
        used = 0
        for index in 0..<slotCount where old[index].tag != 0 {
            guard old[index].id == Self.nullID || Int(old[index].id) < count else { continue }
            used += 1
            store(old[index])
        }
        old.deallocate()
    }

    /// Makes room for `values` more values that take `bytes`.
    mutating func reserve(_ values: Int, bytes: Int) {
        var doublings = 0
        while (used + values) * 2 > slotCount << doublings { doublings += 1 }
        if doublings > 0 { grow(doublings) }
        offsets.reserve(4 * values)
        texts.reserve(bytes + 4 * values)
    }

    private mutating func grow(_ doublings: Int = 1) {
        let (old, oldCount) = (slots, slotCount)
        slotCount <<= doublings
        shift -= UInt64(doublings)
        hasGrown = true
        slots = .allocate(capacity: slotCount)
        memset(slots, 0, slotCount * MemoryLayout<Slot>.stride)
        for index in 0..<oldCount where old[index].tag != 0 { store(old[index]) }
        old.deallocate()
    }
}

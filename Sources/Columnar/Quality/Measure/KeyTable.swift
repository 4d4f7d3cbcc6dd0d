import Glibc

/// A set of keys by their hashes, with a mark on those that came more than once. Open addressing, at most 5/8 full.
final class KeyTable {
    /// Two words a key; 0, 0 is free. The lowest bit of the second is the mark.
    private var slots: UnsafeMutablePointer<UInt64>
    private(set) var slotCount: Int
    private(set) var count = 0
    /// Keys that came more than once.
    private(set) var repeated = 0

    init(slots: Int = 1024) {
        slotCount = slots
        self.slots = .allocate(capacity: 2 * slots)
        memset(self.slots, 0, 16 * slots)
    }

    deinit { slots.deallocate() }

    var isFull: Bool { count * 8 >= slotCount * 5 }

    func clear() {
        memset(slots, 0, 16 * slotCount)
        (count, repeated) = (0, 0)
    }

    /// Puts a key in. There must be room: see `isFull`, `grow`.
    func insert(_ key: KeyHash) {
        let first = key.high | 1 << 63
        let second = key.low & ~1
        var position = Int(truncatingIfNeeded: key.low &>> 8) & (slotCount &- 1)
        while true {
            let slot = slots + 2 &* position
            if slot[0] == 0 {
                slot[0] = first
                slot[1] = second
                count &+= 1
                return
            }
            if slot[0] == first, slot[1] & ~1 == second {
                if slot[1] & 1 == 0 {
                    slot[1] |= 1
                    repeated &+= 1
                }
                return
            }
            position = (position &+ 1) & (slotCount &- 1)
        }
    }

    func contains(_ key: KeyHash) -> Bool {
        let first = key.high | 1 << 63
        let second = key.low & ~1
        var position = Int(truncatingIfNeeded: key.low &>> 8) & (slotCount &- 1)
        while slots[2 &* position] != 0 {
            if slots[2 &* position] == first, slots[2 &* position &+ 1] & ~1 == second { return true }
            position = (position &+ 1) & (slotCount &- 1)
        }
        return false
    }

    func grow() {
        let (old, oldCount) = (slots, slotCount)
        slotCount *= 2
        slots = .allocate(capacity: 2 * slotCount)
        memset(slots, 0, 16 * slotCount)
        for index in 0..<oldCount where old[2 * index] != 0 {
            var position = Int(truncatingIfNeeded: old[2 * index + 1] &>> 8) & (slotCount - 1)
            while slots[2 * position] != 0 { position = (position + 1) & (slotCount - 1) }
            slots[2 * position] = old[2 * index]
            slots[2 * position + 1] = old[2 * index + 1]
        }
        old.deallocate()
    }

    /// All keys, those with the mark twice.
    func forEach(_ body: (KeyHash) throws(ColumnarError) -> Void) throws(ColumnarError) {
        for index in 0..<slotCount where slots[2 * index] != 0 {
            let key = KeyHash(high: slots[2 * index], low: slots[2 * index + 1])
            try body(key)
            if key.low & 1 == 1 { try body(key) }
        }
    }
}

/// A read-only set of blocks of addresses that answers which hold an address, in O(log n + answers).
///
/// Blocks either lie in one another or are apart. In the order of their first addresses, outer blocks before inner ones, the last
/// that does not begin above an address holds it, or lies in all that do: from each the way goes on to the block around it.
struct AddressIndex: BitwiseCopyable {
    struct Entry: BitwiseCopyable {
        var high: UInt64
        var low: UInt64
        var bits: UInt8
        var isV6: Bool
        /// The entry of the block around it, -1 for none.
        var outer: Int32
        /// Where its sub-rules begin, and their number.
        var first: UInt32
        var count: UInt32

        @inline(__always)
        var address: IPAddress { IPAddress(isV6: isV6, high: high, low: low) }

        @inline(__always)
        func holds(_ other: IPAddress) -> Bool {
            guard other.isV6 == isV6 else { return false }
            let masked = other.masked(Int(bits))
            return masked.high == high && masked.low == low
        }
    }

    private(set) var entries: Buffer<Entry>
    private(set) var subRules: Buffer<UInt32>

    /// Builds the index from blocks, which are atoms, and their sub-rules.
    init(_ blocks: [(atom: Atom, subRule: UInt32)]) {
        let sorted = blocks.sorted {
            let (left, right) = ($0.atom, $1.atom)
            return left.isSameBlock(right) ? $0.subRule < $1.subRule : AddressIndex.precedes(left, right)
        }
        entries = Buffer(capacity: sorted.count)
        subRules = Buffer(capacity: sorted.count)
        var around: [Int32] = []
        for (index, block) in sorted.enumerated() {
            if index == 0 || !sorted[index - 1].atom.isSameBlock(block.atom) {
                while let last = around.last, !entries[Int(last)].holds(block.atom.address) { around.removeLast() }
                let atom = block.atom
                entries.append(
                    Entry(
                        high: atom.x, low: atom.y, bits: UInt8(truncatingIfNeeded: atom.extra), isV6: atom.flags == 1,
                        outer: around.last ?? -1, first: UInt32(subRules.count), count: 0))
                around.append(Int32(truncatingIfNeeded: entries.count - 1))
            }
            subRules.append(block.subRule)
            entries.base[entries.count - 1].count += 1
        }
        entries.shrink()
    }

    /// The innermost block around an address, -1 for none.
    func innermost(_ address: IPAddress) -> Int32 {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) >> 1
            if AddressIndex.precedes(address, entries.base[middle].address) { high = middle } else { low = middle + 1 }
        }
        var entry = Int32(truncatingIfNeeded: low - 1)
        while entry >= 0, !entries.base[Int(entry)].holds(address) { entry = entries.base[Int(entry)].outer }
        return entry
    }

    /// The order of addresses.
    @inline(__always)
    static func precedes(_ left: IPAddress, _ right: IPAddress) -> Bool {
        if left.isV6 != right.isV6 { return right.isV6 }
        return left.high < right.high || (left.high == right.high && left.low < right.low)
    }

    /// The order of blocks: of those that begin alike, the outer one comes first.
    static func precedes(_ left: Atom, _ right: Atom) -> Bool {
        let (first, second) = (left.address, right.address)
        return first == second ? left.extra < right.extra : precedes(first, second)
    }

    func free() {
        entries.free()
        subRules.free()
    }

    var byteCount: Int { entries.byteCount + subRules.byteCount }
}

extension Atom {
    /// Of an address or a block: the first address in it.
    @inline(__always)
    var address: IPAddress { IPAddress(isV6: flags == 1, high: x, low: y) }

    /// Of an address or a block: whether another address is in it.
    @inline(__always)
    func holds(_ other: IPAddress) -> Bool {
        guard other.isV6 == (flags == 1) else { return false }
        let masked = other.masked(Int(extra))
        return masked.high == x && masked.low == y
    }

    fileprivate func isSameBlock(_ other: Atom) -> Bool {
        x == other.x && y == other.y && extra == other.extra && flags == other.flags
    }
}

/// A read-only set of blocks of addresses that answers which hold an address, in O(log n + answers).
///
/// Blocks either lie in one another or are apart. In the order of their first addresses, outer blocks before inner
/// ones, the last that does not begin above an address holds it, or lies in all that do: from each the way goes on to
/// the block around it.
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
    /// The first entries, of the older protocol: how many they are, and the table that leads near an address among
    /// them.
    private var v4Count = 0
    private let v4Places: AddressPlaces
    /// The only sub-rule that blocks lead to, -1 if there are several.
    let only: Int32
    /// A bit for each of its conditions, but the first, that takes less than to read an address.
    private(set) var quick: UInt64 = 0

    /// Builds the index from blocks, which are atoms, and their sub-rules.
    init(_ blocks: [(atom: Atom, subRule: UInt32)], quick: (UInt32) -> UInt64) {
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
        while v4Count < entries.count, !entries[v4Count].isV6 { v4Count += 1 }
        let isOnly = blocks.allSatisfy { $0.subRule == blocks.first?.subRule }
        only = isOnly ? Int32(truncatingIfNeeded: blocks.first?.subRule ?? 0) : -1
        let all = entries
        v4Places = AddressPlaces(count: v4Count) { all[$0].low }
        if only >= 0 { self.quick = quick(UInt32(only)) }
    }

    /// The innermost block around an address, -1 for none.
    @inline(__always)
    func innermost(_ address: IPAddress) -> Int32 {
        let last = address.isV6 ? lastV6(address) : v4Places.last(address.low) { entries.base[$0].low }
        var entry = Int32(truncatingIfNeeded: last)
        while entry >= 0, !entries.base[Int(entry)].holds(address) { entry = entries.base[Int(entry)].outer }
        return entry
    }

    /// The last block of the newer protocol that does not begin above an address, -1 for none.
    private func lastV6(_ address: IPAddress) -> Int {
        var low = v4Count
        var left = entries.count - v4Count
        while left > 0 {
            let half = left >> 1
            let isAbove = AddressIndex.precedes(address, entries.base[low + half].address)
            low = isAbove ? low : low + half + 1
            left = isAbove ? half : left - half - 1
        }
        return low == v4Count ? -1 : low - 1
    }

    /// The order of addresses.
    @inline(__always)
    static func precedes(_ left: IPAddress, _ right: IPAddress) -> Bool {
        // Without branches, for which of two comes first cannot be foretold.
        let isBelow = UInt128(left.high) << 64 | UInt128(left.low) < UInt128(right.high) << 64 | UInt128(right.low)
        return left.isV6 == right.isV6 ? isBelow : right.isV6
    }

    /// The order of blocks: of those that begin alike, the outer one comes first.
    static func precedes(_ left: Atom, _ right: Atom) -> Bool {
        let (first, second) = (left.address, right.address)
        return first == second ? left.extra < right.extra : precedes(first, second)
    }

    func free() {
        entries.free()
        subRules.free()
        v4Places.free()
    }

    var byteCount: Int { entries.byteCount + subRules.byteCount + v4Places.byteCount }
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

extension SegmentIndexer {
    func buildAddresses() -> [AddressIndex] {
        addresses.map { blocks in AddressIndex(blocks) { quick($0) } }
    }

    /// See `AddressIndex.quick`. The first condition is left out, since to fail it is not remembered.
    private func quick(_ subRule: UInt32) -> UInt64 {
        var positions: UInt64 = 0
        for (position, number) in references(Int(subRule)).enumerated() where (1..<UInt64.bitWidth).contains(position) {
            if store.isQuick(store.conditions[Int(number)]) { positions |= 1 << UInt64(position) }
        }
        return positions
    }
}

extension SegmentStore {
    /// Whether a condition is a comparison or two, however long a text is.
    fileprivate func isQuick(_ condition: ConditionRecord) -> Bool {
        guard !condition.isSearched, condition.atomCount <= 2 else { return false }
        return (0..<Int(condition.atomCount)).allSatisfy { place in
            let atom = atoms[Int(condition.firstAtom) + place]
            guard atom.kind == .anythingBut else { return atom.isQuick }
            return atom.length <= 2 && atom.flags & 2 == 0
                && (0..<Int(atom.length)).allSatisfy {
                    atoms[Int(condition.firstAtom) + Int(atom.offset) + $0].isQuick
                }
        }
    }
}

extension Atom {
    fileprivate var isQuick: Bool {
        switch kind {
        case .exact, .number, .true, .false, .null, .prefix, .suffix, .range, .exists, .absent: true
        default: false
        }
    }
}

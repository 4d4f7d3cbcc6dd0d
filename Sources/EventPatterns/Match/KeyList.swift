/// Tests of text of one list, in the order of what they need a text to begin or to end with: so that a list of a
/// thousand costs about what ten cost, whatever is in it.
///
/// Every key that a text begins with is the last key not above the text, or begins that one. So the search is one for
/// a place; of the keys that begin the one there, the text begins with those that are no longer than what the two have
/// alike. From each key the way goes to the longest other that begins it, and in leaps past those that are too long,
/// for keys may be a chain as long as the list. What a prefix covers is left out, and how many wildcards one text can
/// be in is bounded (`WildcardComplexity`), so those that are come to are few.
struct KeyList {
    /// Which tests have such keys: at the start or the end of a text, as it is or in ASCII lower case.
    struct Order: OptionSet, BitwiseCopyable, Hashable {
        let rawValue: UInt32
        static let fromEnd = Order(rawValue: 1)
        static let folded = Order(rawValue: 2)
    }

    /// Lists shorter than this are gone through one by one.
    static let least = 9

    /// One test: its key and its atom, as a number in the list.
    struct Member {
        var key: [UInt8]
        var atom: Atom
    }

    /// Where the parts of a table lie, in bytes: the number of entries; their order; how many bytes all keys begin with
    /// alike.
    private enum Head {
        static let order = 4
        static let shared = 8
        static let size = 12
    }

    /// Where the parts of an entry lie, in bytes: eight bytes of the key in the list's order, from where keys differ;
    /// where the key begins behind the entries, and its length; the entry of the longest other key that begins it,
    /// counted from 1; the entry of a key farther up that chain.
    private enum Layout {
        static let lead = 0
        static let offset = 8
        static let length = 12
        static let parent = 16
        static let leap = 20
        static let size = 24
    }

    let order: Order
    /// The members that are kept, sorted.
    private(set) var members: [Member] = []
    private var parents: [Int] = []

    init(_ unsorted: [Member], _ order: Order) {
        self.order = order
        let ways = unsorted.map { (way: order.contains(.fromEnd) ? $0.key.reversed() : $0.key, member: $0) }
        var sorted: [[UInt8]] = []
        var above: [Int] = []
        for (way, member) in ways.sorted(by: { KeyList.precedes($0, $1) }) {
            while let last = above.last, !way.starts(with: sorted[last]) { above.removeLast() }
            if let parent = above.last, covers(parent, member, way == sorted[parent]) { continue }
            sorted.append(way)
            members.append(member)
            var parent = above.last.map { $0 + 1 } ?? 0
            // What begins with more than a whole text is not that text.
            while parent > 0, members[parent - 1].atom.isWhole, sorted[parent - 1].count < way.count {
                parent = parents[parent - 1]
            }
            parents.append(parent)
            above.append(sorted.count - 1)
        }
    }

    /// Of equal keys, prefixes come first: they cover the others.
    private static func precedes(_ left: (way: [UInt8], member: Member), _ right: (way: [UInt8], member: Member))
        -> Bool
    {
        if left.way == right.way { return left.member.atom.isAffix && !right.member.atom.isAffix }
        return left.way.lexicographicallyPrecedes(right.way)
    }

    /// Whether what passes a member passes an earlier one, whose key begins its key.
    private func covers(_ earlier: Int, _ member: Member, _ isSameKey: Bool) -> Bool {
        var place = earlier + 1
        while place > 0 {
            if members[place - 1].atom.isAffix { return true }
            place = parents[place - 1]
        }
        let other = members[earlier].atom
        return isSameKey && other.kind == member.atom.kind && other.isWhole
    }

    /// The bytes that all keys begin with alike: as sorted, those of the first and the last.
    private var shared: Int {
        guard let first = members.first?.key, let last = members.last?.key else { return 0 }
        let fromEnd = order.contains(.fromEnd)
        return zip(fromEnd ? first.reversed() : first, fromEnd ? last.reversed() : last).prefix { $0 == $1 }.count
    }

    /// For each entry one farther up its chain, 0 for none: so far that from any entry any other above it is as many
    /// steps away as its distance has digits (Myers, "An applicative random-access stack", 1983).
    private var leaps: [Int] {
        var depths = [0]
        var leaps = [0]
        for parent in parents {
            let far = leaps[parent]
            let isEven = depths[parent] - depths[far] == depths[far] - depths[leaps[far]]
            leaps.append(isEven && parent > 0 ? leaps[far] : parent)
            depths.append(depths[parent] + 1)
        }
        return Array(leaps.dropFirst())
    }

    /// The table: the number of entries, the order, the entries, the keys.
    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        var keys: [UInt8] = []
        func append(_ value: UInt64, _ size: Int, to bytes: inout [UInt8]) {
            for index in 0..<size { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
        }
        append(UInt64(members.count), 4, to: &bytes)
        append(UInt64(order.rawValue), 4, to: &bytes)
        append(UInt64(shared), 4, to: &bytes)
        let leaps = leaps
        for (index, (member, parent)) in zip(members, parents).enumerated() {
            let lead = member.key.withUnsafeBufferPointer { key in
                key.baseAddress.map { KeyList.word($0, key.count, shared, order) } ?? 0
            }
            append(lead, 8, to: &bytes)
            append(UInt64(keys.count), 4, to: &bytes)
            append(UInt64(member.key.count), 4, to: &bytes)
            append(UInt64(parent), 4, to: &bytes)
            append(UInt64(leaps[index]), 4, to: &bytes)
            keys += member.key
        }
        return bytes + keys
    }

    /// The number of entries of a table, and of its bytes.
    @inline(__always)
    static func count(_ table: UnsafePointer<UInt8>) -> Int { Int(ByteHash.half(table)) }

    static func size(_ table: UnsafePointer<UInt8>) -> Int {
        let end = Head.size + count(table) * Layout.size
        let last = table + (end - Layout.size)
        return end + Int(ByteHash.half(last + Layout.offset)) + Int(ByteHash.half(last + Layout.length))
    }

    /// Eight bytes of a text, the number `at` of them in the list's order being the highest; zeros behind the text.
    @inline(__always)
    private static func word(_ text: UnsafePointer<UInt8>, _ length: Int, _ at: Int, _ order: Order) -> UInt64 {
        let left = length - at
        if left <= 0 { return 0 }
        let count = min(8, left)
        var word: UInt64
        if order.contains(.fromEnd) {
            word = ByteHash.partialWord(text + (left - count), count) << UInt64(8 * (8 - count))
        } else {
            word = ByteHash.partialWord(text + at, count).byteSwapped
        }
        if order.contains(.folded) { word = ByteHash.folded(word) }
        return word
    }

    /// Calls `passes` with the number of each test whose key a text begins with, the longest first, until one passes;
    /// and `step` for each entry that is stepped over, for tests.
    @inline(__always)
    static func contains(
        _ table: UnsafePointer<UInt8>, _ text: UnsafePointer<UInt8>, _ length: Int, step: () -> Void = {},
        _ passes: (Int) -> Bool
    ) -> Bool {
        let count = Int(ByteHash.half(table))
        let order = Order(rawValue: UInt32(truncatingIfNeeded: ByteHash.half(table + Head.order)))
        let shared = Int(ByteHash.half(table + Head.shared))
        let entries = table + Head.size
        guard shared <= length, shared == 0 || begins(entries, count, order, shared, text, length) else { return false }
        var place = last(entries, count, order, shared, text, length)
        if place == 0 { return false }
        let nearest = entries + (place - 1) * Layout.size
        let key = entries + (count * Layout.size + Int(ByteHash.half(nearest + Layout.offset)))
        let alike = alike(key, Int(ByteHash.half(nearest + Layout.length)), text, length, order, from: shared)
        while place > 0 {
            let entry = entries + (place - 1) * Layout.size
            if Int(ByteHash.half(entry + Layout.length)) <= alike {
                if passes(place - 1) { return true }
                place = Int(ByteHash.half(entry + Layout.parent))
            } else {
                step()
                let leap = Int(ByteHash.half(entry + Layout.leap))
                let isShort = leap == 0 || lengthOf(leap, entries) <= alike
                place = isShort ? Int(ByteHash.half(entry + Layout.parent)) : leap
            }
        }
        return false
    }

    @inline(__always)
    private static func lengthOf(_ place: Int, _ entries: UnsafePointer<UInt8>) -> Int {
        Int(ByteHash.half(entries + ((place - 1) * Layout.size + Layout.length)))
    }

    /// How many bytes a key and a text begin with alike, of which the first `shared` are known to be.
    @inline(__always)
    private static func alike(
        _ key: UnsafePointer<UInt8>, _ size: Int, _ text: UnsafePointer<UInt8>, _ length: Int, _ order: Order,
        from shared: Int
    ) -> Int {
        let most = min(size, length)
        var at = shared
        while at < most {
            let difference = word(key, size, at, order) ^ word(text, length, at, order)
            if difference != 0 { return min(most, at + difference.leadingZeroBitCount >> 3) }
            at += 8
        }
        return most
    }

    /// Whether a text begins as all keys do.
    @inline(__always)
    private static func begins(
        _ entries: UnsafePointer<UInt8>, _ count: Int, _ order: Order, _ shared: Int, _ text: UnsafePointer<UInt8>,
        _ length: Int
    ) -> Bool {
        let key = entries + (count * Layout.size + Int(ByteHash.half(entries + Layout.offset)))
        let size = Int(ByteHash.half(entries + Layout.length))
        // Whether a text begins so cannot be foretold: of up to sixteen bytes, as nearly always, all are compared.
        if shared <= 16 {
            return differ(key, size, text, length, 0, order, shared)
                | differ(key, size, text, length, 8, order, shared) == 0
        }
        var at = 0
        while at < shared {
            if differ(key, size, text, length, at, order, shared) != 0 { return false }
            at += 8
        }
        return true
    }

    /// The bits in which a key and a text differ from `at` on, eight bytes at most, of those that all keys share.
    @inline(__always)
    private static func differ(
        _ key: UnsafePointer<UInt8>, _ size: Int, _ text: UnsafePointer<UInt8>, _ length: Int, _ at: Int,
        _ order: Order, _ shared: Int
    ) -> UInt64 {
        // The first byte is the highest.
        let mask = shared - at >= 8 ? UInt64.max : shared <= at ? 0 : ~(UInt64.max >> UInt64(8 * (shared - at)))
        return (word(key, size, at, order) ^ word(text, length, at, order)) & mask
    }

    /// The last entry, counted from 1, whose key is not above a text; 0 if all are.
    private static func last(
        _ entries: UnsafePointer<UInt8>, _ count: Int, _ order: Order, _ shared: Int, _ text: UnsafePointer<UInt8>,
        _ length: Int
    ) -> Int {
        let lead = word(text, length, shared, order)
        let keys = entries + count * Layout.size
        var low = 0
        var left = count
        while left > 0 {
            let half = left >> 1
            let entry = entries + (low + half) * Layout.size
            let other = ByteHash.word(entry + Layout.lead)
            let isAbove = other == lead ? isAbove(entry, keys, order, shared, text, length) : other > lead
            low = isAbove ? low : low + half + 1
            left = isAbove ? half : left - half - 1
        }
        return low
    }

    /// Whether an entry's key, of which the shared bytes and eight more are the text's, is above the text.
    @inline(never)
    private static func isAbove(
        _ entry: UnsafePointer<UInt8>, _ keys: UnsafePointer<UInt8>, _ order: Order, _ shared: Int,
        _ text: UnsafePointer<UInt8>, _ length: Int
    ) -> Bool {
        let key = keys + Int(ByteHash.half(entry + Layout.offset))
        let size = Int(ByteHash.half(entry + Layout.length))
        var at = shared + 8
        while at < size, at < length {
            let left = word(key, size, at, order)
            let right = word(text, length, at, order)
            if left != right { return left > right }
            at += 8
        }
        return size > length
    }
}

extension Atom {
    /// Whether every text with the key passes.
    var isAffix: Bool {
        switch kind {
        case .prefix, .suffix, .prefixFolded, .suffixFolded: true
        default: false
        }
    }

    /// Whether only the key itself passes.
    var isWhole: Bool { kind == .exact || kind == .equalsFolded }

    /// The order of the list that tests of this kind are put into, if there are many.
    var listOrder: KeyList.Order? {
        switch kind {
        case .exact, .prefix, .wildcard, .containsAny, .regex: []
        case .equalsFolded, .prefixFolded, .wildcardCased: .folded
        case .suffix: .fromEnd
        case .suffixFolded: [.fromEnd, .folded]
        default: nil
        }
    }
}

extension SegmentStore {
    /// Puts tests of text that are many into lists: their atoms, list by list, the atoms of the others, and where the
    /// lists' tables begin in the condition's text.
    mutating func lists(of all: [Atom], _ firstByte: Int) -> (atoms: [Atom], others: [Atom], tables: Int) {
        let tables = text.count - firstByte
        // To run a regular expression costs more than to search a list of two.
        let least = all.contains { $0.kind == .regex } ? 2 : KeyList.least
        guard all.count >= least else { return ([], all, tables) }
        var listed: [Atom] = []
        var orders: [KeyList.Order: Int] = [:]
        for order in all.compactMap(\.listOrder) { orders[order, default: 0] += 1 }
        let long = orders.filter { $0.value >= least }.keys.sorted { $0.rawValue < $1.rawValue }
        let sorted = long.map { order in
            KeyList(
                all.filter { $0.listOrder == order }.map { KeyList.Member(key: key(of: $0, firstByte), atom: $0) },
                order)
        }
        for list in sorted {
            listed += list.members.map(\.atom)
            list.encoded().withUnsafeBufferPointer { bytes in
                if let base = bytes.baseAddress { text.append(contentsOf: base, count: bytes.count) }
            }
        }
        return (listed, all.filter { atom in atom.listOrder.map { !long.contains($0) } ?? true }, tables)
    }

    /// What a text must begin or end with to pass a test.
    private func key(of atom: Atom, _ firstByte: Int) -> [UInt8] {
        let start = text.base + firstByte + Int(atom.offset)
        func bytes(_ at: Int, _ count: Int) -> [UInt8] { Array(UnsafeBufferPointer(start: start + at, count: count)) }
        switch atom.kind {
        case .wildcard: return bytes(4, Int(ByteHash.half(start)))
        case .containsAny: return bytes(Int(atom.length), Int(atom.x))
        case .regex: return bytes(Int(atom.x) * 8, Int(atom.length) - Int(atom.x) * 8)
        case .wildcardCased: return foldedStart(start)
        default: break
        }
        if atom.length > 16 { return Array(UnsafeBufferPointer(start: start, count: Int(atom.length))) }
        return (0..<Int(atom.length)).map { index in
            UInt8(truncatingIfNeeded: (index < 8 ? atom.x : atom.y) >> UInt64(8 * (index & 7)))
        }
    }

    /// What of a wildcard that ignores case is ASCII at its beginning, in lower case.
    private func foldedStart(_ encoded: UnsafePointer<UInt8>) -> [UInt8] {
        var key: [UInt8] = []
        var at = 4
        let end = 4 + Int(ByteHash.half(encoded))
        while at < end, encoded[at] == 1, encoded[at + 1] < 0x80, encoded[at + 2] == 1, encoded[at + 3] < 0x80 {
            key.append(CaseText.asciiLower(encoded[at + 1]))
            at += 5
        }
        return key
    }

    /// Ranges of time in their order, those that meet as one.
    static func apart(_ dates: [Atom]) -> [Atom] {
        var apart: [Atom] = []
        for date in dates.sorted(by: { Int64(bitPattern: $0.x) < Int64(bitPattern: $1.x) }) {
            guard let last = apart.last, Int64(bitPattern: date.x) <= Int64(bitPattern: last.y) else {
                apart.append(date)
                continue
            }
            if Int64(bitPattern: date.y) > Int64(bitPattern: last.y) { apart[apart.count - 1].y = date.y }
        }
        return apart
    }

    /// Blocks of addresses in the order of their first addresses, those of the older protocol before the others,
    /// without those that lie in another.
    static func outermost(_ blocks: [Atom]) -> [Atom] {
        guard blocks.count > 1 else { return blocks }
        var outermost: [Atom] = []
        for block in blocks.sorted(by: { AddressIndex.precedes($0, $1) }) {
            if let last = outermost.last, last.holds(block.address) { continue }
            outermost.append(block)
        }
        return outermost
    }
}

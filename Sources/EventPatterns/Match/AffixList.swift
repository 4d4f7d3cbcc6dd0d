/// Sub-rules filed under starts or ends of texts in the order of these, so that those of a value are found in the steps
/// of a search however many there are and however alike they begin.
///
/// Where a path has affixes of many lengths, they are filed under shortened ones (`Access.roundedLength`), each of
/// which leads to all that begin so; the list has those of which too many do.
struct AffixList: BitwiseCopyable {
    /// The texts; see `KeyList`.
    private let table: Buffer<UInt8>
    /// Where the sub-rules of each text begin, and where those of the last end.
    private let starts: Buffer<UInt32>
    private let subRules: Buffer<UInt32>
    /// Whether the texts are folded keys.
    let isOfKeys: Bool
    /// The next list of the same path, -1 for none.
    let next: Int32

    /// So many sub-rules may be filed under one shortened text: each that a value is led to costs what a rule does.
    static let mostTogether = 8

    init(_ texts: [[UInt8]: [UInt32]], _ kind: Access.Kind, next: Int32) {
        let order: KeyList.Order =
            switch kind {
            case .suffix, .suffixKey: .fromEnd
            case .prefixFolded: .folded
            case .suffixFolded: [.fromEnd, .folded]
            default: []
            }
        // Of a kind that covers no other: each text has sub-rules of its own.
        let list = KeyList(texts.keys.map { KeyList.Member(key: $0, atom: Atom(.regex)) }, order)
        table = Buffer(list.encoded())
        var starts = Buffer<UInt32>(capacity: list.members.count + 1)
        var subRules = Buffer<UInt32>()
        for member in list.members {
            starts.append(UInt32(subRules.count))
            for subRule in texts[member.key] ?? [] { subRules.append(subRule) }
        }
        starts.append(UInt32(subRules.count))
        subRules.shrink()
        (self.starts, self.subRules) = (starts, subRules)
        isOfKeys = kind == .prefixKey || kind == .suffixKey
        self.next = next
    }

    /// Calls `body` with each sub-rule of which a text begins, or ends, as it asks; and `step` for each text between
    /// that is stepped over.
    @inline(__always)
    func forEach(_ text: UnsafePointer<UInt8>, _ length: Int, step: () -> Void, _ body: (UInt32) -> Void) {
        _ = KeyList.contains(table.base, text, length, step: step) { place in
            for index in Int(starts[place])..<Int(starts[place + 1]) { body(subRules[index]) }
            return false
        }
    }

    func free() {
        table.free()
        starts.free()
        subRules.free()
    }

    var byteCount: Int { table.byteCount + starts.byteCount + subRules.byteCount }
}

extension SegmentIndexer {
    /// Finds the shortened affixes that too many sub-rules would be filed under.
    mutating func countShortened() {
        guard !shortened.isEmpty else { return }
        var counts: [UInt64: Int] = [:]
        for index in 0..<chosen.count where !isInPlane.contains(UInt32(index)) {
            func count(_ indexer: inout SegmentIndexer, _ atom: Atom, _ condition: ConditionRecord) {
                for entry in indexer.textEntries(atom, condition) {
                    guard let short = indexer.shortened(entry, condition.path) else { continue }
                    counts[indexer.hash(short, condition.path, entry.kind), default: 0] += 1
                }
            }
            forEachAtom(chosen[index], count)
            if isTurnedRound(chosen[index]) { forEachExcluded(chosen[index], count) }
        }
        for (key, count) in counts where count > AffixList.mostTogether { crowded.insert(key) }
    }

    /// The part of an affix that it is filed under, nil if that is all of it.
    func shortened(_ entry: (kind: Access.Kind, text: [UInt8], length: Int), _ path: Int32) -> [UInt8]? {
        let key = LengthKey(path: path, kind: entry.kind)
        guard shortened.contains(key), !(lengthSets[key] ?? []).contains(Int32(entry.length)) else { return nil }
        let size = Access.roundedLength(entry.length)
        return entry.kind.isStart ? Array(entry.text.prefix(size)) : Array(entry.text.suffix(size))
    }

    /// The lists of what is crowded, those of one path as a chain.
    mutating func buildCrowds() -> [AffixList] {
        var lists: [AffixList] = []
        for (key, texts) in crowds {
            let plan = plans.base + Int(key.path)
            lists.append(AffixList(texts, key.kind, next: plan.pointee.crowd))
            plan.pointee.crowd = Int32(lists.count - 1)
        }
        return lists
    }
}

extension Segment {
    /// Goes through what is filed in lists under the starts and ends of a text, or of its folded key.
    @inline(never)
    func lookCrowds(
        _ first: Int32, _ text: UnsafePointer<UInt8>, _ length: Int, isKey: Bool, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) {
        var number = first
        while number >= 0 {
            let list = crowds.base + Int(number)
            if list.pointee.isOfKeys == isKey {
                list.pointee.forEach(text, length, step: { scratch.work &+= 1 }) { consider($0, scratch, base) }
            }
            number = list.pointee.next
        }
    }
}

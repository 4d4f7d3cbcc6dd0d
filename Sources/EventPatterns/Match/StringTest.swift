/// What is run for every string of a path, because nothing of it can be looked up: a sub-rule, and the condition that
/// it is filed under.
///
/// A condition that is one wildcard or one regular expression, as it nearly always is, is run from here, with
/// everything that it takes in one place; the way by the sub-rule, its references, the condition and its atoms costs as
/// much as the test.
struct StringTest: BitwiseCopyable {
    private enum Kind: UInt8, BitwiseCopyable {
        /// Whatever the condition says.
        case condition
        /// Nothing here: several sub-rules ask, and the answer is remembered for all of them.
        case shared
        case wildcard, wildcardCased, wildcards, regex
        /// A regular expression that ASCII texts are matched against place by place.
        case marks
        /// `anything-but` of what is all in lists.
        case listed
    }

    private let kind: Kind
    /// Whether a string passes that does not match: `anything-but` of wildcards.
    private let isNegated: Bool
    /// See `ConditionRecord.work`.
    let work: UInt32
    let subRule: UInt32
    /// The rule, as a position in the segment, if to pass the test, or all that is looked for together, is to match
    /// it; else -1.
    let rule: Int32
    /// Whether the rule has other branches.
    let isBranched: Bool
    /// Which of the sub-rule's conditions has been found to hold once the test is passed, -1 for none.
    let known: Int32
    /// The least length of a text.
    private let least: Int32
    /// Of a wildcard: the length of the segments, their number, and the lengths of the first and the last. Of several:
    /// the length of the program, their number, and the lengths of their ends.
    private let length: Int32
    private let segments: Int32
    private let first: Int32
    private let last: Int32
    private let form: ContainsAnyForm
    private let forms: LiteralSearch.Forms
    private let program: UnsafeMutablePointer<UInt8>
    private let condition: UnsafeMutablePointer<ConditionRecord>
    /// Whether others of the sub-rule's conditions are looked for with this one, whether they all are, and which group
    /// that is.
    let isGrouped: Bool
    let isTogether: Bool
    let group: Int32

    /// The test of a sub-rule in a store that does not change any more.
    init(_ subRule: UInt32, _ store: SegmentStore, _ groups: Buffer<SoughtGroup>) {
        let record = store.subRules[Int(subRule)]
        self.subRule = subRule
        group =
            record.hasSoughts
            ? Int32(bitPattern: store.references[Int(record.firstCondition) + record.conditionCount]) : -1
        let together = group >= 0 ? groups[Int(group)] : nil
        isTogether = together?.isWhole ?? false
        isGrouped = together?.contains(Int(record.filed)) ?? false
        let filed = store.conditions[Int(store.references[Int(record.firstCondition) + Int(record.filed)])]
        work = filed.work
        condition = store.conditions.base + Int(store.references[Int(record.firstCondition) + Int(record.filed)])
        let outer = store.atoms[Int(condition.pointee.firstAtom)]
        let excluded = StringTest.excluded(condition.pointee, store)
        let atom = excluded ?? outer
        isNegated = excluded != nil
        let isSingle = condition.pointee.atomCount == 1
        let isShared = condition.pointee.memo >= 0
        kind =
            switch atom.kind {
            case _ where isShared: .shared
            case .wildcard where isSingle: .wildcard
            case .wildcardCased where isSingle && atom.fixedForms != nil: .wildcardCased
            case .containsAny where isSingle: .wildcards
            case .regex where isSingle && PatternRegex.hasMarks(store.program(of: atom, condition.pointee)): .marks
            case .regex where isSingle: .regex
            case _ where StringTest.excludesText(condition.pointee, store) && outer.isListed: .listed
            default: .condition
            }
        rule = !isShared && record.conditionCount == 1 || isTogether ? record.rule : -1
        isBranched = record.isBranched
        known = isShared ? -1 : Int32(record.filed)
        program = store.program(of: atom, condition.pointee)
        let hasEnds = kind == .wildcards || kind == .wildcardCased
        least = kind == .wildcard ? Int32(clamping: atom.x) : 0
        first = hasEnds ? Int32(clamping: atom.x) : 0
        last = hasEnds || kind == .wildcard ? Int32(clamping: atom.y) : 0
        form = kind == .wildcards ? ContainsAnyForm(rawValue: atom.flags) ?? .automaton : .automaton
        forms = kind == .wildcardCased ? atom.fixedForms ?? .either : .exact
        length = Int32(clamping: atom.length)
        segments = Int32(atom.extra)
    }

    /// The one wildcard, or the several that are looked for together, that a condition is `anything-but` of: then every
    /// string leads to it as to the wildcard, and passes if it does not match. Nil for other conditions.
    static func excluded(_ condition: ConditionRecord, _ store: SegmentStore) -> Atom? {
        let outer = store.atoms[Int(condition.firstAtom)]
        guard condition.atomCount == 1, outer.kind == .anythingBut, outer.length == 1 else { return nil }
        let excluded = store.atoms[Int(condition.firstAtom) + Int(outer.offset)]
        return excluded.kind == .wildcard || excluded.kind == .containsAny ? excluded : nil
    }

    /// Whether a condition is `anything-but` some texts, and nothing else: every value that is no string passes it.
    static func excludesText(_ condition: ConditionRecord, _ store: SegmentStore) -> Bool {
        let outer = store.atoms[Int(condition.firstAtom)]
        guard condition.atomCount == 1, outer.kind == .anythingBut, outer.length > 0 else { return false }
        return store.atoms[Int(condition.firstAtom) + Int(outer.offset)].kind != .number
    }

    /// Whether a string passes, or may pass.
    @inline(__always)
    func passes(_ value: UnsafeMutablePointer<FlatValue>, _ evaluation: Evaluation) -> Bool {
        let text = value.pointee.base
        let size = Int(value.pointee.length)
        switch kind {
        case .wildcard:
            let isMatch =
                size >= Int(least)
                && WildcardMatching.matches(program, Int(length), Int(segments), last: Int(last), text, size)
            return isMatch != isNegated
        case .wildcards:
            return WildcardMatching.matchesAny(
                program, Int(length), form, Int(segments), first: Int(first), last: Int(last), text, size) != isNegated
        case .wildcardCased:
            return WildcardMatching.matchesCased(
                program, Int(length), Int(segments), fixed: forms, first: Int(first), last: Int(last), text, size)
        case .marks: return PatternRegex.matchesMarks(program, text, size)
        case .listed: return !evaluation.isExcluded(value, condition)
        case .regex: return PatternRegex.matches(program, text, size)
        case .condition: return passesCondition(value, evaluation)
        case .shared: return true
        }
    }

    @inline(never)
    private func passesCondition(_ value: UnsafeMutablePointer<FlatValue>, _ evaluation: Evaluation) -> Bool {
        evaluation.passes(condition, value)
    }
}

extension SegmentStore {
    /// Where the text of a condition's atom begins.
    func program(of atom: Atom, _ condition: ConditionRecord) -> UnsafeMutablePointer<UInt8> {
        text.base + Int(condition.firstByte) + Int(atom.offset)
    }
}

extension Atom {
    /// Of `anything-but`: whether all that is excluded is in lists.
    var isListed: Bool { kind == .anythingBut && flags & 2 != 0 && x == UInt64(length) }
}

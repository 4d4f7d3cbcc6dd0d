/// What matching needs of a matcher, without the identifiers: so that the code of the inner loops is not generic, which
/// in another module would cost a look at run-time types for every event.
///
/// Immutable; unchecked because `Unmanaged` says nothing of its class, which is `Sendable`.
@usableFromInline
final class CompiledRules: @unchecked Sendable {
    let paths: PathTable
    let segments: [Segment]
    /// For each segment, the positions of rules taken away since it was compiled.
    let removed: [Set<Int32>]
    private let hasRemoved: Bool
    /// The same segments, which the array above keeps alive, for matching without counting references.
    private let unmanaged: [Unmanaged<Segment>]
    private let bases: [SegmentBase]
    /// The end of all stamps.
    private let end: SegmentBase

    init(paths: PathTable, segments: [Segment], removed: [Set<Int32>]) {
        self.paths = paths
        self.segments = segments
        self.removed = removed
        hasRemoved = removed.contains { !$0.isEmpty }
        unmanaged = segments.map { Unmanaged.passUnretained($0) }
        var next = SegmentBase(subRule: 0, rule: 0, shared: 0, gram: 0)
        var bases: [SegmentBase] = []
        for segment in segments {
            bases.append(next)
            next.subRule += segment.subRuleCount
            next.rule += segment.ruleCount
            next.shared += segment.sharedCount
            next.gram += segment.grams.slots.count
        }
        self.bases = bases
        end = next
    }

    var byteCount: Int { segments.reduce(paths.byteCount) { $0 + $1.byteCount } }

    /// Reads an event into the scratch, without looking any rule up.
    func read(
        _ event: UnsafeBufferPointer<UInt8>, _ reading: EventReading, _ scratch: MatchScratch
    ) throws(ScanFault) {
        guard let base = event.baseAddress else { throw ScanFault(.notAnObject, 0) }
        scratch.begin(
            paths: paths.paths.count, subRules: end.subRule, rules: end.rule, shared: end.shared, grams: end.gram)
        // A part that is said to be known and is not all there is read as the rest.
        let known = reading.known.flatMap { $0.end <= event.count ? $0 : nil }
        var scanner = EventScanner(
            event, base: base, paths: paths, strict: reading.isStrict, known: known, scratch: scratch)
        try scanner.scan()
    }

    /// Reads an event and leaves the rules that it matches, and those that could not be decided, in the scratch.
    @usableFromInline
    func match(
        _ event: UnsafeBufferPointer<UInt8>, _ reading: EventReading, _ scratch: MatchScratch
    ) throws(EventError) {
        do throws(ScanFault) {
            try read(event, reading, scratch)
        } catch {
            throw EventError(error)
        }
        for index in 0..<unmanaged.count {
            unmanaged[index]._withUnsafeGuaranteedRef { $0.match(scratch, bases[index]) }
        }
        if hasRemoved { leaveOutRemoved(scratch) }
    }

    /// Takes rules that have been taken away out of those that the event matches.
    private func leaveOutRemoved(_ scratch: MatchScratch) {
        var kept = 0
        for index in 0..<scratch.matched.count where !isRemoved(Int(scratch.matched[index])) {
            scratch.matched[kept] = scratch.matched[index]
            kept += 1
        }
        scratch.matched.truncate(kept)
    }

    private func isRemoved(_ rule: Int) -> Bool {
        var segment = bases.count - 1
        while segment > 0, bases[segment].rule > rule { segment -= 1 }
        return segment >= 0 && removed[segment].contains(Int32(truncatingIfNeeded: rule - bases[segment].rule))
    }

    /// The rule of an entry of the scratch's list of undecided ones, if it is the first of that rule, no other branch
    /// has matched, and the rule has not been taken away.
    @usableFromInline
    func undecided(_ index: Int, _ scratch: MatchScratch) -> Int32? {
        guard index < scratch.undecided.count else { return nil }
        let rule = scratch.undecided[index]
        for earlier in 0..<index where scratch.undecided[earlier] == rule { return nil }
        guard scratch.ruleStamps[Int(rule)] != scratch.generation, !hasRemoved || !isRemoved(Int(rule)) else {
            return nil
        }
        return rule
    }
}

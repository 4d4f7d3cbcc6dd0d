/// A leaf of an event at a path that some rule uses.
struct FlatValue: BitwiseCopyable {
    enum Kind: UInt8, BitwiseCopyable {
        case string, number, `true`, `false`, null
    }

    /// The text: decoded for a string, as written for the rest. Points into the event or into the scratch's text.
    var base: UnsafePointer<UInt8>
    var length: Int32
    var path: Int32
    /// The innermost array element around the value: an index into the memberships, -1 outside arrays.
    var membership: Int32
    /// The next value of the same path, -1 at the end.
    var next: Int32
    /// For a number that is comparable: its value.
    var number: Double
    var kind: Kind
    var isComparable: Bool

    /// The text as a buffer.
    var text: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: Int(length)) }
}

/// That a value lies in one element of an array; a chain from the innermost array to the outermost.
struct Membership: BitwiseCopyable {
    var array: Int32
    var element: Int32
    var parent: Int32
}

/// The values of one path in the event being matched.
struct PathValues: BitwiseCopyable {
    /// The event this entry belongs to; of another event, it is empty.
    var generation: UInt32
    var first: Int32
    var last: Int32
    /// Whether some value lies in an array element.
    var hasMembership: Bool
}

/// The reusable memory of one matching thread.
///
/// A scratch may be used with any matchers in turn, and by one thread at a time. It grows to the largest event and
/// matcher it has seen and then matching allocates nothing.
///
/// The properties are not checked for overlapping accesses at run time: that would cost a call for each in the
/// innermost loops. No access overlaps, because no method holds one property while it hands the scratch to code that
/// changes it.
public final class MatchScratch {
    // The event being matched.
    @exclusivity(unchecked) var values = Buffer<FlatValue>(capacity: 64)
    @exclusivity(unchecked) var memberships = Buffer<Membership>(capacity: 64)
    @exclusivity(unchecked) var pathValues = Buffer<PathValues>(capacity: 16)
    /// Decoded strings. Has room for the whole event before the first is decoded, so that it does not move meanwhile.
    @exclusivity(unchecked) var text = Buffer<UInt8>(capacity: 16)
    @exclusivity(unchecked) var frames = Buffer<Frame>(capacity: 32)
    /// The open containers of an outline but the innermost; see `EventScanner.walk`.
    @exclusivity(unchecked) var outlined = Buffer<OutlineFrame>(capacity: 32)
    @exclusivity(unchecked) var skipped = Buffer<UInt8>(capacity: 64)
    /// Names met at places of the objects that are walked, and of those that are skipped; see `ExpectedName`.
    let expectedFields = ExpectedName.table()
    let expectedNames = ExpectedName.table()
    @exclusivity(unchecked) var arrayCount: Int32 = 0
    @exclusivity(unchecked) var anyMembership = false

    // The rules being matched.
    @exclusivity(unchecked) var generation: UInt32 = 0
    /// The bits of a generation. Below them, the memo and the stamps of rules keep an answer, and those of sub-rules
    /// the condition that failed last.
    static let generations: UInt32 = ~0xFF
    @exclusivity(unchecked) var subRuleStamps = Buffer<UInt32>(capacity: 16)
    @exclusivity(unchecked) var ruleStamps = Buffer<UInt32>(capacity: 16)
    @exclusivity(unchecked) var memo = Buffer<UInt32>(capacity: 16)
    @usableFromInline @exclusivity(unchecked) var matched = Buffer<Int32>(capacity: 64)
    /// Rules with a branch that could not be decided; a rule may be there several times, and in `matched` by another
    /// branch.
    @exclusivity(unchecked) var undecided = Buffer<Int32>(capacity: 4)
    @exclusivity(unchecked) var folded = Buffer<UInt8>(capacity: 64)
    @exclusivity(unchecked) var found = Buffer<UInt32>(capacity: 64)
    @exclusivity(unchecked) var stack = Buffer<Int32>(capacity: 128)
    /// Bits of branches that are left; see `AbsenceGroup`.
    @exclusivity(unchecked) var branches = Buffer<UInt64>(capacity: 16)
    @exclusivity(unchecked) var gramStamps = Buffer<UInt32>(capacity: 16)
    @exclusivity(unchecked) var search = ConsistencySearch()

    /// An open container of the event.
    struct Frame: BitwiseCopyable {
        var node: Int32
        /// -1 for an object.
        var array: Int32
        /// The position in the array.
        var element: Int32
        /// The membership around the container.
        var membership: Int32
        /// The number of used fields of the object not seen yet.
        var missing: Int32
    }

    public init() {}

    deinit {
        expectedFields.deallocate()
        expectedNames.deallocate()
        values.free()
        memberships.free()
        pathValues.free()
        text.free()
        frames.free()
        outlined.free()
        skipped.free()
        subRuleStamps.free()
        ruleStamps.free()
        memo.free()
        matched.free()
        undecided.free()
        folded.free()
        found.free()
        stack.free()
        branches.free()
        gramStamps.free()
        search.free()
    }

    /// Starts a new event for a matcher with so many paths, sub-rules, rules, shared conditions and stretches.
    ///
    /// Nothing is cleared: what other events and other matchers left behind carries their generations, never this
    /// one's.
    func begin(paths: Int, subRules: Int, rules: Int, shared: Int, grams: Int) {
        let none = PathValues(generation: 0, first: -1, last: -1, hasMembership: false)
        if pathValues.count < paths { pathValues.extend(to: paths, with: none) }
        if subRuleStamps.count < subRules { subRuleStamps.extend(to: subRules, with: 0) }
        if ruleStamps.count < rules { ruleStamps.extend(to: rules, with: 0) }
        if memo.count < shared { memo.extend(to: shared, with: 0) }
        if gramStamps.count < grams { gramStamps.extend(to: grams, with: 0) }
        generation &+= 1 &+ ~MatchScratch.generations
        if generation == 0 {
            for index in 0..<pathValues.count { pathValues.base[index].generation = 0 }
            for index in 0..<subRuleStamps.count { subRuleStamps[index] = 0 }
            for index in 0..<ruleStamps.count { ruleStamps[index] = 0 }
            for index in 0..<memo.count { memo[index] = 0 }
            for index in 0..<gramStamps.count { gramStamps[index] = 0 }
            generation = 1 &+ ~MatchScratch.generations
        }
        values.truncate(0)
        memberships.truncate(0)
        text.truncate(0)
        matched.truncate(0)
        undecided.truncate(0)
        arrayCount = 0
        anyMembership = false
        work = 0
        search.begin()
    }

    /// The values that the searches through arrays have looked at for the last event: what its nesting cost.
    package var searchSteps: Int { search.total }
    /// How often they have turned to one, which is never more: for tests.
    package var searchTurns: Int { search.turns }

    /// What the tests that were run for the last event cost at most, beside the lookups that led to them: see
    /// `ConditionRecord.work`.
    @exclusivity(unchecked) package internal(set) var work = 0

    /// The number of bytes held.
    public var byteCount: Int {
        values.byteCount + memberships.byteCount + pathValues.byteCount + text.byteCount + frames.byteCount
            + outlined.byteCount + skipped.byteCount + subRuleStamps.byteCount + ruleStamps.byteCount + memo.byteCount
            + matched.byteCount
            + undecided.byteCount + folded.byteCount + found.byteCount + stack.byteCount + branches.byteCount
            + gramStamps.byteCount
    }

    /// The rules that the last event matches, by their numbers: what is compiled where identifiers are known may look
    /// at them.
    @inlinable var matchedCount: Int { matched.count }
    @inlinable
    func matchedRule(_ index: Int) -> Int32 { matched.base[index] }
    @usableFromInline var undecidedCount: Int { undecided.count }

    /// Remembers a leaf.
    @inline(__always)
    func record(
        path: Int32, kind: FlatValue.Kind, base: UnsafePointer<UInt8>, length: Int, membership: Int32, number: Double,
        isComparable: Bool
    ) {
        let index = Int32(truncatingIfNeeded: values.count)
        values.append(
            FlatValue(
                base: base, length: Int32(truncatingIfNeeded: length), path: path, membership: membership, next: -1,
                number: number, kind: kind, isComparable: isComparable))
        let entry = pathValues.base + Int(path)
        if entry.pointee.generation == generation {
            values.base[Int(entry.pointee.last)].next = index
            entry.pointee.last = index
            if membership >= 0 { entry.pointee.hasMembership = true }
        } else {
            entry.pointee = PathValues(
                generation: generation, first: index, last: index, hasMembership: membership >= 0)
        }
        if membership >= 0 { anyMembership = true }
    }

    /// The first value of a path, -1 if there is none.
    @inline(__always)
    func firstValue(_ path: Int32) -> Int32 {
        let entry = pathValues.base + Int(path)
        return entry.pointee.generation == generation ? entry.pointee.first : -1
    }

    /// Whether values of two memberships can belong to one choice: no array has them in different elements. True also
    /// where they lie so deep that it was not found out.
    @inline(__always)
    func areConsistent(_ left: Int32, _ right: Int32) -> Bool {
        if left == right || left < 0 || right < 0 { return true }
        let first = memberships.base + Int(left)
        let second = memberships.base + Int(right)
        if first.pointee.array == second.pointee.array { return first.pointee.element == second.pointee.element }
        return areChainsConsistent(left, right)
    }

    private func areChainsConsistent(_ left: Int32, _ right: Int32) -> Bool {
        var outer = left
        // Beyond these it is left to the search, which counts what it does.
        var patience = 64
        while outer >= 0 {
            let entry = memberships.base[Int(outer)]
            var inner = right
            while inner >= 0 {
                patience -= 1
                if patience < 0 { return true }
                if inner == outer { return true }
                let other = memberships.base[Int(inner)]
                if other.array == entry.array {
                    // What lies around the same array is the same.
                    return other.element == entry.element
                }
                inner = other.parent
            }
            outer = entry.parent
        }
        return true
    }

    @inline(__always)
    func hasMembership(_ path: Int32) -> Bool {
        let entry = pathValues.base + Int(path)
        return entry.pointee.generation == generation && entry.pointee.hasMembership
    }
}

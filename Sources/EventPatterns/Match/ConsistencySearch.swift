/// The search for one value per field such that no two lie in different elements of the same array.
///
/// A depth-first search over the fields in order, as the reference's, with three differences that do not change the
/// answer: values of one element are tried once, elements that are out of the question are leapt over, and a dead end
/// goes back to the choice that caused it (conflict-directed backjumping), so that arrays which have nothing to do with
/// one another are not multiplied.
struct ConsistencySearch {
    /// One bit for each of up to 256 fields.
    private typealias Levels = SIMD4<UInt64>

    private struct Choice: BitwiseCopyable {
        var array: Int32
        var element: Int32
        var level: Int32
    }

    private struct Candidate: BitwiseCopyable {
        var membership: Int32
        /// The first candidate of the field that passes, from this one on; where the field's end, if none does.
        var nextPassing: Int32
    }

    private var choices = Buffer<Choice>(capacity: 32)
    /// The values of every field that matter, field by field; where each field's begin.
    private var candidates = Buffer<Candidate>(capacity: 64)
    private var starts = Buffer<Int32>(capacity: 32)
    /// For each field the last candidate that a leap has passed over: the next one mostly ends a little behind it.
    private var passed = Buffer<Int32>(capacity: 32)
    /// Values looked at in this search, and how many it may look at.
    private var steps = 0
    /// Arrays compared since the last step that was counted for them.
    private var compared = 0
    private var allowance = 0
    /// Values looked at for the event so far.
    private(set) var total = 0
    /// How often the search has turned to a value for the event so far: tests compare it with what was counted.
    private(set) var turns = 0

    /// Starts a new event.
    mutating func begin() {
        total = 0
        turns = 0
    }

    /// A search looks at so many values before it gives up.
    static let budget = 1_000_000
    /// After so many values of all searches of an event, each further one gets only `leastBudget`: enough for the usual
    /// rule, so that one that cannot be decided does not take the others with it, and little enough that many cannot
    /// add up.
    static let eventBudget = 4_000_000
    static let leastBudget = 10_000

    func free() {
        choices.free()
        candidates.free()
        starts.free()
        passed.free()
    }

    /// Whether the sub-rule has a consistent choice; nil if that could not be found out within the budget.
    mutating func hasChoice(
        _ subRule: SubRule, _ references: UnsafeMutablePointer<UInt32>, _ evaluation: Evaluation,
        _ scratch: MatchScratch
    ) -> Bool? {
        choices.truncate(0)
        candidates.truncate(0)
        starts.truncate(0)
        passed.truncate(0)
        steps = 0
        allowance = total < ConsistencySearch.eventBudget ? ConsistencySearch.budget : ConsistencySearch.leastBudget
        defer { total += steps }
        var anyAbsence = false
        for index in 0..<Int(subRule.conditionCount) {
            starts.append(Int32(truncatingIfNeeded: candidates.count))
            passed.append(0)
            let condition = evaluation.conditions + Int(references[Int(subRule.firstCondition) + index])
            if condition.pointee.allowsAbsence { anyAbsence = true }
            var value = scratch.firstValue(condition.pointee.path)
            var lastTaken: Int32 = -2
            while value >= 0 {
                let entry = scratch.values.base + Int(value)
                let passes = evaluation.passes(condition, entry)
                // A value that does not pass still matters to `exists: false`.
                if passes ? entry.pointee.membership != lastTaken : condition.pointee.allowsAbsence {
                    // Known once all of the field's are.
                    candidates.append(Candidate(membership: entry.pointee.membership, nextPassing: passes ? 0 : -1))
                    if passes { lastTaken = entry.pointee.membership }
                }
                value = entry.pointee.next
            }
            linkPassing(from: Int(starts[index]))
        }
        starts.append(Int32(truncatingIfNeeded: candidates.count))
        let count = Int(subRule.conditionCount)
        let found = search(0, count, subRule, references, evaluation, scratch, anyAbsence) == nil
        return steps > allowance ? nil : found
    }

    /// Lets each candidate of the last field know the next that passes, so that no search walks over the others, which
    /// may be all values of the event, once for every choice made before.
    private mutating func linkPassing(from start: Int) {
        var index = candidates.count
        var next = index
        while index > start {
            index -= 1
            if candidates[index].nextPassing >= 0 { next = index }
            candidates[index].nextPassing = Int32(truncatingIfNeeded: next)
        }
    }

    /// Searches from a field on: nil if there is a choice, else the fields whose choices ruled every value out.
    private mutating func search(
        _ level: Int, _ count: Int, _ subRule: SubRule, _ references: UnsafeMutablePointer<UInt32>,
        _ evaluation: Evaluation, _ scratch: MatchScratch, _ anyAbsence: Bool
    ) -> SIMD4<UInt64>? {
        if level == count { return nil }
        // With exists:false a choice can also help by ruling values out, so every earlier choice may be to blame.
        var conflict = anyAbsence ? Levels(repeating: .max) : Levels()
        let condition = evaluation.conditions + Int(references[Int(subRule.firstCondition) + level])
        let first = Int(starts[level])
        let end = Int(starts[level + 1])
        if condition.pointee.allowsAbsence, isAbsent(level, scratch) {
            guard let below = search(level + 1, count, subRule, references, evaluation, scratch, anyAbsence) else {
                return nil
            }
            conflict |= below
        }
        var index = first
        while index < end {
            turns += 1
            let next = Int(candidates[index].nextPassing)
            if next > index {
                steps += 1
                if next >= end { break }
                index = next
            }
            let candidate = candidates[index]
            index += 1
            let mark = choices.count
            let blamed = choose(candidate.membership, level, scratch)
            if blamed >= 0 {
                choices.truncate(mark)
                let choice = choices[blamed]
                conflict[Int(choice.level) >> 6] |= 1 << UInt64(choice.level & 63)
                index = skip(from: index, level, choice, scratch)
                continue
            }
            let below = search(level + 1, count, subRule, references, evaluation, scratch, anyAbsence)
            choices.truncate(mark)
            guard let below else { return nil }
            if below[level >> 6] & 1 << UInt64(level & 63) == 0 { return below }
            conflict |= below
            if steps > allowance { return conflict }
        }
        conflict[level >> 6] &= ~(1 << UInt64(level & 63))
        if anyAbsence { conflict = Levels(repeating: .max) }
        return conflict
    }

    /// The first candidate from `index` on that a contradicted choice does not rule out as it did the one before.
    ///
    /// Candidates come in the order of the document: those in one array lie together, element after element, so the
    /// rest of the wrong elements can be leapt over.
    private mutating func skip(from index: Int, _ level: Int, _ choice: Choice, _ scratch: MatchScratch) -> Int {
        let end = Int(starts[level + 1])
        let before = element(of: candidates[index - 1].membership, in: choice.array, scratch)
        func isRuledOut(_ position: Int) -> Bool {
            let element = self.element(of: candidates[position].membership, in: choice.array, scratch)
            return before < choice.element ? element >= 0 && element < choice.element : element > choice.element
        }
        guard index < end, isRuledOut(index) else { return index }
        steps += 1
        // Between two that are ruled out so, all are.
        if isRuledOut(end - 1) { return end }
        var known = index
        let last = Int(passed[level])
        if last > known, last < end, isRuledOut(last) { known = last }
        var stride = 1
        while known + stride < end, isRuledOut(known + stride) {
            known += stride
            stride *= 2
            steps += 1
        }
        var low = known + 1
        var high = min(end, known + stride)
        while low < high {
            let middle = (low + high) / 2
            steps += 1
            if isRuledOut(middle) { low = middle + 1 } else { high = middle }
        }
        passed[level] = Int32(truncatingIfNeeded: low - 1)
        return low
    }

    /// The element of an array that a membership lies in, -1 if it does not lie in the array.
    private mutating func element(of membership: Int32, in array: Int32, _ scratch: MatchScratch) -> Int32 {
        var index = membership
        while index >= 0 {
            let entry = scratch.memberships[Int(index)]
            if entry.array == array { return entry.element }
            look(at: 1)
            index = entry.parent
        }
        return -1
    }

    /// Counts arrays that were compared: where they are nested deep, they cost more than the values.
    @inline(__always)
    private mutating func look(at arrays: Int) {
        compared += arrays
        if compared >= 16 {
            steps += compared >> 4
            compared &= 15
        }
    }

    /// Takes a value's memberships among the choices; the position of a choice that contradicts, -1 if none does.
    private mutating func choose(_ membership: Int32, _ level: Int, _ scratch: MatchScratch) -> Int {
        steps += 1
        let known = choices.count
        var index = membership
        while index >= 0 {
            let entry = scratch.memberships[Int(index)]
            for position in 0..<known where choices[position].array == entry.array {
                look(at: position)
                // What lies around the same element of the same array is the same.
                return choices[position].element == entry.element ? -1 : position
            }
            look(at: known)
            choices.append(
                Choice(array: entry.array, element: entry.element, level: Int32(truncatingIfNeeded: level)))
            index = entry.parent
        }
        return -1
    }

    /// Whether no value of a field is consistent with the choices made.
    private mutating func isAbsent(_ level: Int, _ scratch: MatchScratch) -> Bool {
        var index = Int(starts[level])
        let end = Int(starts[level + 1])
        while index < end {
            steps += 1
            var membership = candidates[index].membership
            index += 1
            var isConsistent = true
            while membership >= 0 {
                let entry = scratch.memberships[Int(membership)]
                membership = entry.parent
                var position = 0
                while position < choices.count, choices[position].array != entry.array { position += 1 }
                look(at: position)
                if position < choices.count {
                    // What lies around the same element is the same.
                    isConsistent = choices[position].element == entry.element
                    if !isConsistent { index = skip(from: index, level, choices[position], scratch) }
                    break
                }
            }
            if isConsistent { return false }
        }
        return true
    }
}

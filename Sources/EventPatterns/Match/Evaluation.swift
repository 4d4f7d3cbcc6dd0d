/// Direct evaluation of flat conditions on one event's values: the meaning of every test, in one place.
struct Evaluation {
    let atoms: UnsafeMutablePointer<Atom>
    let text: UnsafeMutablePointer<UInt8>
    let conditions: UnsafeMutablePointer<ConditionRecord>

    /// Whether some value at the condition's path passes one of its tests, or none is there and that is allowed. Where the
    /// values lie in arrays is not looked at.
    func holds(_ condition: UnsafeMutablePointer<ConditionRecord>, _ scratch: MatchScratch) -> Bool {
        var index = scratch.firstValue(condition.pointee.path)
        if index < 0 { return condition.pointee.allowsAbsence }
        while index >= 0 {
            let value = scratch.values.base + Int(index)
            if passes(condition, value) { return true }
            index = value.pointee.next
        }
        return false
    }

    /// Whether a value passes one of the condition's tests.
    @inline(__always)
    func passes(_ condition: UnsafeMutablePointer<ConditionRecord>, _ value: UnsafeMutablePointer<FlatValue>) -> Bool {
        let first = atoms + Int(condition.pointee.firstAtom)
        var index = 0
        if condition.pointee.sortedCount > 0 {
            if containsExact(first, Int(condition.pointee.sortedCount), value, condition) { return true }
            index = Int(condition.pointee.sortedCount)
        }
        while index < Int(condition.pointee.atomCount) {
            if passes(first + index, value, condition) { return true }
            index += 1
        }
        return false
    }

    /// Whether a value equals one of the exact strings, sorted by their first bytes.
    private func containsExact(
        _ first: UnsafeMutablePointer<Atom>, _ count: Int, _ value: UnsafeMutablePointer<FlatValue>,
        _ condition: UnsafeMutablePointer<ConditionRecord>
    ) -> Bool {
        guard value.pointee.kind == .string else { return false }
        let x = ByteHash.partialWord(value.pointee.base, min(8, Int(value.pointee.length)))
        return containsSorted(first, count, x, value, condition)
    }

    private func containsSorted(
        _ first: UnsafeMutablePointer<Atom>, _ count: Int, _ x: UInt64, _ value: UnsafeMutablePointer<FlatValue>,
        _ condition: UnsafeMutablePointer<ConditionRecord>
    ) -> Bool {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) >> 1
            if first[middle].x < x { low = middle + 1 } else { high = middle }
        }
        while low < count, first[low].x == x {
            if passes(first + low, value, condition) { return true }
            low += 1
        }
        return false
    }

    /// Whether a value passes one test.
    func passes(
        _ atom: UnsafeMutablePointer<Atom>, _ value: UnsafeMutablePointer<FlatValue>,
        _ condition: UnsafeMutablePointer<ConditionRecord>
    ) -> Bool {
        switch atom.pointee.kind {
        case .exists: return true
        case .absent: return false
        case .true: return value.pointee.kind == .true
        case .false: return value.pointee.kind == .false
        case .null: return value.pointee.kind == .null
        case .number: return value.pointee.isComparable && value.pointee.number.bitPattern == atom.pointee.x
        case .range:
            guard value.pointee.isComparable else { return false }
            let number = value.pointee.number
            let low = Double(bitPattern: atom.pointee.x)
            let high = Double(bitPattern: atom.pointee.y)
            return (number > low || (number == low && atom.pointee.flags & 1 != 0))
                && (number < high || (number == high && atom.pointee.flags & 2 != 0))
        case .numberText:
            guard value.pointee.kind == .number, Int(value.pointee.length) == Int(atom.pointee.length) else {
                return false
            }
            return ByteHash.equal(value.pointee.base, bytes(atom, condition), Int(value.pointee.length))
        case .anythingBut: return passesAnythingBut(atom, value, condition)
        default: return value.pointee.kind == .string && passesText(atom, value, condition)
        }
    }

    @inline(__always)
    private func bytes(_ atom: UnsafeMutablePointer<Atom>, _ condition: UnsafeMutablePointer<ConditionRecord>)
        -> UnsafeMutablePointer<UInt8>
    {
        text + Int(condition.pointee.firstByte) + Int(atom.pointee.offset)
    }

    private func passesAnythingBut(
        _ atom: UnsafeMutablePointer<Atom>, _ value: UnsafeMutablePointer<FlatValue>,
        _ condition: UnsafeMutablePointer<ConditionRecord>
    ) -> Bool {
        let excluded = atoms + Int(condition.pointee.firstAtom) + Int(atom.pointee.offset)
        let count = Int(atom.pointee.length)
        if atom.pointee.flags & 1 != 0, count > 8 {
            let x: UInt64
            switch value.pointee.kind {
            case .string: x = ByteHash.partialWord(value.pointee.base, min(8, Int(value.pointee.length)))
            case .number: x = value.pointee.number.bitPattern
            default: return true
            }
            return !containsSorted(excluded, count, x, value, condition)
        }
        for index in 0..<count where passes(excluded + index, value, condition) { return false }
        return true
    }

    /// Whether a string passes a test of text.
    @inline(__always)
    private func passesText(
        _ atom: UnsafeMutablePointer<Atom>, _ value: UnsafeMutablePointer<FlatValue>,
        _ condition: UnsafeMutablePointer<ConditionRecord>
    ) -> Bool {
        let base = value.pointee.base
        let length = Int(value.pointee.length)
        let wanted = Int(atom.pointee.length)
        switch atom.pointee.kind {
        case .exact: return length == wanted && equals(base, wanted, atom, condition)
        case .prefix: return length >= wanted && equals(base, wanted, atom, condition)
        case .suffix: return length >= wanted && equals(base + (length - wanted), wanted, atom, condition)
        case .equalsFolded: return length == wanted && equalsFolded(base, wanted, atom, condition)
        case .prefixFolded: return length >= wanted && equalsFolded(base, wanted, atom, condition)
        case .suffixFolded: return length >= wanted && equalsFolded(base + (length - wanted), wanted, atom, condition)
        case .equalsCased: return CaseMatching.forward(bytes(atom, condition), wanted, base, length) == length
        case .prefixCased: return CaseMatching.forward(bytes(atom, condition), wanted, base, length) >= 0
        case .suffixCased:
            return CaseMatching.backward(bytes(atom, condition), wanted, base, length)
        case .wildcard:
            guard length >= Int(atom.pointee.x) else { return false }
            return WildcardMatching.matches(
                bytes(atom, condition), wanted, Int(atom.pointee.extra), last: Int(atom.pointee.y), base, length)
        case .containsAny:
            return WildcardMatching.matchesAny(
                bytes(atom, condition), wanted, ContainsAnyForm(rawValue: atom.pointee.flags) ?? .automaton,
                Int(atom.pointee.extra), first: Int(atom.pointee.x), last: Int(atom.pointee.y), base, length)
        case .regex:
            return PatternRegex.matches(UnsafeRawPointer(bytes(atom, condition)), base, length)
        case .wildcardCased:
            return WildcardMatching.matchesCased(
                bytes(atom, condition), wanted, Int(atom.pointee.extra), fixed: atom.pointee.fixedForms,
                first: Int(atom.pointee.x), last: Int(atom.pointee.y), base, length)
        case .date:
            guard let moment = Timestamp.microseconds(value.pointee.text) else { return false }
            return moment >= Int64(bitPattern: atom.pointee.x) && moment <= Int64(bitPattern: atom.pointee.y)
        case .address, .cidr:
            guard let address = try? IPAddress(parsing: value.pointee.text) else { return false }
            guard address.isV6 == (atom.pointee.flags == 1) else { return false }
            let masked = address.masked(Int(atom.pointee.extra))
            return masked.high == atom.pointee.x && masked.low == atom.pointee.y
        default: return false
        }
    }

    @inline(__always)
    private func equals(
        _ base: UnsafePointer<UInt8>, _ count: Int, _ atom: UnsafeMutablePointer<Atom>,
        _ condition: UnsafeMutablePointer<ConditionRecord>
    ) -> Bool {
        let (x, y) = ByteHash.lead(base, count)
        guard x == atom.pointee.x, y == atom.pointee.y else { return false }
        return count <= 16 || ByteHash.equal(base + 16, bytes(atom, condition) + 16, count - 16)
    }

    @inline(__always)
    private func equalsFolded(
        _ base: UnsafePointer<UInt8>, _ count: Int, _ atom: UnsafeMutablePointer<Atom>,
        _ condition: UnsafeMutablePointer<ConditionRecord>
    ) -> Bool {
        let (x, y) = ByteHash.lead(base, count)
        guard ByteHash.folded(x) == atom.pointee.x, ByteHash.folded(y) == atom.pointee.y else { return false }
        return count <= 16 || ByteHash.equalFolded(base + 16, bytes(atom, condition) + 16, count - 16)
    }
}

/// Direct evaluation of flat conditions on one event's values: the meaning of every test, in one place.
struct Evaluation {
    let atoms: UnsafeMutablePointer<Atom>
    let text: UnsafeMutablePointer<UInt8>
    let conditions: UnsafeMutablePointer<ConditionRecord>

    /// Whether some value at the condition's path passes one of its tests, or none is there and that is allowed. Where
    /// the values lie in arrays is not looked at.
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
        if condition.pointee.isSearched { return passesSearched(condition, value) }
        for index in 0..<Int(condition.pointee.atomCount) where passes(first + index, value, condition) { return true }
        return false
    }

    /// The same for a condition with alternatives that are searched.
    @inline(never)
    private func passesSearched(
        _ condition: UnsafeMutablePointer<ConditionRecord>, _ value: UnsafeMutablePointer<FlatValue>
    ) -> Bool {
        let first = atoms + Int(condition.pointee.firstAtom)
        var index = 0
        if condition.pointee.listedCount > 0 {
            let listed = Int(condition.pointee.listedCount)
            if containsListed(first, listed, Int(condition.pointee.tables), value, condition) { return true }
            index = listed
        }
        if condition.pointee.rangeCount > 0 {
            if containsRange(first + index, Int(condition.pointee.rangeCount), value, condition) { return true }
            index += Int(condition.pointee.rangeCount)
        }
        if condition.pointee.dateCount > 0 {
            if containsDate(first + index, Int(condition.pointee.dateCount), value) { return true }
            index += Int(condition.pointee.dateCount)
        }
        if condition.pointee.addressCount > 0 {
            if containsAddress(first + index, Int(condition.pointee.addressCount), value) { return true }
            index += Int(condition.pointee.addressCount)
        }
        if condition.pointee.timeCount > 0 {
            if containsTime(first + index, Int(condition.pointee.timeCount), value, condition) { return true }
            index += Int(condition.pointee.timeCount)
        }
        while index < Int(condition.pointee.atomCount) {
            if passes(first + index, value, condition) { return true }
            index += 1
        }
        return false
    }

    /// Whether a string passes one of the tests in lists, `count` in all.
    @inline(never)
    private func containsListed(
        _ first: UnsafeMutablePointer<Atom>, _ count: Int, _ tables: Int, _ value: UnsafeMutablePointer<FlatValue>,
        _ condition: UnsafeMutablePointer<ConditionRecord>
    ) -> Bool {
        guard value.pointee.kind == .string else { return false }
        var table = UnsafePointer(text + (Int(condition.pointee.firstByte) + tables))
        var done = 0
        while done < count {
            let members = first + done
            let isFound = KeyList.contains(table, value.pointee.base, Int(value.pointee.length)) { place in
                passes(members + place, value, condition)
            }
            if isFound { return true }
            done += KeyList.count(table)
            if done < count { table += KeyList.size(table) }
        }
        return false
    }

    /// Whether a number is in one of some ranges, which are ascending and apart.
    private func containsRange(
        _ first: UnsafeMutablePointer<Atom>, _ count: Int, _ value: UnsafeMutablePointer<FlatValue>,
        _ condition: UnsafeMutablePointer<ConditionRecord>
    ) -> Bool {
        guard value.pointee.isComparable else { return false }
        var low = 0
        var high = count
        // The first range that begins above the number.
        while low < high {
            let middle = (low + high) >> 1
            if Double(bitPattern: first[middle].x) <= value.pointee.number { low = middle + 1 } else { high = middle }
        }
        // Two ranges may meet in one number that belongs to the one before.
        return low > 0 && passes(first + (low - 1), value, condition)
            || low > 1 && passes(first + (low - 2), value, condition)
    }

    /// Whether a string is a time in one of some ranges, which are ascending and apart.
    @inline(never)
    private func containsDate(
        _ first: UnsafeMutablePointer<Atom>, _ count: Int, _ value: UnsafeMutablePointer<FlatValue>
    ) -> Bool {
        guard value.pointee.kind == .string, let moment = InstantText.microseconds(value.pointee.text) else {
            return false
        }
        var low = 0
        var high = count
        // The first range that begins later.
        while low < high {
            let middle = (low + high) >> 1
            if Int64(bitPattern: first[middle].x) <= moment { low = middle + 1 } else { high = middle }
        }
        return low > 0 && moment <= Int64(bitPattern: first[low - 1].y)
    }

    /// Whether a string is an address in one of some blocks, which are in the order of `AddressIndex` and apart.
    @inline(never)
    private func containsAddress(
        _ first: UnsafeMutablePointer<Atom>, _ count: Int, _ value: UnsafeMutablePointer<FlatValue>
    ) -> Bool {
        guard value.pointee.kind == .string, let address = IPAddress.read(value.pointee.text) else {
            return false
        }
        var low = 0
        var left = count
        // The first block that begins above the address.
        while left > 0 {
            let half = left >> 1
            let isAbove = AddressIndex.precedes(address, first[low + half].address)
            low = isAbove ? low : low + half + 1
            left = isAbove ? half : left - half - 1
        }
        return low > 0 && first[low - 1].holds(address)
    }

    /// Whether a string is a moment at one of some times of the day.
    @inline(never)
    private func containsTime(
        _ first: UnsafeMutablePointer<Atom>, _ count: Int, _ value: UnsafeMutablePointer<FlatValue>,
        _ condition: UnsafeMutablePointer<ConditionRecord>
    ) -> Bool {
        guard value.pointee.kind == .string, let moment = InstantText.microseconds(value.pointee.text) else {
            return false
        }
        for index in 0..<count where TimeOfDayTest.contains(bytes(first + index, condition), moment) { return true }
        return false
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

    /// Whether a string is in the lists that a condition excludes.
    @inline(__always)
    func isExcluded(_ value: UnsafeMutablePointer<FlatValue>, _ condition: UnsafeMutablePointer<ConditionRecord>)
        -> Bool
    {
        let first = atoms + Int(condition.pointee.firstAtom)
        return containsListed(
            first + Int(first.pointee.offset), Int(first.pointee.x), Int(first.pointee.y), value, condition)
    }

    private func passesAnythingBut(
        _ atom: UnsafeMutablePointer<Atom>, _ value: UnsafeMutablePointer<FlatValue>,
        _ condition: UnsafeMutablePointer<ConditionRecord>
    ) -> Bool {
        let excluded = atoms + Int(condition.pointee.firstAtom) + Int(atom.pointee.offset)
        let count = Int(atom.pointee.length)
        var listed = 0
        if atom.pointee.flags & 2 != 0 {
            listed = Int(atom.pointee.x)
            if containsListed(excluded, listed, Int(atom.pointee.y), value, condition) { return false }
        } else if atom.pointee.flags & 1 != 0, count > 8 {
            guard value.pointee.kind == .number else { return true }
            return !containsSorted(excluded, count, value.pointee.number.bitPattern, value, condition)
        }
        for index in listed..<count where passes(excluded + index, value, condition) { return false }
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
            guard let moment = InstantText.microseconds(value.pointee.text) else { return false }
            return moment >= Int64(bitPattern: atom.pointee.x) && moment <= Int64(bitPattern: atom.pointee.y)
        case .timeOfDay:
            guard let moment = InstantText.microseconds(value.pointee.text) else { return false }
            return TimeOfDayTest.contains(bytes(atom, condition), moment)
        case .address, .cidr:
            guard let address = IPAddress.read(value.pointee.text) else { return false }
            return atom.pointee.holds(address)
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

/// A regular expression as operations on the places of a text, for texts of ASCII; see `clinux_marks.h`.
///
/// Repetitions without end of more than one byte would have to be gone round as often as they are in the text; only the commonest
/// can be said so, items with a separator: `([^/]+/)*`, `(\\.[a-z]+)*`.
struct RegexMarks {
    /// What `clinux_marks_match` reads.
    let program: [UInt8]
    /// What a text of less than 64 bytes costs, in instructions.
    let cost: Int

    /// Nil if the expression cannot be said so.
    init?(_ tree: RegexTree?) {
        var writer = Writer()
        // Without a text that matches, the program is a byte that no text has.
        guard writer.write(tree ?? .bytes([])) else { return nil }
        program = writer.encoded()
        cost = writer.cost
    }

    /// An expression without what no ASCII text can match; nil if nothing is left of it.
    static func ascii(_ tree: RegexTree) -> RegexTree? {
        switch tree {
        case .empty: return .empty
        case .bytes(let ranges):
            let kept = ranges.filter { $0.lowerBound < 0x80 }.map { $0.lowerBound...min($0.upperBound, 0x7F) }
            return kept.isEmpty ? nil : .bytes(kept)
        case .sequence(let parts):
            var kept: [RegexTree] = []
            for part in parts {
                guard let part = ascii(part) else { return nil }
                if case .empty = part { continue }
                if case .sequence(let inner) = part { kept += inner } else { kept.append(part) }
            }
            return kept.isEmpty ? .empty : kept.count == 1 ? kept[0] : .sequence(kept)
        case .choice(let parts):
            var bytes: [ClosedRange<UInt8>] = []
            var others: [RegexTree] = []
            for part in parts.compactMap(ascii) {
                if case .bytes(let ranges) = part { bytes += ranges } else { others.append(part) }
            }
            if !bytes.isEmpty { others.insert(.bytes(bytes), at: 0) }
            return others.isEmpty ? nil : others.count == 1 ? others[0] : .choice(others)
        case .repeated(let part, let least, let most):
            guard let part = ascii(part) else { return least == 0 ? .empty : nil }
            if case .empty = part { return .empty }
            return most == 0 ? .empty : .repeated(part, least: least, most: most)
        }
    }

    /// What an expression begins and ends with literally, and what is between.
    static func core(_ tree: RegexTree) -> (first: [UInt8], core: RegexTree, last: [UInt8]) {
        guard case .sequence(let parts) = tree else { return ([], tree, []) }
        func literal(_ part: RegexTree) -> UInt8? {
            if case .bytes(let ranges) = part, ranges.count == 1, ranges[0].count == 1 { return ranges[0].lowerBound }
            return nil
        }
        let first = parts.prefix { literal($0) != nil }
        let last = Array(parts.dropFirst(first.count).reversed().prefix { literal($0) != nil }.reversed())
        let core = Array(parts.dropFirst(first.count).dropLast(last.count))
        return (
            first.compactMap(literal), core.isEmpty ? .empty : core.count == 1 ? core[0] : .sequence(core),
            last.compactMap(literal)
        )
    }

    /// Steps and classes as they are collected.
    private struct Writer {
        /// As in `clinux_marks.h`.
        private enum Step: UInt8 { case byte, any, maybe, fork, next, join, items, list }

        /// A step, the class that it is about, how often or what else is told, and of a list the classes.
        private struct Entry {
            var step: Step
            var index: UInt8 = 0
            var times: UInt8 = 1
            var list: [UInt8] = []
        }

        private var steps: [Entry] = []
        /// Of each class the ASCII bytes in it.
        private var classes: [SIMD2<UInt64>] = []
        private var depth = 0

        private static let mostSteps = 256
        private static let mostDepth = 8
        private static let mostClasses = 32

        /// Appends the steps of an expression; false if it cannot be said in steps, or in too many.
        mutating func write(_ tree: RegexTree) -> Bool {
            switch tree {
            case .empty: return true
            case .bytes(let ranges): return append(.byte, ranges)
            case .sequence(let parts): return parts.allSatisfy { write($0) }
            case .choice(let parts):
                return alternatives(parts.count) { writer, index in writer.write(parts[index]) }
            case .repeated(.bytes(let ranges), let least, let most):
                guard least <= 1000, (0..<least).allSatisfy({ _ in append(.byte, ranges) }) else { return false }
                guard let most else { return append(.any, ranges) }
                return (least..<max(least, most)).allSatisfy { _ in append(.maybe, ranges) }
            case .repeated(let part, let least, nil):
                guard let items = items(part), (0..<least).allSatisfy({ _ in write(part) }) else { return false }
                return append(items)
            case .repeated(let part, let least, let most):
                guard let most, most <= 64, (0..<least).allSatisfy({ _ in write(part) }) else { return false }
                return (least..<max(least, most)).allSatisfy { _ in
                    alternatives(2) { writer, index in index > 0 || writer.write(part) }
                }
            }
        }

        private mutating func alternatives(_ count: Int, _ write: (inout Writer, Int) -> Bool) -> Bool {
            depth += 1
            defer { depth -= 1 }
            guard depth <= Writer.mostDepth, steps.count < Writer.mostSteps else { return false }
            steps.append(Entry(step: .fork))
            for index in 0..<count {
                if index > 0 { steps.append(Entry(step: .next)) }
                if !write(&self, index) { return false }
            }
            steps.append(Entry(step: .join))
            return true
        }

        private mutating func append(_ entry: Entry) -> Bool {
            guard steps.count < Writer.mostSteps else { return false }
            steps.append(entry)
            return true
        }

        /// The number of a class, new or known; nil if there are too many.
        private mutating func number(_ ranges: [ClosedRange<UInt8>]) -> UInt8? {
            let members = Writer.members(ranges)
            if let index = classes.firstIndex(of: members) { return UInt8(truncatingIfNeeded: index) }
            guard classes.count < Writer.mostClasses else { return nil }
            classes.append(members)
            return UInt8(truncatingIfNeeded: classes.count - 1)
        }

        private static func members(_ ranges: [ClosedRange<UInt8>]) -> SIMD2<UInt64> {
            var members = SIMD2<UInt64>()
            for byte in ranges.joined() where byte < 0x80 { members[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }
            return members
        }

        private mutating func append(_ step: Step, _ ranges: [ClosedRange<UInt8>]) -> Bool {
            guard let index = number(ranges) else { return false }
            guard step != .any, let last = steps.last, last.times < 255 else {
                return append(Entry(step: step, index: index))
            }
            let at = steps.count - 1
            if last.step == step, last.index == index {
                steps[at].times += 1
                return true
            }
            // Single bytes of several classes are one list.
            if step == .byte, last.step == .list || last.step == .byte && last.times < 3 {
                let list = last.step == .list ? last.list : [UInt8](repeating: last.index, count: Int(last.times))
                steps[at] = Entry(step: .list, times: UInt8(list.count + 1), list: list + [index])
                return true
            }
            return append(Entry(step: step, index: index))
        }

        /// The step for any number of these parts, if they are bytes of one class with one of another before or behind them.
        private mutating func items(_ part: RegexTree) -> Entry? {
            guard case .sequence(let parts) = part else { return nil }
            // `x+` is `x` and `x*` where characters may have more than one byte.
            var forms: [(ranges: [ClosedRange<UInt8>], isMany: Bool, isEmpty: Bool)] = []
            for part in parts {
                switch part {
                case .bytes(let ranges): forms.append((ranges, false, false))
                case .repeated(.bytes(let ranges), let least, nil) where least < 2:
                    if least == 0, let last = forms.last, !last.isMany,
                        Writer.members(last.ranges) == Writer.members(ranges)
                    {
                        forms[forms.count - 1].isMany = true
                    } else {
                        forms.append((ranges, true, least == 0))
                    }
                default: return nil
                }
            }
            guard forms.count == 2, forms[0].isMany != forms[1].isMany else { return nil }
            let leads = forms[1].isMany
            let many = forms[leads ? 1 : 0]
            let other = forms[leads ? 0 : 1].ranges
            let both = Writer.members(many.ranges) & Writer.members(other)
            guard many.isEmpty || both == SIMD2(), let between = number(many.ranges), let end = number(other) else {
                return nil
            }
            return Entry(step: .items, index: between, times: end | (leads ? 1 << 5 : 0) | (many.isEmpty ? 2 << 5 : 0))
        }

        /// What the steps take, as counted.
        var cost: Int {
            steps.reduce(40 + 4 * classes.count) { total, entry in
                switch entry.step {
                case .byte, .maybe: total + 9 + 4 * Int(entry.times)
                case .list: total + 11 + 5 * Int(entry.times)
                case .any: total + 13
                case .items: total + 26
                case .fork, .next, .join: total + 11
                }
            }
        }

        func encoded() -> [UInt8] {
            var carried = 0
            var words = 0
            for entry in steps {
                switch entry.step {
                case .byte, .maybe, .list: carried += Int(entry.times)
                case .any: carried += 1
                case .items: carried += 3
                case .fork, .next, .join: break
                }
                words += 1 + (entry.list.count + 1) / 2
            }
            let classes = self.classes.isEmpty ? [SIMD2<UInt64>()] : self.classes
            var bytes: [UInt8] = [
                UInt8(classes.count), carried > 64 ? 255 : UInt8(carried), UInt8(words & 0xFF),
                UInt8(words >> 8), 0, 0, 0, 0,
            ]
            for group in stride(from: 0, to: classes.count, by: 8) {
                for byte in 0..<128 {
                    var member: UInt8 = 0
                    for (bit, members) in classes[group..<min(group + 8, classes.count)].enumerated()
                    where members[byte >> 6] >> UInt64(byte & 63) & 1 == 1 {
                        member |= 1 << UInt8(bit)
                    }
                    bytes.append(member)
                }
            }
            for entry in steps {
                bytes += [entry.step.rawValue | entry.index << 3, entry.times] + entry.list
                if entry.list.count % 2 == 1 { bytes.append(0) }
            }
            return bytes
        }
    }
}

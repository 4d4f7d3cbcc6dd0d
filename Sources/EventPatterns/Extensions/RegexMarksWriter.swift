extension RegexMarks {
    /// Steps and classes as they are collected.
    struct Writer {
        /// As in `clinux_marks.h`.
        enum Step: UInt8 { case byte, any, maybe, fork, next, join, items, list }

        /// A step, the class that it is about, how often or what else is told, and of a list the classes.
        struct Entry {
            var step: Step
            var index: UInt8 = 0
            var times: UInt8 = 1
            var list: [UInt8] = []
            /// Of fixed sequences the bytes of all.
            var size = 0

            var isFixed: Bool { step == .list && index > 0 }
            var isList: Bool { step == .list && index == 0 }
        }

        /// Which ends of the text an expression is at.
        struct Ends: OptionSet {
            let rawValue: UInt8
            static let first = Ends(rawValue: 1)
            static let last = Ends(rawValue: 2)
            static let whole: Ends = [.first, .last]
        }

        private(set) var steps: [Entry] = []
        /// Of each class the ASCII bytes in it.
        private(set) var classes: [SIMD2<UInt64>] = []
        private var depth = 0

        private static let mostSteps = 256
        private static let mostDepth = 8
        private static let mostClasses = 32

        /// Appends the steps of an expression; false if it cannot be said in steps, or in too many.
        mutating func write(_ tree: RegexTree, _ ends: Ends) -> Bool {
            switch tree {
            case .empty: return true
            case .bytes, .sequence: return write(RegexParts.parts(of: tree)[...], ends)
            case .choice(let parts):
                if !ends.isEmpty, RegexParts.forms(tree) != nil { return write([tree], ends) }
                return alternatives(parts.count) { writer, index in writer.write(parts[index], ends) }
            case .repeated(.bytes, _, _): return write(RegexParts.parts(of: tree)[...], ends)
            case .repeated(let part, let least, nil):
                guard let items = items(part), least <= 64, (0..<least).allSatisfy({ _ in write(part, []) }) else {
                    return false
                }
                return append(items)
            case .repeated(let part, let least, let most):
                guard let most, most <= 64 else { return false }
                if (least, most) == (0, 1), !ends.isEmpty, RegexParts.forms(tree) != nil { return write([tree], ends) }
                let copies = RegexParts.parts(of: tree)
                if copies != [tree] { return write(copies[...], ends) }
                if least == most, let group = RegexParts.group(part), let inner = number(group.inner),
                    let behind = number(group.behind)
                {
                    let data = [inner, UInt8(group.least), UInt8(group.more), behind]
                    return append(
                        Entry(
                            step: .list, index: 4, times: UInt8(least), list: data,
                            size: least * (group.least + group.more + 1)))
                }
                for copy in 0..<max(least, most) {
                    // Only the first and the last of them are at the ends.
                    let own = ends.intersection([copy == 0 ? .first : [], copy + 1 == most ? .last : []])
                    let isWritten =
                        copy < least ? write(part, own) : alternatives(1) { writer, _ in writer.write(part, own) }
                    if !isWritten { return false }
                }
                return true
            }
        }

        /// Appends parts that follow one another.
        private mutating func write(_ parts: ArraySlice<RegexTree>, _ ends: Ends) -> Bool {
            guard !parts.isEmpty else { return true }
            if ends.contains(.first), let (forms, rest) = RegexParts.fixed(parts) {
                let fixed = parts[..<rest.startIndex]
                return cheaper(
                    { $0.append(forms, .first) }, { $0.writePlain(fixed, rest.isEmpty ? ends : .first) },
                    then: { $0.write(rest, ends.subtracting(.first)) })
            }
            if ends.contains(.last), let (forms, rest) = RegexParts.fixed(fromEnd: parts) {
                let fixed = parts[rest.endIndex...]
                return write(rest, ends.subtracting(.last))
                    && cheaper({ $0.append(forms, .last) }, { $0.writePlain(fixed, .last) }, then: { _ in true })
            }
            return writePlain(parts, ends)
        }

        /// Of two ways to say the same the cheaper one, and then what follows.
        private mutating func cheaper(
            _ one: (inout Writer) -> Bool, _ other: (inout Writer) -> Bool, then rest: (inout Writer) -> Bool
        ) -> Bool {
            var (left, right) = (self, self)
            let (isLeft, isRight) = (one(&left), other(&right))
            guard isLeft || isRight else { return false }
            self = isLeft && (!isRight || left.cost < right.cost) ? left : right
            return rest(&self)
        }

        /// Appends parts that follow one another, one by one; many fixed bytes are looked for together.
        private mutating func writePlain(_ parts: ArraySlice<RegexTree>, _ ends: Ends) -> Bool {
            var index = parts.startIndex
            while index < parts.endIndex {
                var next = index
                var form: [[ClosedRange<UInt8>]] = []
                while next < parts.endIndex, case .bytes(let ranges) = parts[next] {
                    form.append(ranges)
                    next += 1
                }
                if let (forms, rest) = RegexParts.fixed(parts[index...]), forms.count > 1,
                    forms.allSatisfy(RegexParts.isDistinct)
                {
                    let fixed = parts[index..<rest.startIndex]
                    return cheaper(
                        { $0.append(forms, []) }, { writer in fixed.allSatisfy { writer.write($0, []) } },
                        then: { $0.writePlain(rest, ends.subtracting(.first)) })
                }
                if form.isEmpty {
                    let own = ends.intersection([
                        index == parts.startIndex ? .first : [], index + 1 == parts.endIndex ? .last : [],
                    ])
                    guard writePart(parts[index], own) else { return false }
                    index += 1
                    continue
                }
                let isWritten = cheaper(
                    { RegexParts.isDistinct(form) && $0.append([form], []) },
                    { writer in form.allSatisfy { writer.append(.byte, $0) } }, then: { _ in true })
                guard isWritten else { return false }
                index = next
            }
            return true
        }

        private mutating func writePart(_ part: RegexTree, _ ends: Ends) -> Bool {
            switch part {
            case .repeated(.bytes(let ranges), 0, let most?):
                return (0..<most).allSatisfy { _ in append(.maybe, ranges) }
            case .repeated(.bytes(let ranges), 0, nil): return append(.any, ranges)
            case .repeated(.bytes, _, _): return false
            case .choice(let parts):
                return alternatives(parts.count) { writer, index in writer.write(parts[index], ends) }
            case .repeated(let inner, 0, 1): return alternatives(1) { writer, _ in writer.write(inner, ends) }
            default: return write(part, ends)
            }
        }

        /// Alternatives; of one, the other is nothing.
        private mutating func alternatives(_ count: Int, _ write: (inout Writer, Int) -> Bool) -> Bool {
            depth += 1
            defer { depth -= 1 }
            guard depth <= Writer.mostDepth, steps.count < Writer.mostSteps else { return false }
            steps.append(Entry(step: .fork, index: count == 1 ? 1 : 0))
            for index in 0..<count {
                if index > 0 { steps.append(Entry(step: .next)) }
                if !write(&self, index) { return false }
            }
            steps.append(Entry(step: .join))
            return true
        }

        /// Appends fixed sequences of bytes, of which one stands at an end of the text, or anywhere.
        private mutating func append(_ forms: [[[ClosedRange<UInt8>]]], _ ends: Ends) -> Bool {
            guard forms.count <= RegexParts.mostForms else { return false }
            var data: [UInt8] = []
            for form in forms {
                var (literals, members) = (UInt64(0), UInt64(0))
                var (wanted, bits): ([UInt8], [UInt8]) = ([], [])
                for (place, ranges) in form.enumerated() {
                    if let literal = RegexParts.literal(ranges) {
                        literals |= 1 << UInt64(place)
                        wanted.append(literal)
                        bits.append(0)
                    } else {
                        // Which of the first eight classes a byte is in is known of all bytes at once.
                        guard let index = number(ranges), index < 8 else { return false }
                        members |= 1 << UInt64(place)
                        wanted.append(0)
                        bits.append(1 << index)
                    }
                }
                let chosen = RegexParts.chosen(form)
                data += [UInt8(form.count), UInt8(chosen.count)]
                data += (0..<4).map { $0 < chosen.count ? UInt8(chosen[$0]) : 0 }
                data += (0..<4).map { $0 < chosen.count ? wanted[chosen[$0]] : 0 }
                for mask in [literals, members] {
                    for shift in stride(from: 0, to: 64, by: 8) {
                        data.append(UInt8(truncatingIfNeeded: mask >> UInt64(shift)))
                    }
                }
                data += wanted + bits
            }
            let place: UInt8 = ends.contains(.first) ? 2 : ends.contains(.last) ? 3 : 1
            let size = forms.reduce(0) { $0 + $1.count }
            return append(Entry(step: .list, index: place, times: UInt8(forms.count), list: data, size: size))
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
            guard let last = steps.last, last.times < 255 else { return append(Entry(step: step, index: index)) }
            let at = steps.count - 1
            if step == .any {
                guard last.step == .byte, last.index == index else { return append(Entry(step: step, index: index)) }
                steps[at] = Entry(step: .any, index: index, times: last.times + 1)
                return true
            }
            if last.step == step, last.index == index {
                steps[at].times += 1
                return true
            }
            // Single bytes of several classes are one list.
            if step == .byte, last.isList || last.step == .byte && last.times < 3 {
                let list = last.isList ? last.list : [UInt8](repeating: last.index, count: Int(last.times))
                steps[at] = Entry(step: .list, times: UInt8(list.count + 1), list: list + [index])
                return true
            }
            return append(Entry(step: step, index: index))
        }

        /// The step for any number of these parts, if they are bytes of one class with one of another before or behind
        /// them.
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
    }
}

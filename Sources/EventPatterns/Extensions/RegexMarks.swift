/// A regular expression as operations on the places of a text, for texts of ASCII; see `clinux_marks.h`.
///
/// Repetitions without end of more than one byte would have to be gone round as often as they are in the text; only the
/// commonest can be said so, items with a separator: `([^/]+/)*`, `(\\.[a-z]+)*`.
struct RegexMarks {
    /// What `clinux_marks_match` reads.
    let program: [UInt8]
    /// What a text of less than 64 bytes costs, in instructions.
    let cost: Int

    /// Nil if the expression cannot be said so.
    init?(_ tree: RegexTree?) {
        var writer = Writer()
        // Without a text that matches, the program is a byte that no text has.
        guard writer.write(tree ?? .bytes([]), .whole) else { return nil }
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
}

extension RegexMarks.Writer {
    /// What the steps take, as counted.
    var cost: Int {
        steps.reduce(40 + 3 * classes.count) { total, entry in
            switch entry.step {
            case .byte, .maybe: total + 9 + 4 * Int(entry.times)
            // Anywhere there may be more places than one.
            case .list where entry.index == 1: total + 14 + 46 * Int(entry.times)
            case .list where entry.index == 4: total + 11 + 6 * Int(entry.times) + 4 * entry.size
            case .list where entry.index > 1: total + 14 + 16 * Int(entry.times)
            case .list: total + 11 + 5 * Int(entry.times)
            case .any: total + 9 + 4 * Int(entry.times)
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
            case .list where entry.isFixed: carried += entry.size
            case .byte, .maybe, .list, .any: carried += Int(entry.times)
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

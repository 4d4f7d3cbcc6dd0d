extension SegmentIndexer {
    /// Under what a test of text is filed: the kind of the key and the text. Nothing for tests that are not of text.
    func textEntries(
        _ atom: Atom, _ condition: ConditionRecord
    ) -> [(kind: Access.Kind, text: [UInt8], length: Int)] {
        if atom.kind != .containsAny { return textEntry(atom, condition).map { [$0] } ?? [] }
        let ends = store.text.base + Int(condition.firstByte) + Int(atom.offset) + Int(atom.length)
        let first = Array(UnsafeBufferPointer(start: ends, count: Int(atom.x)))
        let last = Array(UnsafeBufferPointer(start: ends + first.count, count: Int(atom.y)))
        if !first.isEmpty || !last.isEmpty {
            return [first.count >= last.count ? (.prefix, first, first.count) : (.suffix, last, last.count)]
        }
        if ContainsAnyForm(rawValue: atom.flags)?.ignoresCase == true { return [(.string, [], 0)] }
        var cursor = ends
        return (0..<Int(atom.extra)).map { _ in
            let size = Int(ByteHash.half(cursor))
            let gram = Array(UnsafeBufferPointer(start: cursor + 4, count: min(4, size)))
            cursor += 4 + size
            return (.gram, gram, gram.count)
        }
    }

    /// Under what kind of key a test of text is filed, and the text: all of it for equality, the start or the end for
    /// an affix, a stretch of at most four bytes for a wildcard with short ends. Nil for tests that are not of text, or
    /// have several keys.
    private func textEntry(
        _ atom: Atom, _ condition: ConditionRecord
    ) -> (kind: Access.Kind, text: [UInt8], length: Int)? {
        func entry(_ kind: Access.Kind, _ text: [UInt8]) -> (kind: Access.Kind, text: [UInt8], length: Int) {
            text.isEmpty && kind != .equalsKey ? (.string, [], 0) : (kind, text, text.count)
        }
        switch atom.kind {
        case .prefix: return entry(.prefix, text(of: atom, condition))
        case .suffix: return entry(.suffix, text(of: atom, condition))
        case .prefixFolded: return entry(.prefixFolded, text(of: atom, condition))
        case .suffixFolded: return entry(.suffixFolded, text(of: atom, condition))
        case .equalsCased, .prefixCased, .suffixCased:
            guard let key = foldedKey(atom, condition) else { return (.string, [], 0) }
            return entry(
                atom.kind == .equalsCased ? .equalsKey : atom.kind == .prefixCased ? .prefixKey : .suffixKey, key)
        case .wildcard: return wildcardEntry(atom, condition)
        case .regex:
            let start = store.text.base + Int(condition.firstByte) + Int(atom.offset)
            let program = Int(atom.x) * 8
            let prefix = UnsafeBufferPointer(start: start + program, count: Int(atom.length) - program)
            return entry(.prefix, Array(prefix))
        case .wildcardCased: return casedEntry(atom, condition)
        default: return nil
        }
    }

    func wildcardEntry(
        _ atom: Atom, _ condition: ConditionRecord
    ) -> (kind: Access.Kind, text: [UInt8], length: Int) {
        var cursor = store.text.base + Int(condition.firstByte) + Int(atom.offset)
        var segments: [[UInt8]] = []
        for _ in 0..<Int(atom.extra) {
            let size = Int(ByteHash.half(cursor))
            segments.append(Array(UnsafeBufferPointer(start: cursor + 4, count: size)))
            cursor += 4 + size
        }
        let first = segments[0]
        let last = segments[segments.count - 1]
        let middle = segments.dropFirst().dropLast().max { $0.count < $1.count } ?? []
        if max(first.count, last.count) >= 3 || middle.count <= max(first.count, last.count) {
            if first.isEmpty, last.isEmpty { return (.string, [], 0) }
            return first.count >= last.count ? (.prefix, first, first.count) : (.suffix, last, last.count)
        }
        let gram = Array(middle.prefix(4))
        return (.gram, gram, gram.count)
    }

    /// A wildcard that ignores case is filed under its first or last segment.
    func casedEntry(
        _ atom: Atom, _ condition: ConditionRecord
    ) -> (kind: Access.Kind, text: [UInt8], length: Int) {
        var cursor = store.text.base + Int(condition.firstByte) + Int(atom.offset)
        for index in 0..<Int(atom.extra) {
            let size = Int(ByteHash.half(cursor))
            if index == 0 || index == Int(atom.extra) - 1, size > 0, let key = foldedKey(cursor + 4, size) {
                return (index == 0 ? .prefixKey : .suffixKey, key, key.count)
            }
            cursor += 4 + size
        }
        return (.string, [], 0)
    }

    func text(of atom: Atom, _ condition: ConditionRecord) -> [UInt8] {
        if atom.length > 16 || atom.kind == .numberText {
            let start = store.text.base + Int(condition.firstByte) + Int(atom.offset)
            return Array(UnsafeBufferPointer(start: start, count: Int(atom.length)))
        }
        return (0..<Int(atom.length)).map { index in
            UInt8(truncatingIfNeeded: (index < 8 ? atom.x : atom.y) >> UInt64(8 * (index & 7)))
        }
    }

    func foldedKey(_ atom: Atom, _ condition: ConditionRecord) -> [UInt8]? {
        foldedKey(store.text.base + Int(condition.firstByte) + Int(atom.offset), Int(atom.length))
    }

    func foldedKey(_ forms: UnsafeMutablePointer<UInt8>, _ length: Int) -> [UInt8]? {
        var cursor = forms
        let end = cursor + length
        var key: [UInt8] = []
        while cursor < end {
            let lower = Array(UnsafeBufferPointer(start: cursor + 1, count: Int(cursor[0])))
            cursor += 1 + lower.count
            let upper = Array(UnsafeBufferPointer(start: cursor + 1, count: Int(cursor[0])))
            // The entry's length follows.
            cursor += 2 + upper.count
            let folded = CaseText.folded(lower)
            if folded != CaseText.folded(upper) { return nil }
            key += folded
        }
        return key
    }
}

extension SegmentStore {
    /// The flat form of `anything-but`: what it excludes follows behind the atoms of its condition.
    mutating func flatten(_ exclusion: Exclusion, firstAtom: Int, firstByte: Int) -> Atom {
        var excluded: [Atom] = []
        var isSorted = false
        switch exclusion {
        case .strings(let values):
            for value in values { excluded.append(textAtom(.exact, value, firstByte)) }
            isSorted = true
        case .numbers(let values):
            for value in values { excluded.append(flatten(.number(value), firstAtom: firstAtom, firstByte: firstByte)) }
            isSorted = true
        case .prefixes(let values): for value in values { excluded.append(textAtom(.prefix, value, firstByte)) }
        case .suffixes(let values): for value in values { excluded.append(textAtom(.suffix, value, firstByte)) }
        case .equalsIgnoringCase(let values):
            for value in values { excluded.append(caseAtom(value, .equalsFolded, .equalsCased, firstByte)) }
        case .wildcards(let values):
            let (others, groups) = WildcardGroup.group(values.map { .wildcard($0) })
            for other in others { excluded.append(flatten(other, firstAtom: firstAtom, firstByte: firstByte)) }
            for group in groups { excluded.append(containsAny(group, firstByte)) }
        }
        if isSorted { excluded.sort { $0.x < $1.x } }
        var atom = Atom(.anythingBut)
        let listed = lists(of: excluded, firstByte)
        if !listed.atoms.isEmpty {
            excluded = listed.atoms + listed.others
            (atom.x, atom.y) = (UInt64(listed.atoms.count), UInt64(listed.tables))
        }
        atom.flags = (isSorted ? 1 : 0) | (listed.atoms.isEmpty ? 0 : 2)
        atom.length = UInt32(excluded.count)
        atom.offset = UInt32(atoms.count - firstAtom)
        for each in excluded { atoms.append(each) }
        return atom
    }
}

extension SegmentStore {
    /// A hash over a condition's path, atoms and text.
    func hash(_ condition: ConditionRecord) -> UInt64 {
        let atomBytes = UnsafeRawPointer(atoms.base + Int(condition.firstAtom)).assumingMemoryBound(to: UInt8.self)
        let inAtoms = ByteHash.hash(
            atomBytes, Int(condition.spanCount) * MemoryLayout<Atom>.stride,
            seed: ByteHash.secret ^ UInt64(UInt32(bitPattern: condition.path)))
        return ByteHash.hash(text.base + Int(condition.firstByte), Int(condition.byteCount), seed: inAtoms)
    }

    func areEqual(_ left: ConditionRecord, _ right: ConditionRecord) -> Bool {
        guard left.path == right.path, left.atomCount == right.atomCount, left.spanCount == right.spanCount,
            left.byteCount == right.byteCount
        else { return false }
        let leftAtoms = UnsafeRawPointer(atoms.base + Int(left.firstAtom)).assumingMemoryBound(to: UInt8.self)
        let rightAtoms = UnsafeRawPointer(atoms.base + Int(right.firstAtom)).assumingMemoryBound(to: UInt8.self)
        return ByteHash.equal(leftAtoms, rightAtoms, Int(left.spanCount) * MemoryLayout<Atom>.stride)
            && ByteHash.equal(
                text.base + Int(left.firstByte), text.base + Int(right.firstByte), Int(left.byteCount))
    }

    /// Drops the condition appended last.
    mutating func dropLast(_ condition: ConditionRecord) {
        atoms.truncate(Int(condition.firstAtom))
        text.truncate(Int(condition.firstByte))
    }
}

/// Where the branches of a rule are filed if it has many.
///
/// A condition that other rules make rare is a good place for one sub-rule, and for all branches of a rule that ask it
/// only as long as events are what the rules let one think: each event that does pass it is led to all of them. So
/// many branches are filed under what sets them apart, as soon as a value leads to much fewer that way.
/// What every value passes is no such thing: of that the budget takes few (`RuleWork`).
extension SegmentIndexer {
    /// The branches of a rule that may be filed together whatever they ask.
    static let fewBranches = 8

    /// The branches of each rule that has several.
    func branches() -> [Int32: [Int]] {
        var branches: [Int32: [Int]] = [:]
        for index in 0..<store.subRules.count where store.subRules[index].isBranched {
            branches[store.subRules[index].rule, default: []].append(index)
        }
        return branches
    }

    /// A thousand branches are not each filed under every value of a list that they share.
    func isWide(_ reference: UInt32) -> Bool {
        Int(uses[Int(reference)]) * Int(store.conditions[Int(reference)].atomCount) > 1 << 16
    }

    /// For each condition that branches of a rule with many ask: how many sub-rules a value that passes it is led to,
    /// were all of these conditions filed, whatever events are like. Infinite where branches are not to be moved to.
    ///
    /// Each condition is gone through twice, however many branches and rules ask it.
    mutating func companies(
        _ branches: [Int32: [Int]], _ statistics: Buffer<PathStatistics>, _ odds: Buffer<Float>
    ) -> [UInt32: Float] {
        var companies: [UInt32: Float] = [:]
        for members in branches.values where members.count > Self.fewBranches {
            for member in members {
                for reference in references(member) { companies[reference] = .infinity }
            }
        }
        let asked = companies.keys.filter { !isWide($0) && !store.conditions[Int($0)].allowsAbsence }
        var counts: [UInt64: Int] = [:]
        var nests = Nests()
        for reference in asked {
            let condition = store.conditions[Int(reference)]
            companySteps += Int(condition.atomCount)
            for place in 0..<Int(condition.atomCount) {
                let atom = store.atoms[Int(condition.firstAtom) + place]
                if let place = nests.place(atom, condition, self) {
                    nests.add(Int(uses[Int(reference)]), at: place)
                } else if isWhole(atom, condition) {
                    counts[identity(atom, condition), default: 0] += Int(uses[Int(reference)])
                }
            }
        }
        nests.settle()
        for reference in asked {
            let condition = store.conditions[Int(reference)]
            companySteps += Int(condition.atomCount)
            var company = Float(uses[Int(reference)])
            for place in 0..<Int(condition.atomCount) where company.isFinite {
                let atom = store.atoms[Int(condition.firstAtom) + place]
                if let place = nests.place(atom, condition, self) {
                    company = max(company, Float(nests.most(at: place)))
                } else if isWhole(atom, condition) {
                    company = max(company, Float(counts[identity(atom, condition), default: 0]))
                } else if atom.kind == .range, Double(bitPattern: atom.x).isFinite, Double(bitPattern: atom.y).isFinite
                {
                    company = max(company, odds[Int(reference)] * statistics[Int(condition.path)].ranges)
                } else {
                    // Open ranges have all numbers beyond their ends in common.
                    company = .infinity
                }
            }
            companies[reference] = company
        }
        return companies
    }

    /// Whether only a value that is what an alternative compares with is led to it.
    private func isWhole(_ atom: Atom, _ condition: ConditionRecord) -> Bool {
        switch atom.kind {
        case .exact, .address, .number, .numberText, .equalsFolded: true
        case .equalsCased: foldedKey(atom, condition) != nil
        default: false
        }
    }

    /// A number that stands for what an alternative compares with: its field, its kind and all of its text.
    private func identity(_ atom: Atom, _ condition: ConditionRecord) -> UInt64 {
        let kind = UInt64(atom.kind.rawValue) << 24 | UInt64(atom.flags) << 16 | UInt64(atom.extra)
        let path = UInt64(UInt32(bitPattern: condition.path)) << 32
        let head = withUnsafeBytes(of: (path | kind, UInt64(atom.length), atom.x, atom.y)) { bytes in
            bytes.bindMemory(to: UInt8.self).baseAddress.map { ByteHash.hash($0, bytes.count, seed: ByteHash.secret) }
                ?? 0
        }
        let isInText: Bool
        switch atom.kind {
        case .numberText, .equalsCased: isInText = true
        default: isInText = atom.length > 16
        }
        guard isInText else { return head }
        let text = store.text.base + Int(condition.firstByte) + Int(atom.offset)
        return ByteHash.hash(text, Int(atom.length), seed: head)
    }
}

extension EventPattern {
    /// The alternatives that are gone through to find which branches have what in common.
    package var companySteps: Int {
        SegmentIndexer.of(self) { indexer in
            indexer.choose()
            return indexer.companySteps
        }
    }
}

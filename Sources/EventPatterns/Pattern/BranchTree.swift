/// The fields of a pattern as they are written, before `$or` is multiplied out: a thousand branches of all that an
/// endless text names would take minutes to build, only to be refused.
struct BranchTree {
    /// Fields and `$or`s that an object has, with all objects in it; a later field takes the place of an earlier one.
    struct Alternative {
        fileprivate enum Item {
            case field(Int)
            case oneOf([Alternative])
            /// A field that a later one has taken the place of.
            case nothing
        }

        fileprivate var items: [Item] = []
        /// Where the field of each path is.
        private var places: [Int32: Int] = [:]

        mutating func add(_ field: (number: Int, path: Int32)) {
            if let place = places.updateValue(items.count, forKey: field.path) { items[place] = .nothing }
            items.append(.field(field.number))
        }

        mutating func add(_ alternatives: [Alternative]) { items.append(.oneOf(alternatives)) }
    }

    /// A field with its groups of alternatives; more than one group only with `all-of`.
    private struct Field {
        var path: Int32
        var groups: [[ValueTest]]
    }

    private var fields: [Field] = []
    private var paths: [FieldPath] = []
    private var numbers: [FieldPath: Int32] = [:]
    /// How many fields have each path.
    private var uses: [Int] = []

    /// Takes a field up.
    mutating func field(_ path: FieldPath, _ groups: [[ValueTest]]) -> (number: Int, path: Int32) {
        let number = numbers[path] ?? Int32(truncatingIfNeeded: paths.count)
        if Int(number) == paths.count {
            numbers[path] = number
            paths.append(path)
            uses.append(0)
        }
        uses[Int(number)] += 1
        fields.append(Field(path: number, groups: groups))
        return (fields.count - 1, number)
    }

    /// A branch: the numbers of its fields, and what paths they have.
    private typealias Branch = [(field: Int, path: Int32)]

    /// Fields and conditions that one branch may have: the search through arrays keeps a bit for each.
    private static let mostConditions = 256

    /// Every branch as the numbers of its fields in the order of their paths; nil if one has more than it may.
    func branches(of alternative: Alternative, most: Int) -> [[Int]]? {
        if let only = onlyBranch(of: alternative, most: most) { return [only] }
        guard let all = multiplied(alternative, [[]], most) else { return nil }
        let named = Set(all.joined().map(\.path)).sorted { FieldPath.precedes(paths[Int($0)], paths[Int($1)]) }
        var ranks = [Int](repeating: 0, count: paths.count)
        for (rank, path) in named.enumerated() { ranks[Int(path)] = rank }
        var branches: [[Int]] = []
        for branch in all {
            let sorted = branch.sorted { ranks[Int($0.path)] < ranks[Int($1.path)] }.map(\.field)
            if sorted.reduce(0, { $0 + fields[$1].groups.count }) > BranchTree.mostConditions { return nil }
            branches.append(sorted)
        }
        return branches
    }

    /// The branch of a pattern without `$or`, as most are; nil if it has one, or more than a branch may.
    private func onlyBranch(of alternative: Alternative, most: Int) -> [Int]? {
        var branch: [Int] = []
        branch.reserveCapacity(alternative.items.count)
        var conditions = 0
        for item in alternative.items {
            switch item {
            case .nothing: continue
            case .field(let number):
                branch.append(number)
                conditions += fields[number].groups.count
            case .oneOf: return nil
            }
        }
        guard branch.count <= most, conditions <= BranchTree.mostConditions else { return nil }
        branch.sort { FieldPath.precedes(paths[Int(fields[$0].path)], paths[Int(fields[$1].path)]) }
        return branch
    }

    private func multiplied(_ alternative: Alternative, _ branches: [Branch], _ most: Int) -> [Branch]? {
        var branches = branches
        for item in alternative.items {
            switch item {
            case .nothing: continue
            case .field(let number):
                let path = fields[number].path
                for index in branches.indices {
                    // Few paths have several fields.
                    if uses[Int(path)] > 1, let place = branches[index].firstIndex(where: { $0.path == path }) {
                        branches[index][place].field = number
                    } else if branches[index].count == most {
                        return nil
                    } else {
                        branches[index].append((number, path))
                    }
                }
            case .oneOf(let alternatives):
                var all: [Branch] = []
                for alternative in alternatives {
                    guard let own = multiplied(alternative, branches, most) else { return nil }
                    all += own
                }
                branches = all
            }
        }
        return branches
    }

    /// The conditions of a field.
    func conditions(of field: Int) -> [FieldCondition] {
        fields[field].groups.map { FieldCondition(path: paths[Int(fields[field].path)], tests: $0) }
    }
}

extension EventPattern {
    /// The pattern of branches that are fields of a tree; each condition once.
    init(_ tree: BranchTree, _ branches: [[Int]], extensions: Set<PatternExtension>) {
        if branches.count == 1, let branch = branches.first {
            // No field is there twice.
            let conditions = branch.flatMap(tree.conditions)
            let numbers = conditions.indices.map { Int32(truncatingIfNeeded: $0) }
            self.init(conditions: conditions, numbers: [numbers], extensions: extensions)
            return
        }
        var conditions: [FieldCondition] = []
        var known: [FieldCondition: Int32] = [:]
        var ofFields: [Int: [Int32]] = [:]
        let numbers = branches.map { branch in
            branch.flatMap { field in
                if let numbers = ofFields[field] { return numbers }
                let own = tree.conditions(of: field).map { condition in
                    if branches.count > 1, let number = known[condition] { return number }
                    let number = Int32(truncatingIfNeeded: conditions.count)
                    conditions.append(condition)
                    if branches.count > 1 { known[condition] = number }
                    return number
                }
                ofFields[field] = own
                return own
            }
        }
        self.init(conditions: conditions, numbers: numbers, extensions: extensions)
    }
}

/// Flags of the records of a batch, a byte each.
final class BatchFlags {
    private(set) var base: UnsafeMutablePointer<UInt8>
    private var capacity = 0

    init() { base = .allocate(capacity: 1) }
    deinit { base.deallocate() }

    func reserve(_ count: Int) {
        guard count > capacity else { return }
        base.deallocate()
        capacity = count
        base = .allocate(capacity: count)
    }
}

/// A `RecordTest`, ready for the rows of a file: it goes column by column.
final class RecordEvaluator {
    private indirect enum Node {
        case column(ColumnTest)
        case all([Node], BatchFlags)
        case any([Node], BatchFlags)
        case unmet(Node, BatchFlags)
    }

    private let root: Node
    /// Positions in the file of the columns it looks at.
    let columns: [Int]

    /// Nil where the file lacks a column of the test.
    init?(_ test: RecordTest, columns: [CSVColumn], nullTokens: NullTokens) {
        let found = test.columns.map { name in columns.firstIndex { $0.name == name } }
        guard !found.contains(nil) else { return nil }
        self.columns = found.compactMap(\.self)
        root = Self.node(test, columns, nullTokens)
    }

    private static func node(_ test: RecordTest, _ columns: [CSVColumn], _ nullTokens: NullTokens) -> Node {
        let names = test.columns
        if names.count == 1, let name = names.first, let index = columns.firstIndex(where: { $0.name == name }) {
            return .column(ColumnTest(test, column: index, name: name, nullTokens: nullTokens))
        }
        switch test {
        case .value: return .all([], BatchFlags())
        case .all(let tests): return .all(tests.map { node($0, columns, nullTokens) }, BatchFlags())
        case .any(let tests): return .any(tests.map { node($0, columns, nullTokens) }, BatchFlags())
        case .unmet(let test): return .unmet(node(test, columns, nullTokens), BatchFlags())
        }
    }

    /// Its parts, each on one column.
    var tests: [ColumnTest] {
        func parts(_ node: Node) -> [ColumnTest] {
            switch node {
            case .column(let test): [test]
            case .all(let nodes, _), .any(let nodes, _): nodes.flatMap(parts)
            case .unmet(let node, _): parts(node)
            }
        }
        return parts(root)
    }

    // MARK: rows

    /// What is known without a look at every row.
    func outcome(_ rows: some JudgedRows) -> RowOutcome { Self.outcome(root, rows) }

    private static func outcome(_ node: Node, _ rows: some JudgedRows) -> RowOutcome {
        switch node {
        case .column(let test): return rows.outcome(of: test)
        case .all(let nodes, _):
            var result = RowOutcome.all
            for node in nodes {
                switch outcome(node, rows) {
                case .all: continue
                case .none: return .none
                case let other: if case .all = result { result = other } else { result = .mixed }
                }
            }
            return result
        case .any(let nodes, _):
            var result = RowOutcome.none
            for node in nodes {
                switch outcome(node, rows) {
                case .none: continue
                case .all: return .all
                case let other: if case .none = result { result = other } else { result = .mixed }
                }
            }
            return result
        case .unmet(let node, _):
            switch outcome(node, rows) {
            case .all: return .none
            case .none: return .all
            case .values, .nulls, .mixed: return .mixed
            }
        }
    }

    /// A byte a row, 1 where the test is so; valid until the next call.
    func flags(_ rows: some JudgedRows) -> UnsafeMutablePointer<UInt8> { Self.flags(root, rows) }

    private static func flags(_ node: Node, _ rows: some JudgedRows) -> UnsafeMutablePointer<UInt8> {
        let count = rows.count
        switch node {
        case .column(let test):
            test.reserveFlags(count)
            rows.flag(test)
            return test.flags
        case .all(let nodes, let flags):
            flags.reserve(count)
            let target = flags.base
            for row in 0..<count { target[row] = 1 }
            for node in nodes {
                let part = Self.flags(node, rows)
                for row in 0..<count { target[row] &= part[row] }
            }
            return target
        case .any(let nodes, let flags):
            flags.reserve(count)
            let target = flags.base
            for row in 0..<count { target[row] = 0 }
            for node in nodes {
                let part = Self.flags(node, rows)
                for row in 0..<count { target[row] |= part[row] }
            }
            return target
        case .unmet(let node, let flags):
            flags.reserve(count)
            let part = Self.flags(node, rows)
            for row in 0..<count { flags.base[row] = 1 ^ part[row] }
            return flags.base
        }
    }

    /// Of how many rows it is so.
    func passing(_ rows: some JudgedRows) -> Int {
        switch outcome(rows) {
        case .all: return rows.count
        case .none: return 0
        case .values(let count), .nulls(let count): return count
        case .mixed:
            let flags = flags(rows)
            var total = 0
            for row in 0..<rows.count { total &+= Int(flags[row]) }
            return total
        }
    }

    /// Why a row fails: the first value that does, with its column.
    func complaint(_ row: FieldRows) -> (column: String, reason: String) {
        guard let found = Self.complaint(root, row), !found.reason.isEmpty else { return ("", "does not pass") }
        return found
    }

    private static func complaint(_ node: Node, _ row: FieldRows) -> (column: String, reason: String)? {
        switch node {
        case .column(let test): return test.complaint(row.table(test.column))
        case .all(let nodes, _): return nodes.lazy.compactMap { complaint($0, row) }.first
        case .any(let nodes, _):
            var found: [(column: String, reason: String)] = []
            for node in nodes {
                // One part is enough for the whole.
                guard let part = complaint(node, row) else { return nil }
                found.append(part)
            }
            guard let first = found.first(where: { !$0.reason.isEmpty }) ?? found.first else { return nil }
            return (first.column, found.map(\.reason).filter { !$0.isEmpty }.joined(separator: " and "))
        // That a rule is about a record is not what is wrong with it.
        case .unmet(let node, _): return complaint(node, row) == nil ? ("", "") : nil
        }
    }
}

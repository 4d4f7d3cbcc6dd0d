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

    /// How many of the first `count` are set.
    func sum(_ count: Int) -> Int {
        var total = 0
        for index in 0..<count { total &+= Int(base[index]) }
        return total
    }
}

/// A `RecordTest`, ready for the batches of a file: it goes column by column.
final class RecordEvaluator {
    private indirect enum Node {
        case value(column: Int, ValueEvaluator, BatchFlags)
        case all([Node], BatchFlags)
        case any([Node], BatchFlags)
    }

    private let root: Node
    private let names: [String]
    /// Positions in the file of the columns it looks at.
    let columns: [Int]

    /// Nil where the file lacks a column of the test.
    init?(_ test: RecordTest, columns: [CSVColumn], nullTokens: NullTokens) {
        let found = test.columns.map { name in columns.firstIndex { $0.name == name } }
        guard !found.contains(nil) else { return nil }
        self.columns = found.compactMap(\.self)
        names = columns.map(\.name)
        root = Self.node(test, columns, nullTokens)
    }

    private static func node(_ test: RecordTest, _ columns: [CSVColumn], _ nullTokens: NullTokens) -> Node {
        switch test {
        case .value(let name, let test):
            let index = columns.firstIndex { $0.name == name } ?? 0
            return .value(column: index, ValueEvaluator(test, nullTokens: nullTokens), BatchFlags())
        case .all(let tests): return .all(tests.map { node($0, columns, nullTokens) }, BatchFlags())
        case .any(let tests): return .any(tests.map { node($0, columns, nullTokens) }, BatchFlags())
        }
    }

    /// The flags of the batch's records, 1 where the test is so; valid until the next call.
    func evaluate(_ batch: RecordBatch, _ dialect: CSVDialect) -> BatchFlags {
        evaluate(root, batch, dialect)
    }

    private func evaluate(_ node: Node, _ batch: RecordBatch, _ dialect: CSVDialect) -> BatchFlags {
        switch node {
        case .value(let column, let evaluator, let flags):
            flags.reserve(batch.rows)
            evaluator.evaluate(FieldTable(batch, column: column, dialect: dialect), into: flags.base)
            return flags
        case .all(let nodes, let flags):
            return combine(nodes, flags, batch, dialect) { $0 & $1 }
        case .any(let nodes, let flags):
            return combine(nodes, flags, batch, dialect) { $0 | $1 }
        }
    }

    private func combine(
        _ nodes: [Node], _ flags: BatchFlags, _ batch: RecordBatch, _ dialect: CSVDialect,
        _ join: (UInt8, UInt8) -> UInt8
    ) -> BatchFlags {
        flags.reserve(batch.rows)
        for (index, node) in nodes.enumerated() {
            let part = evaluate(node, batch, dialect).base
            let target = flags.base
            if index == 0 {
                target.update(from: part, count: batch.rows)
            } else {
                for row in 0..<batch.rows { target[row] = join(target[row], part[row]) }
            }
        }
        return flags
    }

    /// Why a record of the batch that was evaluated last fails: the first value that does, with its column.
    func complaint(_ batch: RecordBatch, row: Int, _ dialect: CSVDialect) -> (column: String, reason: String) {
        complaint(root, batch, row, dialect) ?? ("", "does not pass")
    }

    private func complaint(
        _ node: Node, _ batch: RecordBatch, _ row: Int, _ dialect: CSVDialect
    ) -> (column: String, reason: String)? {
        switch node {
        case .value(let column, let evaluator, let flags):
            guard flags.base[row] == 0 else { return nil }
            let problem = evaluator.complaint(FieldTable(batch, column: column, dialect: dialect), row: row)
            return (names[column], "\(names[column]): \(problem)")
        case .all(let nodes, _):
            for node in nodes {
                if let found = complaint(node, batch, row, dialect) { return found }
            }
            return nil
        case .any(let nodes, let flags):
            guard flags.base[row] == 0 else { return nil }
            let found = nodes.compactMap { complaint($0, batch, row, dialect) }
            guard let first = found.first else { return nil }
            return (first.column, found.map(\.reason).joined(separator: " and "))
        }
    }
}

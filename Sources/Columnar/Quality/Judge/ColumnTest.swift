/// A test of which all parts look at one column. Used by one thread at a time.
///
/// It may be judged row by row on fields, or once for each distinct value: see `holds`.
final class ColumnTest {
    private indirect enum Node {
        case value(ValueEvaluator, BatchFlags)
        case all([Node], BatchFlags)
        case any([Node], BatchFlags)
        case unmet(Node, BatchFlags)

        var flags: BatchFlags {
            switch self {
            case .value(_, let flags), .all(_, let flags), .any(_, let flags), .unmet(_, let flags): flags
            }
        }
    }

    private let root: Node
    /// Position of the column in the file.
    let column: Int
    private let name: String
    /// Which bit stands for it where its verdicts are remembered (see `ColumnWatch`).
    var bit = 0

    /// - Parameter test: one that looks at no other column.
    init(_ test: RecordTest, column: Int, name: String, nullTokens: NullTokens) {
        self.column = column
        self.name = name
        root = Self.node(test, nullTokens)
    }

    private static func node(_ test: RecordTest, _ nullTokens: NullTokens) -> Node {
        switch test {
        case .value(_, let test): .value(ValueEvaluator(test, nullTokens: nullTokens), BatchFlags())
        case .all(let tests): .all(tests.map { node($0, nullTokens) }, BatchFlags())
        case .any(let tests): .any(tests.map { node($0, nullTokens) }, BatchFlags())
        case .unmet(let test): .unmet(node(test, nullTokens), BatchFlags())
        }
    }

    /// Whether it is so of rows whose field is empty.
    var holdsOfNull: Bool { Self.decide(root) { $0.holdsOfNull } ?? false }

    /// Whether it is so of a text. Sixteen bytes from it must be readable.
    /// - Parameter isQuotedNull: whether the text stands in quotes and would mean null without.
    func holds(_ text: UnsafePointer<UInt8>, _ length: Int, isQuotedNull: Bool) -> Bool {
        Self.decide(root) { $0.holds(text, length, isQuotedNull: isQuotedNull) } ?? false
    }

    /// Whether it is so of all of some values, or of none of them; nil where that is not known.
    func holds(of values: ValueSummary) -> Bool? { Self.decide(root) { $0.holds(of: values) } }

    private static func decide(_ node: Node, _ leaf: (ValueEvaluator) -> Bool?) -> Bool? {
        switch node {
        case .value(let evaluator, _): return leaf(evaluator)
        case .all(let nodes, _):
            var isOpen = false
            for node in nodes {
                guard let holds = decide(node, leaf) else {
                    isOpen = true
                    continue
                }
                if !holds { return false }
            }
            return isOpen ? nil : true
        case .any(let nodes, _):
            var isOpen = false
            for node in nodes {
                guard let holds = decide(node, leaf) else {
                    isOpen = true
                    continue
                }
                if holds { return true }
            }
            return isOpen ? nil : false
        case .unmet(let node, _): return decide(node, leaf).map { !$0 }
        }
    }

    // MARK: row by row

    /// A byte a row, 1 where it is so; valid until they are set again.
    var flags: UnsafeMutablePointer<UInt8> { root.flags.base }

    func reserveFlags(_ count: Int) { root.flags.reserve(count) }

    /// Sets the flags from the fields of the column.
    func evaluate(_ table: FieldTable) {
        Self.evaluate(root, table.rows) { $0.evaluate(table, into: $1) }
    }

    /// Sets the first flags from texts that lie one after the other, none of them null to the test. Sixteen bytes
    /// behind them must be readable.
    func evaluate(texts: UnsafePointer<UInt8>, lengths: UnsafePointer<UInt32>, count: Int) {
        Self.evaluate(root, count) { $0.evaluate(texts: texts, lengths: lengths, count: count, into: $1) }
    }

    private static func evaluate(
        _ node: Node, _ rows: Int, _ leaf: (ValueEvaluator, UnsafeMutablePointer<UInt8>) -> Void
    ) {
        node.flags.reserve(rows)
        let target = node.flags.base
        switch node {
        case .value(let evaluator, _): leaf(evaluator, target)
        case .all(let nodes, _):
            for row in 0..<rows { target[row] = 1 }
            for node in nodes {
                evaluate(node, rows, leaf)
                let part = node.flags.base
                for row in 0..<rows { target[row] &= part[row] }
            }
        case .any(let nodes, _):
            for row in 0..<rows { target[row] = 0 }
            for node in nodes {
                evaluate(node, rows, leaf)
                let part = node.flags.base
                for row in 0..<rows { target[row] |= part[row] }
            }
        case .unmet(let node, _):
            evaluate(node, rows, leaf)
            let part = node.flags.base
            for row in 0..<rows { target[row] = 1 ^ part[row] }
        }
    }

    /// Why it is not so of the only row of a table; nil where it is.
    func complaint(_ table: FieldTable) -> (column: String, reason: String)? {
        evaluate(table)
        return Self.reason(root, table).map { (name, $0.map { "\(name): \($0)" }.joined(separator: " and ")) }
    }

    private static func reason(_ node: Node, _ table: FieldTable) -> [String]? {
        guard node.flags.base[0] == 0 else { return nil }
        switch node {
        case .value(let evaluator, _): return [evaluator.complaint(table, row: 0)]
        case .all(let nodes, _): return nodes.lazy.compactMap { reason($0, table) }.first
        case .any(let nodes, _): return nodes.compactMap { reason($0, table) }.flatMap(\.self)
        // That a rule is about a record is not what is wrong with it.
        case .unmet: return []
        }
    }
}

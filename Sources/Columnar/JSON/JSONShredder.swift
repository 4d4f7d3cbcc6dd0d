/// Takes records apart: plain values become fields of a batch, nested ones values with levels.
///
/// Source of the levels: S. Melnik et al., "Dremel: Interactive Analysis of Web-Scale Datasets" (2010). Used by one
/// thread at a time.
final class JSONShredder {
    struct Column {
        var node: JSONNode
        /// Whether the type may be widened, and not only be missed.
        var canWiden: Bool
        var isNested: Bool
    }

    /// A well-formed value that its column cannot hold as it is.
    struct Conflict {
        var column: Int
        var path: [String]
        var problem: String
    }

    let columns: [Column]
    private let nestedColumns: [Int]
    /// Whether the types are known from the whole input: what is odd then, is malformed.
    let isComplete: Bool
    private let keys = JSONKeys()
    private let positions: [String: Int]
    /// By column, the number of the record in which it stood last.
    private let stamps: UnsafeMutablePointer<UInt64>
    /// By column, the kinds of values in the batch.
    private let seen: UnsafeMutablePointer<UInt8>
    private let nestedFlags: UnsafeMutablePointer<Bool>
    private var stamp: UInt64 = 0
    var objectStamp: UInt64 = 0
    /// What the last `JSONFault` of `conflict` was about; nil where a record has a field that is no column.
    var conflict: Conflict?
    /// Where the present batch keeps the leaves of nested columns.
    var targets: [[NestedValues]] = []
    var values: [NestedValues] = []
    /// Values of nested columns in the present batch.
    var nestedCount = 0
    var memory: UnsafeMutablePointer<UInt8>
    private var scratch = 0
    let checkScratch = RecordScratch()
    static let fieldText = FieldText(JSONText.dialect)

    /// Values of nested columns at which a batch ends, and which a single record may have.
    static let batchValues = 1 << 20
    static let recordValues = 1 << 24

    /// - Parameters:
    ///   - shapes: what a column's type was inferred from; nil for a type that was given.
    ///   - isComplete: whether the shapes are those of the whole input.
    ///   - canWiden: whether a value that does not fit the type is a matter of widening it.
    init(_ schema: [ColumnSchema], shapes: [JSONShape?], canWiden: [Bool], isComplete: Bool) {
        self.isComplete = isComplete
        columns = schema.indices.map { index in
            Column(
                node: JSONNode.column(schema[index], shape: shapes[index]), canWiden: canWiden[index],
                isNested: schema[index].type.isNested)
        }
        let nested = columns.indices.filter { [columns] in columns[$0].isNested }
        nestedColumns = nested
        positions = Dictionary(uniqueKeysWithValues: zip(schema.map(\.name), schema.indices))
        let count = max(1, schema.count)
        stamps = .allocate(capacity: count)
        stamps.initialize(repeating: 0, count: count)
        seen = .allocate(capacity: count)
        seen.initialize(repeating: 0, count: count)
        nestedFlags = .allocate(capacity: count)
        nestedFlags.initialize(repeating: false, count: count)
        for column in nested { nestedFlags[column] = true }
        // Replaced by that of a batch before anything is written.
        memory = .allocate(capacity: 1)
        memory.deallocate()
    }

    deinit {
        stamps.deallocate()
        seen.deallocate()
        nestedFlags.deallocate()
    }

    /// Whether a record had the field of a column.
    func hasSeen(_ column: Int) -> Bool { stamps[column] != 0 }

    /// Prepares for the records of a batch.
    func begin(_ batch: RecordBatch) {
        // Texts without their escapes are never longer than with them, so that the memory need not move later.
        batch.reserveAnnex(batch.end - batch.start + RecordBatch.padding)
        memory = batch.base
        scratch = batch.annexEnd
        nestedCount = 0
        seen.update(repeating: 0, count: max(1, columns.count))
        targets = columns.map { _ in [] }
        for column in nestedColumns {
            let count = columns[column].node.leaves.count
            if batch.nested[column]?.count != count { batch.nested[column] = (0..<count).map { _ in NestedValues() } }
            targets[column] = batch.nested[column] ?? []
            for leaf in targets[column] { leaf.clear() }
            forget(columns[column].node)
        }
    }

    private func forget(_ node: JSONNode) {
        node.seen = []
        if case .list(let element) = node.content { forget(element) }
        for field in node.fields { forget(field) }
    }

    /// The records of the batch are complete.
    func end(_ batch: RecordBatch) { _ = batch.commitAnnex(scratch - batch.annexEnd) }

    /// Whether the batch has shown values that the inferred types are not for.
    var hasNews: Bool {
        columns.indices.contains { index in
            let column = columns[index]
            guard column.canWiden else { return false }
            return column.isNested
                ? column.node.hasNews : !column.node.allowed.isSuperset(of: JSONTokens(rawValue: seen[index]))
        }
    }

    /// Whether a conflict is a matter of types that can be widened.
    var isConflictNews: Bool { conflict.map { columns[$0.column].canWiden } ?? true }

    /// Takes back what a record has left in nested columns.
    func discard(toRecords count: Int) {
        for column in nestedColumns { for leaf in targets[column] { leaf.truncate(toRecords: count) } }
    }

    // MARK: records

    /// Takes apart the record on which the scanner stands, and passes over it.
    /// - Parameter slots: two numbers for each column, all zero.
    func record(_ scanner: inout JSONScanner, _ slots: UnsafeMutablePointer<UInt32>) throws(JSONFault) {
        guard scanner.byte == 0x7B else { throw JSONFault(.expectedObject, at: scanner.position) }
        let bytes = scanner.bytes
        let stamp = stamp + 1
        self.stamp = stamp
        scanner.position &+= 1
        scanner.skipSpace()
        if scanner.byte == 0x7D {
            scanner.position &+= 1
        } else {
            var expected = 0
            repeat {
                let name = scanner.position
                guard scanner.byte == 0x22 else { throw JSONFault(.expectedName, at: name) }
                let column: Int
                if let match = keys.matches(expected, bytes + name + 1) {
                    column = match.field
                    scanner.position = name &+ 1 &+ match.length
                } else {
                    (column, expected) = try lookUp(&scanner, keys, positions)
                    guard column >= 0 else {
                        if scanner.isEmptyName(name + 1, scanner.position - name - 2) {
                            throw JSONFault(.emptyName, at: name)
                        }
                        conflict = nil
                        throw JSONFault(.conflict, at: name)
                    }
                }
                expected &+= 1
                if stamps[column] == stamp { throw JSONFault(.duplicateName, at: name) }
                stamps[column] = stamp
                try scanner.colon()

                let start = scanner.position
                let slot = slots + 2 &* column
                switch scanner.byte {
                case 0x22:
                    let isPlain = try scanner.string()
                    if nestedFlags[column] {
                        scanner.position = start
                        try nested(&scanner, column)
                    }
                    seen[column] |= Self.token(ofString: scanner.position &- start).rawValue
                    (slot[0], slot[1]) = text(bytes, start, scanner.position, isPlain)
                case 0x2D, 0x30...0x39:
                    try scanner.number()
                    if nestedFlags[column] {
                        scanner.position = start
                        try nested(&scanner, column)
                    }
                    seen[column] |= JSONTokens.number.rawValue
                    slot[0] = UInt32(truncatingIfNeeded: start &- 1)
                    slot[1] = UInt32(truncatingIfNeeded: scanner.position)
                default:
                    try other(&scanner, column, slot)
                }
            } while try !scanner.endsObject()
        }
        for column in nestedColumns where stamps[column] != stamp {
            values = targets[column]
            absent(columns[column].node, repetition: 0, definition: 0)
        }
    }

    /// A literal, an object or a list in a record.
    @inline(never)
    private func other(
        _ scanner: inout JSONScanner, _ column: Int, _ slot: UnsafeMutablePointer<UInt32>
    ) throws(JSONFault) {
        let start = scanner.position
        if nestedFlags[column] {
            try nested(&scanner, column)
            if scanner.bytes[start] == 0x6E { return }
        } else {
            let tokens = try rawValue(&scanner, depth: 2)
            if tokens.isEmpty { return }
            seen[column] |= tokens.rawValue
        }
        slot[0] = UInt32(truncatingIfNeeded: start &- 1)
        slot[1] = UInt32(truncatingIfNeeded: scanner.position)
    }

    /// Passes over a literal, an object or a list.
    /// - Returns: what it was; nothing for null.
    func rawValue(_ scanner: inout JSONScanner, depth: Int) throws(JSONFault) -> JSONTokens {
        let start = scanner.position
        try scanner.skipValue(depth: depth)
        switch scanner.bytes[start] {
        case 0x7B:
            var inner = JSONScanner(bytes: scanner.bytes, position: start + 1, endsAtLineFeed: scanner.endsAtLineFeed)
            inner.skipSpace()
            return inner.byte == 0x7D ? .emptyObject : .object
        case 0x5B: return .list
        case 0x6E: return []
        default: return .boolean
        }
    }

    /// What a string is, by its length with quotes.
    @inline(__always)
    static func token(ofString length: Int) -> JSONTokens { length == 2 ? .emptyString : .string }

    /// Where the text of a string lies: in the input as it stands, or without its escapes in the scratch memory.
    @inline(__always)
    func text(
        _ bytes: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ isPlain: Bool
    ) -> (UInt32, UInt32) {
        if isPlain {
            // An empty string stays in its quotes, which tell it from null.
            let quote = end &- start == 2 ? 1 : 0
            return (UInt32(truncatingIfNeeded: start &- quote), UInt32(truncatingIfNeeded: end &- 1 &+ quote))
        }
        let restored = JSONText.restore(bytes + start + 1, end - start - 2, in: memory, at: &scratch)
        return (UInt32(truncatingIfNeeded: restored.start &- 1), UInt32(truncatingIfNeeded: restored.end))
    }

    /// Passes over a name that was not expected.
    /// - Returns: the field, -1 where there is none of this name; and the key's position for the next expectation.
    @inline(never)
    func lookUp(
        _ scanner: inout JSONScanner, _ keys: JSONKeys, _ positions: [String: Int]
    ) throws(JSONFault) -> (field: Int, key: Int) {
        let start = scanner.position + 1
        let isPlain = try scanner.string()
        let length = scanner.position - 1 - start
        if isPlain { return search(scanner.bytes + start, length, keys, positions) }
        var found = (field: -1, key: 0)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: length + 1) { buffer in
            guard let target = buffer.baseAddress else { return }
            let count = JSONText.unescape(scanner.bytes + start, length, to: target)
            found = search(target, count, keys, positions)
        }
        return found
    }

    private func search(
        _ name: UnsafePointer<UInt8>, _ length: Int, _ keys: JSONKeys, _ positions: [String: Int]
    ) -> (field: Int, key: Int) {
        if let key = keys.find(name, length) { return (keys.field(key), key) }
        let normalized = ColumnName.normalized(
            String(decoding: UnsafeBufferPointer(start: name, count: length), as: UTF8.self))
        guard let field = positions[normalized] else { return (-1, 0) }
        guard keys.count < JSONKeys.limit else { return (field, keys.count) }
        return (field, keys.add(name, length, field: field))
    }
}

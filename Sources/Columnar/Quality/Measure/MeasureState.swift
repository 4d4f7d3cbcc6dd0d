/// A `Measure` while records pass by. Used by one thread at a time.
final class MeasureState {
    let kind: Measure.Kind
    /// See `Measure.unit`.
    let unit: String?
    /// Whether the number is 1 or 0 and means no more than that.
    let saysYesOrNo: Bool
    private let condition: RecordEvaluator?
    let columns: [CSVColumn]
    private let nullTokens: NullTokens
    private let hasher = KeyHash.Hasher()
    private let scratch = RecordScratch()

    /// Records that count.
    private(set) var records: Int64 = 0
    /// Of them, those with a value (all columns null: without), those that pass, those found.
    private(set) var hits: Int64 = 0
    private let test: RecordEvaluator?
    /// Positions in the file of the columns whose values it takes itself.
    let positions: [Int]
    private let reference: KeyTable?
    /// Shared by the measures of the same columns without condition; the first of them fills it.
    private let keys: DistinctKeys?
    private let fillsKeys: Bool
    /// What `keys` counted, once it was asked: values of large files are read from the disk for it.
    private var counts: (distinct: Int64, once: Int64)?
    private var moments = NumberMoments()
    private var numbers: [Double] = []
    private var batchKeys: [KeyHash] = []
    /// Where the first value stands that is no number.
    private(set) var fault: (row: Int64, text: String)?

    /// Nil where the file lacks a column that the measure needs.
    init?(
        _ measure: Measure, columns: [CSVColumn], nullTokens: NullTokens, references: [String: ReferenceSet],
        shared: inout [[String]: DistinctKeys]
    ) throws(ColumnarError) {
        kind = measure.kind
        unit = measure.unit
        saysYesOrNo =
            switch measure.kind {
            case .columnExists, .columnNamesMatch, .primaryKey: true
            default: false
            }
        self.columns = columns
        self.nullTokens = nullTokens
        let needed = measure.columns.map { name in columns.firstIndex { $0.name == name } }
        guard !needed.contains(nil) else { return nil }
        condition = measure.condition.flatMap {
            RecordEvaluator($0, columns: columns, nullTokens: nullTokens)
        }
        var test: RecordEvaluator?
        var names: [String] = []
        var reference: KeyTable?
        var keys: DistinctKeys?
        switch measure.kind {
        case .rowCount, .columnCount, .columnExists, .columnNamesMatch: break
        case .completeness(let name):
            test = RecordEvaluator(
                .value(column: name, ValueTest(.nothing, isNegated: true)), columns: columns, nullTokens: nullTokens)
        case .compliance(let inner):
            test = RecordEvaluator(inner, columns: columns, nullTokens: nullTokens)
        case .mean(let name), .sum(let name), .standardDeviation(let name): names = [name]
        case .uniqueness(let list), .uniqueValueRatio(let list), .distinctCount(let list), .primaryKey(let list):
            names = list
            keys = DistinctKeys()
        case .referentialIntegrity(let list, let alias, let referenceColumns):
            names = list
            guard let set = references[alias] else {
                throw ColumnarError(
                    .invalidRule,
                    "ReferentialIntegrity refers to \"\(alias)\", and no reference table of that name is given.")
            }
            guard let table = set.keys(of: referenceColumns) else {
                throw ColumnarError(
                    .invalidRule,
                    "The reference table \"\(alias)\" was not read with the columns "
                        + "\(referenceColumns.joined(separator: ", ")).")
            }
            reference = table
        }
        // Of several columns, those with a null among them count for one measure and not for another.
        let isShared = keys != nil && measure.condition == nil && names.count == 1
        if isShared, let known = shared[names] {
            keys = known
            fillsKeys = false
        } else {
            fillsKeys = keys != nil
            if isShared { shared[names] = keys }
        }
        self.test = test
        self.reference = reference
        self.keys = keys
        positions = names.compactMap { name in columns.firstIndex { $0.name == name } }
    }

    /// Its tests, each on one column.
    var tests: [ColumnTest] { (test?.tests ?? []) + (condition?.tests ?? []) }

    func take(_ rows: some JudgedRows) throws(ColumnarError) {
        guard let condition else {
            records += Int64(rows.count)
            if let test { hits += Int64(test.passing(rows)) } else { try takeValues(rows, nil) }
            return
        }
        let flags = condition.flags(rows)
        for row in 0..<rows.count { records &+= Int64(flags[row]) }
        guard let test else { return try takeValues(rows, flags) }
        let verdicts = test.flags(rows)
        for row in 0..<rows.count { hits &+= Int64(verdicts[row] & flags[row]) }
    }

    private func takeValues(
        _ rows: some JudgedRows, _ flags: UnsafeMutablePointer<UInt8>?
    ) throws(ColumnarError) {
        switch kind {
        case .mean, .sum, .standardDeviation: takeNumbers(rows, flags)
        case .uniqueness, .uniqueValueRatio, .distinctCount, .primaryKey, .referentialIntegrity:
            try takeKeys(rows, flags)
        default: break
        }
    }

    private func takeNumbers(_ rows: some JudgedRows, _ flags: UnsafeMutablePointer<UInt8>?) {
        numbers.removeAll(keepingCapacity: true)
        if flags == nil, rows.appendNumbers(of: positions[0], to: &numbers) {
            return numbers.withUnsafeBufferPointer { moments.add($0) }
        }
        let table = rows.table(positions[0])
        for row in 0..<rows.count where flags.map({ $0[row] == 1 }) ?? true {
            scratch.clear()
            guard let (text, length) = table.value(row, nullTokens, scratch), length > 0 else { continue }
            if let value = FieldType.number(text, length) {
                numbers.append(value)
            } else if fault == nil {
                fault = (rows.ordinal(row), Excerpt.text(UnsafeBufferPointer(start: text, count: length), limit: 80))
            }
        }
        numbers.withUnsafeBufferPointer { moments.add($0) }
    }

    private func takeKeys(
        _ rows: some JudgedRows, _ flags: UnsafeMutablePointer<UInt8>?
    ) throws(ColumnarError) {
        if let keys, fillsKeys, flags == nil, positions.count == 1 { return try takeSingleKeys(rows, keys) }
        let tables = positions.map { rows.table($0) }
        let nullHash = KeyHash(high: 0x9E37_79B9_7F4A_7C15, low: 0xD1B5_4A32_D192_ED03)
        for row in 0..<rows.count where flags.map({ $0[row] == 1 }) ?? true {
            var key: KeyHash?
            var nulls = 0
            scratch.clear()
            for table in tables {
                var hash = nullHash
                if let (text, length) = table.value(row, nullTokens, scratch) {
                    hash = hasher.hash(text, length)
                } else {
                    nulls += 1
                }
                key = key.map { hasher.combine($0, hash) } ?? hash
            }
            guard let key else { continue }
            if let reference {
                if nulls == 0, reference.contains(key) { hits += 1 }
            } else if case .primaryKey = kind {
                if nulls > 0 { continue }
                hits += 1
                if fillsKeys { try keys?.insert(key) }
            } else if nulls < tables.count {
                hits += 1
                if fillsKeys { try keys?.insert(key) }
            }
        }
    }

    /// The most common case, without detours.
    private func takeSingleKeys(_ rows: some JudgedRows, _ keys: DistinctKeys) throws(ColumnarError) {
        let table = rows.table(positions[0])
        // Values that are taken as ascending numbers; those behind them are found again by their place.
        var taken = 0
        if keys.isAscending {
            let isDone: Bool
            if let numbers = rows.integers(of: positions[0]) {
                taken = keys.add(numbers)
                isDone = taken == numbers.count
            } else {
                (taken, isDone) = takeAscending(table, keys)
            }
            if isDone {
                hits += Int64(taken)
                return
            }
        }
        let hasher = hasher
        let simple = nullTokens.isEmpty
        let quote = UInt8(truncatingIfNeeded: table.quote)
        let hasQuote = table.quote < 256
        var found = 0
        if batchKeys.count < table.rows {
            batchKeys += repeatElement(KeyHash(high: 0, low: 0), count: table.rows - batchKeys.count)
        }
        var buffer: [KeyHash] = []
        swap(&buffer, &batchKeys)
        defer { swap(&buffer, &batchKeys) }
        buffer.withUnsafeMutableBufferPointer { hashes in
            for row in 0..<table.rows {
                let start = Int(table.starts[row &* table.stride]) &+ 1
                let length = Int(table.ends[row &* table.stride]) &- start
                if length <= 0 { continue }
                let raw = table.bytes + start
                if simple, !(hasQuote && raw[0] == quote) {
                    hashes[found] = hasher.hash(raw, length)
                    found &+= 1
                } else {
                    scratch.clear()
                    guard let (text, length) = table.value(row, nullTokens, scratch) else { continue }
                    hashes[found] = hasher.hash(text, length)
                    found &+= 1
                }
            }
        }
        hits += Int64(found)
        try buffer.withUnsafeBufferPointer { hashes throws(ColumnarError) in
            try keys.insert(UnsafeBufferPointer(rebasing: hashes[taken..<max(taken, found)]))
        }
    }

    /// Adds values as long as they are ascending whole numbers.
    /// - Returns: how many were added, and whether those were all.
    private func takeAscending(_ table: FieldTable, _ keys: DistinctKeys) -> (taken: Int, isDone: Bool) {
        var taken = 0
        for row in 0..<table.rows {
            scratch.clear()
            guard let (text, length) = table.value(row, nullTokens, scratch) else { continue }
            guard let number = IntegerText.parse(text, length), keys.add(number) else { return (taken, false) }
            taken += 1
        }
        return (taken, true)
    }

    /// The number, at the end.
    /// - Parameter rows: all records of the file, those that cannot be read included.
    func value(rows: Int64) throws(ColumnarError) -> Double {
        func share(_ part: Int64, _ whole: Int64) -> Double { whole == 0 ? 1 : Double(part) / Double(whole) }
        switch kind {
        case .rowCount: return Double(condition == nil ? rows : records)
        case .columnCount: return Double(columns.count)
        case .columnExists(let name): return columns.contains { $0.name == name } ? 1 : 0
        case .columnNamesMatch(let pattern): return columns.allSatisfy { pattern.matches($0.sourceName) } ? 1 : 0
        case .completeness, .compliance, .referentialIntegrity: return share(hits, records)
        case .mean: return moments.count == 0 ? .nan : moments.mean
        case .sum: return moments.count == 0 ? .nan : moments.sum
        case .standardDeviation: return moments.standardDeviation
        case .uniqueness, .uniqueValueRatio, .distinctCount, .primaryKey:
            guard let keys, let counts = try keyCounts() else { return .nan }
            switch kind {
            case .uniqueness: return share(counts.once, keys.total)
            case .uniqueValueRatio: return share(counts.once, counts.distinct)
            case .distinctCount: return Double(counts.distinct)
            default: return counts.once == keys.total && hits == records ? 1 : 0
            }
        }
    }

    func keyCounts() throws(ColumnarError) -> (distinct: Int64, once: Int64)? {
        if counts == nil { counts = try keys?.counts() }
        return counts
    }
}

extension FieldTable {
    /// The text of a field without its quotes, nil for null: an empty field or a null token, both without quotes.
    func value(_ row: Int, _ nullTokens: NullTokens, _ scratch: RecordScratch) -> (UnsafePointer<UInt8>, Int)? {
        let start = Int(starts[row * stride]) + 1
        let length = Int(ends[row * stride]) - start
        guard length > 0 else { return nil }
        let raw = bytes + start
        if text.isQuoted(raw, length) {
            let inner = scratch.unquoted(raw, length, text)
            return (inner.start, inner.length)
        }
        return nullTokens.contains(raw, length) ? nil : (raw, length)
    }
}

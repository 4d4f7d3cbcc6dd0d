package import Columnar
package import HostAPI

/// The rows of two tables compared as multisets: where in the file a row stands does not matter, how often does.
///
/// What is kept of a row is a hash. Rows are counted in a dictionary that is filled from one file and emptied from the
/// other; where that would take more than the memory allowed, rows are cut into parts by their hash and the files are
/// read once for each part. A changed row is one that has gone and one that has come with the same key.
package struct TableDiff: Sendable {
    package var keys: [String]
    /// How many rows are told in full.
    package var examples: Int
    /// Bytes that counting may take.
    package var memory: Int

    /// What one row takes in the dictionary, with its share of what is empty.
    private static let bytesPerRow = 72

    package init(keys: [String] = [], examples: Int = 5, memory: Int = 256 << 20) {
        self.keys = keys
        self.examples = max(0, examples)
        self.memory = max(1 << 20, memory)
    }

    /// Throws what reading throws, and `InvalidConfiguration` for a key that one of the files does not have.
    package func compare(_ before: TableFile, _ after: TableFile) throws(ColumnarError) -> RowDifference {
        let shape = try Shape(before, after, keys)
        var difference = shape.difference
        let survey = try survey(before, after, shape)
        let keyColumns = survey.key
        difference.keys = keyColumns.map { shape.names[$0] }
        difference.rowsBefore = survey.rowsBefore
        difference.rowsAfter = survey.rowsAfter
        let rows = Double(survey.rowsBefore + survey.rowsAfter)
        let parts = max(1, Int((rows * Double(Self.bytesPerRow) / Double(memory)).rounded(.up)))
        for part in 0..<parts {
            var counts: [RowID: Int32] = [:]
            try count(before, shape.before, shape.likeness, keyColumns, part, of: parts, by: 1, into: &counts)
            try count(after, shape.after, shape.likeness, keyColumns, part, of: parts, by: -1, into: &counts)
            tally(counts, hasKey: !keyColumns.isEmpty, into: &difference)
            let wanted = examples - difference.examples.count
            if wanted > 0, !counts.isEmpty {
                difference.examples += try find(
                    wanted, in: counts, before, after, shape, keyColumns)
            }
        }
        return difference
    }

    // MARK: Columns

    /// The columns that both have, by name.
    private struct Shape {
        var names: [String]
        /// Where they are in each file.
        var before: [Int]
        var after: [Int]
        /// How the values of each are compared.
        var likeness: [Likeness] = []
        /// Among `names`; those that were asked for.
        var keys: [Int]
        var difference: RowDifference

        init(_ old: TableFile, _ new: TableFile, _ wanted: [String]) throws(ColumnarError) {
            let places = Dictionary(
                new.columns.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
            names = []
            before = []
            after = []
            difference = RowDifference()
            for (index, column) in old.columns.enumerated() {
                guard let place = places[column.name] else {
                    difference.columnsRemoved.append(column.name)
                    continue
                }
                names.append(column.name)
                before.append(index)
                after.append(place)
                let type = new.columns[place].type
                likeness.append(Likeness(column.type, type))
                // What a CSV file has no type for has none that changed.
                if type != column.type, ![type, column.type].contains(TableFile.textType) {
                    difference.typesChanged.append("\(column.name): \(column.type) -> \(type)")
                }
            }
            let known = Set(old.columns.map(\.name))
            difference.columnsAdded = new.columns.map(\.name).filter { !known.contains($0) }
            difference.columns = names
            keys = []
            for name in wanted {
                guard let index = names.firstIndex(of: name) else {
                    throw ColumnarError(
                        .invalidConfiguration,
                        "The key \"\(name)\" is not a column of both files; these are: \(names.joined(separator: ", ")).",
                        column: name)
                }
                keys.append(index)
            }
        }

        /// Columns that look like a key, the likeliest first; at most three are tried.
        var candidates: [Int] {
            func rank(_ name: String) -> Int {
                let lower = name.lowercased()
                if lower == "id" || lower == "uuid" { return 0 }
                if lower.hasSuffix("_id") || name.hasSuffix("Id") || name.hasSuffix("ID") { return 1 }
                return lower == "key" || lower.hasSuffix("_key") ? 2 : 3
            }
            let ranked = names.indices.filter { rank(names[$0]) < 3 }.sorted { rank(names[$0]) < rank(names[$1]) }
            var found = Array(ranked.prefix(3))
            if found.count < 3, names.count > 1, !found.contains(0) { found.append(0) }
            return found
        }
    }

    // MARK: Passes

    private struct Survey {
        var rowsBefore: Int64 = 0
        var rowsAfter: Int64 = 0
        var key: [Int] = []
    }

    /// Counts rows, and finds the first candidate that is never null and never the same twice in both files.
    private func survey(
        _ before: TableFile, _ after: TableFile, _ shape: Shape
    ) throws(ColumnarError) -> Survey {
        var survey = Survey(key: shape.keys)
        var candidates = shape.keys.isEmpty ? shape.candidates : []
        // A set of hashes that outgrows its share is given up: then nothing is proven.
        let most = memory / 96
        for (file, places, isOld) in [(before, shape.before, true), (after, shape.after, false)] {
            var seen = [Set<RowHash>](repeating: [], count: candidates.count)
            var failed: Set<Int> = []
            var rows: Int64 = 0
            try file.forEachRow { (row) throws(ColumnarError) in
                rows += 1
                for (slot, candidate) in candidates.enumerated() where !failed.contains(slot) {
                    var hash = RowHash()
                    row.hash(places[candidate], as: shape.likeness[candidate], into: &hash)
                    if row.isNull(places[candidate]) || seen[slot].count >= most
                        || !seen[slot].insert(hash.finished()).inserted
                    {
                        failed.insert(slot)
                        seen[slot] = []
                    }
                }
                return true
            }
            candidates = candidates.enumerated().filter { !failed.contains($0.offset) }.map(\.element)
            if isOld { survey.rowsBefore = rows } else { survey.rowsAfter = rows }
        }
        if let first = candidates.first { survey.key = [first] }
        return survey
    }

    /// A row by its hash, with that of its key.
    private struct RowID: Hashable {
        var row: RowHash
        var key: UInt64
    }

    private func id(of row: borrowing TableRow, _ places: [Int], _ likeness: [Likeness], _ key: [Int]) -> RowID {
        var hash = RowHash()
        for (place, likeness) in zip(places, likeness) { row.hash(place, as: likeness, into: &hash) }
        var keyHash = RowHash()
        for index in key { row.hash(places[index], as: likeness[index], into: &keyHash) }
        return RowID(row: hash.finished(), key: key.isEmpty ? 0 : keyHash.finished().high)
    }

    private func count(
        _ file: TableFile, _ places: [Int], _ likeness: [Likeness], _ key: [Int], _ part: Int, of parts: Int,
        by step: Int32, into counts: inout [RowID: Int32]
    ) throws(ColumnarError) {
        var found = counts
        counts = [:]
        try file.forEachRow { (row) throws(ColumnarError) in
            let id = id(of: row, places, likeness, key)
            // Rows of one key are in one part.
            let mark = key.isEmpty ? id.row.high : id.key
            guard parts == 1 || Int(mark % UInt64(parts)) == part else { return true }
            let sum = found[id, default: 0] + step
            found[id] = sum == 0 ? nil : sum
            return true
        }
        counts = found
    }

    private func tally(_ counts: [RowID: Int32], hasKey: Bool, into difference: inout RowDifference) {
        var (removed, added): ([UInt64: Int64], [UInt64: Int64]) = ([:], [:])
        var (allRemoved, allAdded): (Int64, Int64) = (0, 0)
        for (id, count) in counts {
            if count > 0 { allRemoved += Int64(count) } else { allAdded -= Int64(count) }
            guard hasKey else { continue }
            if count > 0 {
                removed[id.key, default: 0] += Int64(count)
            } else {
                added[id.key, default: 0] -= Int64(count)
            }
        }
        let changed = removed.reduce(0) { $0 + min($1.value, added[$1.key] ?? 0) }
        difference.changed += changed
        difference.removed += allRemoved - changed
        difference.added += allAdded - changed
    }

    // MARK: Examples

    private struct Found {
        var key: UInt64
        var fields: [String?]
    }

    /// Reads the files once more for rows to show: changed ones first, in the order of the file.
    private func find(
        _ wanted: Int, in counts: [RowID: Int32], _ before: TableFile, _ after: TableFile, _ shape: Shape,
        _ key: [Int]
    ) throws(ColumnarError) -> [RowDifference.Example] {
        var left = counts
        var old: [Found] = []
        // More than are shown: their partners may be what makes them changed and not removed.
        let most = wanted * 4
        try before.forEachRow { (row) throws(ColumnarError) in
            let id = id(of: row, shape.before, shape.likeness, key)
            guard let count = left[id], count > 0 else { return true }
            left[id] = count - 1
            old.append(Found(key: id.key, fields: shape.before.map { row.text($0) }))
            return old.count < most
        }
        let partners = Set(key.isEmpty ? [] : old.map(\.key))
        var new: [Found] = []
        var others = 0
        try after.forEachRow { (row) throws(ColumnarError) in
            let id = id(of: row, shape.after, shape.likeness, key)
            guard let count = left[id], count < 0 else { return true }
            let isPartner = partners.contains(id.key)
            guard isPartner || others < wanted else { return true }
            if !isPartner { others += 1 }
            left[id] = count + 1
            new.append(Found(key: id.key, fields: shape.after.map { row.text($0) }))
            return new.count < most + wanted
        }
        var (changed, removed): ([RowDifference.Example], [RowDifference.Example]) = ([], [])
        for row in old {
            if !key.isEmpty, let index = new.firstIndex(where: { $0.key == row.key }) {
                changed.append(.init(change: "changed", before: row.fields, after: new[index].fields))
                new.remove(at: index)
            } else {
                removed.append(.init(change: "removed", before: row.fields))
            }
        }
        let added = new.map { RowDifference.Example(change: "added", after: $0.fields) }
        return Array(
            (changed + removed.prefix(wanted / 2 + 1) + added + removed.dropFirst(wanted / 2 + 1)).prefix(wanted))
    }
}

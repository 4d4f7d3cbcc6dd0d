/// The levels of the page under way of a nested column.
///
/// Source: S. Melnik et al., "Dremel: Interactive Analysis of Web-Scale Datasets" (2010), and
/// https://parquet.apache.org/docs/file-format/nestedencoding/
final class NestedLevels {
    private let maximumDefinition: Int
    private let maximumRepetition: Int
    private var definition = RawBuffer(capacity: 1024)
    private var repetition = RawBuffer(capacity: 1024)
    private var numbers = RawBuffer(capacity: 64)
    /// Records that begin in the page.
    private(set) var records = 0

    init(_ leaf: LeafColumn) {
        maximumDefinition = leaf.definition
        maximumRepetition = leaf.repetition
    }

    deinit {
        definition.free()
        repetition.free()
        numbers.free()
    }

    func append(_ levels: NestedTable, from first: Int, count: Int) {
        definition.append(levels.definition + first, count)
        repetition.append(levels.repetition + first, count)
        for index in first..<first + count where levels.repetition[index] == 0 { records += 1 }
    }

    /// Records in which the whole column is missing.
    func appendNulls(_ count: Int) {
        for _ in 0..<count {
            definition.append(0)
            repetition.append(0)
        }
        records += count
    }

    func clear() {
        (definition.count, repetition.count, records) = (0, 0, 0)
    }

    /// Repetition levels, then definition levels, each after its length: as data pages of version 1 have them.
    func encode(into page: inout RawBuffer) {
        if maximumRepetition > 0 { encode(repetition, maximum: maximumRepetition, into: &page) }
        encode(definition, maximum: maximumDefinition, into: &page)
    }

    private func encode(_ levels: RawBuffer, maximum: Int, into page: inout RawBuffer) {
        let count = levels.count
        numbers.count = 0
        numbers.reserve((count + 8) * 4)
        let lengthOffset = page.count
        page.append(littleEndian: UInt32(0))
        numbers.base.withMemoryRebound(to: UInt32.self, capacity: count + 8) { values in
            for index in 0..<count { values[index] = UInt32(levels.base[index]) }
            for index in count..<count + 8 { values[index] = 0 }
            RunLengthHybrid.encode(
                values, count: count, width: BitPacking.width(UInt64(maximum)), into: &page)
        }
        let length = UInt32(page.count - lengthOffset - 4)
        UnsafeMutableRawPointer(page.base + lengthOffset).storeBytes(of: length.littleEndian, as: UInt32.self)
    }
}

/// Values of one leaf of a nested column in some records of a batch, nulls included, with their levels.
struct NestedTable {
    /// The texts of the values; nulls are empty fields.
    var fields: FieldTable
    var repetition: UnsafePointer<UInt8>
    var definition: UnsafePointer<UInt8>
}

extension ColumnBuilder {
    /// Appends all values of a table, which begins and ends with a record. Pages break between records.
    /// - Returns: the first value that does not fit the type, nil where all do.
    func append(_ table: NestedTable, _ workspace: PageWorkspace) throws(ColumnarError) -> Int? {
        let total = table.fields.rows
        var first = 0
        while first < total {
            var end = min(total, first + max(0, pageRows - pageRowCount))
            while end > first, end < total, table.repetition[end] != 0 { end -= 1 }
            if end == first {
                if pageRowCount > 0 {
                    try finishPage(workspace)
                    continue
                }
                // A record with more values than a page has room for is a page of its own.
                end = first + 1
                while end < total, table.repetition[end] != 0 { end += 1 }
                growPage(to: end - first)
            }
            let count = end - first
            levels?.append(table, from: first, count: count)
            if let misfit = usesDictionary
                ? appendIDs(table.fields, from: first, count: count)
                : appendValues(table.fields, from: first, count: count)
            {
                return misfit
            }
            first = end
            if usesDictionary { try judgeDictionary(workspace) }
            if pageRowCount >= pageRows || texts.count >= options.pageBytes { try finishPage(workspace) }
        }
        return nil
    }
}

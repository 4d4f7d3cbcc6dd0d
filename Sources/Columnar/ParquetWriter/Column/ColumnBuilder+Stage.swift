import Glibc

/// Appending rows so that they can be taken back: rules judge values that lie parsed, or as ids, in the page under way.
extension ColumnBuilder {
    /// Where the rows that are staged begin.
    struct Mark {
        var rows = 0
        var values = 0
        var texts = 0
        var chunkValues = 0
        var distinct = 0
        /// Rows staged.
        var count = 0
        /// Of their values, once it was asked for.
        var summary: ValueSummary?
    }

    /// Rows that can be staged: a page is not ended in between.
    var room: Int { pageRows - pageRowCount }

    /// Appends the rows of a table, no more than there is room for, until `commit` or `rollBack`.
    /// - Returns: whether all fit the type; if not, `rollBack` is due.
    func stage(_ table: FieldTable) -> Bool {
        mark = Mark(
            rows: pageRowCount, values: pageValueCount, texts: texts.count, chunkValues: chunkValues,
            distinct: dictionary.count, count: table.rows)
        watch?.beginStage()
        guard usesDictionary else { return appendValues(table, from: 0, count: table.rows) == nil }
        dictionary.beginStage()
        return appendIDs(table, from: 0, count: table.rows) == nil
    }

    /// Keeps what is staged.
    func commit(_ workspace: PageWorkspace) throws(ColumnarError) {
        dictionary.endStage()
        mark.count = 0
        try finishFullPage(workspace)
    }

    /// Takes back what is staged, entries of the dictionary included.
    func rollBack() {
        for row in mark.rows..<mark.rows + mark.count { validity[row >> 3] |= 1 << UInt8(truncatingIfNeeded: row & 7) }
        (pageRowCount, pageValueCount, texts.count, chunkValues) =
            (mark.rows, mark.values, mark.texts, mark.chunkValues)
        if usesDictionary {
            dictionary.rollBack(to: mark.distinct)
            watch?.rollBack()
        }
        mark.count = 0
    }

    /// Keeps what is staged without some rows, where they leave no trace: with a dictionary to which they have brought
    /// no entries, or with plain values.
    /// - Parameters:
    ///   - isBad: 1 for each staged row that is not to be kept.
    ///   - bad: the same rows, in their order.
    /// - Returns: false where nothing was done, and `rollBack` is due.
    func drop(_ isBad: [UInt8], _ bad: [Int]) -> Bool {
        guard layout != .fixed16, !usesDictionary || !bringEntries(isBad, bad) else { return false }
        if stagedNulls == 0 {
            dropRuns(bad)
            return true
        }
        let isPlainText = !usesDictionary && layout == .text
        // A column of plain numbers needs no memory for the other.
        let ids = usesDictionary || isPlainText ? numbers : nil
        let plain = ids == nil ? pageValues() : nil
        var (row, value, next) = (mark.rows, mark.values, mark.values)
        var (text, nextText) = (mark.texts, mark.texts)
        for index in 0..<mark.count {
            let place = mark.rows &+ index
            let isThere = validity[place &>> 3] &>> UInt8(truncatingIfNeeded: place & 7) & 1
            let length = isPlainText && isThere == 1 ? Int(ids?[next] ?? 0) : 0
            if isBad[index] == 0 {
                let bit: UInt8 = 1 &<< UInt8(truncatingIfNeeded: row & 7)
                validity[row &>> 3] = isThere == 1 ? validity[row &>> 3] | bit : validity[row &>> 3] & ~bit
                if isThere == 1 {
                    if let plain { plain[value] = plain[next] }
                    if let ids { ids[value] = ids[next] }
                    if text < nextText { memmove(texts.base + text, texts.base + nextText, length) }
                    value &+= 1
                    text &+= length
                }
                row &+= 1
            }
            next &+= Int(isThere)
            nextText &+= length
        }
        for free in row..<mark.rows + mark.count {
            validity[free &>> 3] |= 1 &<< UInt8(truncatingIfNeeded: free & 7)
        }
        chunkValues -= pageValueCount - value
        (pageRowCount, pageValueCount) = (row, value)
        if isPlainText { texts.count = text }
        return true
    }

    /// The same where no row is null: what lies between the bad rows is moved as a whole.
    private func dropRuns(_ bad: [Int]) {
        let isPlainText = !usesDictionary && layout == .text
        var (source, target) = (texts.base + mark.texts, texts.base + mark.texts)
        /// Moves the texts of some rows, or passes over them.
        func takeTexts(_ rows: Range<Int>, keeping: Bool) {
            guard isPlainText else { return }
            let lengths = numbers
            var bytes = 0
            for row in rows { bytes &+= Int(lengths[mark.values &+ row]) }
            if keeping {
                if source != target { memmove(target, source, bytes) }
                target += bytes
            }
            source += bytes
        }
        var next = 0
        var value = mark.values
        for row in bad + [mark.count] {
            let (from, count) = (mark.values + next, row - next)
            takeTexts(next..<row, keeping: true)
            if row < mark.count { takeTexts(row..<row + 1, keeping: false) }
            if from != value {
                if usesDictionary || isPlainText {
                    memmove(numbers + value, numbers + from, count * MemoryLayout<UInt32>.stride)
                } else {
                    memmove(pageValues() + value, pageValues() + from, count * MemoryLayout<Int64>.stride)
                }
            }
            value += count
            next = row + 1
        }
        if isPlainText { texts.count = texts.base.distance(to: target) }
        chunkValues -= bad.count
        pageRowCount -= bad.count
        pageValueCount = value
    }

    /// Whether some of the staged rows may have brought entries into the dictionary.
    private func bringEntries(_ isBad: [UInt8], _ bad: [Int]) -> Bool {
        if dictionary.count == mark.distinct { return false }
        let ids = numbers
        if stagedNulls == 0 { return bad.contains { Int(ids[mark.values + $0]) >= mark.distinct } }
        var value = mark.values
        for index in 0..<mark.count {
            let place = mark.rows &+ index
            if validity[place &>> 3] &>> UInt8(truncatingIfNeeded: place & 7) & 1 == 0 { continue }
            if isBad[index] == 1, Int(ids[value]) >= mark.distinct { return true }
            value &+= 1
        }
        return false
    }

    // MARK: what is staged

    var stagedValues: Int { pageValueCount - mark.values }
    var stagedNulls: Int { pageRowCount - mark.rows - stagedValues }

    /// What is known of the staged values of a column without a dictionary.
    var stagedSummary: ValueSummary {
        if let summary = mark.summary { return summary }
        let summary = summarize()
        mark.summary = summary
        return summary
    }

    private func summarize() -> ValueSummary {
        let count = stagedValues
        var summary = ValueSummary(type: type, values: .other, mayBeEmpty: false)
        guard count > 0 else { return summary }
        switch layout {
        case .text:
            let lengths = numbers + mark.values
            var (shortest, longest) = (lengths[0], lengths[0])
            for index in 0..<count {
                shortest = min(shortest, lengths[index])
                longest = max(longest, lengths[index])
            }
            let bytes = UnsafeBufferPointer(start: texts.base + mark.texts, count: texts.count - mark.texts)
            summary.values = .texts(shortest: Int(shortest), longest: Int(longest), bytes)
            summary.mayBeEmpty = shortest == 0 || !nullTokens.isEmpty
        case .boolean: summary.values = .booleans(words: booleanWords)
        case .int32, .int64:
            let values = pageValues() + mark.values
            var (least, greatest) = (values[0], values[0])
            for index in 0..<count {
                let value = values[index]
                least = value < least ? value : least
                greatest = value > greatest ? value : greatest
            }
            summary.values = .integers(least: least, greatest: greatest)
        case .double:
            var bounds = ValueBounds()
            let values = pageValues() + mark.values
            bounds.add(doubles: values, count: count)
            summary.mayBeRounded = !keepsDigits
            if !bounds.hasNaN {
                summary.values = .doubles(
                    least: Double(bitPattern: UInt64(bitPattern: bounds.least)),
                    greatest: Double(bitPattern: UInt64(bitPattern: bounds.greatest)))
            }
        case .fixed16: break
        }
        return summary
    }

    /// Sees to it that all entries of the dictionary are judged.
    func completeVerdicts(_ watch: ColumnWatch) {
        if layout == .text { watch.enterTexts(of: dictionary) }
    }

    /// Sets a byte a staged row of a column with a dictionary: whether its value passes a test, by the verdicts of the
    /// dictionary's entries.
    func flag(_ test: ColumnTest, _ watch: ColumnWatch) {
        completeVerdicts(watch)
        let flags = test.flags
        let entries = watch.entries
        let bit = UInt64(test.bit)
        let null: UInt8 = test.holdsOfNull ? 1 : 0
        var value = numbers + mark.values
        if stagedNulls == 0 {
            for row in 0..<mark.count {
                flags[row] = UInt8(truncatingIfNeeded: entries[Int(value.pointee)] &>> bit & 1)
                value += 1
            }
            return
        }
        for row in 0..<mark.count {
            let place = mark.rows &+ row
            if validity[place &>> 3] &>> UInt8(truncatingIfNeeded: place & 7) & 1 == 0 {
                flags[row] = null
            } else {
                flags[row] = UInt8(truncatingIfNeeded: entries[Int(value.pointee)] &>> bit & 1)
                value += 1
            }
        }
    }

    /// Sets a byte a staged row of a column of texts without a dictionary: whether its value passes a test.
    /// - Returns: false where nothing was done: the column is another, or the test may take a value for null.
    func flagTexts(_ test: ColumnTest) -> Bool {
        guard layout == .text, !usesDictionary, !stagedSummary.mayBeEmpty else { return false }
        // The first flags are those of the values, which then go to their rows, from the last to the first.
        test.evaluate(texts: texts.base + mark.texts, lengths: numbers + mark.values, count: stagedValues)
        if stagedNulls == 0 { return true }
        // Making room for as many values as rows was the caller's part.
        let flags = test.flags
        let null: UInt8 = test.holdsOfNull ? 1 : 0
        var value = stagedValues
        for row in stride(from: mark.count - 1, through: 0, by: -1) {
            let place = mark.rows &+ row
            if validity[place &>> 3] &>> UInt8(truncatingIfNeeded: place & 7) & 1 == 1 {
                value &-= 1
                flags[row] = flags[value]
            } else {
                flags[row] = null
            }
        }
        return true
    }

    /// The staged values of a column of whole numbers; nil where it has a dictionary, or is of another type.
    var stagedIntegers: UnsafeBufferPointer<Int64>? {
        guard type == .bigint, !usesDictionary else { return nil }
        return UnsafeBufferPointer(start: pageValues() + mark.values, count: stagedValues)
    }

    /// Appends the staged values of a column of numbers.
    /// - Returns: false where the column is of another type.
    func appendStaged(to target: inout [Double]) -> Bool {
        guard type == .bigint || type == .double else { return false }
        let (count, isDouble) = (stagedValues, type == .double)
        let ids = usesDictionary ? numbers + mark.values : nil
        let source = usesDictionary ? dictionary.valuePointer : UnsafePointer(pageValues() + mark.values)
        let before = target.count
        target.append(contentsOf: repeatElement(0, count: count))
        target.withUnsafeMutableBufferPointer { target in
            guard let target = target.baseAddress else { return }
            for index in 0..<count {
                let bits = source[ids.map { Int($0[index]) } ?? index]
                target[before &+ index] = isDouble ? Double(bitPattern: UInt64(bitPattern: bits)) : Double(bits)
            }
        }
        return true
    }
}

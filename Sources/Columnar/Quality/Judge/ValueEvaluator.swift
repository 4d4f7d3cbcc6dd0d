import Glibc

/// A `ValueTest`, ready for many values of one column. Used by one thread at a time.
///
/// Verdicts on texts of up to eight bytes are remembered: real columns repeat themselves.
final class ValueEvaluator {
    private struct Remembered {
        var key: UInt64
        /// 0: free. Else the length times two, plus four, plus the verdict.
        var tag: UInt64
    }

    private static let memoBits: UInt64 = 11

    private let isNegated: Bool
    private let nullVerdict: UInt8
    private let emptyIsNull: Bool
    private let check: CompiledCheck
    private let nullTokens: NullTokens
    /// Made when the first batch is judged row by row.
    private var memo: UnsafeMutablePointer<Remembered>?
    private let scratch = RecordScratch()

    init(_ test: ValueTest, nullTokens: NullTokens) {
        isNegated = test.isNegated
        nullVerdict = test.acceptsNull ? 1 : 0
        emptyIsNull = test.emptyIsNull
        check = CompiledCheck(test.check)
        self.nullTokens = nullTokens
    }

    deinit { memo?.deallocate() }

    private func reserveMemo() -> UnsafeMutablePointer<Remembered> {
        if let memo { return memo }
        let memory = UnsafeMutablePointer<Remembered>.allocate(capacity: 1 << Int(Self.memoBits))
        memory.initialize(repeating: Remembered(key: 0, tag: 0), count: 1 << Int(Self.memoBits))
        memo = memory
        return memory
    }

    /// Sets a byte a row: 1 where the value passes.
    func evaluate(_ table: FieldTable, into verdicts: UnsafeMutablePointer<UInt8>) {
        if case .nothing = check.kind { return evaluateNulls(table, into: verdicts) }
        let bytes = table.bytes
        let stride = table.stride
        let quote = UInt8(truncatingIfNeeded: table.quote)
        let hasQuote = table.quote < 256
        let hasTokens = !nullTokens.isEmpty
        let memo = reserveMemo()
        var starts = table.starts
        var ends = table.ends
        for row in 0..<table.rows {
            let start = Int(starts.pointee) &+ 1
            let length = Int(ends.pointee) &- start
            starts += stride
            ends += stride
            let text = bytes + start
            if length <= 0 {
                verdicts[row] = nullVerdict
            } else if length <= 8, !hasTokens {
                let word = loadWord(text)
                if hasQuote, UInt8(truncatingIfNeeded: word) == quote {
                    verdicts[row] = unusual(text, length, table.text)
                    continue
                }
                let key = word & (~0 &>> UInt64(truncatingIfNeeded: 64 &- 8 &* length))
                let mixed = (key ^ UInt64(truncatingIfNeeded: length)) &* 0x9E37_79B9_7F4A_7C15
                let slot = Int(truncatingIfNeeded: mixed &>> (64 &- Self.memoBits))
                let tag = UInt64(truncatingIfNeeded: length &* 2 &+ 4)
                let known = memo[slot]
                if known.key == key, known.tag | 1 == tag | 1 {
                    verdicts[row] = UInt8(truncatingIfNeeded: known.tag & 1)
                } else {
                    let verdict = decide(text, length)
                    memo[slot] = Remembered(key: key, tag: tag | UInt64(verdict))
                    verdicts[row] = verdict
                }
            } else if hasTokens || (hasQuote && text[0] == quote) {
                verdicts[row] = unusual(text, length, table.text)
            } else {
                verdicts[row] = decide(text, length)
            }
        }
    }

    /// The same for a test that only asks for null.
    private func evaluateNulls(_ table: FieldTable, into verdicts: UnsafeMutablePointer<UInt8>) {
        let valueVerdict: UInt8 = isNegated ? 1 : 0
        let simple = nullTokens.isEmpty && !emptyIsNull
        for row in 0..<table.rows {
            let start = Int(table.starts[row &* table.stride]) &+ 1
            let length = Int(table.ends[row &* table.stride]) &- start
            if length <= 0 {
                verdicts[row] = nullVerdict
            } else {
                verdicts[row] = simple ? valueVerdict : unusual(table.bytes + start, length, table.text)
            }
        }
    }

    /// A field that is quoted, or may be a null token.
    @inline(never)
    private func unusual(_ raw: UnsafePointer<UInt8>, _ rawLength: Int, _ fieldText: FieldText) -> UInt8 {
        guard fieldText.isQuoted(raw, rawLength) else {
            return nullTokens.contains(raw, rawLength) ? nullVerdict : decide(raw, rawLength)
        }
        scratch.clear()
        let (text, length) = scratch.unquoted(raw, rawLength, fieldText)
        if emptyIsNull, length == 0 || nullTokens.contains(text, length) { return nullVerdict }
        return decide(text, length)
    }

    /// The verdict on a value that is not null. Sixteen bytes from `text` must be readable.
    @inline(never)
    private func decide(_ text: UnsafePointer<UInt8>, _ length: Int) -> UInt8 {
        guard let holds = check.holds(text, length) else { return 0 }
        return holds != isNegated ? 1 : 0
    }

    /// The same for texts that lie one after the other, none of them null to this test. Sixteen bytes behind them must
    /// be readable.
    func evaluate(
        texts: UnsafePointer<UInt8>, lengths: UnsafePointer<UInt32>, count: Int,
        into verdicts: UnsafeMutablePointer<UInt8>
    ) {
        check.evaluate(texts, lengths, count, isNegated: isNegated, into: verdicts)
    }

    // MARK: once for each distinct value

    var holdsOfNull: Bool { nullVerdict == 1 }

    /// The verdict on a text, see `ColumnTest`.
    func holds(_ text: UnsafePointer<UInt8>, _ length: Int, isQuotedNull: Bool) -> Bool {
        isQuotedNull && emptyIsNull ? holdsOfNull : decide(text, length) == 1
    }

    /// The verdict on all of some values, nil where it is not known.
    func holds(of values: ValueSummary) -> Bool? {
        if emptyIsNull, values.mayBeEmpty { return nil }
        return check.holds(of: values).map { $0 != isNegated }
    }

    /// What is wrong with a value that did not pass.
    func complaint(_ table: FieldTable, row: Int) -> String {
        let start = Int(table.starts[row * table.stride]) + 1
        var (text, length) = (table.bytes + start, Int(table.ends[row * table.stride]) - start)
        var isNull = length <= 0
        if !isNull {
            let isQuoted = table.text.isQuoted(text, length)
            if isQuoted {
                scratch.clear()
                (text, length) = scratch.unquoted(text, length, table.text)
            }
            isNull = (!isQuoted || emptyIsNull) && (nullTokens.contains(text, length) || (emptyIsNull && length == 0))
        }
        if isNull { return "the value is missing" }
        let bytes = UnsafeBufferPointer(start: text, count: length)
        return "\"\(Excerpt.text(bytes, limit: 80))\" \(check.complaint(bytes, isNegated: isNegated))"
    }
}

/// Tests on the values of one column, judged once for each entry of its dictionary while the column is built. Used by
/// one thread at a time.
final class ColumnWatch {
    /// Tests of a column beyond this are judged row by row.
    static let mostTests = 64

    /// Position of the column in the file.
    let column: Int
    let tests: [ColumnTest]
    /// Of each entry of the dictionary, the tests it passes.
    private var verdicts = RawBuffer(capacity: 64)
    /// The tests that all entries pass, and those that any passes.
    private(set) var passedByAll = ~UInt64(0)
    private(set) var passedByAny = UInt64(0)
    /// Whether a value was met, since `stage` began, that rules may take for another than the column does: an empty
    /// text or a null token in quotes, where the column is no text.
    var isDoubtful = false
    /// Of what is staged: as it was before.
    private var mark = (count: 0, passedByAll: ~UInt64(0), passedByAny: UInt64(0))

    init(column: Int, tests: [ColumnTest]) {
        self.column = column
        self.tests = tests
        for (bit, test) in tests.enumerated() { test.bit = bit }
    }

    deinit { verdicts.free() }

    var entries: UnsafePointer<UInt64> { UnsafeRawPointer(verdicts.base).assumingMemoryBound(to: UInt64.self) }

    /// Judges a new entry of the dictionary, the first that was not judged yet. Sixteen bytes from `text` must be
    /// readable.
    func enter(_ text: UnsafePointer<UInt8>, _ length: Int, isQuotedNull: Bool) {
        var verdict: UInt64 = 0
        for (bit, test) in tests.enumerated() where test.holds(text, length, isQuotedNull: isQuotedNull) {
            verdict |= 1 << UInt64(bit)
        }
        verdicts.append(littleEndian: verdict)
        passedByAll &= verdict
        passedByAny |= verdict
    }

    /// Judges the entries of a dictionary of texts that were not judged yet, all together. Those that were quoted and
    /// may mean null must have been entered one by one, in their turn.
    func enterTexts(of dictionary: borrowing ValueDictionary) {
        let first = verdicts.count / 8
        let count = dictionary.count - first
        guard count > 0 else { return }
        var texts = RawBuffer(capacity: dictionary.texts.count + 16)
        var lengths = RawBuffer(capacity: 4 * count)
        defer {
            texts.free()
            lengths.free()
        }
        for id in first..<dictionary.count {
            let text = dictionary.text(UInt32(id))
            if let start = text.baseAddress { texts.append(start, text.count) }
            lengths.append(littleEndian: UInt32(text.count))
        }
        texts.reserve(16)
        for _ in 0..<count { verdicts.append(littleEndian: UInt64(0)) }
        let target = UnsafeMutableRawPointer(verdicts.base).assumingMemoryBound(to: UInt64.self) + first
        let sizes = UnsafeRawPointer(lengths.base).assumingMemoryBound(to: UInt32.self)
        for (bit, test) in tests.enumerated() {
            test.evaluate(texts: texts.base, lengths: sizes, count: count)
            let flags = test.flags
            for index in 0..<count { target[index] |= UInt64(flags[index]) &<< UInt64(bit) }
        }
        for index in 0..<count {
            passedByAll &= target[index]
            passedByAny |= target[index]
        }
    }

    /// The dictionary begins anew.
    func reset() {
        verdicts.count = 0
        (passedByAll, passedByAny) = (~0, 0)
    }

    func beginStage() {
        mark = (verdicts.count, passedByAll, passedByAny)
        isDoubtful = false
    }

    func rollBack() {
        (verdicts.count, passedByAll, passedByAny) = (mark.count, mark.passedByAll, mark.passedByAny)
    }
}

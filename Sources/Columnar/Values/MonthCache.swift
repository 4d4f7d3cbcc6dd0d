/// The first days of the months seen last: most dates of a column fall into a few months, and a calendar costs more than a
/// comparison.
final class MonthCache {
    private struct Entry {
        /// `YYYY-MM-`, eight bytes.
        var word: UInt64
        /// Day before the first, since 1970-01-01.
        var start: Int64
        var days: Int
    }

    /// By the last digit of the month.
    private let entries: UnsafeMutablePointer<Entry>
    private static let count = 16

    init() {
        entries = .allocate(capacity: Self.count)
        entries.initialize(repeating: Entry(word: 0, start: 0, days: 0), count: Self.count)
    }

    deinit { entries.deallocate() }

    /// The day in the first ten bytes, nil where they are no date. Sixteen bytes must be readable.
    @inline(__always)
    func days(_ text: UnsafePointer<UInt8>) -> Int64? {
        let word = loadWord(text)
        let entry = entries + Int(truncatingIfNeeded: (word &>> 48) & 15)
        guard entry.pointee.word == word else { return slow(text, word, entry) }
        guard let day = TemporalText.twoDigits(text + 8), day >= 1, day <= entry.pointee.days else { return nil }
        return entry.pointee.start &+ Int64(day)
    }

    @inline(never)
    private func slow(_ text: UnsafePointer<UInt8>, _ word: UInt64, _ entry: UnsafeMutablePointer<Entry>) -> Int64? {
        guard let date = TemporalText.date(text) else { return nil }
        let days = TemporalText.daysFromCivil(date.year, date.month, date.day)
        entry.pointee = Entry(
            word: word, start: days - Int64(date.day), days: TemporalText.daysIn(date.month, of: date.year))
        return days
    }
}

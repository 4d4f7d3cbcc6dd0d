import CivilCalendar

/// The first days of the months seen last: most dates of a column fall into a few months, and a calendar costs more
/// than a comparison.
final class MonthCache {
    private struct Entry {
        /// `YYYY-MM-`, eight bytes.
        var word: UInt64
        /// Day before the first, since 1970-01-01.
        var start: Int32
        var days: Int32
    }

    /// By the month and two bits of the year: four years in a row have a place for each month.
    private let entries: UnsafeMutablePointer<Entry>
    private static let count = 128

    init() {
        entries = .allocate(capacity: Self.count)
        entries.initialize(repeating: Entry(word: 0, start: 0, days: 0), count: Self.count)
    }

    deinit { entries.deallocate() }

    /// The place of a word: the units of the month, its tens, and two bits of the year.
    @inline(__always)
    private static func place(_ word: UInt64) -> Int {
        Int(truncatingIfNeeded: (word &>> 48) & 15 | (word &>> 36) & 16 | (word &>> 19) & 96)
    }

    /// The day in the first ten bytes, nil where they are no date. Sixteen bytes must be readable.
    @inline(__always)
    func days(_ text: UnsafePointer<UInt8>) -> Int64? {
        let word = loadWord(text)
        let entry = entries + Self.place(word)
        guard entry.pointee.word == word else { return slow(text, word, entry) }
        guard let day = TemporalText.twoDigits(text + 8), day >= 1, day <= Int(entry.pointee.days) else { return nil }
        return Int64(entry.pointee.start) &+ Int64(day)
    }

    @inline(never)
    private func slow(_ text: UnsafePointer<UInt8>, _ word: UInt64, _ entry: UnsafeMutablePointer<Entry>) -> Int64? {
        guard let date = TemporalText.date(text) else { return nil }
        let days = Int64(daysSinceEpoch(year: date.year, month: date.month, day: date.day))
        entry.pointee = Entry(
            word: word, start: Int32(truncatingIfNeeded: days - Int64(date.day)),
            days: Int32(truncatingIfNeeded: daysInMonth(year: date.year, month: date.month)))
        return days
    }
}

import EventModel
import EventPatterns
package import HostAPI
package import Journal

/// Finds the dead letters that a selection names, page by page. Blocking; for one file thread at a time.
package struct DeadLetterChooser: Sendable {
    package struct Page: Sendable {
        package var letters: [DeadLetter]
        /// The highest id that was looked at; nil: there is nothing more.
        package var last: Int64?
        /// There may be more behind it.
        package var isFull: Bool
    }

    package let selection: DeadLetterSelection
    private let pattern: EventPattern?
    private let ids: [Int64]?
    private let named: Set<Int64>?

    /// Throws `InvalidRequest` for an event pattern that does not parse.
    package init(_ selection: DeadLetterSelection) throws(APIError) {
        self.selection = selection
        // Each once, however often it is named.
        named = selection.ids.map { Set($0) }
        ids = named.map { $0.sorted() }
        guard let text = selection.eventPattern else {
            pattern = nil
            return
        }
        do throws(PatternError) {
            pattern = try EventPattern(parsing: text, dialect: .extended)
        } catch {
            throw .invalidRequest("the event pattern is not valid: \(error)")
        }
    }

    /// What is dead now with an id in `(after, last]`; up to `limit` letters are looked at, and no more than are to be
    /// in memory at once.
    package func page(
        _ journal: any JournalStore, after: Int64, through last: Int64 = .max, limit: Int
    ) throws -> Page {
        if let ids {
            let wanted = Array(ids.lazy.filter { $0 > after && $0 <= last }.prefix(limit))
            var (found, last, bytes): ([DeadLetter], Int64?, Int) = ([], nil, 0)
            for id in wanted where bytes < JournalPage.bytes {
                last = id
                guard let letter = try journal.deadLetter(id: id) else { continue }
                bytes += letter.payload.count
                if letter.state == .dead && admits(letter) { found.append(letter) }
            }
            return Page(
                letters: chosen(found), last: last, isFull: wanted.count == limit || last != wanted.last)
        }
        var filter = self.filter
        filter.afterID = after
        filter.limit = limit
        filter.bytes = JournalPage.bytes
        let found = try journal.deadLetters(filter).filter { $0.id <= last }
        return Page(letters: chosen(found), last: found.last?.id, isFull: !found.isEmpty)
    }

    /// How many there are now, and the highest id; where only the events can tell, all are looked through.
    package func count(_ journal: any JournalStore) throws -> (count: Int, lastID: Int64) {
        if ids == nil, pattern == nil { return try journal.deadLetterCount(filter) }
        var (count, lastID): (Int, Int64) = (0, 0)
        try each(journal) { letters in
            count += letters.count
            lastID = letters.last?.id ?? lastID
            return true
        }
        return (count, lastID)
    }

    /// Hands over page after page until `body` says no.
    package func each(_ journal: any JournalStore, _ body: ([DeadLetter]) throws -> Bool) throws {
        var after: Int64 = 0
        while true {
            let page = try page(journal, after: after, limit: 500)
            if !page.letters.isEmpty, try !body(page.letters) { return }
            guard page.isFull, let last = page.last else { return }
            after = last
        }
    }

    private var filter: DeadLetterFilter {
        DeadLetterFilter(
            states: [.dead], target: selection.function, fingerprint: selection.fingerprint, code: selection.code,
            diedFrom: selection.since?.milliseconds, diedBefore: selection.until?.milliseconds)
    }

    private func admits(_ letter: DeadLetter) -> Bool {
        (selection.function == nil || selection.function == letter.target)
            && (selection.code == nil || selection.code == letter.code)
            && (selection.fingerprint == nil || selection.fingerprint == letter.fingerprint)
            && (selection.since.map { $0.milliseconds <= letter.died } ?? true)
            && (selection.until.map { letter.died < $0.milliseconds } ?? true)
    }

    /// Those of some letters that the selection means.
    package func meant(of letters: [DeadLetter]) -> [DeadLetter] {
        chosen(letters.filter { (named?.contains($0.id) ?? true) && admits($0) })
    }

    /// Those whose events match.
    private func chosen(_ letters: [DeadLetter]) -> [DeadLetter] {
        guard let pattern else { return letters }
        let matcher = Matcher([(true, pattern)])
        let scratch = MatchScratch()
        return letters.filter { letter in
            ((try? matcher.answer(in: StreamFilter.subject(of: letter.payload), scratch: scratch))?.matched.isEmpty
                ?? true) == false
        }
    }
}

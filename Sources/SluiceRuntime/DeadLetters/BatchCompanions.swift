package import Journal

/// The events that were in a batch with a dead letter's. A batch that fails as a whole is cut in half again and again,
/// so a dead letter has been alone at last; the rows of its invocations tell of the batches before.
package enum BatchCompanions {
    /// Their ids, those of its last batches last. Blocking.
    package static func events(of letter: DeadLetter, _ journal: any JournalStore) throws(JournalError) -> [String] {
        var found: [String] = []
        var seen: Set<String> = [letter.eventID]
        for row in try journal.invocations(eventID: letter.eventID)
        where row.subscription == letter.delivery.subscription {
            found += row.eventIDs.filter { seen.insert($0).inserted }
        }
        return found
    }

    /// The ids with those of their companions that are dead now, each once, in the order of their ids. Blocking.
    package static func adding(to ids: [Int64], _ journal: any JournalStore) throws(JournalError) -> [Int64] {
        var wanted: [SubscriptionID: Set<String>] = [:]
        for id in ids {
            guard let letter = try journal.deadLetter(id: id) else { continue }
            wanted[letter.delivery.subscription, default: []].formUnion(try events(of: letter, journal))
        }
        var all = Set(ids)
        for (subscription, events) in wanted where !events.isEmpty {
            var after: Int64 = 0
            while true {
                let page = try journal.deadLetters(
                    DeadLetterFilter(
                        states: [.dead], subscription: subscription, afterID: after, limit: 500,
                        bytes: JournalPage.bytes))
                all.formUnion(page.lazy.filter { events.contains($0.eventID) }.map(\.id))
                guard let last = page.last else { break }
                after = last.id
            }
        }
        return all.sorted()
    }
}

package import Journal
import Synchronization

/// Committed records on their way from the journal's thread to the loop.
package final class Mailbox: Sendable {
    private let records = Mutex<[CommittedRecord]>([])

    package init() {}

    /// True if the box was empty: somebody must come and take them.
    package func put(_ new: [CommittedRecord]) -> Bool {
        guard !new.isEmpty else { return false }
        return records.withLock { records in
            let wasEmpty = records.isEmpty
            records += new
            return wasEmpty
        }
    }

    package func take() -> [CommittedRecord] {
        records.withLock { records in
            let taken = records
            records = []
            return taken
        }
    }
}

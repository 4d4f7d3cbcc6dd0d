package import Journal
import Synchronization

/// Committed records on their way from the journal's thread to the loop.
///
/// Bounded: where the loop falls behind, records beyond the bound are only noted, and read back from the log when there
/// is room. Producers are not held up for that: what is accepted lies in the log, and waits there.
package final class BoundedMailbox: Sendable {
    /// What came since the box was last emptied, in the order of the log.
    package struct Contents: Sendable {
        package var records: [CommittedRecord] = []
        /// The newest record that each subscription wants behind `records`.
        package var noted: [SubscriptionID: Position] = [:]
        fileprivate var bytes = 0
    }

    private let contents = Mutex(Contents())
    private let limit: Int

    /// `limit`: bytes of payload.
    package init(limit: Int = 16 << 20) {
        self.limit = limit
    }

    /// True if the box was empty: somebody must come and take them.
    package func put(_ new: [CommittedRecord]) -> Bool {
        guard !new.isEmpty else { return false }
        return contents.withLock { contents in
            let wasEmpty = contents.records.isEmpty && contents.noted.isEmpty
            let bytes = new.reduce(0) { $0 + $1.payload.count + $1.lineage.count + 64 }
            if contents.noted.isEmpty, contents.bytes + bytes <= limit {
                // Nearly always, and then the list is the writer's own.
                if contents.records.isEmpty { contents.records = new } else { contents.records += new }
                contents.bytes += bytes
                return wasEmpty
            }
            for record in new {
                // Behind a record that was left out nothing may be taken in: it would be started before that.
                if contents.bytes < limit, contents.noted.isEmpty {
                    contents.records.append(record)
                    contents.bytes += record.payload.count + record.lineage.count + 64
                } else {
                    for delivery in record.deliveries { contents.noted[delivery.subscription] = record.position }
                }
            }
            return wasEmpty && !(contents.records.isEmpty && contents.noted.isEmpty)
        }
    }

    package func take() -> Contents {
        contents.withLock { contents in
            let taken = contents
            contents = Contents()
            return taken
        }
    }
}

import Dispatch
import Synchronization

extension JournalStore {
    /// Commits and waits. For file threads and the watcher's own; never on the loop or the cooperative pool.
    package func commitBlocking(_ batch: Batch) throws(JournalError) -> Receipt {
        let done = DispatchSemaphore(value: 0)
        let shared = SharedBox()
        submit(batch) { result in
            shared.store(result)
            done.signal()
        }
        done.wait()
        guard let result = shared.take() else { throw JournalError(.storage, "the journal gave no answer") }
        return try result.get()
    }

    /// Commits and suspends until it is durable or refused.
    package func commit(_ batch: Batch) async throws(JournalError) -> Receipt {
        let result = await withCheckedContinuation { continuation in
            submit(batch) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }
}

extension JournalStore {
    /// What does not add up; empty: all is well. Blocking.
    package func audit() throws(JournalError) -> [String] { try recount().findings }

    /// A pending entry with its payload: that of a redrive lies in its dead letter, so that thousands a second need not
    /// write it again. Blocking.
    package func whole(_ entry: PendingEntry) throws(JournalError) -> PendingEntry {
        guard entry.payload.isEmpty, let id = entry.deadLetter, let letter = try deadLetter(id: id) else {
            return entry
        }
        var whole = entry
        whole.payload = letter.payload
        return whole
    }
}

/// A place for one answer that two threads see.
private final class SharedBox: Sendable {
    private let value = Mutex<Result<Receipt, JournalError>?>(nil)

    func store(_ result: Result<Receipt, JournalError>) { value.withLock { $0 = result } }
    func take() -> Result<Receipt, JournalError>? { value.withLock { $0 } }
}

package import Journal
import UVLoop

/// Asking, and waiting for the answer.
extension Committer {
    package func commit(_ batch: Batch, refusal: Refusal = .waits) async throws(JournalError) -> Receipt {
        let result = await withCheckedContinuation { continuation in
            enqueue(batch, refusal: refusal) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// What an operator asks for: on a disk that is short of room it is written into what is kept for such a case, and
    /// where the journal refuses even that, it says so instead of waiting.
    package func command(_ batch: Batch, refusal: Refusal = .withdraws) async throws(JournalError) -> Receipt {
        var batch = batch
        batch.isUrgent = true
        return try await commit(batch, refusal: refusal)
    }
}

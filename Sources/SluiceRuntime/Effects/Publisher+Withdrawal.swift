import FunctionProtocol
package import Journal
import ObjectStore
import UVLoop

/// A decided publication that failed for good and was taken back on the disk.
///
/// Its end in the journal — the decision cleared, the outcome kept — belongs into the commit that records the failure.
/// With two commits, a crash between them would leave a delivery without an outcome: its handler would run again
/// beside an outcome that is still kept.
package struct Withdrawal: Sendable {
    package let decision: Decision
    /// What the commit that records the failure has to contain.
    package let changes: Batch
    /// The name of the kept outcome, which a redrive takes up at the rename; nil: it is given up.
    package let keptAs: String?
    /// Whether the staged files are to be removed: not if the outcome is kept, and not if a replaced version may be
    /// among them.
    let discardsStaging: Bool
    /// The name locks it holds.
    var names: Set<String> = []
}

extension Publisher {
    /// Takes back what is still ours. A key that somebody else has taken is the handler's failure; anything else keeps
    /// the outcome, so that a redrive resumes at the rename.
    func withdraw(_ decision: Decision, because error: ObjectStoreError) async -> Result {
        let buckets = buckets
        // What could not be taken back keeps its staging: a replaced version may be there.
        let isUndone = await files.run {
            var all = true
            for publication in decision.publications.reversed() {
                // Of a bucket that is not there nothing can be said.
                guard let bucket = buckets[publication.bucket] else {
                    all = false
                    continue
                }
                do { try bucket.undo(publication) } catch { all = false }
            }
            return all
        }
        CrashPoint.hit(.runtimeWithdrawn)
        let isHandlers = error.code == .keyExists || error.code == .conflict
        // Only a delivery of its own has a dead letter that can name the kept outcome.
        let isKept = !isHandlers && decision.settled.count == 1 && decision.eventIDs.count == 1
        let name = Decision.parkedName(decision.staging)
        var changes = Batch()
        changes.decisions.append(.clear(decision.attempt))
        if let kept = decision.parked, isHandlers { changes.control.append(.removeValue(name: kept)) }
        if isKept { changes.control.append(.putValue(name: name, body: JSONText.encode(decision))) }
        let withdrawal = Withdrawal(
            decision: decision, changes: changes, keptAs: isKept ? name : nil, discardsStaging: !isKept && isUndone)
        if isKept {
            let message =
                "the outputs are complete but could not be put into place: \(error.message); remove the cause and redrive: "
                + "the handler will not run again"
            return .withdrawn(Failure(code: "PublishFailed", message: message, retry: false), withdrawal)
        }
        let code = isHandlers ? error.code.description : "PublishFailed"
        return .withdrawn(Failure(code: code, message: error.message, retry: false), withdrawal)
    }

    /// After the commit with the withdrawal's changes: nobody need wait for it any more.
    func finish(_ withdrawal: Withdrawal) {
        forget(withdrawal.decision)
        if withdrawal.discardsStaging {
            discardStaging(withdrawal.decision.staging, buckets: withdrawal.decision.buckets)
        }
        locks.release(withdrawal.names)
    }
}

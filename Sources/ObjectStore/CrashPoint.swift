import Glibc
import Synchronization

/// A named place at which a test can kill the process, as `kill -9` would: `SLUICE_CRASH_AT=<name>[:n]` ends it at the
/// n-th arrival (default the first) with status 137 and no clean-up of any kind.
///
/// A new point is one more case here and one `CrashPoint.hit(.newPoint)` where it happens. The raw value is the name
/// tests use: `<what>.<last thing done>`. When the variable is unset a hit costs one load and a compare.
package enum CrashPoint: String, CaseIterable, Sendable {
    // Staging (before the outcome is decided)
    case stageCreated = "stage.created"
    case stageCopied = "stage.copied"
    case sealFileSynced = "seal.fileSynced"
    case sealFolderSynced = "seal.folderSynced"
    // Publication (after commit 1, before commit 2)
    case publishBegun = "publish.begun"
    case publishParentMade = "publish.parentMade"
    case publishParentSynced = "publish.parentSynced"
    case publishRenamed = "publish.renamed"
    case publishExchanged = "publish.exchanged"
    case publishPutBack = "publish.putBack"
    case publishDeleted = "publish.deleted"
    case publishFolderSynced = "publish.folderSynced"
    case undoRenamed = "undo.renamed"
    case undoFolderSynced = "undo.folderSynced"
    // Clean-up (after commit 2)
    case discardBegun = "discard.begun"
    case discardFileRemoved = "discard.fileRemoved"
    case discardFolderRemoved = "discard.folderRemoved"
    // Inputs of dead letters
    case keepCopied = "keep.copied"
    case keepSynced = "keep.synced"
    case keepReleased = "keep.released"
    // The watcher around the sink's durable commit
    case watchBeforeCommit = "watch.beforeCommit"
    case watchCommitted = "watch.committed"
    // The runtime: the protocol of publication (docs/architecture.md) around the journal
    case runtimeAnswered = "runtime.answered"
    case runtimeSealed = "runtime.sealed"
    case runtimeDecided = "runtime.decided"
    case runtimePublished = "runtime.published"
    case runtimeSettled = "runtime.settled"
    case runtimeWithdrawn = "runtime.withdrawn"
    case runtimeBuried = "runtime.buried"
    case runtimeRecovering = "runtime.recovering"
    case runtimeRecovered = "runtime.recovered"

    /// The names of all points, in the order in which an invocation meets them.
    package static var all: [String] { allCases.map(\.rawValue) }

    /// Ends the process here if this point is armed and this is the arrival it was armed for.
    @inline(__always)
    package static func hit(_ point: CrashPoint) {
        if let armed { armed.arrive(point) }
    }

    /// What `SLUICE_CRASH_AT` asks for, read once. A name that no point has ends the process at its first hit with
    /// status 2, so that a renamed point cannot turn a crash test into one that tests nothing.
    private static let armed: Armed? = Armed(environment: "SLUICE_CRASH_AT")

    private final class Armed: Sendable {
        private let point: CrashPoint
        private let arrival: Int
        private let arrivals = Atomic<Int>(0)

        init?(environment name: String) {
            guard let raw = getenv(name).map({ String(cString: $0) }), !raw.isEmpty, !raw.hasPrefix("journal.") else {
                // Nothing, or one of the journal's own points.
                return nil
            }
            let parts = raw.split(separator: ":", maxSplits: 1)
            guard let point = CrashPoint(rawValue: String(parts[0])),
                let arrival = parts.count == 1 ? 1 : Int(parts[1]), arrival > 0
            else {
                let text = "sluice: SLUICE_CRASH_AT=\(raw) names no crash point; the points are \(CrashPoint.all)\n"
                _ = text.utf8.withContiguousStorageIfAvailable { write(2, $0.baseAddress, $0.count) }
                _exit(2)
            }
            self.point = point
            self.arrival = arrival
        }

        func arrive(_ point: CrashPoint) {
            guard point == self.point else { return }
            if arrivals.add(1, ordering: .relaxed).newValue == arrival { _exit(137) }
        }
    }
}

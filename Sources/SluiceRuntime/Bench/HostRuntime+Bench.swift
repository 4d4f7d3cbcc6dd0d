package import Journal
import UVLoop

/// What a benchmark reads of a host while it runs.
package struct BenchProgress: Sendable {
    /// Deliveries of the rule that are settled, whatever came of them.
    package var settled: Int64
    package var dead: Int64
    package var statistics: JournalStatistics
}

extension HostRuntime {
    /// Of a host whose journal is on disk.
    package func benchProgress(rule: String) async throws -> BenchProgress {
        let journal = journal
        let progress = try await files.run { try journal.progress() }.filter { $0.subscription.rule == rule }
        return BenchProgress(
            settled: progress.reduce(0) { $0 + $1.succeeded + $1.dropped + $1.superseded + $1.purged },
            dead: progress.reduce(0) { $0 + $1.dead },
            statistics: (journal as? SQLiteJournal)?.statistics ?? JournalStatistics())
    }
}

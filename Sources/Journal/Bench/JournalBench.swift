import Dispatch
import Foundation
import GRDB
import Synchronization

/// Measures the journal against raw SQLite, for `sluice bench journal`. Blocking; needs no running host.
package struct JournalBench: Sendable {
    /// Where its databases are made and removed again; must be on the disk that is to be measured.
    package var folder: String
    /// Events of each throughput run.
    package var events = 300_000
    /// Bytes of each payload.
    package var bytes = 1_024
    /// Events of each submitted batch.
    package var batch = 100
    /// Batches on their way at a time.
    package var window = 40
    /// Runs of the journal and of raw SQLite, in turn; the median counts.
    package var runs = 3
    /// Events in the log for the figures about a backlog; 0 leaves them out.
    package var recoveryEvents = 1_000_000

    package init(folder: String) { self.folder = folder }

    /// The settings that the measured connection had, read back from it, in the order to print them.
    package func settings() throws -> [(name: String, value: String)] {
        try withFolder { folder in
            let connection = try Connections.writer(folder + "/settings.sqlite")
            defer { try? connection.close() }
            return try connection.inDatabase { db in
                try ["journal_mode", "synchronous", "page_size", "wal_autocheckpoint", "secure_delete"].map {
                    (name: $0, value: try String.fetchOne(db, sql: "PRAGMA \($0)") ?? "")
                }
            }
        }
    }

    /// What can be measured by itself.
    package enum Part: String, CaseIterable, Sendable {
        case throughput, lone
        case fanOut = "fan-out"
        case deadLetters = "dead-letters"
        case backlog
    }

    /// Measures the parts. `progress` is told what is being measured.
    package func run(
        _ parts: [Part] = Part.allCases, progress: (String) -> Void = { _ in }
    ) throws -> [JournalFigure] {
        try parts.flatMap { part in
            switch part {
            case .throughput: return try throughput(progress)
            case .lone:
                progress("lone events")
                return try lone()
            case .fanOut:
                progress("events that 100 subscriptions want")
                return try fanOut()
            case .deadLetters:
                progress("dead letters and redrives")
                return try deadLetters()
            case .backlog:
                guard recoveryEvents > 0 else { return [] }
                progress("a backlog of \(recoveryEvents) events")
                return try backlog()
            }
        }
    }

    // MARK: Throughput

    private func throughput(_ progress: (String) -> Void) throws -> [JournalFigure] {
        var appends: [Double] = []
        var settles: [Double] = []
        var raws: [Double] = []
        var rawCommits: [Double] = []
        var statistics = JournalStatistics()
        let payloads = Self.payloads(bytes)
        for run in 1...max(1, runs) {
            progress("throughput, run \(run) of \(max(1, runs))")
            appends.append(try drive(payloads, subscriptions: 0).eventsPerSecond)
            let settled = try drive(payloads, subscriptions: 1)
            settles.append(settled.eventsPerSecond)
            statistics = settled.statistics
            let mean = max(1, Int(statistics.records / max(1, statistics.commits)))
            let raw = try withFolder { try RawFloor.run(folder: $0, events: events, batch: mean, payloads: payloads) }
            raws.append(raw.eventsPerSecond)
            rawCommits += raw.commitMilliseconds
        }
        let floor = raws.median
        let commits = Double(max(1, statistics.commits))
        return [
            JournalFigure(
                metric: "append_events_per_second", value: appends.median, unit: "events/s", floor: floor,
                ratio: appends.median / floor),
            JournalFigure(
                metric: "append_settle_events_per_second", value: settles.median, unit: "events/s", floor: floor,
                ratio: settles.median / floor),
            JournalFigure(metric: "mean_commit_events", value: Double(statistics.records) / commits, unit: "events"),
            JournalFigure(
                metric: "mean_commit_ms", value: Double(statistics.commitMicroseconds) / commits / 1_000, unit: "ms",
                floor: rawCommits.reduce(0, +) / Double(max(1, rawCommits.count))),
            JournalFigure(
                metric: "longest_commit_ms", value: Double(statistics.longestCommitMicroseconds) / 1_000, unit: "ms",
                floor: rawCommits.max() ?? 0),
            JournalFigure(metric: "peak_wal_mb", value: Double(statistics.peakWALBytes) / 1_048_576, unit: "MB"),
        ]
    }

    /// Raw appends of `events` different records, `batch` to a transaction: what no journal on SQLite can beat.
    package func floor(batch: Int) throws -> RawFloor.Result {
        let payloads = Self.payloads(bytes)
        return try withFolder {
            try RawFloor.run(folder: $0, events: events, batch: max(1, batch), payloads: payloads)
        }
    }

    struct Driven {
        var eventsPerSecond: Double
        var statistics: JournalStatistics
    }

    /// Appends all events with a window of batches on their way; each record is settled by the observer's answer, as a
    /// runtime would. Ends when all is durable.
    func drive(_ payloads: [[UInt8]], subscriptions: Int64, events: Int? = nil, in kept: String? = nil) throws -> Driven
    {
        let total = events ?? self.events
        return try withFolder(kept) { folder in
            let journal = try SQLiteJournal(dataFolder: folder)
            defer { journal.close() }
            let ids = try subscribe(journal, subscriptions)
            let room = DispatchSemaphore(value: window)
            let done = DispatchSemaphore(value: 0)
            let failure = Mutex<JournalError?>(nil)
            let left = Mutex((appended: total, settled: total * Int(subscriptions)))
            let finish: @Sendable (_ appended: Int, _ settled: Int, Result<Receipt, JournalError>) -> Void = {
                appended, settled, result in
                if case .failure(let error) = result { failure.withLock { $0 = error } }
                let isDone = left.withLock {
                    $0.appended -= appended
                    $0.settled -= settled
                    return $0.appended == 0 && $0.settled == 0
                }
                if isDone { done.signal() }
            }
            if subscriptions > 0 {
                journal.observeAppends { [weak journal] records in
                    var batch = Batch()
                    batch.settlements.reserveCapacity(records.count)
                    for record in records {
                        for delivery in record.deliveries { batch.settlements.append(Settlement(delivery, .succeeded)) }
                    }
                    let count = batch.settlements.count
                    journal?.submit(batch) { finish(0, count, $0) }
                }
            }
            let started = ContinuousClock.now
            var next = 0
            while next < total, failure.withLock({ $0 == nil }) {
                room.wait()
                let count = min(self.batch, total - next)
                var batch = Batch()
                batch.appends.reserveCapacity(count)
                for index in next..<next + count {
                    batch.appends.append(
                        Append(
                            log: "bench", eventID: "event-\(index)", ingested: 1_700_000_000_000 + Int64(index),
                            payload: payloads[index % payloads.count], subscriptions: ids, ruleSet: 0))
                }
                next += count
                journal.submit(batch) { result in
                    finish(count, 0, result)
                    room.signal()
                }
            }
            while failure.withLock({ $0 == nil }), done.wait(timeout: .now() + 1) == .timedOut {}
            // A semaphore must not end with less than it began.
            for _ in 0..<window { room.signal() }
            if let error = failure.withLock({ $0 }) { throw error }
            let took = Double((ContinuousClock.now - started).microseconds) / 1_000_000
            return Driven(eventsPerSecond: Double(total) / took, statistics: journal.statistics)
        }
    }

    func subscribe(_ journal: SQLiteJournal, _ count: Int64) throws -> [SubscriptionID] {
        guard count > 0 else { return [] }
        let ids = (1...count).map { SubscriptionID($0) }
        var batch = Batch()
        for id in ids {
            batch.control.append(
                .putSubscription(
                    SubscriptionRecord(id: id, log: "bench", rule: "rule-\(id.value)", target: "bench")))
        }
        _ = try journal.commitBlocking(batch)
        return ids
    }

    // MARK: Helpers

    /// A thousand payloads that differ in every byte, so that nothing is compressed or shared by accident.
    static func payloads(_ bytes: Int) -> [[UInt8]] {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        return (0..<1_000).map { _ in
            (0..<bytes).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: 0x20 + (state >> 33) % 95)
            }
        }
    }

    /// A fresh folder, removed afterwards.
    func withFolder<R>(_ kept: String? = nil, _ body: (String) throws -> R) throws -> R {
        if let kept { return try body(kept) }
        let path = folder + "/bench-\(UUID().uuidString)"
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw JournalError(.inputOutput, "The folder for the measurement cannot be made.", path: path, cause: error)
        }
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }
}

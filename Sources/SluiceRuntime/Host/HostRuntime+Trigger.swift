import EventModel
import FunctionJSON
import HostAPI
import Journal
import Logging
import ObjectStore
import UVLoop

/// Events for what a bucket already has, as the journal keeps the job: where it is commits with the events it has made,
/// so the next host goes on there.
struct TriggerRecord: Codable, Sendable {
    var id: String
    var bucket: String
    var prefix: String
    var rate: Double?
    /// The last key that was announced.
    var after: String?

    static let prefix = "trigger/"
    var name: String { Self.prefix + id }
}

extension HostRuntime {
    /// Makes events for what a bucket already has beneath `prefix`, in pages, at most `rate` a second. What has begun
    /// goes on after a restart; a journal that refuses is asked again.
    func trigger(bucket: String, prefix: String, rate: Double?) async throws(JournalError) {
        var ids = EventID.Generator()
        let job = TriggerRecord(id: ids.next(), bucket: bucket, prefix: prefix, rate: rate)
        var batch = Batch()
        batch.control.append(.putValue(name: job.name, body: JSONText.encode(job)))
        _ = try await journal.commit(batch)
        begin(job)
    }

    /// Goes on with what earlier hosts have begun.
    func resumeTriggers() async throws {
        let journal = journal
        let stored = try await files.run { try journal.values(prefix: TriggerRecord.prefix).map(\.body) }
        for job in stored.compactMap({ JSONText.decode(TriggerRecord.self, from: $0) }) { begin(job) }
    }

    private func begin(_ job: TriggerRecord) {
        Task { @LoopActor in
            var job = job
            var isRefused = false
            let limit = RequestedRate.page(at: job.rate, most: 500)
            while phase != .stopping {
                // What went while no host ran is still in the index until the first scan is over.
                if unscanned.contains(job.bucket) || lostBuckets.contains(job.bucket) {
                    await LoopPause.sleep(milliseconds: 200, while: { phase != .stopping })
                    continue
                }
                do {
                    guard let after = try await announcePage(of: job, limit: limit) else { return }
                    job.after = after
                    isRefused = false
                    guard let rate = job.rate else { continue }
                    let pause = RequestedRate.milliseconds(of: limit, at: rate)
                    await LoopPause.sleep(milliseconds: pause, while: { phase != .stopping })
                } catch let error as JournalError where !error.isPassing {
                    guard error.code != .closed else { return }
                    log.error(
                        "`buckets trigger` ends: its events cannot be committed",
                        metadata: ["bucket": "\(job.bucket)", "after": "\(job.after ?? "")", "error": "\(error)"])
                    return
                } catch {
                    // Said once; it goes on when the journal does.
                    if !isRefused {
                        log.error(
                            "`buckets trigger` waits: its events were refused",
                            metadata: ["bucket": "\(job.bucket)", "after": "\(job.after ?? "")", "error": "\(error)"])
                    }
                    isRefused = true
                    await LoopPause.sleep(milliseconds: 1_000, while: { phase != .stopping })
                }
            }
        }
    }

    /// Announces the job's next page and commits where the job is then with it.
    /// - Returns: the page's last key; nil if it was the last page, or the bucket is not deployed any more, and the job
    ///   is no more.
    private func announcePage(of job: TriggerRecord, limit: Int) async throws -> String? {
        let (journal, announcer) = (journal, announcer)
        guard buckets[job.bucket] != nil else {
            var batch = Batch()
            batch.control.append(.removeValue(name: job.name))
            _ = try await journal.commit(batch)
            return nil
        }
        return try await files.run { () throws -> String? in
            let page = try journal.objects(bucket: job.bucket, prefix: job.prefix, after: job.after, limit: limit)
            guard page.count == limit, let last = page.last?.key else {
                try announcer.announceAgain(page, with: .removeValue(name: job.name))
                return nil
            }
            var next = job
            next.after = last
            try announcer.announceAgain(page, with: .putValue(name: job.name, body: JSONText.encode(next)))
            return last
        }
    }
}

import FunctionJSON
import HostAPI
import Journal
import Logging
import ObjectStore
import UVLoop

/// Makes events for what buckets already have: jobs of the host, which go on after a restart.
@LoopActor
final class TriggerJobs {
    /// Jobs that are over and kept for `buckets jobs`.
    private static let kept = 1000

    private let journal: any JournalStore
    private let files: FileThreads
    private let clock: HostClock
    private let announcer: ObjectAnnouncer
    private let buckets: BucketSet
    private let log: Logger
    /// As the journal has them.
    private var jobs: [String: TriggerRecord] = [:]
    /// What a job commits, and its cancellation, come one after the other.
    private let turns = NameLocks()
    private static let starting: Set<String> = [""]
    private var isStopping = false
    /// Of this host's life: jobs are numbered within it, as redrives are.
    private var lastJob: Int64 = 0
    private let boot: Int64
    /// Whether a bucket can be looked through: what went while no host ran is still in the index until its first scan
    /// is over.
    var isKnown: @LoopActor (_ bucket: String) -> Bool = { _ in true }

    init(
        journal: any JournalStore, files: FileThreads, clock: HostClock, announcer: ObjectAnnouncer,
        buckets: BucketSet, log: Logger, boot: Int64
    ) {
        self.boot = boot
        self.journal = journal
        self.files = files
        self.clock = clock
        self.announcer = announcer
        self.buckets = buckets
        self.log = log
    }

    /// Makes events for what a bucket has beneath a prefix, in pages, at most `rate` a second; durable when it returns.
    /// One that runs for the same objects is all there is: two would announce each of them twice.
    func start(bucket: String, _ request: TriggerRequest, selected: Int64) async throws -> (TriggerJob, isNew: Bool) {
        await turns.acquire(Self.starting)
        defer { turns.release(Self.starting) }
        lastJob += 1
        let job = TriggerRecord(
            id: "trigger-\(boot)-\(lastJob)", bucket: bucket, prefix: request.prefix, rate: request.rate,
            selected: selected, sent: 0, by: request.by, created: clock.wall)
        if let running = jobs.values.first(where: { $0.ended == nil && $0.isAlike(job) }) {
            guard running.rate == request.rate else {
                throw APIError.conflict(
                    "\(running.id) announces these objects already, at another rate",
                    hint: "cancel it first: sluice buckets jobs \(running.id) --cancel")
            }
            return (running.job, false)
        }
        try await store(job)
        Task { @LoopActor in await run(job.id) }
        return (job.job, true)
    }

    /// Stops making events; those that were made are delivered. Durable when it returns; nil where there is no such
    /// job.
    func cancel(_ id: String) async throws -> TriggerJob? {
        await turns.acquire([id])
        defer { turns.release([id]) }
        guard var job = jobs[id] else { return nil }
        if job.ended == nil {
            job.cancelled = true
            job.ended = clock.wall
            try await store(job)
        }
        return job.job
    }

    func job(_ id: String) -> TriggerJob? { jobs[id]?.job }

    /// Newest first.
    func list() -> [TriggerJob] {
        jobs.values.sorted { ($0.created ?? 0, $0.id) > ($1.created ?? 0, $1.id) }.map(\.job)
    }

    /// Goes on with what earlier hosts have begun.
    func resume() async throws {
        let journal = journal
        let stored = try await files.run { try journal.values(prefix: TriggerRecord.prefix).map(\.body) }
        for job in stored.compactMap({ JSONText.decode(TriggerRecord.self, from: $0) }) { jobs[job.id] = job }
        let ended = jobs.values.filter { $0.ended != nil }.sorted { ($0.created ?? 0) < ($1.created ?? 0) }
        if ended.count > Self.kept {
            var batch = Batch()
            for job in ended.prefix(ended.count - Self.kept) {
                jobs[job.id] = nil
                batch.control.append(.removeValue(name: job.name))
            }
            _ = try await journal.commit(batch)
        }
        for job in jobs.values where job.ended == nil { Task { @LoopActor in await run(job.id) } }
    }

    func stop() { isStopping = true }

    private func store(_ job: TriggerRecord) async throws(JournalError) {
        var batch = Batch()
        batch.control.append(.putValue(name: job.name, body: JSONText.encode(job)))
        _ = try await journal.commit(batch)
        jobs[job.id] = job
    }

    // MARK: Announcing

    private func run(_ id: String) async {
        var isRefused = false
        while !isStopping, let job = jobs[id], job.ended == nil {
            guard isKnown(job.bucket) else {
                await LoopPause.sleep(milliseconds: 200, while: { !isStopping })
                continue
            }
            do {
                let count = try await announcePage(of: id)
                isRefused = false
                guard let rate = job.rate else { continue }
                await LoopPause.sleep(
                    milliseconds: RequestedRate.milliseconds(of: count, at: rate),
                    while: { !isStopping && jobs[id]?.ended == nil })
            } catch let error as JournalError where !error.isPassing {
                guard error.code != .closed else { return }
                log.error("`buckets trigger` ends: its events cannot be committed", metadata: told(job, error))
                return await fail(id, because: "its events cannot be committed: \(error)")
            } catch {
                // Said once; it goes on when the journal does.
                if !isRefused {
                    log.error("`buckets trigger` waits: its events were refused", metadata: told(job, error))
                }
                isRefused = true
                await LoopPause.sleep(milliseconds: 1_000, while: { !isStopping })
            }
        }
    }

    private func told(_ job: TriggerRecord, _ error: any Error) -> Logger.Metadata {
        ["job": "\(job.id)", "bucket": "\(job.bucket)", "after": "\(job.after ?? "")", "error": "\(error)"]
    }

    private func fail(_ id: String, because reason: String) async {
        await turns.acquire([id])
        defer { turns.release([id]) }
        guard var job = jobs[id], job.ended == nil else { return }
        job.reason = reason
        job.ended = clock.wall
        // A journal that does not take this either has it as running: the next host tries again.
        do throws(JournalError) { try await store(job) } catch { jobs[id] = job }
    }

    /// Announces the job's next page, and commits with it where the job is then.
    /// - Returns: how many objects that were.
    private func announcePage(of id: String) async throws -> Int {
        await turns.acquire([id])
        defer { turns.release([id]) }
        guard var job = jobs[id], job.ended == nil else { return 0 }
        guard buckets[job.bucket] != nil else {
            job.reason = "there is no bucket \(job.bucket) any more"
            job.ended = clock.wall
            try await store(job)
            return 0
        }
        let (journal, announcer, asked, now) = (journal, announcer, job, clock.wall)
        let limit = RequestedRate.page(at: job.rate, most: 500)
        let (next, count) = try await files.run { () throws -> (TriggerRecord, Int) in
            let page = try journal.objects(bucket: asked.bucket, prefix: asked.prefix, after: asked.after, limit: limit)
            var next = asked
            next.sent = (asked.sent ?? 0) + Int64(page.count)
            next.after = page.last?.key ?? asked.after
            if page.count < limit { next.ended = now }
            try announcer.announceAgain(page, with: .putValue(name: next.name, body: JSONText.encode(next)))
            return (next, page.count)
        }
        jobs[id] = next
        return count
    }
}

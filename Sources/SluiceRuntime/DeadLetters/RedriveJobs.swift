import EventModel
package import HostAPI
package import Journal
package import UVLoop

/// Sends dead letters again, to the subscriptions that failed and to no other: a job of the host that survives a
/// restart, because its cursor commits with what it has sent.
@LoopActor
package final class RedriveJobs {
    /// A job as the journal keeps it.
    struct Job: Codable, Sendable {
        var id: String
        var selection: DeadLetterSelection
        /// Dead letters that came later are not taken.
        var lastID: Int64
        var cursor: Int64
        var selected: Int
        var sent: Int
        /// Ids sent, for the progress of a recent job.
        var rate: Double?
        var finished: Bool
    }

    nonisolated static let prefix = "redrive/"
    private static let page = 100

    private let journal: any JournalStore
    private let committer: Committer
    private let files: FileThreads
    private let clock: HostClock
    private unowned let dispatcher: Dispatcher
    private var jobs: [String: Job] = [:]
    private var sentIDs: [String: [Int64]] = [:]
    private var lastJob: Int64 = 0
    /// One page at a time over all jobs: what one has taken, another must not see as dead.
    package let turn = NameLocks()
    package static let letters: Set<String> = ["dead letters"]
    private let boot: Int64

    package init(
        journal: any JournalStore, committer: Committer, files: FileThreads, clock: HostClock, dispatcher: Dispatcher,
        boot: Int64
    ) {
        self.journal = journal
        self.committer = committer
        self.files = files
        self.clock = clock
        self.dispatcher = dispatcher
        self.boot = boot
    }

    /// Takes up the jobs that an earlier life left unfinished.
    package func resume() async throws {
        let journal = journal
        for (_, body) in try await files.run({ try journal.values(prefix: Self.prefix).map { ($0.name, $0.body) } }) {
            guard let job = JSONText.decode(Job.self, from: body) else { continue }
            jobs[job.id] = job
            if !job.finished { Task { @LoopActor in await run(job.id) } }
        }
    }

    /// Starts a job for everything the selection names now.
    package func start(_ selection: DeadLetterSelection, rate: Double?) async throws -> RedriveJob {
        let letters = try await select(selection)
        lastJob += 1
        let id = "redrive-\(boot)-\(lastJob)"
        let job = Job(
            id: id, selection: selection, lastID: letters.last?.id ?? 0, cursor: 0, selected: letters.count, sent: 0,
            rate: rate, finished: letters.isEmpty)
        var batch = Batch()
        batch.control.append(.putValue(name: Self.prefix + id, body: JSONText.encode(job)))
        _ = try await committer.commit(batch)
        jobs[id] = job
        if !job.finished { Task { @LoopActor in await run(id) } }
        return report(job, letters: [])
    }

    /// What `selection` names, all of it, oldest first.
    package func select(_ selection: DeadLetterSelection) async throws -> [DeadLetter] {
        var found: [DeadLetter] = []
        var after: Int64 = 0
        while true {
            let page = try await next(selection, after: after, through: .max, limit: 1000)
            found += page.letters
            guard page.isFull, let last = page.last else { return found }
            after = last
        }
    }

    package func job(_ id: String) async throws -> RedriveJob? {
        guard let job = jobs[id] else { return nil }
        var result = report(job, letters: [])
        let (journal, ids) = (journal, sentIDs[id] ?? [])
        let states = try await files.run { try ids.compactMap { try journal.deadLetter(id: $0)?.state } }
        result.succeeded = states.count { $0 == .redriven }
        result.failed = states.count { $0 == .dead }
        let settled = result.succeeded + result.failed
        if job.finished, settled >= ids.count { result.state = "finished" } else { result.state = "running" }
        return result
    }

    private func report(_ job: Job, letters: [DeadLetterSummary]) -> RedriveJob {
        RedriveJob(
            id: job.id, state: job.finished && job.selected == 0 ? "finished" : "running", selected: job.selected,
            sent: job.sent, letters: letters)
    }

    private func run(_ id: String) async {
        while var job = jobs[id], !job.finished {
            await turn.acquire(Self.letters)
            let limit = job.rate.map { max(1, min(Self.page, Int($0))) } ?? Self.page
            guard let page = try? await next(job.selection, after: job.cursor, through: job.lastID, limit: limit) else {
                // The journal cannot be read: the job stays, and goes on with the next host or the next try.
                turn.release(Self.letters)
                await pause(milliseconds: 1000)
                continue
            }
            var batch = Batch()
            var works: [Work] = []
            for letter in page.letters {
                guard let work = dispatcher.work(redriving: letter) else { continue }
                works.append(work)
                batch.deadLetters.append(.setState(id: letter.id, .redriving))
                batch.pending.append(.put(dispatcher.entry(redriving: work)))
            }
            job.cursor = page.last ?? job.lastID
            job.sent += works.count
            job.finished = !page.isFull
            batch.control.append(.putValue(name: Self.prefix + id, body: JSONText.encode(job)))
            do {
                _ = try await committer.commit(batch)
            } catch {
                turn.release(Self.letters)
                return
            }
            jobs[id] = job
            sentIDs[id, default: []] += works.compactMap(\.deadLetter)
            dispatcher.redrive(works)
            turn.release(Self.letters)
            if let rate = job.rate, !job.finished { await pause(milliseconds: Int(Double(limit) / rate * 1000)) }
        }
    }

    private func pause(milliseconds: Int) async {
        await withCheckedContinuation { continuation in
            _ = LoopTimer.after(.milliseconds(milliseconds)) { continuation.resume() }
        }
    }

    private struct Page: Sendable {
        var letters: [DeadLetter]
        var last: Int64?
        var isFull: Bool
    }

    private func next(
        _ selection: DeadLetterSelection, after: Int64, through last: Int64, limit: Int
    ) async throws -> Page {
        let journal = journal
        return try await files.run {
            if let ids = selection.ids {
                // Each once, however often it is named.
                let wanted = Set(ids).sorted().filter { $0 > after && $0 <= last }.prefix(limit)
                let chosen = try wanted.compactMap { try journal.deadLetter(id: $0) }
                    .filter { $0.state == .dead && selection.admits($0) }
                return Page(letters: chosen, last: wanted.last, isFull: wanted.count == limit)
            }
            let found = try journal.deadLetters(
                DeadLetterFilter(
                    states: [.dead], target: selection.function, fingerprint: selection.fingerprint,
                    code: selection.code, afterID: after, limit: limit)
            ).filter { $0.id <= last }
            return Page(letters: found, last: found.last?.id, isFull: found.count == limit)
        }
    }
}

extension DeadLetterSelection {
    func admits(_ letter: DeadLetter) -> Bool {
        (function == nil || function == letter.target) && (code == nil || code == letter.code)
            && (fingerprint == nil || fingerprint == letter.fingerprint)
    }
}

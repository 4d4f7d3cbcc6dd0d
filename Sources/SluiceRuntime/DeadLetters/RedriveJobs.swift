import FunctionJSON
package import HostAPI
package import Journal
import Logging
package import UVLoop

/// Sends dead letters again, to the subscriptions that failed or to a function that is named: a job of the host that
/// survives a restart, because its cursor commits with what it has sent, and whose outcomes are kept.
@LoopActor
package final class RedriveJobs {
    /// Letters of one commit.
    private static let page = 1000
    /// A job sends no more than its page while so many of all jobs are under way: they lie in memory.
    static let window = 8 * page
    /// Bytes of events that a page may have, and that may lie in memory: estimated from the page before.
    private static let (pageBytes, windowBytes) = (8 << 20, 64 << 20)
    /// Jobs that are kept for `dlq jobs`.
    static let kept = 1000

    let journal: any JournalStore
    let committer: Committer
    let files: FileThreads
    let clock: HostClock
    unowned let dispatcher: Dispatcher
    /// As they are in the journal once everything that was asked of it is: what is written of a job is always the
    /// newest.
    var jobs: [String: RedriveRecord] = [:]
    var tally = RedriveTally()
    var waiters: [() -> Void] = []
    /// Jobs with a page on its way into the journal, as they were before it.
    var sending: [String: RedriveRecord] = [:]
    /// Those of them of which more was written meanwhile: it says that the page was sent.
    var toldAhead: Set<String> = []
    /// Called when a job is over.
    var ended: @LoopActor () -> Void = {}
    /// Brings the versions that jobs are pinned to into force, or out of it.
    var apply: @LoopActor () async throws -> Void = {}
    /// The jobs of earlier lives are here.
    var isLoaded = false
    private var lastJob: Int64 = 0
    /// Of the page that was sent last.
    private var lastOrder: Int64 = 0
    /// One page at a time over all jobs: what one has taken, another must not see as dead.
    private var turn: NameLocks { dispatcher.turns }
    private static var letters: Set<String> { Dispatcher.deadLetters }
    /// Rises whenever somebody has taken letters: what was read before may be out of date.
    private var turns = 0
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
        committer.observeDeadLetters { [weak self, weak dispatcher] changes in
            dispatcher?.redrivesSettled(changes)
            self?.settled(changes)
        }
    }

    /// Every removal of dead letters takes its turn here.
    package func exclusively<Value: Sendable>(_ body: @LoopActor () async throws -> Value) async rethrows -> Value {
        await turn.acquire(Self.letters)
        defer {
            turns += 1
            turn.release(Self.letters)
        }
        return try await body()
    }

    /// Starts a job for everything that the request selects now.
    package func start(_ request: RedriveRequest) async throws -> RedriveJob {
        let target: (key: String, version: FunctionVersion?)?
        if let to = request.to { target = try await self.target(to) } else { target = nil }
        let (journal, chooser) = (journal, try DeadLetterChooser(request.selection))
        let (count, lastID) = try await files.run { try chooser.count(journal) }
        // What does nothing leaves no trace.
        guard count > 0 else {
            return RedriveJob(
                id: "", state: .completed, selected: 0, letters: [], selection: request.selection, to: target?.key)
        }
        let overlaps = try await overlaps(chooser)
        let held = target == nil ? try await held(chooser) : nil
        lastJob += 1
        let job = RedriveRecord(
            id: "redrive-\(boot)-\(lastJob)", selection: request.selection, to: target?.key,
            edit: request.payload?.text, by: request.by, created: clock.wall, lastID: lastID, selected: count,
            rate: request.rate, olderVersions: request.olderVersions, version: target?.version)
        var batch = Batch()
        batch.control.append(.putValue(name: job.name, body: JSONText.encode(job)))
        _ = try await committer.command(batch)
        jobs[job.id] = job
        if job.version != nil {
            do { try await apply() } catch {
                await end(job.id, because: "\(job.to ?? "") cannot be put into force: \(error). Nothing was sent")
            }
        }
        if jobs[job.id]?.finished == false { Task { @LoopActor in await run(job.id) } }
        var told = report(jobs[job.id] ?? job)
        told.alsoIn = overlaps.isEmpty ? nil : overlaps
        told.held = held
        return told
    }

    /// Which jobs have still to send letters that a selection means, too. Of very many letters the first are looked at.
    private func overlaps(_ chooser: DeadLetterChooser) async throws -> [RedriveJob.Overlap] {
        let others = jobs.values.filter { !$0.finished }.sorted { ($0.created ?? 0, $0.id) < ($1.created ?? 0, $1.id) }
        guard !others.isEmpty else { return [] }
        let (journal, most) = (journal, 100_000)
        return try await files.run {
            let choosers = others.map { try? DeadLetterChooser($0.selection) }
            var (counts, seen) = (others.map { _ in 0 }, 0)
            try chooser.each(journal) { letters in
                for (index, other) in others.enumerated() {
                    let ahead = letters.filter { $0.id > other.cursor && $0.id <= other.lastID }
                    counts[index] += choosers[index]?.meant(of: ahead).count ?? 0
                }
                seen += letters.count
                return seen < most
            }
            return zip(others, counts).filter { $1 > 0 }.map { .init(job: $0.id, count: $1) }
        }
    }

    /// Stops sending; what was sent is delivered. Durable when it returns; nil where there is no such job. Where the
    /// journal refuses, nothing more is sent all the same, it is written as soon as there is room, and this throws.
    package func cancel(_ id: String) async throws -> RedriveJob? {
        guard var job = jobs[id] else { return nil }
        guard !job.finished else { return report(job) }
        job.cancelled = true
        job.finished = true
        jobs[id] = job
        close(id)
        var batch = Batch()
        batch.control.append(change(of: id))
        _ = try await committer.command(batch, refusal: .tells)
        return report(jobs[id] ?? job)
    }

    package func job(_ id: String) -> RedriveJob? { jobs[id].map(report) }

    /// Newest first.
    package func list() -> [RedriveJob] {
        jobs.values.sorted { ($0.created ?? 0, $0.id) > ($1.created ?? 0, $1.id) }.map(report)
    }

    // MARK: Sending

    func run(_ id: String) async {
        guard await dispatcher.mayGoOn(), let job = jobs[id] else { return }
        let chooser: DeadLetterChooser
        do throws(APIError) {
            chooser = try DeadLetterChooser(job.selection)
        } catch {
            return await end(id, because: error.message)
        }
        let most = RequestedRate.page(at: job.rate, most: Self.page)
        // Of an event, with the first page as a small one.
        var average = Self.pageBytes / 100
        var ahead: Task<DeadLetterChooser.Page, any Error>?
        var seen = -1
        while let job = jobs[id], !job.finished {
            let limit = max(1, min(most, Self.pageBytes / average))
            // A page of its own each job may have under way: what others have sent may wait for a target that is
            // paused.
            while tally.underWay >= min(Self.window, Self.windowBytes / average), tally.left(of: id) >= limit {
                await change()
            }
            if let to = job.to, !dispatcher.isOffered(to) {
                return await end(
                    id, because: "the function \(to) is no longer deployed; what was not sent is still dead")
            }
            await turn.acquire(Self.letters)
            if seen != turns { ahead = nil }
            let reading = ahead ?? read(chooser, after: job.cursor, through: job.lastID, limit: limit)
            let page: DeadLetterChooser.Page
            do {
                page = try await reading.value
            } catch {
                // The journal cannot be read: the job stays, and goes on with the next try or the next host.
                ahead = nil
                turn.release(Self.letters)
                guard await goesOn(id, after: error) else { return }
                continue
            }
            turns += 1
            seen = turns
            if !page.letters.isEmpty {
                average = max(256, page.letters.reduce(0) { $0 + $1.payload.count } / page.letters.count)
            }
            if page.isFull, let last = page.last {
                let limit = max(1, min(most, Self.pageBytes / average))
                ahead = read(chooser, after: last, through: job.lastID, limit: limit)
            }
            let refusal = await send(page, of: id)
            turn.release(Self.letters)
            if let refusal {
                ahead = nil
                guard await goesOn(id, after: refusal) else { return }
                continue
            }
            if let rate = job.rate {
                await LoopPause.sleep(
                    milliseconds: RequestedRate.milliseconds(of: page.letters.count, at: rate),
                    while: { jobs[id]?.finished == false })
            }
        }
    }

    private func read(
        _ chooser: DeadLetterChooser, after: Int64, through last: Int64, limit: Int
    ) -> Task<DeadLetterChooser.Page, any Error> {
        let (journal, files) = (journal, files)
        return Task { try await files.run { try chooser.page(journal, after: after, through: last, limit: limit) } }
    }

    /// One page into the journal and to the dispatcher. Why the journal refuses; nil: it is done.
    private func send(_ page: DeadLetterChooser.Page, of id: String) async -> JournalError? {
        guard let job = jobs[id], !job.finished else { return nil }
        var letters = page.letters.filter { !tally.has($0.id) }
        let ids = letters.map(\.id)
        let older: Set<Int64>
        do throws(JournalError) { older = try await replaced(letters, for: job) } catch { return error }
        if !older.isEmpty { letters.removeAll { older.contains($0.id) } }
        let ruleSet = dispatcher.deployment.ruleSet
        let works = await dispatcher.works(redriving: letters, to: job.to, edit: job.edit)
        // Cancelled meanwhile: nothing of it is sent. Outcomes may have been counted, too.
        guard let before = jobs[id], !before.finished else { return nil }
        var batch = Batch()
        for work in works {
            guard let letter = work.deadLetter else { continue }
            batch.deadLetters.append(.setState(id: letter, .redriving))
            batch.pending.append(.put(dispatcher.entry(redriving: work)))
        }
        var next = before
        next.cursor = page.last ?? before.lastID
        next.sent += works.count
        next.finished = !page.isFull || next.cursor >= before.lastID
        let going = works.compactMap(\.deadLetter)
        var sent = RedrivePage(older.isEmpty ? going : ids.filter(older.union(going).contains), order: nextOrder())
        for id in ids where older.contains(id) { sent.fail(id, NewerVersion.code) }
        if !older.isEmpty { next.older = (before.older ?? 0) + older.count }
        if works.isEmpty, !older.isEmpty {
            sent.close()
            next.failed = (before.failed ?? 0) + older.count
        }
        if !works.isEmpty || !older.isEmpty {
            next.pages = (before.pages ?? 0) + 1
            batch.control.append(.putValue(name: next.name(ofPage: next.pages ?? 0), body: JSONText.encode(sent)))
        }
        // Before it is durable: whatever else is written of the job from now on comes later in the journal, and must
        // not take this back.
        jobs[id] = next
        batch.control.append(change(of: id))
        sending[id] = before
        do throws(JournalError) {
            // Those who purge wait for this turn.
            _ = try await committer.command(batch)
        } catch {
            sending[id] = nil
            jobs[id]?.cursor = before.cursor
            jobs[id]?.sent = before.sent
            jobs[id]?.pages = before.pages
            jobs[id]?.older = before.older
            if !sent.isOpen { jobs[id]?.failed? -= older.count }
            let isCancelled = jobs[id]?.cancelled == true
            jobs[id]?.finished = isCancelled
            if toldAhead.remove(id) != nil { store(id) }
            close(id)
            return error
        }
        sending[id] = nil
        toldAhead.remove(id)
        if !works.isEmpty {
            tally.send(
                sent, at: .init(job: id, page: next.pages ?? 0), to: Set(works.lazy.map(\.delivery.subscription)))
        }
        // A deployment that came meanwhile may read keys in another way.
        dispatcher.redrive(ruleSet == dispatcher.deployment.ruleSet ? works : dispatcher.readAgain(works))
        close(id)
        return nil
    }

    /// Pages by when they were sent, over all jobs and lives.
    private func nextOrder() -> Int64 {
        lastOrder = max(lastOrder + 1, clock.wall)
        return lastOrder
    }

    private func change() async {
        await withCheckedContinuation { continuation in waiters.append { continuation.resume() } }
    }
}

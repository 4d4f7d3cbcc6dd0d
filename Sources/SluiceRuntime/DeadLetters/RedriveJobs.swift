import FunctionJSON
package import HostAPI
package import Journal
package import UVLoop

/// Sends dead letters again, to the subscriptions that failed or to a function that is named: a job of the host that
/// survives a restart, because its cursor commits with what it has sent, and whose outcomes are kept.
@LoopActor
package final class RedriveJobs {
    /// Letters of one commit.
    private static let page = 1000
    /// A job sends no more while so many of all jobs are under way: they lie in memory.
    private static let window = 8 * page
    /// Bytes of events that a page may have, and that may lie in memory: estimated from the page before.
    private static let (pageBytes, windowBytes) = (8 << 20, 64 << 20)
    /// Jobs that are kept for `dlq jobs`.
    private static let kept = 1000

    private let journal: any JournalStore
    private let committer: Committer
    private let files: FileThreads
    private let clock: HostClock
    private unowned let dispatcher: Dispatcher
    private var jobs: [String: RedriveRecord] = [:]
    private var tally = RedriveTally()
    private var waiters: [() -> Void] = []
    private var lastJob: Int64 = 0
    /// One page at a time over all jobs: what one has taken, another must not see as dead.
    private let turn = NameLocks()
    private static let letters: Set<String> = ["dead letters"]
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
        committer.observeDeadLetters { [weak self] changes in self?.settled(changes) }
    }

    /// Takes up the jobs of earlier lives: those that are not through go on.
    package func resume() async throws {
        let journal = journal
        let stored = try await files.run {
            try journal.values(prefix: RedriveRecord.prefix).compactMap {
                JSONText.decode(RedriveRecord.self, from: $0.body)
            }
        }
        for job in stored { jobs[job.id] = job }
        for job in stored where job.ended == nil {
            try await reopen(job)
            if job.finished { close(job.id) } else { Task { @LoopActor in await run(job.id) } }
        }
        try await forgetOldest()
    }

    /// Whoever takes dead letters away does it here.
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
        let (journal, chooser) = (journal, try DeadLetterChooser(request.selection))
        let (count, lastID) = try await files.run { try chooser.count(journal) }
        lastJob += 1
        let job = RedriveRecord(
            id: "redrive-\(boot)-\(lastJob)", selection: request.selection, to: request.to,
            edit: request.payload?.text, by: request.by, created: clock.wall, lastID: lastID, selected: count,
            rate: request.rate)
        var batch = Batch()
        batch.control.append(.putValue(name: job.name, body: JSONText.encode(job)))
        _ = try await committer.commit(batch)
        jobs[job.id] = job
        if !job.finished { Task { @LoopActor in await run(job.id) } }
        return report(job)
    }

    /// Stops sending; what was sent is delivered. Nil where there is no such job.
    package func cancel(_ id: String) async throws -> RedriveJob? {
        guard var job = jobs[id] else { return nil }
        guard !job.finished else { return report(job) }
        job.cancelled = true
        job.finished = true
        jobs[id] = job
        close(id)
        return report(jobs[id] ?? job)
    }

    package func job(_ id: String) -> RedriveJob? { jobs[id].map(report) }

    /// Newest first.
    package func list() -> [RedriveJob] {
        jobs.values.sorted { ($0.created ?? 0, $0.id) > ($1.created ?? 0, $1.id) }.map(report)
    }

    /// What came of each letter of a job, in the order sent, from page `page` (1 for the first) on; nil where there is
    /// no such job or page.
    package func outcomes(of id: String, page: Int) async throws -> [RedriveOutcome]? {
        guard let job = jobs[id], page >= 1, page <= job.pages ?? 0 else { return nil }
        let (journal, name) = (journal, job.name(ofPage: page))
        var sent = tally.page(at: .init(job: id, page: page))
        if sent == nil {
            sent = try await files.run {
                try journal.value(name: name).flatMap { JSONText.decode(RedrivePage.self, from: $0) }
            }
        }
        guard let sent else { return nil }
        let failed = Dictionary(sent.failed.map { ($0.id, $0.code) }, uniquingKeysWith: { $1 })
        return sent.ids.map { letter in
            let state = tally.has(letter) ? "under way" : failed[letter] == nil ? "succeeded" : "failed"
            return RedriveOutcome(deadLetter: letter, state: state, code: failed[letter])
        }
    }

    /// The edits that were sent for a dead letter, oldest first.
    package func edits(of letter: Int64) -> [RedriveRecord] {
        jobs.values.filter { $0.edit != nil && $0.selection.ids == [letter] }
            .sorted { ($0.created ?? 0, $0.id) < ($1.created ?? 0, $1.id) }
    }

    // MARK: Sending

    private func run(_ id: String) async {
        guard let job = jobs[id], let chooser = try? DeadLetterChooser(job.selection) else { return }
        let most = job.rate.map { max(1, min(Self.page, Int($0 / 4))) } ?? Self.page
        // Of an event, with the first page as a small one.
        var average = Self.pageBytes / 100
        var ahead: Task<DeadLetterChooser.Page, any Error>?
        var seen = -1
        while let job = jobs[id], !job.finished {
            while tally.underWay >= min(Self.window, Self.windowBytes / average) { await change() }
            let limit = max(1, min(most, Self.pageBytes / average))
            await turn.acquire(Self.letters)
            if seen != turns { ahead = nil }
            let reading = ahead ?? read(chooser, after: job.cursor, through: job.lastID, limit: limit)
            guard let page = try? await reading.value else {
                // The journal cannot be read: the job stays, and goes on with the next try or the next host.
                ahead = nil
                turn.release(Self.letters)
                await pause(milliseconds: 1000)
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
            let isSent = await send(page, of: id)
            turn.release(Self.letters)
            guard isSent else { return }
            if let rate = job.rate, jobs[id]?.finished == false {
                await pause(milliseconds: Int(Double(limit) / rate * 1000))
            }
        }
    }

    private func read(
        _ chooser: DeadLetterChooser, after: Int64, through last: Int64, limit: Int
    ) -> Task<DeadLetterChooser.Page, any Error> {
        let (journal, files) = (journal, files)
        return Task { try await files.run { try chooser.page(journal, after: after, through: last, limit: limit) } }
    }

    /// One page into the journal and to the dispatcher; false: the journal refuses.
    private func send(_ page: DeadLetterChooser.Page, of id: String) async -> Bool {
        guard var job = jobs[id], !job.finished else { return true }
        let letters = page.letters.filter { !tally.has($0.id) }
        let works = await dispatcher.works(redriving: letters, to: job.to, edit: job.edit)
        var batch = Batch()
        for work in works {
            guard let letter = work.deadLetter else { continue }
            batch.deadLetters.append(.setState(id: letter, .redriving))
            batch.pending.append(.put(dispatcher.entry(redriving: work)))
        }
        job.cursor = page.last ?? job.lastID
        job.sent += works.count
        job.finished = !page.isFull || job.cursor >= job.lastID
        let sent = RedrivePage(works.compactMap(\.deadLetter))
        if !works.isEmpty {
            job.pages = (job.pages ?? 0) + 1
            batch.control.append(.putValue(name: job.name(ofPage: job.pages ?? 0), body: JSONText.encode(sent)))
        }
        batch.control.append(.putValue(name: job.name, body: JSONText.encode(job)))
        guard (try? await committer.commit(batch)) != nil else { return false }
        // Cancelled while this was written: what was sent counts all the same.
        if jobs[id]?.cancelled == true {
            job.cancelled = true
            job.finished = true
        }
        job.succeeded = jobs[id]?.succeeded
        job.failed = jobs[id]?.failed
        jobs[id] = job
        if !works.isEmpty { tally.send(sent, at: .init(job: id, page: job.pages ?? 0)) }
        dispatcher.redrive(works)
        if job.finished { close(id) }
        return true
    }

    // MARK: Outcomes

    /// The journal has settled dead letters, or has them back.
    private func settled(_ changes: [DeadLetterChange]) {
        var batch = Batch()
        var touched: Set<String> = []
        for change in changes {
            let closed: (place: RedriveTally.Place, page: RedrivePage, succeeded: Int)?
            switch change {
            case .setState(let id, .redriven): closed = tally.settle(id, failure: nil)
            case .update(let letter) where letter.state == .dead:
                closed = tally.settle(letter.id, failure: letter.code)
            case .setState, .update, .insert: continue
            }
            guard let closed, var job = jobs[closed.place.job] else { continue }
            job.succeeded = (job.succeeded ?? 0) + closed.succeeded
            job.failed = (job.failed ?? 0) + closed.page.failed.count
            jobs[job.id] = job
            batch.control.append(
                .putValue(name: job.name(ofPage: closed.place.page), body: JSONText.encode(closed.page)))
            touched.insert(job.id)
        }
        for id in touched {
            guard let job = jobs[id] else { continue }
            batch.control.append(.putValue(name: job.name, body: JSONText.encode(job)))
        }
        if !batch.isEmpty { committer.enqueue(batch) }
        for id in touched { close(id) }
        guard tally.underWay < Self.window else { return }
        let resumed = waiters
        waiters = []
        for waiter in resumed { waiter() }
    }

    /// Ends a job of which everything is sent and settled.
    private func close(_ id: String) {
        guard var job = jobs[id], job.finished, job.ended == nil else { return }
        if tally.standing(of: id).pages == 0 { job.ended = clock.wall }
        jobs[id] = job
        var batch = Batch()
        batch.control.append(.putValue(name: job.name, body: JSONText.encode(job)))
        committer.enqueue(batch)
    }

    /// Reads the open pages of an earlier life's job; what was settled since they were written is counted from the letters.
    private func reopen(_ job: RedriveRecord) async throws {
        let journal = journal
        for number in stride(from: 1, through: job.pages ?? 0, by: 1) {
            let name = job.name(ofPage: number)
            let (page, letters) = try await files.run { () throws -> (RedrivePage?, [DeadLetter]) in
                guard let page = try journal.value(name: name).flatMap({ JSONText.decode(RedrivePage.self, from: $0) }),
                    page.isOpen
                else { return (nil, []) }
                return (page, try page.ids.compactMap { try journal.deadLetter(id: $0) })
            }
            guard let page else { continue }
            tally.send(page, at: .init(job: job.id, page: number))
            let changes = letters.compactMap { letter -> DeadLetterChange? in
                switch letter.state {
                case .redriving: nil
                case .redriven: .setState(id: letter.id, .redriven)
                case .dead, .purged:
                    .update(
                        {
                            var again = letter
                            again.state = .dead
                            return again
                        }())
                }
            }
            settled(changes)
        }
    }

    private func change() async {
        await withCheckedContinuation { continuation in waiters.append { continuation.resume() } }
    }

    private func pause(milliseconds: Int) async {
        await withCheckedContinuation { continuation in
            _ = LoopTimer.after(.milliseconds(milliseconds)) { continuation.resume() }
        }
    }

    /// Old audit trails go, the oldest first.
    private func forgetOldest() async throws {
        let ended = jobs.values.filter { $0.ended != nil }.sorted { ($0.created ?? 0) < ($1.created ?? 0) }
        guard ended.count > Self.kept else { return }
        var batch = Batch()
        for job in ended.prefix(ended.count - Self.kept) {
            jobs[job.id] = nil
            batch.control.append(.removeValue(name: job.name))
            for number in stride(from: 1, through: job.pages ?? 0, by: 1) {
                batch.control.append(.removeValue(name: job.name(ofPage: number)))
            }
        }
        _ = try await committer.commit(batch)
    }

    private func report(_ job: RedriveRecord) -> RedriveJob {
        let open = tally.standing(of: job.id)
        let isOver = job.finished && open.pages == 0
        return RedriveJob(
            id: job.id, state: !isOver ? "running" : job.cancelled == true ? "cancelled" : "finished",
            selected: job.selected, sent: job.sent, succeeded: (job.succeeded ?? 0) + open.succeeded,
            failed: (job.failed ?? 0) + open.failed, selection: job.selection, to: job.to,
            isEdited: job.edit == nil ? nil : true, rate: job.rate, by: job.by,
            created: job.created.map { .init($0) }, ended: job.ended.map { .init($0) }, pages: job.pages)
    }
}

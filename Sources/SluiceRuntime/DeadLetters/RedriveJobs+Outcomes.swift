package import HostAPI
import Journal
import Logging
import UVLoop

/// What comes of the letters that jobs have sent.
extension RedriveJobs {
    /// A job as it stands now, for the journal. To be made when it is asked for: what was made before may be out of
    /// date.
    func change(of id: String) -> ControlChange {
        guard let job = jobs[id] else { return .removeValue(name: RedriveRecord.prefix + id) }
        if sending[id] != nil { toldAhead.insert(id) }
        return .putValue(name: job.name, body: JSONText.encode(job))
    }

    /// Asks the journal to keep a job as it stands.
    func store(_ id: String) {
        var batch = Batch()
        batch.control.append(change(of: id))
        committer.enqueue(batch)
    }

    /// The journal has settled dead letters, or has them back.
    func settled(_ changes: [DeadLetterChange]) {
        count(
            changes.compactMap { change in
                switch change {
                case .setState(let id, .redriven): tally.settle(id, failure: nil)
                case .update(let letter) where letter.state == .dead: tally.settle(letter.id, failure: letter.code)
                case .setState, .update, .insert: nil
                }
            })
        guard !waiters.isEmpty else { return }
        let resumed = waiters
        waiters = []
        for waiter in resumed { waiter() }
    }

    /// Counts pages that are closed for their jobs.
    func count(_ pages: [RedriveTally.Closed]) {
        var batch = Batch()
        var touched: Set<String> = []
        for closed in pages {
            guard var job = jobs[closed.place.job] else { continue }
            job.succeeded = (job.succeeded ?? 0) + closed.succeeded
            job.failed = (job.failed ?? 0) + closed.page.failed.count
            jobs[job.id] = job
            batch.control.append(
                .putValue(name: job.name(ofPage: closed.place.page), body: JSONText.encode(closed.page)))
            touched.insert(job.id)
        }
        // The page and the count of it are one commit.
        for id in touched { batch.control.append(change(of: id)) }
        if !batch.isEmpty { committer.enqueue(batch) }
        for id in touched { close(id) }
    }

    /// Ends a job of which everything is sent and settled.
    func close(_ id: String) {
        guard let job = jobs[id], job.finished, job.ended == nil, sending[id] == nil,
            tally.standing(of: id).pages == 0
        else { return }
        jobs[id]?.ended = clock.wall
        store(id)
        ended()
        guard job.version != nil else { return }
        // The processes of a version that only it ran go.
        Task { @LoopActor in
            do {
                try await apply()
            } catch {
                // The next deployment, or the next host, does it.
                dispatcher.log.error(
                    "a redrive's version cannot be put away yet", metadata: ["job": "\(id)", "error": "\(error)"])
            }
        }
    }

    /// After a failure: false where the journal is closed, and the next host goes on, and where it is damaged, which
    /// ends the job. Everything else is tried again, a little later.
    func goesOn(_ id: String, after error: any Error) async -> Bool {
        switch (error as? JournalError)?.code {
        case .closed: return false
        case .corrupt:
            if jobs[id]?.reason == nil {
                let sent = (jobs[id]?.sent ?? 0) > 0 ? " What was not sent is still dead" : " Nothing was sent"
                await end(
                    id,
                    because:
                        "the journal is damaged where it has the dead letters: \(error).\(sent); name others by their "
                        + "ids to send them")
            }
            return false
        default: break
        }
        dispatcher.log.error("a redrive cannot go on yet", metadata: ["job": "\(id)", "error": "\(error)"])
        await LoopPause.sleep(milliseconds: 1000)
        return true
    }

    /// Ends a job that cannot go on.
    func end(_ id: String, because reason: String) async {
        dispatcher.log.error("a redrive has ended", metadata: ["job": "\(id)", "reason": "\(reason)"])
        jobs[id]?.reason = reason
        jobs[id]?.finished = true
        close(id)
        while jobs[id] != nil {
            var batch = Batch()
            batch.control.append(change(of: id))
            do throws(JournalError) {
                _ = try await committer.commit(batch)
                return
            } catch {
                guard await goesOn(id, after: error) else { return }
            }
        }
    }

    /// What came of each letter of a job, in the order sent, from page `page` (1 for the first) on; nil where there is
    /// no such job or page.
    package func outcomes(of id: String, page: Int) async throws -> [RedriveOutcome]? {
        guard let job = sending[id] ?? jobs[id], page >= 1, page <= job.pages ?? 0 else { return nil }
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

    /// Old audit trails go, the oldest first.
    func forgetOldest() async throws {
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

    /// A job as it is told.
    func report(_ job: RedriveRecord) -> RedriveJob {
        let open = tally.standing(of: job.id)
        let isOver = job.finished && open.pages == 0 && sending[job.id] == nil
        let durable = sending[job.id] ?? job
        let state: JobState =
            if isOver {
                job.reason != nil ? .failed : job.cancelled == true ? .cancelled : .completed
            } else {
                job.cancelled == true ? .cancelling : .running
            }
        return RedriveJob(
            id: job.id, state: state, reason: job.reason,
            selected: job.selected, sent: durable.sent, succeeded: (job.succeeded ?? 0) + open.succeeded,
            failed: (job.failed ?? 0) + open.failed, selection: job.selection, to: job.to,
            isEdited: job.edit == nil ? nil : true, rate: job.rate, by: job.by,
            started: job.created.map { .init($0) }, ended: job.ended.map { .init($0) }, pages: durable.pages,
            older: durable.older, held: isOver ? nil : held(job))
    }

    /// The job that has a dead letter under way.
    package func job(of letter: Int64) -> String? { tally.job(of: letter) }

    /// The paused targets that letters of a job wait for.
    private func held(_ job: RedriveRecord) -> [RedriveJob.HeldTarget]? {
        job.to == nil ? paused(among: tally.subscriptions(of: job.id)) : nil
    }

    /// The paused targets that what a selection means would wait for. Of very many letters the first are looked at.
    func held(_ chooser: DeadLetterChooser) async throws -> [RedriveJob.HeldTarget]? {
        let deployment = dispatcher.deployment
        let all = Set((deployment.subscriptions + deployment.replays.subscriptions).map(\.id))
        let waiting = all.filter { paused(among: [$0]) != nil }
        guard !waiting.isEmpty else { return nil }
        let journal = journal
        let meant = try await files.run {
            var (meant, seen): (Set<SubscriptionID>, Int) = ([], 0)
            try chooser.each(journal) { letters in
                for letter in letters { meant.insert(letter.delivery.subscription) }
                seen += letters.count
                return seen < 100_000 && !meant.isSuperset(of: waiting)
            }
            return meant
        }
        return paused(among: meant)
    }

    private func paused(among ids: Set<SubscriptionID>) -> [RedriveJob.HeldTarget]? {
        let held = ids.compactMap { id -> RedriveJob.HeldTarget? in
            guard let settings = dispatcher.deployment.subscription(id),
                let reason = dispatcher.deliveryState(of: settings).pauseReason
            else { return nil }
            return .init(bus: settings.bus, rule: settings.rule, target: settings.target, reason: reason)
        }
        return held.isEmpty ? nil : held.sorted { ($0.bus, $0.rule, $0.target) < ($1.bus, $1.rule, $1.target) }
    }
}

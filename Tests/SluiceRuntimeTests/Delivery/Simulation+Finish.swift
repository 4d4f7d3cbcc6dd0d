import Journal
import SluiceRuntime

/// How attempts of the simulated host end, and how what comes of them gets into its journal.
extension Simulation {
    mutating func finishOne(verdict: Verdict?) throws {
        guard !running.isEmpty else { return }
        let attempt = running.remove(at: Int.random(in: 0..<running.count, using: &random))
        try finish(attempt, verdict ?? randomVerdict(for: attempt))
    }

    private mutating func finish(_ attempt: DeliveryCore.Attempt, _ verdict: Verdict) throws {
        if bug != .leaksSlots { core.workerDone(attempt.id) }
        var batch = Batch()
        var fates: [Delivery: SimulationWatch.Fate] = [:]
        var failures: [Delivery: Int] = [:]
        var letters = Pending(batch: Batch())
        let writer = ResolutionWriter(clock: time.clock)
        var early = Batch()
        var resolutions = core.resolve(attempt.id, verdict, now: time.clock.now)
        if bug == .losesBatchTail, resolutions.count > 1 { resolutions.removeLast() }
        if bug == .believesRecordsBehindFailures, case .records(let verdicts) = verdict,
            verdicts.count == attempt.works.count
        {
            let known = Set(resolutions.map(\.work.delivery))
            for (work, verdict) in zip(attempt.works, verdicts) where !known.contains(work.delivery) {
                if case .succeeded = verdict { resolutions.append(.succeeded(work)) }
            }
        }
        watch.ended(attempt)
        for resolution in resolutions {
            try watch.resolved(resolution, now: time.clock.now, wall: time.clock.wall)
            fates[resolution.work.delivery] = watch.fate(resolution.work.delivery)
            failures[resolution.work.delivery] = watch.failures(resolution.work.delivery)
            switch resolution {
            case .succeeded(let work):
                writer.finish(work, .succeeded, into: &batch)
                // The effect commits with the settlement; the sample counts how often.
                if bug == .commitsEffectBeforeSettlement || bug == .settlesBeforePublishing {
                    early.objects.append(.put(effect(of: work)))
                } else {
                    batch.objects.append(.put(effect(of: work)))
                }
            case .dropped(let work): writer.finish(work, .dropped, into: &batch)
            case .superseded(let work): writer.finish(work, .superseded, into: &batch)
            case .retry(let work, let due, let from): writer.retry(work, due: due, from: from, into: &batch)
            case .dead(let work, let death):
                if bug == .dropsSilently {
                    writer.finish(work, .dropped, into: &batch)
                } else {
                    writer.dead(work, death, target: attempt.function, rule: "r", input: [], into: &letters.batch)
                    letters.fates[work.delivery] = fates.removeValue(forKey: work.delivery)
                    letters.failures[work.delivery] = failures.removeValue(forKey: work.delivery)
                }
            }
        }
        let pauses = storePauses(into: &batch)
        if bug == .commitsEffectBeforeSettlement {
            try commit(Pending(batch: early))
            // The crash between the two.
            if Int.random(in: 0..<20, using: &random) == 0 { return try crash() }
        }
        if !letters.batch.isEmpty {
            // The neighbours' outcomes go first: what is tried again may run while inputs are kept.
            try commit(Pending(batch: batch, fates: fates, failures: failures, pauses: pauses))
            if bug == .settlesBeforePublishing { try commit(Pending(batch: early)) }
            keeping.append((attempt, letters))
            if Int.random(in: 0..<3, using: &random) > 0 {
                try keepOne(keeping.count - 1)
            } else if Bool.random(using: &random),
                let entry = entries.first(where: { $0.id == attempt.subscription && $0.rules.keys != nil })
            {
                // A deployment that comes before the letters has to wait for them.
                try deploy(entry)
            }
            return
        }
        try commit(Pending(batch: batch, fates: fates, failures: failures, pauses: pauses))
        if bug == .settlesBeforePublishing {
            // The crash between the two.
            if Int.random(in: 0..<20, using: &random) == 0 { return try crash() }
            try commit(Pending(batch: early))
        }
        settled(attempt)
    }

    private mutating func settled(_ attempt: DeliveryCore.Attempt) {
        core.settled(attempt.id)
        ended.append(attempt)
        if ended.count > 8 { ended.removeFirst() }
    }

    /// The inputs of one attempt's dead works are kept: their letters are written.
    mutating func keepOne(_ index: Int? = nil) throws {
        guard !keeping.isEmpty else { return }
        let (attempt, letters) = keeping.remove(at: index ?? Int.random(in: 0..<keeping.count, using: &random))
        try commit(letters)
        settled(attempt)
    }

    private func effect(of work: Work) -> ObjectRecord {
        ObjectRecord(
            bucket: "effects", key: "\(work.eventID)/\(work.delivery.subscription.value)", device: 0, inode: 0, size: 0,
            modified: 0, changed: 0, sample: 0, etag: "", sequencer: "", eventID: work.eventID)
    }

    mutating func storePauses(into batch: inout Batch) -> PauseAccount? {
        let changed = core.takeChangedFlows()
        for id in changed {
            var note = pauses[id] ?? PauseNote()
            note.follow(core.flow(of: id), clock: time.clock)
            if case .open = core.flow(of: id), watch.pauseSpans[id]?.last.map({ $0.to != nil }) ?? true {
                beginSpan(id)
            }
            if case .running = core.flow(of: id) { endSpan(id) }
            pauses[id] = note
            if bug == .doesNotStorePauses { continue }
            batch.control.append(note.change(for: id))
        }
        return changed.isEmpty ? nil : PauseAccount(byHand: watch.paused, spans: watch.pauseSpans)
    }

    // MARK: The journal

    mutating func commit(_ pending: Pending) throws {
        guard !pending.batch.isEmpty else { return }
        if bug == .reordersCommits, !diskIsBroken, held.count > 0 {
            held.insert(pending, at: 0)
        } else {
            held.append(pending)
        }
        try flush()
    }

    /// As the committer does: in order, and nothing after a batch that could not be written.
    mutating func flush() throws {
        if bug == .reordersCommits, !diskIsBroken, held.count > 1 { held.reverse() }
        while let next = held.first, !diskIsBroken, !diskIsSlow {
            _ = try journal.commitBlocking(next.batch)
            held.removeFirst()
            watch.wasCommitted(next.fates, failures: next.failures)
            if let pauses = next.pauses { pausesInJournal = pauses }
            for case .put(let record) in next.batch.objects { effects[record.key, default: 0] += 1 }
        }
    }

    /// From now on outcomes come into the journal late, and then all at once.
    mutating func slowDisk() throws {
        diskIsSlow.toggle()
        try flush()
    }

    mutating func toggleDisk() throws {
        diskIsBroken.toggle()
        let broken = diskIsBroken
        journal.injectFault { _ in broken ? JournalError(.diskFull, "no space") : nil }
        try flush()
    }
}

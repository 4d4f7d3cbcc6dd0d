import AppConfig
import FunctionProtocol
import HostAPI
import Journal
import ObjectStore
import UVLoop

extension Dispatcher: WorkerPoolDelegate {
    package func attemptStarted(_ id: UInt64) {
        guard let context = attempts[Int64(id)] else { return }
        if context.attempt.number == 1, let oldest = context.attempt.works.lazy.map(\.ingested).min() {
            let wait = clock.wall - oldest
            note(of: context) { $0.noteStart(waitMilliseconds: wait) }
        }
        for observer in observers { observer(context) }
    }

    /// Counts something of a delivery: for its function, and for its subscription.
    private func note(of context: AttemptContext, _ note: (inout AttemptTally) -> Void) {
        guard context.shadow == nil, let id = context.settings?.id else { return }
        note(&tallies[context.attempt.function, default: FunctionTally()].attempts)
        note(&deliveryTallies[id, default: AttemptTally()])
    }

    package func attemptCalled(_ id: UInt64, _ call: WorkerCall) {
        guard let context = attempts[Int64(id)], !context.isClosed else {
            call.reply(
                .failure(
                    Failure(code: "AttemptEnded", message: "the invocation has ended; nothing may be asked any more")))
            return
        }
        context.openCalls += 1
        Task { @LoopActor in
            let reply = await effects.answer(call, for: context)
            context.openCalls -= 1
            call.reply(reply)
            if context.openCalls == 0 {
                context.drained?()
                context.drained = nil
            }
        }
    }

    package func attemptFinished(_ id: UInt64, _ report: AttemptReport) {
        guard let context = attempts[Int64(id)], !context.isClosed else { return }
        context.isClosed = true
        core.workerDone(context.id)
        var report = report
        readItemFailures(&report, of: context)
        keepBatchWhole(&report, of: context)
        if context.openCalls == 0, context.effects.isEmpty, context.effects.stages.isEmpty, report.logs.isEmpty,
            !context.isNoted, report.outcome.isPlainSuccess(of: context.attempt.works.count),
            !context.isSuperseded, context.shadow == nil, let settings = context.settings,
            settings.destinations?.onSuccess == nil
        {
            // The hot path: nothing to publish, nothing to keep; the settlement goes out with the next commit.
            var batch = Batch()
            for case .succeeded(let work) in core.resolve(context.id, .succeeded, now: clock.now) {
                writer.finish(work, .succeeded, into: &batch)
            }
            noteForAlarms(context, failed: false)
            tally(context, report, succeeded: true)
            storePauses(into: &batch)
            committer.enqueue(batch, mayWait: true)
            core.settled(context.id)
            forget(context)
        } else {
            let report = report
            Task { @LoopActor in await self.conclude(context, report, ran: true) }
        }
        pump()
    }

    /// Notes for the figures of function and subscription what an attempt that ran came to in the end.
    private func tally(_ context: AttemptContext, _ report: AttemptReport, succeeded: Bool) {
        tallies[context.attempt.function, default: FunctionTally()]
            .note(succeeded: succeeded, microseconds: report.durationMicroseconds, coldStart: report.coldStart)
        if let id = context.settings?.id {
            deliveryTallies[id, default: AttemptTally()]
                .note(microseconds: report.durationMicroseconds, coldStart: report.coldStart)
        }
    }

    /// From a report to the commit: publishes what is to be published, resolves, keeps what is to be kept.
    /// `withdrawn`: the kept outcome it went on with has failed again; `ran`: its function has had it.
    func conclude(
        _ context: AttemptContext, _ report: AttemptReport, withdrawn: Withdrawal? = nil, ran: Bool = false
    ) async {
        context.isClosed = true
        var withdrawal = withdrawn
        // A call still being answered (a long copy, say) may yet stage something.
        if context.openCalls > 0 {
            await withCheckedContinuation { continuation in context.drained = { continuation.resume() } }
        }
        if let shadow = context.shadow { return await finish(shadow, of: context, report) }
        var verdict = core.reached(Self.verdict(of: report, context), of: context.id)
        let told = context.isSuperseded ? [] : verdict.failureLines(at: clock.wall)
        var reference = await logs.append(report.logs + told, of: context)
        var published: Set<Int> = []
        var effects: [EffectInfo] = []
        if context.isSuperseded {
            verdict = .superseded
        } else if let succeeded = Self.succeeded(verdict, count: context.attempt.works.count), !context.effects.isEmpty
        {
            let events = successes(of: context, report, succeeded.sorted())
            switch await publisher.publish(context, report, succeeded: succeeded, telling: events, logs: reference) {
            case .nothing:
                break
            case .committed(let lines):
                published = succeeded
                effects = lines
            case .superseded:
                verdict = .superseded
            case .failed(let failure):
                verdict = Self.verdict(of: failure, context, report)
            case .withdrawn(let failure, let taken):
                verdict = Self.verdict(of: failure, context, report)
                withdrawal = taken
                context.parked = taken.keptAs
            case .closed, .refused:
                return abandon(context)
            }
        }
        if told.isEmpty, case .failed = verdict {
            // What it asked for was refused: its log must not end as if all were well.
            let late = await logs.append(verdict.failureLines(at: clock.wall), of: context)
            if reference.file.isEmpty { reference = late }
        }
        noteForAlarms(context, failed: verdict.hasFailure)
        if ran {
            let isGood = if case .failed = verdict { false } else { true }
            tally(context, report, succeeded: isGood)
        }
        var resolutions = core.resolve(context.id, verdict, now: clock.now)
        if context.parked != nil || context.dropsParked {
            resolutions = resolutions.map { $0.parking(context.parked) }
        }
        var batch = Batch()
        var outcomes: [EffectInfo] = []
        storePauses(into: &batch)
        if context.isNoted { batch.control.append(.removeValue(name: context.noteName)) }
        let works = context.attempt.works
        var index = -1
        var dead: [(index: Int, work: Work, death: Death)] = []
        for resolution in resolutions {
            // In the works' order, but without those that were not reached and run again.
            repeat { index += 1 } while index + 1 < works.count && works[index].delivery != resolution.work.delivery
            switch resolution {
            case .succeeded(let work), .dropped(let work):
                guard !published.contains(index) else { continue }
                let isDropped = if case .dropped = resolution { true } else { false }
                writer.finish(work, isDropped ? .dropped : .succeeded, into: &batch)
                for told in successes(of: context, report, [index]) {
                    batch.appends.append(append(told, lineage: context.lineage(of: index)))
                    if let event = batch.appends.last { outcomes.append(.outcome(event)) }
                }
            case .superseded(let work):
                writer.finish(work, .superseded, into: &batch)
            case .retry(let work, let due, let from):
                note(of: context) { $0.noteRetry() }
                writer.retry(work, due: due, from: from, into: &batch)
            case .dead(let work, let death):
                dead.append((index, work, death))
            }
        }
        if resolutions.count > dead.count, !dead.isEmpty {
            // A retry may run while inputs are being kept: its entry must be on its way before. Until its letter is
            // written a dead work stays where it was, so a crash in between delivers it again.
            committer.enqueue(batch)
            batch = Batch()
        }
        for (index, work, death) in dead {
            let input = await keepInput(
                of: work, context.inputs.isEmpty ? nil : context.inputs[index], attempt: context.id, ordinal: index)
            died(work)
            warnOfNewKind(death, of: work, target: target(of: work, ranBy: context.attempt.function))
            writer.dead(
                work, death, target: target(of: work, ranBy: context.attempt.function), rule: context.rule,
                input: input, before: await memo(ofLetter: work.deadLetter), into: &batch)
            let told = failure(
                of: work, death, context.settings, attempt: context.id, version: context.version.version,
                lineage: context.lineage(of: index))
            if let told {
                batch.appends.append(told)
                outcomes.append(.outcome(told))
            }
        }
        if published.isEmpty {
            batch.invocations.append(record(context, report, verdict, resolutions, reference, effects: outcomes))
        }
        if let withdrawal {
            batch.merge(withdrawal.changes)
            guard (try? await committer.commit(batch)) != nil else { return abandon(context) }
            CrashPoint.hit(.runtimeBuried)
            publisher.finish(withdrawal)
        } else {
            if context.parked == nil { publisher.discardStaging(of: context) }
            if !batch.isEmpty { committer.enqueue(batch) }
        }
        core.settled(context.id)
        if let first = context.attempt.works.first, case .direct(let token) = first.source {
            var final = report
            if case .failed(let summary, _) = verdict, case .success = report.outcome {
                final.outcome = .failure(Failure(code: summary.code, message: summary.message))
            }
            directWaiters.removeValue(forKey: token)?(
                DirectResult(
                    report: final, effects: effects, attempt: context.id, version: context.version.version,
                    invocationID: context.invocationID))
        }
        forget(context)
        pump()
    }

    /// The journal is closing, or the outcome contradicts it: the next host starts where the journal stands.
    private func abandon(_ context: AttemptContext) {
        if case .direct(let token)? = context.attempt.works.first?.source {
            directWaiters.removeValue(forKey: token)?(
                .refused("HostStopping", "the outcome could not be committed"))
        }
        forget(context)
    }

    func keepInput(of work: Work, _ input: ObjectInput?, attempt: AttemptID, ordinal: Int) async -> [UInt8] {
        if case .direct = work.source { return [] }
        return await inputs.keep(
            input, for: work, attempt: attempt, ordinal: ordinal,
            copyLimit: Int64(deployment.app.limits.keepInputMegabytes) << 20)
    }

    /// A redrive that goes on where a publication had failed: from the rename, without its handler.
    func resumeParked(_ context: AttemptContext, name: String) async {
        context.isClosed = true
        let journal = journal
        let body: [UInt8]?
        do {
            body = try await files.run { try journal.value(name: name) }
        } catch {
            // Unreadable is not gone: tried again like any failure of the platform.
            return await conclude(
                context, AttemptReport(outcome: .failure(Failure(code: "JournalUnavailable", message: "\(error)"))))
        }
        guard let kept = body.flatMap({ JSONText.decode(Decision.self, from: $0) }) else {
            // The kept outcome is gone: the handler has to run again.
            let works = core.resolve(context.id, .superseded, now: clock.now).map { resolution in
                var work = resolution.work
                work.parked = nil
                return work
            }
            for work in works { core.load(work, due: clock.now) }
            core.settled(context.id)
            forget(context)
            return pump()
        }
        context.parked = name
        switch await publisher.resume(kept, as: context, name: name) {
        case .committed, .nothing:
            _ = core.resolve(context.id, .succeeded, now: clock.now)
            var batch = Batch()
            storePauses(into: &batch)
            if !batch.isEmpty { committer.enqueue(batch) }
            core.settled(context.id)
            forget(context)
            pump()
        case .closed, .refused:
            forget(context)
        case .superseded:
            await conclude(context, AttemptReport(outcome: .success([])))
        case .failed(let failure):
            await conclude(context, AttemptReport(outcome: .failure(failure)))
        case .withdrawn(let failure, let withdrawal):
            context.parked = withdrawal.keptAs
            context.dropsParked = withdrawal.keptAs == nil
            await conclude(context, AttemptReport(outcome: .failure(failure)), withdrawn: withdrawal)
        }
    }
}

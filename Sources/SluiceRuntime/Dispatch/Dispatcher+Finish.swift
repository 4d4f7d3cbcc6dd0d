import AppConfig
import FunctionProtocol
import HostAPI
import Journal
import ObjectStore
import UVLoop

extension Dispatcher: WorkerPoolDelegate {
    package func attemptStarted(_ id: UInt64) {
        guard let context = attempts[Int64(id)] else { return }
        // What was dead has not waited all the time.
        if context.attempt.number == 1,
            let oldest = context.attempt.works.lazy.filter({ $0.deadLetter == nil }).map(\.ingested).min()
        {
            let wait = clock.wall - oldest
            note(of: context) { $0.noteStart(waitMilliseconds: wait) }
        }
        for observer in observers { observer(context) }
    }

    /// Counts something of a delivery: for its function, and for its subscription.
    func note(of context: AttemptContext, _ note: (inout AttemptTally) -> Void) {
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
            context.supersededWorks.isEmpty, context.shadow == nil, let settings = context.settings,
            settings.destinations?.onSuccess == nil
        {
            // The hot path: nothing to publish, nothing to keep; the settlement goes out with the next commit.
            var batch = Batch()
            let works = core.resolveSucceeded(context.id, now: clock.now)
            batch.settlements.reserveCapacity(works.count)
            for index in works.indices {
                writer.finish(works[index].delivery, source: works[index].source, .succeeded, into: &batch)
            }
            noteForAlarms(context, failed: false)
            tally(context, report, .succeeded)
            storePauses(into: &batch)
            let settled = watch.map { watch -> Committer.Completion in
                watch.note(.answered, context.positions)
                return { _ in watch.note(.settled, context.positions) }
            }
            committer.enqueue(batch, mayWait: true, completion: settled)
            core.settled(context.id)
            forget(context)
        } else {
            let report = report
            Task { @LoopActor in await self.conclude(context, report, ran: true) }
        }
        pump()
    }

    /// Notes for the figures of function and subscription what an attempt that ran came to in the end.
    func tally(_ context: AttemptContext, _ report: AttemptReport, _ outcome: AttemptOutcome) {
        tallies[context.attempt.function, default: FunctionTally()]
            .note(outcome, microseconds: report.durationMicroseconds, coldStart: report.coldStart)
        if let id = context.settings?.id {
            deliveryTallies[id, default: AttemptTally()]
                .note(microseconds: report.durationMicroseconds, coldStart: report.coldStart)
        }
    }

    func keepInput(of work: Work, _ input: ObjectInput?, attempt: AttemptID, ordinal: Int) async -> [UInt8] {
        if case .direct = work.source { return [] }
        return await inputs.keep(
            input ?? EventReading.carriedObject(of: work.payload), for: work, attempt: attempt, ordinal: ordinal,
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

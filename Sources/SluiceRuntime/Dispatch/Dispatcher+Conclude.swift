import AppConfig
import FunctionProtocol
import HostAPI
import Journal
import ObjectStore
import UVLoop

extension Dispatcher {
    /// From a report to the commit: publishes what is to be published, resolves, keeps what is to be kept.
    /// `withdrawn`: the kept outcome it went on with has failed again; `ran`: its function has had it.
    func conclude(
        _ context: AttemptContext, _ report: AttemptReport, withdrawn: Withdrawal? = nil, ran: Bool = false
    ) async {
        context.isClosed = true
        // A call still being answered (a long copy, say) may yet stage something.
        if context.openCalls > 0 {
            await withCheckedContinuation { continuation in context.drained = { continuation.resume() } }
        }
        if let shadow = context.shadow { return await finish(shadow, of: context, report) }
        // What the batch as a whole has asked for comes from all of it.
        let isWhole = context.effects.effects.contains { $0.record == nil }
        let answered = Self.verdict(of: report, context)
            .superseding(context.supersededWorks, of: context.attempt.works.count, isLost: isWhole)
        let verdict = core.reached(answered, of: context.id)
        let told = context.isSuperseded ? [] : verdict.failureLines(at: clock.wall)
        var reference = await logs.append(report.logs + told, of: context)
        guard let end = await published(context, report, Ending(verdict: verdict, withdrawal: withdrawn), reference)
        else { return abandon(context) }
        if told.isEmpty, case .failed = end.verdict {
            // What it asked for was refused: its log must not end as if all were well.
            let late = await logs.append(end.verdict.failureLines(at: clock.wall), of: context)
            if reference.file.isEmpty { reference = late }
        }
        noteForAlarms(context, failed: end.verdict.hasFailure)
        if ran {
            tally(context, report, end.verdict.outcome)
        }
        var resolutions = core.resolve(context.id, end.verdict, now: clock.now)
        if context.parked != nil || context.dropsParked {
            resolutions = resolutions.map { $0.parking(context.parked) }
        }
        var (batch, outcomes) = await settled(context, report, end, resolutions)
        if end.published.isEmpty {
            batch.invocations.append(record(context, report, end.verdict, resolutions, reference, effects: outcomes))
        }
        if let withdrawal = end.withdrawal {
            batch.merge(withdrawal.changes)
            guard (try? await committer.commit(batch)) != nil else { return abandon(context) }
            CrashPoint.hit(.runtimeBuried)
            inputs.written(context.id)
            publisher.finish(withdrawal)
        } else {
            if context.parked == nil { publisher.discardStaging(of: context) }
            if resolutions.contains(where: { if case .dead = $0 { true } else { false } }) {
                committer.enqueue(batch) { [inputs] in if case .success = $0 { inputs.written(context.id) } }
            } else if !batch.isEmpty {
                committer.enqueue(batch)
            }
        }
        core.settled(context.id)
        answer(context, report, end)
        forget(context)
        pump()
    }

    /// What an attempt has come to, as far as is known.
    private struct Ending {
        var verdict: Verdict
        /// A kept outcome that is to end with the commit.
        var withdrawal: Withdrawal?
        /// The works that the publication has settled, and what it has made visible.
        var published: Set<Int> = []
        var effects: [EffectInfo] = []
    }

    /// Publishes what the attempt has asked for, if it may. Nil where the attempt cannot come to an end here.
    private func published(
        _ context: AttemptContext, _ report: AttemptReport, _ ending: Ending, _ reference: LogReference
    ) async -> Ending? {
        var ending = ending
        if context.isSuperseded {
            ending.verdict = .superseded
            return ending
        }
        guard let succeeded = Self.succeeded(ending.verdict, count: context.attempt.works.count),
            !context.effects.isEmpty
        else { return ending }
        let events = successes(of: context, report, succeeded.sorted())
        switch await publisher.publish(context, report, succeeded: succeeded, telling: events, logs: reference) {
        case .nothing:
            break
        case .committed(let lines):
            ending.published = succeeded
            ending.effects = lines
        case .superseded:
            let count = context.attempt.works.count
            ending.verdict =
                count == 1
                ? .superseded : ending.verdict.superseding(context.supersededWorks, of: count, isLost: true)
        case .failed(let failure):
            ending.verdict = Self.verdict(of: failure, context, report)
        case .withdrawn(let failure, let taken):
            ending.verdict = Self.verdict(of: failure, context, report)
            ending.withdrawal = taken
            context.parked = taken.keptAs
        case .closed, .refused:
            return nil
        }
        return ending
    }

    /// What the resolutions of an attempt's works change, and the events that tell of them.
    private func settled(
        _ context: AttemptContext, _ report: AttemptReport, _ ending: Ending, _ resolutions: [Resolution]
    ) async -> (Batch, outcomes: [EffectInfo]) {
        var batch = Batch()
        var outcomes: [EffectInfo] = []
        storePauses(into: &batch)
        if context.isNoted { batch.control.append(.removeValue(name: context.noteName)) }
        let works = context.attempt.works
        func record(_ index: Int) -> Int? { works.count > 1 ? index : nil }
        var index = -1
        var dead: [Dead] = []
        for resolution in resolutions {
            // In the works' order, but without those that were not reached and run again.
            repeat { index += 1 } while index + 1 < works.count && works[index].delivery != resolution.work.delivery
            switch resolution {
            case .succeeded(let work), .dropped(let work):
                guard !ending.published.contains(index) else { continue }
                let isDropped = if case .dropped = resolution { true } else { false }
                writer.finish(work, isDropped ? .dropped : .succeeded, into: &batch)
                for told in successes(of: context, report, [index]) {
                    batch.appends.append(append(told, lineage: context.lineage(of: index)))
                    if let event = batch.appends.last { outcomes.append(.outcome(event, record: record(index))) }
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
        for each in dead {
            if let told = await bury(each, of: context, into: &batch) {
                batch.appends.append(told)
                outcomes.append(.outcome(told, record: record(each.index)))
            }
        }
        return (batch, outcomes)
    }

    private typealias Dead = (index: Int, work: Work, death: Death)

    /// Writes a dead letter, its input kept.
    /// - Returns: the event that tells of it, where somebody wants to hear.
    private func bury(_ dead: Dead, of context: AttemptContext, into batch: inout Batch) async -> Append? {
        let (index, work, death) = dead
        let input = await keepInput(
            of: work, context.inputs.isEmpty ? nil : context.inputs[index], attempt: context.id, ordinal: index)
        died(work)
        warnOfNewKind(death, of: work, target: context.attempt.function)
        writer.dead(
            work, death, target: target(of: work, ranBy: context.attempt.function), rule: context.rule,
            input: input, before: await letter(of: work), into: &batch)
        return failure(
            of: work, death, context.settings, attempt: context.id, version: context.version.version,
            lineage: context.lineage(of: index))
    }

    /// Tells whoever waits for a direct invocation.
    private func answer(_ context: AttemptContext, _ report: AttemptReport, _ ending: Ending) {
        guard let first = context.attempt.works.first, case .direct(let token) = first.source else { return }
        var final = report
        switch (ending.verdict, report.outcome) {
        case (.failed(let summary, _), .success), (.failed(let summary, _), .batch):
            final.outcome = .failure(Failure(code: summary.code, message: summary.message))
        case (.records(let verdicts), _):
            // A batch handler got its one event as a batch of one.
            guard case .failed(let summary, _)? = verdicts.first else { break }
            final.outcome = .failure(Failure(code: summary.code, message: summary.message))
        default: break
        }
        directWaiters.removeValue(forKey: token)?(
            DirectResult(
                report: final, effects: ending.effects, attempt: context.id, version: context.version.version,
                invocationID: context.invocationID))
    }

    /// The journal is closing, or the outcome contradicts it: the next host starts where the journal stands.
    func abandon(_ context: AttemptContext) {
        if case .direct(let token)? = context.attempt.works.first?.source {
            directWaiters.removeValue(forKey: token)?(
                .refused("HostStopping", "the outcome could not be committed"))
        }
        forget(context)
    }
}

import AppConfig
import EventModel
import FunctionProtocol
import Journal
import UVLoop

/// What a worker's report means for the works of its attempt.
extension Dispatcher {
    /// Which works succeeded or were dropped, by index; nil if the attempt failed as a whole.
    static func succeeded(_ verdict: Verdict, count: Int) -> Set<Int>? {
        switch verdict {
        case .succeeded:
            return Set(0..<count)
        case .records(let verdicts):
            guard verdicts.count == count else { return nil }
            let good = verdicts.indices.filter { index in
                switch verdicts[index] {
                case .succeeded, .dropped: true
                case .failed, .notReached, .superseded: false
                }
            }
            return good.isEmpty ? nil : Set(good)
        case .failed, .failedBeside, .superseded:
            return nil
        }
    }

    /// What an output says of single events in AWS's way, where it says something (`ItemFailures`).
    func readItemFailures(_ report: inout AttemptReport, of context: AttemptContext) {
        guard let settings = context.settings, context.version.isBatch || settings.isKinesisBatch,
            case .success(let output) = report.outcome
        else { return }
        let works = context.attempt.works
        guard StreamLog.isStream(settings.bus) else {
            report.outcome = ItemFailures.outcome(of: output, ids: works.map(\.eventID)) ?? report.outcome
            return
        }
        let ids = works.map { StreamRecordText.sequenceNumber(of: $0.payload) ?? $0.eventID }
        guard let outcome = ItemFailures.outcome(of: output, ids: ids) else { return }
        report.outcome = outcome
        guard case .batch(let answer) = outcome else { return }
        // A stream is read up to a record: an answer that names one means all from there on.
        report.stoppedAt = answer.results.firstIndex { $0.status == .failed }
    }

    /// Where a batch as a whole has asked for effects, a failed record fails all of it: nobody knows which effects are
    /// whose, and to settle the others without them would lose these. The batch is halved, until what succeeds does so
    /// as a whole and keeps its effects.
    func keepBatchWhole(_ report: inout AttemptReport, of context: AttemptContext) {
        guard context.settings != nil, context.attempt.works.count > 1, case .batch(let answer) = report.outcome,
            let failed = answer.firstFailed,
            context.effects.effects.contains(where: { $0.record == nil })
        else { return }
        report.stoppedAt = nil
        report.outcome = .failure(
            Failure(
                code: failed.failure?.code ?? "RecordFailed",
                message: "a record failed after effects were asked for the batch as a whole, which is tried in halves: "
                    + (failed.failure?.message ?? "the handler gave no reason")))
    }

    static func verdict(of report: AttemptReport, _ context: AttemptContext) -> Verdict {
        switch report.outcome {
        case .success:
            return .succeeded
        case .failure(let failure):
            return verdict(of: failure, context, report)
        case .batch(let answer):
            return .records(
                answer.results.enumerated().map { index, result in
                    if let stop = report.stoppedAt, index > stop { return .notReached }
                    switch result.status {
                    case .ok: return .succeeded
                    case .dropped: return .dropped
                    case .failed:
                        let failure = result.failure ?? .recordFailed
                        return .failed(
                            summary(failure, context, report, of: index),
                            FailureClass(code: failure.code, retry: failure.retry))
                    }
                })
        }
    }

    static func verdict(of failure: Failure, _ context: AttemptContext, _ report: AttemptReport) -> Verdict {
        .failed(summary(failure, context, report), FailureClass(code: failure.code, retry: failure.retry))
    }

    /// `index`: of the work in its batch.
    static func summary(
        _ failure: Failure, _ context: AttemptContext, _ report: AttemptReport, of index: Int = 0
    ) -> AttemptSummary {
        AttemptSummary(
            attempt: "\(context.id)", function: context.attempt.function, version: context.version.version,
            started: context.startedWall,
            durationMilliseconds: Double(report.durationMicroseconds) / 1000, code: failure.code,
            message: failure.message, backtrace: report.backtrace,
            log: report.logs.suffix(20).map { String($0.text.prefix(500)) }, retryAfter: report.retryAfter,
            input: context.given.indices.contains(index)
                ? String(decoding: context.given[index], as: UTF8.self) : nil)
    }
}

extension Resolution {
    /// The same, with the kept outcome that a redrive goes on with.
    func parking(_ name: String?) -> Resolution {
        switch self {
        case .dead(var work, let death):
            work.parked = name
            return .dead(work, death)
        case .retry(var work, let due, let from):
            work.parked = name
            return .retry(work, due: due, from: from)
        case .succeeded, .dropped, .superseded:
            return self
        }
    }
}

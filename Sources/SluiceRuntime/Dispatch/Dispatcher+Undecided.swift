import AppConfig
import EventModel
import EventPatterns
import Journal
import UVLoop

/// The pattern of one subscription's rule, for events that it could not decide about when they came.
struct RuleDecider {
    enum Answer {
        case wanted, unwanted, undecided
    }

    private let matcher: Matcher<Bool>?
    private let scratch = MatchScratch()

    /// Nil stands for a rule that is gone, or whose pattern cannot be read: nobody decides.
    init(_ pattern: String?) {
        matcher = pattern.flatMap { try? StoredPatterns.parse($0) }.map { Matcher([(true, $0)]) }
    }

    func answer(about payload: [UInt8]) -> Answer {
        guard let matcher,
            let answer = try? matcher.answer(in: StreamFilter.subject(of: payload), scratch: scratch),
            answer.undecided.isEmpty
        else { return .undecided }
        return answer.matched.isEmpty ? .unwanted : .wanted
    }
}

/// Events that were committed for a subscription whose rule could not decide about them: there were too many
/// combinations of elements, or the rule's pattern could not be read at the time.
extension Dispatcher {
    /// Asked once more, by the pattern that the rule has now.
    func decide(about work: Work, _ settings: SubscriptionSettings?) -> RuleDecider.Answer {
        guard let settings else { return .undecided }
        let decider =
            deciders[settings.id]
            ?? RuleDecider(
                settings.draining
                    ? nil
                    : deployment.app.rules.first { $0.bus == settings.bus && $0.name == settings.rule }?.pattern)
        deciders[settings.id] = decider
        return decider.answer(about: work.payload)
    }

    /// The rule does not want the event after all: it counts as dropped, without an attempt.
    func drop(_ context: AttemptContext) {
        core.workerDone(context.id)
        core.giveBackRates(of: context.attempt)
        var batch = Batch()
        let verdict = Verdict.records(context.attempt.works.map { _ in .dropped })
        for resolution in core.resolve(context.id, verdict, isAsked: false, now: clock.now) {
            writer.finish(resolution.work, .dropped, into: &batch)
        }
        storePauses(into: &batch)
        committer.enqueue(batch, mayWait: true)
        core.settled(context.id)
        forget(context)
        // Not from within the pump that called this.
        LoopActor.submit { [weak self] in self?.pump() }
    }
}

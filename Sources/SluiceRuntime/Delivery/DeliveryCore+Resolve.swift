package import Journal

extension DeliveryCore {
    /// Turns an attempt's verdict into what is to be committed for each of its works, and forgets the attempt. A
    /// verdict for an attempt that is not running (an answer from a killed or superseded one) resolves nothing.
    package mutating func resolve(_ id: AttemptID, _ verdict: Verdict, now: Instant) -> [Resolution] {
        guard let attempt = running.removeValue(forKey: id), let state = subscriptions[attempt.subscription] else {
            return []
        }
        switch verdict {
        case .succeeded:
            return attempt.works.map { .succeeded($0) }
        case .superseded:
            return attempt.works.map { .superseded($0) }
        case .failed(let summary, let kind):
            return failWhole(attempt, summary, kind, state.policy, now: now)
        case .records(let verdicts):
            guard verdicts.count == attempt.works.count else {
                let summary = AttemptSummary(
                    attempt: "\(id)", version: 0, started: 0, durationMilliseconds: 0, code: "MalformedAnswer",
                    message: "the batch handler answered \(verdicts.count) results for \(attempt.works.count) records")
                return failWhole(attempt, summary, .transient, state.policy, now: now)
            }
            return zip(attempt.works, verdicts).map { work, verdict in
                switch verdict {
                case .succeeded: .succeeded(work)
                case .dropped: .dropped(work)
                case .failed(let summary, let kind): fail(work, summary, kind, state.policy, now: now)
                }
            }
        }
    }

    /// Takes an attempt back without a verdict: it never reached a worker. Its works run again.
    package mutating func giveBack(_ id: AttemptID) {
        guard let attempt = running.removeValue(forKey: id) else { return }
        subscriptions[attempt.subscription]?.ready.prepend(attempt.works)
    }

    /// Only a record that was alone is charged; a batch is cut in half and tried at once.
    private mutating func failWhole(
        _ attempt: Attempt, _ summary: AttemptSummary, _ kind: FailureClass, _ policy: DeliveryPolicy, now: Instant
    ) -> [Resolution] {
        if attempt.works.count > 1 {
            split(attempt.works, of: attempt.subscription)
            return []
        }
        return attempt.works.map { fail($0, summary, kind, policy, now: now) }
    }

    private mutating func split(_ works: [Work], of id: SubscriptionID) {
        let middle = works.count / 2
        var halves: [Work] = []
        for part in [works[..<middle], works[middle...]] {
            lastGroup += 1
            halves += part.map { work in
                var work = work
                work.group = lastGroup
                return work
            }
        }
        subscriptions[id]?.ready.prepend(halves)
    }

    private mutating func fail(
        _ work: Work, _ summary: AttemptSummary, _ kind: FailureClass, _ policy: DeliveryPolicy, now: Instant
    ) -> Resolution {
        var work = work
        var summary = summary
        summary.platform = kind == .platform
        work.history.append(summary)
        work.group = 0
        func dead(_ condition: String) -> Resolution {
            .dead(work, Death(condition: condition, code: summary.code, message: summary.message))
        }
        if case .direct = work.source { return dead("DirectInvocation") }
        switch kind {
        case .permanent:
            return dead("PermanentError")
        case .platform:
            if work.uncharged >= FailureClass.platformCap { return dead("MaximumPlatformFailures") }
        case .transient:
            if work.charged >= policy.maximumAttempts { return dead("MaximumRetryAttempts") }
        }
        let tries = kind == .platform ? work.uncharged : work.charged
        let due = now + policy.delay(after: tries, using: &random)
        if due >= work.expires { return dead("MaximumEventAgeInSeconds") }
        let from = work.source
        work.source = .pending(deadLetter: work.deadLetter)
        subscriptions[work.delivery.subscription]?.retrying.insert(work, due: due)
        return .retry(work, due: due, from: from)
    }
}

extension Work {
    /// The dead letter this work was redriven from.
    package var deadLetter: Int64? {
        if case .pending(let deadLetter) = source { deadLetter } else { nil }
    }
}

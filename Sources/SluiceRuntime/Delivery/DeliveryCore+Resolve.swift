package import Journal

extension DeliveryCore {
    /// Turns an attempt's verdict into what is to be committed for each of its works, and forgets the attempt. A
    /// verdict for an attempt that is not running (an answer from a killed or superseded one) resolves nothing.
    /// `isAsked`: the target was, so that the verdict says something of it.
    package mutating func resolve(
        _ id: AttemptID, _ verdict: Verdict, isAsked: Bool = true, now: Instant
    ) -> [Resolution] {
        let verdict = reached(verdict, of: id)
        guard let attempt = running.removeValue(forKey: id), let position = index[attempt.subscription] else {
            return []
        }
        noteForBreaker(attempt, verdict, isAsked: isAsked, at: position, now: now)
        var resolutions: [Resolution] = []
        var back: [Work] = []
        switch verdict {
        case .succeeded:
            resolutions = attempt.works.map { .succeeded($0) }
        case .superseded:
            resolutions = attempt.works.map { .superseded($0) }
        case .failed(let summary, let kind):
            if attempt.works.count > 1 {
                // Only a record that was alone is charged; a batch is cut in half and tried at once.
                back = halves(of: attempt.works)
            } else {
                resolutions = attempt.works.map { fail($0, summary, kind, at: position, now: now) }
            }
        case .failedBeside(let replaced, _, _):
            let rest = attempt.works.indices.filter { !replaced.contains($0) }.map { attempt.works[$0] }
            back = halves(of: rest)
            resolutions = attempt.works.indices.filter(replaced.contains).map { .superseded(attempt.works[$0]) }
        case .records(let verdicts):
            for (work, verdict) in zip(attempt.works, verdicts) {
                switch verdict {
                case .succeeded: resolutions.append(.succeeded(work))
                case .dropped: resolutions.append(.dropped(work))
                case .superseded: resolutions.append(.superseded(work))
                case .failed(let summary, let kind):
                    resolutions.append(fail(work, summary, kind, at: position, now: now))
                case .notReached: back.append(work)
                }
            }
        }
        if subscriptions[position].rules.keys != nil || resolutions.contains(where: \.isDead) {
            settling[id] = attempt
            settling[id]!.back = Set(back.map(\.delivery.ordinal))
        }
        putBack(back, at: position)
        return resolutions
    }

    /// The same for what has succeeded as a whole, which nearly every attempt has: its works, all of them resolved so.
    package mutating func resolveSucceeded(_ id: AttemptID, now: Instant) -> [Work] {
        guard let attempt = running.removeValue(forKey: id), let position = index[attempt.subscription] else {
            return []
        }
        noteForBreaker(attempt, .succeeded, isAsked: true, at: position, now: now)
        if subscriptions[position].rules.keys != nil { settling[id] = attempt }
        return attempt.works
    }

    /// The outcome of an attempt is on its way into the journal, before anything that is asked from now on: its keys
    /// are free. Until then their next works stay behind, so that a crash cannot leave a younger one settled alone.
    package mutating func settled(_ id: AttemptID) {
        guard let attempt = settling.removeValue(forKey: id), let position = index[attempt.subscription] else { return }
        releaseKeys(of: attempt.works, at: position)
        for key in Set(attempt.works.compactMap(\.key)).sorted() { promote(key, at: position) }
    }

    /// The verdict as it counts: an answer with the wrong number of results fails as a whole, and in order of keys
    /// nothing counts that comes after a key's first failure. Publishing effects asks before `resolve`.
    package func reached(_ verdict: Verdict, of id: AttemptID) -> Verdict {
        guard case .records(var verdicts) = verdict, let attempt = running[id] else { return verdict }
        guard verdicts.count == attempt.works.count else {
            return .failed(
                AttemptSummary(
                    attempt: "\(id)", version: 0, started: 0, durationMilliseconds: 0, code: "MalformedAnswer",
                    message: "the batch handler answered \(verdicts.count) results for \(attempt.works.count) records"),
                .transient)
        }
        guard let position = index[attempt.subscription], subscriptions[position].rules.keys?.isOrdered == true else {
            return verdict
        }
        var failed: Set<String> = []
        for (at, work) in attempt.works.enumerated() {
            guard let key = work.key else { continue }
            if failed.contains(key) {
                verdicts[at] = .notReached
            } else if case .failed = verdicts[at] {
                failed.insert(key)
            }
        }
        return .records(verdicts)
    }

    /// Takes an attempt back without a verdict: it never reached a worker. Its works run again; `singly`: one by one,
    /// for their target takes no more at once.
    package mutating func giveBack(_ id: AttemptID, singly: Bool = false) {
        guard let attempt = running.removeValue(forKey: id), let position = index[attempt.subscription] else { return }
        if case .trial(let pause, id.number) = subscriptions[position].flow {
            subscriptions[position].flow = .trial(pause, attempt: nil)
        }
        releaseKeys(of: attempt.works, at: position)
        putBack(singly ? attempt.works.flatMap { grouped([$0]) } : attempt.works, at: position)
    }

    private mutating func halves(of works: [Work]) -> [Work] {
        let middle = works.count / 2
        return grouped(works[..<middle]) + grouped(works[middle...])
    }

    /// They share a batch with nobody else.
    private mutating func grouped(_ works: ArraySlice<Work>) -> [Work] {
        lastGroup += 1
        return works.map { work in
            var work = work
            work.group = lastGroup
            return work
        }
    }

    private mutating func fail(
        _ work: Work, _ summary: AttemptSummary, _ kind: FailureClass, at position: Int, now: Instant
    ) -> Resolution {
        let policy = subscriptions[position].rules.retry
        var kind = policy.classify(summary.code, kind)
        if kind == .platform, summary.code == FailureClass.zygoteLost,
            work.history.count(where: { $0.code == summary.code }) >= FailureClass.zygoteLossCap
        {
            kind = .transient
        }
        var work = work
        var summary = summary
        summary.platform = kind == .platform
        work.history.append(summary)
        work.group = 0
        func dead(_ condition: String) -> Resolution {
            .dead(work, Death(condition: condition, code: summary.code, message: summary.message))
        }
        if case .direct = work.source { return dead("DirectInvocation") }
        let death: Resolution?
        switch kind {
        case .permanent, .final:
            death = dead("PermanentError")
        case .platform:
            death = work.uncharged >= FailureClass.platformCap ? dead("MaximumPlatformFailures") : nil
        case .transient:
            death = work.charged >= policy.maximumAttempts ? dead("MaximumRetryAttempts") : nil
        }
        if let death {
            hold(work)
            return death
        }
        let tries = kind == .platform ? work.uncharged : work.charged
        let due = now + max(policy.delay(after: tries, using: &random), summary.retryAfter ?? 0)
        if due >= expiry(of: work, at: position, now: now) {
            hold(work)
            return dead("MaximumEventAgeInSeconds")
        }
        let from = work.source
        work.source = .pending(deadLetter: work.deadLetter)
        load(work, due: due)
        return .retry(work, due: due, from: from)
    }

    /// A dead letter holds its key back where the policy parks. What was edited has another key than its dead letter,
    /// and what was sent to another function has held its own all the time: the redrive parks these.
    private mutating func hold(_ work: Work) {
        if work.note == nil, let key = work.key { park(work.delivery.subscription, key: key) }
    }
}

extension Work {
    /// The dead letter this work was redriven from.
    package var deadLetter: Int64? {
        if case .pending(let deadLetter) = source { deadLetter } else { nil }
    }
}

package import Journal

/// Pausing by hand and by the circuit breaker.
extension DeliveryCore {
    /// Puts a pause of an earlier life back.
    package mutating func restore(_ id: SubscriptionID, _ flow: Flow) {
        guard let position = index[id] else { return }
        subscriptions[position].flow = flow
    }

    /// Holds a subscription's deliveries back by hand; what runs, ends.
    package mutating func pause(_ id: SubscriptionID, reason: String, now: Instant) {
        guard let position = index[id] else { return }
        // A breaker's pause becomes one by hand, and its time counts on.
        let since = subscriptions[position].flow.pause?.since ?? now
        setFlow(.paused(Pause(since: since, reason: reason)), at: position)
    }

    /// Lets deliveries go on, whether they were held back by hand or by a breaker.
    package mutating func resume(_ id: SubscriptionID, now: Instant) {
        guard let position = index[id] else { return }
        close(position, now: now)
    }

    /// The subscriptions whose flow has changed since the last call: to be stored with the batch that follows.
    package mutating func takeChangedFlows() -> [SubscriptionID] {
        guard !changedFlows.isEmpty else { return [] }
        defer { changedFlows = [] }
        return changedFlows.sorted()
    }

    private mutating func setFlow(_ flow: Flow, at position: Int) {
        if case .running = subscriptions[position].flow { disband(at: position) }
        subscriptions[position].flow = flow
        changedFlows.insert(subscriptions[position].id)
    }

    /// The batch being put together goes back into the queue: what starts after a pause, or by another deployment's
    /// limits, is put together then.
    mutating func disband(at position: Int) {
        let works = subscriptions[position].assembling
        guard !works.isEmpty else { return }
        clearAssembling(at: position)
        releaseKeys(of: works, at: position)
        putBack(works, at: position)
    }

    /// Ends a pause. What was in memory meanwhile does not age by it.
    private mutating func close(_ position: Int, now: Instant) {
        subscriptions[position].streak.reset()
        guard let pause = subscriptions[position].flow.pause else { return }
        setFlow(.running, at: position)
        func extend(_ work: inout Work) {
            work.expires = Self.later(work.expires, max(0, now - max(pause.since, work.arrived)))
        }
        subscriptions[position].ready.update(extend)
        subscriptions[position].retrying.update(extend)
        for ordinal in subscriptions[position].reading.keys { extend(&subscriptions[position].reading[ordinal]!) }
        for at in subscriptions[position].assembling.indices { extend(&subscriptions[position].assembling[at]) }
        for key in subscriptions[position].freed.keys {
            let at = subscriptions[position].freed[key]!.at
            subscriptions[position].freed[key]!.at = Self.later(at, max(0, now - max(pause.since, at)))
        }
        for key in subscriptions[position].lines.keys {
            _ = subscriptions[position].lines.update(key) { $0.update(extend) }
        }
        let id = subscriptions[position].id
        for attempt in running.keys where running[attempt]!.subscription == id {
            for at in running[attempt]!.works.indices { extend(&running[attempt]!.works[at]) }
        }
    }

    /// When a work is too old to be tried again: while its subscription is held back it does not age.
    func expiry(of work: Work, at position: Int, now: Instant) -> Instant {
        guard let pause = subscriptions[position].flow.pause else { return work.expires }
        return Self.later(work.expires, max(0, now - max(pause.since, work.arrived)))
    }

    /// Counts failures of one kind in a row; a failing trial goes on pausing, any other outcome of it ends the pause.
    mutating func noteForBreaker(
        _ attempt: Attempt, _ verdict: Verdict, isAsked: Bool, at position: Int, now: Instant
    ) {
        guard let policy = subscriptions[position].rules.breaker else {
            // A breaker that was taken out of the rule while it was open.
            if case .trial(_, attempt.id.number) = subscriptions[position].flow { close(position, now: now) }
            return
        }
        var outcomes: [(AttemptSummary, FailureClass)?] = []
        switch verdict {
        case .succeeded, .superseded: outcomes = [nil]
        case .failed(let summary, let kind), .failedBeside(_, let summary, let kind): outcomes = [(summary, kind)]
        case .records(let verdicts):
            for verdict in verdicts {
                switch verdict {
                case .failed(let summary, let kind): outcomes.append((summary, kind))
                case .succeeded, .dropped, .superseded: outcomes.append(nil)
                case .notReached: break
                }
            }
        }
        // What the host refuses says nothing of the target: it was not asked.
        if !isAsked { outcomes = [] }
        outcomes.removeAll { $0.map { FailureClass.hostRefusals.contains($0.0.code) } ?? false }
        if case .trial(var pause, attempt.id.number) = subscriptions[position].flow {
            if outcomes.isEmpty {
                subscriptions[position].flow = .trial(pause, attempt: nil)
            } else if let (summary, _) = outcomes.last(where: { $0 != nil }) ?? nil {
                pause.reason = policy.reason(after: summary)
                setFlow(.open(pause, until: Self.later(now, policy.retryAfter)), at: position)
            } else {
                close(position, now: now)
            }
            return
        }
        guard case .running = subscriptions[position].flow else { return }
        for outcome in outcomes {
            guard let (summary, kind) = outcome else {
                subscriptions[position].streak.reset()
                continue
            }
            guard kind != .platform else { continue }
            let print = Fingerprint.of(target: attempt.function, code: summary.code, message: summary.message)
            if subscriptions[position].streak.note(print, at: now, policy: policy) {
                setFlow(
                    .open(
                        Pause(since: now, reason: policy.reason(after: summary), fingerprint: print),
                        until: Self.later(now, policy.retryAfter)), at: position)
                return
            }
        }
    }
}

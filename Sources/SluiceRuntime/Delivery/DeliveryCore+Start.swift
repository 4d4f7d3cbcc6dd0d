package import Journal

extension DeliveryCore {
    /// Starts what may start now: round robin over functions and, within one, over subscriptions. Every function with
    /// work owns one slot that others cannot take, even above the global limit.
    package mutating func pump(now: Instant) -> [Action] {
        var actions: [Action] = []
        wake = nil
        let active = subscriptions.settle()
        for position in active {
            if case .open(let pause, let until) = subscriptions[position].flow, until <= now {
                subscriptions[position].flow = .trial(pause, attempt: nil)
            }
            let unread = promoteDue(at: position, now: now)
            if !unread.isEmpty { actions.append(.reload(subscriptions[position].id, unread)) }
        }
        startAll(from: active, now: now, into: &actions)
        for position in active {
            if subscriptions[position].isBehind, !subscriptions[position].refilling, !subscriptions[position].isHeld,
                subscriptions[position].ready.count < window.refill,
                subscriptions[position].ready.bytes < window.refillBytes
            {
                subscriptions[position].refilling = true
                subscriptions[position].hasNews = false
                actions.append(
                    .refill(
                        subscriptions[position].id, after: subscriptions[position].loaded, limit: window.refill))
            }
            if !subscriptions[position].hungry.isEmpty || subscriptions[position].hasLeftovers,
                let refill = keyRefill(at: position)
            {
                actions.append(.refillKeys(subscriptions[position].id, refill))
            }
        }
        return actions
    }

    /// Round robin over the functions that have something to do, beginning with the one after the last that was asked.
    private mutating func startAll(from active: [Int], now: Instant, into actions: inout [Action]) {
        var busy: [Int] = []
        for position in active {
            let function = subscriptions[position].function
            if functions[function].candidates.isEmpty { busy.append(function) }
            functions[function].candidates.append(position)
        }
        busy.sort()
        var turn = busy.firstIndex { $0 >= nextFunction } ?? 0
        var idle = 0
        while idle < busy.count {
            let function = busy[turn]
            turn = (turn + 1) % busy.count
            nextFunction = function + 1
            if let attempt = startNext(of: function, now: now) {
                actions.append(.start(attempt))
                idle = 0
            } else {
                idle += 1
            }
        }
        for function in busy { functions[function].candidates.removeAll(keepingCapacity: true) }
    }

    private mutating func startNext(of function: Int, now: Instant) -> Attempt? {
        guard functions[function].running < functions[function].limit,
            hasOwnSlots(function) || sharedRunning < sharedLimit || functions[function].running == 0
        else { return nil }
        let count = functions[function].candidates.count
        let last = functions[function].lastStarted
        let first = functions[function].candidates.firstIndex { $0 > last } ?? 0
        for offset in 0..<count {
            let position = functions[function].candidates[(first + offset) % count]
            guard !subscriptions[position].isHeld,
                !subscriptions[position].ready.isEmpty || !subscriptions[position].assembling.isEmpty,
                isOpen(position, now: now), assemble(at: position, now: now)
            else { continue }
            functions[function].lastStarted = position
            return start(at: position, now: now)
        }
        return nil
    }

    /// Whether the rates and the downstream let an attempt start.
    private mutating func isOpen(_ position: Int, now: Instant) -> Bool {
        var opens = subscriptions[position].gate?.opens(after: now) ?? now
        if let name = subscriptions[position].rules.downstream, let downstream = downstreams[name] {
            // Room comes with an answer, not with time.
            guard downstream.hasRoom else { return false }
            opens = max(opens, downstream.gate?.opens(after: now) ?? now)
        }
        if opens > now { wakeUp(at: opens) }
        return opens <= now
    }

    private mutating func wakeUp(at instant: Instant) {
        wake = min(wake ?? instant, instant)
    }

    /// Adds what may join to the batch being put together; true when it is to start.
    private mutating func assemble(at position: Int, now: Instant) -> Bool {
        var limits = subscriptions[position].rules.batch
        // A trial costs no more than one delivery.
        if case .trial = subscriptions[position].flow { limits.count = 1 }
        while let work = subscriptions[position].ready.first {
            guard subscriptions[position].assembling.count < limits.count else { return true }
            guard admit(work, at: position) else {
                subscriptions[position].ready.removeFirst()
                lineUp(work, at: position)
                continue
            }
            if let first = subscriptions[position].assembling.first {
                let (sum, overflow) = subscriptions[position].assemblingBytes.addingReportingOverflow(work.bytes)
                guard work.group == first.group, !first.isSolitary, !work.isSolitary, !overflow, sum <= limits.bytes,
                    subscriptions[position].assemblingPayload + work.payload.count <= window.batchBytes
                else { return true }
            }
            subscriptions[position].ready.removeFirst()
            take(work, at: position)
            subscriptions[position].assembling.append(work)
            subscriptions[position].assemblingBytes += work.bytes
            subscriptions[position].assemblingPayload += work.payload.count
            guard subscriptions[position].assembling.count < limits.count else { return true }
            if let key = work.key { promote(key, at: position) }
        }
        guard let first = subscriptions[position].assembling.first else { return false }
        let deadline = Self.later(waitsSince(first, at: position), limits.window)
        if limits.count == 1 || limits.window == 0 || first.group != 0 || first.isSolitary || deadline <= now
            || subscriptions[position].assemblingBytes >= limits.bytes
            || subscriptions[position].assemblingPayload >= window.batchBytes
        {
            return true
        }
        wakeUp(at: deadline)
        return false
    }

    /// Where a batch's window begins: at its first event's acceptance, so that a restart, or the batch before it, does
    /// not begin it anew. What is read from a backlog has waited for longer than any window, and the batch is filled
    /// from what else is there.
    private func waitsSince(_ first: Work, at position: Int) -> Instant {
        guard !subscriptions[position].isBehind, subscriptions[position].hungry.isEmpty,
            !subscriptions[position].hasLeftovers, first.expires != .max
        else { return first.arrived }
        let (accepted, overflow) = first.expires.subtractingReportingOverflow(
            subscriptions[position].rules.retry.maximumAge)
        return overflow ? first.arrived : min(first.arrived, accepted)
    }

    mutating func clearAssembling(at position: Int) {
        subscriptions[position].assembling = []
        subscriptions[position].assemblingBytes = 0
        subscriptions[position].assemblingPayload = 0
        subscriptions[position].assemblingKeys = []
    }

    private mutating func start(at position: Int, now: Instant) -> Attempt {
        let works = subscriptions[position].assembling
        clearAssembling(at: position)
        let function = subscriptions[position].function
        let downstream = subscriptions[position].rules.downstream
        lastAttempt += 1
        let attempt = Attempt(
            id: AttemptID(boot: boot, number: lastAttempt), subscription: subscriptions[position].id,
            function: functions[function].name, works: works)
        running[attempt.id] = attempt
        functions[function].running += 1
        if !hasOwnSlots(function) { sharedRunning += 1 }
        occupied[attempt.id] = (function, downstream)
        subscriptions[position].gate?.pass(now)
        noteSpent(.subscription(subscriptions[position].id), subscriptions[position].gate)
        if let downstream {
            downstreams[downstream]?.running += 1
            downstreams[downstream]?.gate?.pass(now)
            noteSpent(.downstream(downstream), downstreams[downstream]?.gate)
        }
        if case .trial(let pause, nil) = subscriptions[position].flow {
            subscriptions[position].flow = .trial(pause, attempt: lastAttempt)
        }
        return attempt
    }

    /// The attempt's worker is free again (it answered, or it is gone); the outcome may still be publishing.
    package mutating func workerDone(_ attempt: AttemptID) {
        guard let (function, downstream) = occupied.removeValue(forKey: attempt) else { return }
        functions[function].running -= 1
        if !hasOwnSlots(function) { sharedRunning -= 1 }
        if let downstream { downstreams[downstream]?.running -= 1 }
    }
}

package import Journal

extension DeliveryCore {
    /// Starts what may start now: round robin over functions and, within one, over subscriptions. Every function with
    /// work owns one slot that others cannot take, even above the global limit.
    package mutating func pump(now: Instant) -> [Action] {
        var actions: [Action] = []
        promoteDue(now: now)
        var idle = 0
        while idle < order.count, !order.isEmpty {
            nextFunction = nextFunction % order.count
            let name = order[nextFunction]
            nextFunction += 1
            if let attempt = startNext(of: name, now: now) {
                actions.append(.start(attempt))
                idle = 0
            } else {
                idle += 1
            }
        }
        for (id, state) in subscriptions
        where state.isBehind && !state.refilling && !state.isPaused && state.ready.count < Self.windowSize / 4 {
            subscriptions[id]!.refilling = true
            subscriptions[id]!.asked = state.newest
            actions.append(.refill(id, after: state.loaded, limit: Self.windowSize))
        }
        return actions
    }

    /// Due retries go to the front: they are older than anything from the log.
    private mutating func promoteDue(now: Instant) {
        for id in subscriptions.keys {
            guard let due = subscriptions[id]!.retrying.first?.due, due <= now, !subscriptions[id]!.isPaused else {
                continue
            }
            var works: [Work] = []
            while let work = subscriptions[id]!.retrying.popFirst(dueBy: now) { works.append(work) }
            subscriptions[id]!.ready.prepend(works)
        }
    }

    private mutating func startNext(of name: String, now: Instant) -> Attempt? {
        guard var function = functions[name], !function.subscriptions.isEmpty, function.running < function.limit,
            occupied.count < globalLimit || function.running == 0
        else { return nil }
        for offset in 0..<function.subscriptions.count {
            let index = (function.next + offset) % function.subscriptions.count
            let id = function.subscriptions[index]
            guard let state = subscriptions[id], !state.isPaused, !state.ready.isEmpty else { continue }
            let works = subscriptions[id]!.ready.takeBatch(upTo: state.batchSize)
            lastAttempt += 1
            let attempt = Attempt(
                id: AttemptID(boot: boot, number: lastAttempt), subscription: id, function: name, works: works)
            running[attempt.id] = attempt
            function.running += 1
            function.next = index + 1
            occupied[attempt.id] = name
            functions[name] = function
            return attempt
        }
        return nil
    }

    /// The attempt's worker is free again (it answered, or it is gone); the outcome may still be publishing.
    package mutating func workerDone(_ attempt: AttemptID) {
        guard let function = occupied.removeValue(forKey: attempt) else { return }
        functions[function]?.running -= 1
    }
}

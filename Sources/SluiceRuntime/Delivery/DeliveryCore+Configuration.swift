package import Journal

extension DeliveryCore {
    /// Makes a function known or changes its limit. What runs above a lowered limit runs on. A reserved limit is also a
    /// guarantee, as long as all reservations together leave a slot of the global limit.
    package mutating func setFunction(_ name: String, limit: Int, reserved: Bool = false) {
        let position = function(named: name)
        functions[position].limit = max(1, limit)
        functions[position].isReserved = reserved
        share()
    }

    /// Functions that are named no more give back what was reserved for them; what they run, runs on.
    package mutating func keepReservations(of names: Set<String>) {
        for position in functions.indices where functions[position].isReserved {
            if !names.contains(functions[position].name) { functions[position].isReserved = false }
        }
        share()
    }

    package mutating func setGlobalLimit(_ limit: Int) {
        globalLimit = max(1, limit)
        share()
    }

    private mutating func share() {
        let reserved = functions.reduce(0) { $0 + ($1.isReserved ? $1.limit : 0) }
        sharedLimit = reserved < globalLimit ? globalLimit - reserved : globalLimit
        let areKept = reserved < globalLimit
        sharedRunning = functions.reduce(0) { $0 + ($1.isReserved && areKept ? 0 : $1.running) }
    }

    /// Whether a function's slots are apart from the shared ones.
    func hasOwnSlots(_ position: Int) -> Bool {
        functions[position].isReserved && sharedLimit < globalLimit
    }

    /// Makes the downstreams known; what is no longer named has no limit.
    package mutating func setDownstreams(_ limits: [String: DownstreamLimits]) {
        for name in downstreams.keys where limits[name] == nil { downstreams[name]?.limits = DownstreamLimits() }
        for (name, limit) in limits {
            var downstream = downstreams[name] ?? Downstream(limits: limit)
            if downstream.gate?.rate != limit.rate { downstream.gate = limit.rate.map(RateGate.init) }
            downstream.limits = limit
            downstreams[name] = downstream
        }
        for name in downstreams.keys where limits[name] == nil { downstreams[name]?.gate = nil }
    }

    /// Makes a subscription known (`loaded`: where its log is read from) or changes how it is delivered. `rekey` reads
    /// the key of what is in memory where the key policy's path has changed.
    package mutating func setSubscription(
        _ id: SubscriptionID, function name: String, rules: DeliveryRules, loaded: Position, newest: Position,
        rekey: (Work, KeyPolicy?) -> String? = { work, _ in work.key }
    ) {
        let function = function(named: name)
        guard let position = index[id] else {
            let subscription = Subscription(
                id: id, function: function, rules: rules, gate: rules.rate.map(RateGate.init), loaded: loaded,
                newest: newest)
            let free = freePositions.popLast()
            index[id] = free ?? subscriptions.count
            if let free { subscriptions[free] = subscription } else { subscriptions.append(subscription) }
            return
        }
        let before = subscriptions[position].rules
        if before.batch != rules.batch || subscriptions[position].function != function { disband(at: position) }
        subscriptions[position].function = function
        subscriptions[position].rules = rules
        if before.rate != rules.rate { subscriptions[position].gate = rules.rate.map(RateGate.init) }
        if rules.breaker == nil, case .running = subscriptions[position].flow { subscriptions[position].streak.reset() }
        if before.keys != rules.keys { rebuildLines(position, before: before.keys, rekey: rekey) }
    }

    /// Forgets subscriptions that are gone, an ended replay's for one, and that have nothing left in memory; their
    /// places are used again.
    package mutating func forget(_ isGone: (SubscriptionID) -> Bool) {
        let busy = Set(running.values.map(\.subscription)).union(settling.values.map(\.subscription))
        for (id, position) in index where !busy.contains(id) && isGone(id) && subscriptions[position].isEmpty {
            index[id] = nil
            freePositions.append(position)
            let function = subscriptions[position].function
            // Nothing of it can start, whatever the pump still looks at.
            subscriptions[position] = Subscription(
                id: id, function: function, rules: DeliveryRules(), loaded: 0, newest: 0)
        }
    }

    /// Its function is gone (true) or there again: until then nothing of the subscription can start.
    package mutating func setStranded(_ id: SubscriptionID, _ stranded: Bool) {
        if let position = index[id] { subscriptions[position].isStranded = stranded }
    }

    private mutating func function(named name: String) -> Int {
        if let known = functionIndex[name] { return known }
        functionIndex[name] = functions.count
        functions.append(Function(name: name, limit: 1, isReserved: false))
        return functions.count - 1
    }

    /// Lines everything up again after the key policy has changed. Dead letters that park a key are to be told again
    /// (`setParked`); until then nothing of the subscription starts.
    private mutating func rebuildLines(
        _ position: Int, before: KeyPolicy?, rekey: (Work, KeyPolicy?) -> String?
    ) {
        let policy = subscriptions[position].rules.keys
        if policy?.path != before?.path {
            subscriptions[position].freed = [:]
        }
        subscriptions[position].untold = policy?.parks == true ? [:] : nil
        var works = subscriptions[position].ready.extract { _ in true } + subscriptions[position].assembling
        if policy?.path != before?.path {
            // What was left to the log before it was looked at comes from there.
            let (lines, known) = (subscriptions[position].lines, subscriptions[position].known)
            works.removeAll { work in
                guard work.source == .log, known[work.delivery.ordinal] == nil else { return false }
                return work.key.flatMap { lines[$0]?.spilledFrom }.map { work.delivery.position >= $0 } ?? false
            }
        }
        var kept: [String: KeyLine] = [:]
        var places: [String: Position] = [:]
        for (key, line) in subscriptions[position].lines.all {
            works += line.waiting
            guard let from = line.spilledFrom, let before else { continue }
            if policy?.path == before.path {
                var rest = KeyLine()
                (rest.spilledFrom, rest.spilledTo, rest.spilled) = (from, line.spilledTo, line.spilled)
                kept[key] = rest
            } else {
                places[key] = from
            }
        }
        if let before, let first = places.values.min() {
            lastLeftover += 1
            subscriptions[position].leftovers.append(
                Leftover(
                    number: lastLeftover, path: before.path, places: places, through: subscriptions[position].loaded,
                    at: first - 1))
        }
        subscriptions[position].lines = KeyLines(kept)
        subscriptions[position].hungry = []
        subscriptions[position].sweep.reset()
        clearAssembling(at: position)
        func hold(_ attempt: inout Attempt) {
            for at in attempt.works.indices { attempt.works[at].key = rekey(attempt.works[at], policy) }
            for key in Set(attempt.works.compactMap(\.key)) {
                subscriptions[position].lines[key, default: KeyLine()].running += 1
            }
            for work in attempt.works {
                guard let key = work.key else { continue }
                let place = work.delivery.position
                _ = subscriptions[position].lines.update(key) { $0.youngest = max($0.youngest, place) }
            }
        }
        let subscription = subscriptions[position].id
        for id in running.keys where running[id]!.subscription == subscription { hold(&running[id]!) }
        for id in settling.keys where settling[id]!.subscription == subscription { hold(&settling[id]!) }
        var ahead: [(String, Int64)] = []
        // The key of one whose event is not in memory is known again when that has been read.
        func rekeyAhead(_ work: inout Work) {
            work.key = work.isShed ? (policy?.path == before?.path ? work.key : nil) : rekey(work, policy)
            if let key = work.key { ahead.append((key, work.delivery.ordinal)) }
        }
        subscriptions[position].retrying.update(rekeyAhead)
        for ordinal in subscriptions[position].reading.keys { rekeyAhead(&subscriptions[position].reading[ordinal]!) }
        for (key, ordinal) in ahead { subscriptions[position].lines[key, default: KeyLine()].putAhead(ordinal) }
        for var work in works.sorted(by: { $0.delivery.ordinal < $1.delivery.ordinal }) {
            work.key = rekey(work, policy)
            work.isPromoted = false
            if let key = work.key, policy != nil,
                work.source != .log || kept[key].map({ $0.spilledFrom ?? .max > work.delivery.position }) == true
            {
                if work.source == .log {
                    _ = subscriptions[position].lines.update(key) { $0.insert(work) }
                    continue
                }
                subscriptions[position].lines[key, default: KeyLine()].putAhead(work.delivery.ordinal)
                _ = subscriptions[position].lines.update(key) { $0.insert(work) }
            } else {
                arrive(work, at: position)
            }
        }
        for key in subscriptions[position].lines.keys { promote(key, at: position) }
    }
}

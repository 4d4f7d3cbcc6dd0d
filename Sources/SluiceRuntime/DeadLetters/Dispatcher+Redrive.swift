import AppConfig
import EventModel
package import Journal
import Logging
import UVLoop

/// A key that a dead letter holds back while it is redriven to another function.
struct HeldKey {
    var subscription: SubscriptionID
    /// Where it was sent.
    var function: String
    /// Nil where its event has none.
    var key: String?
}

extension Dispatcher {
    /// The works of dead letters that are sent again: the original event with `replayed-from` added, attempts afresh.
    /// Those whose subscription is gone are left out.
    ///
    /// - Parameters:
    ///   - function: instead of the targets' own.
    ///   - edit: the event to be sent instead; for one letter.
    func works(redriving letters: [DeadLetter], to function: String?, edit: String?) async -> [Work] {
        struct Prepared: Sendable {
            var letter: DeadLetter
            var payload: [UInt8]
            var parked: String?
        }
        let edited = edit.map { Array($0.utf8) }
        // Reading every event takes its time: not on the loop.
        let prepared = await files.run {
            letters.map { letter in
                let event = edited ?? letter.payload
                let payload = (try? EventEnvelope.marked(event, replayedFrom: "dead-letter/\(letter.id)")) ?? event
                return Prepared(
                    letter: letter, payload: payload,
                    // An outcome that was kept is that of the event and the function as they were.
                    parked: edited == nil && function == nil
                        ? JSONText.decode(DeliveryMemo.self, from: letter.history)?.parked : nil)
            }
        }
        let lane = function.map(lane(to:))
        var settings: [SubscriptionID: SubscriptionSettings] = [:]
        var works: [Work] = []
        works.reserveCapacity(prepared.count)
        for item in prepared {
            let (letter, id) = (item.letter, item.letter.delivery.subscription)
            guard let known = settings[id] ?? deployment.subscription(id) else { continue }
            settings[id] = known
            works.append(
                Work(
                    delivery: letter.delivery, source: .pending(deadLetter: letter.id), eventID: letter.eventID,
                    ingested: letter.ingested, expires: expiry(known), payload: item.payload, lineage: letter.lineage,
                    parked: item.parked, key: recoveredKeys[letter.id] ?? key(of: item.payload, for: id),
                    bytes: bytes(of: item.payload, for: id),
                    arrived: clock.now,
                    note: lane == nil && edited == nil
                        ? nil
                        : WorkNote(
                            lane: lane, function: lane == nil ? nil : function,
                            original: edited == nil ? nil : letter.payload)))
        }
        return works
    }

    /// Redriven works as the deployment in force has them: their keys, and what they count in a batch.
    func readAgain(_ works: [Work]) -> [Work] {
        works.map { work in
            var work = work
            let id = work.delivery.subscription
            work.key = work.deadLetter.flatMap { recoveredKeys[$0] } ?? key(of: work.payload, for: id)
            work.bytes = bytes(of: work.payload, for: id)
            return work
        }
    }

    func entry(redriving work: Work) -> PendingEntry {
        PendingEntry(
            delivery: work.delivery, state: .redriven, eventID: work.eventID, ingested: work.ingested, attempts: 0,
            due: clock.wall,
            history: work.parked == nil && work.note == nil ? [] : JSONText.encode(DeliveryMemo(work)),
            // The dead letter has the event, unless it was edited.
            payload: work.note?.original == nil ? [] : work.payload, lineage: work.lineage,
            deadLetter: work.deadLetter)
    }

    /// Lets redriven works run; they are in the pending set already.
    func redrive(_ works: [Work]) {
        for work in works {
            core.load(work, due: clock.now, keepingEvent: true)
            let key = heldKey(of: work)
            if let function = work.note?.function {
                // It is in no line of its subscription: what comes after it waits for its outcome.
                if let letter = work.deadLetter {
                    laneKeys[letter] = HeldKey(
                        subscription: work.delivery.subscription, function: function, key: key)
                }
            } else if let key {
                // Loaded first: the key goes from its dead letter to the redriven work without a gap.
                core.unpark(work.delivery.subscription, key: key, now: clock.now)
            }
            if let letter = work.deadLetter { lookAgain(afterLosing: letter, of: work.delivery.subscription) }
        }
        pump()
    }

    /// The key that a redriven work's dead letter holds back: that of the event as it was, whatever was edited.
    private func heldKey(of work: Work) -> String? {
        guard let original = work.note?.original else { return work.key }
        return key(of: original, for: work.delivery.subscription)
    }

    /// A delivery is a dead letter again. The core parks what is as it was; the key of an edited event is the letter's.
    func died(_ work: Work) {
        let id = work.delivery.subscription
        if work.key == nil, core.rules(of: id)?.keys?.parks == true, !EventReading.isReadable(work.payload) {
            // Which key it holds back is to be found out, if it can be.
            core.setUntold(id)
            if parking[id] == nil { tellParkedAgain(id) }
        }
        guard let note = work.note, note.lane == nil, let key = heldKey(of: work) else { return }
        core.park(id, key: key)
    }

    /// The journal has settled dead letters, or has them back: keys that redrives to other functions have held are free
    /// where they succeeded.
    func redrivesSettled(_ changes: [DeadLetterChange]) {
        guard !laneKeys.isEmpty else { return }
        for change in changes {
            switch change {
            case .setState(let id, .redriven):
                guard let held = laneKeys.removeValue(forKey: id), let key = held.key else { continue }
                core.unpark(held.subscription, key: key, now: clock.now)
            case .update(let letter) where letter.state == .dead: laneKeys[letter.id] = nil
            case .setState, .update, .insert: continue
            }
        }
        // Not from within the committer.
        LoopActor.submit { [weak self] in self?.pump() }
    }

    /// The function that a dead letter of the work names: its subscription's own, also where a redrive was sent to
    /// another.
    func target(of work: Work, ranBy function: String) -> String {
        guard work.note?.function != nil else { return function }
        return deployment.subscription(work.delivery.subscription)?.function ?? function
    }

    /// Whether redrives may be sent to a function. One that the app no longer has may still be there for what was sent.
    func isOffered(_ function: String) -> Bool {
        deployment.app.function(named: function) != nil || deployment.replays.functions[function] != nil
    }

    /// Where redrives to a function are queued: a subscription that is never persisted, with the usual retries. While
    /// the function is not deployed nothing of it starts: nobody else gets what was sent to it.
    func lane(to function: String) -> SubscriptionID {
        if let known = lanes[function] { return known }
        // Below those of direct invocations, which count down from -1.
        let id = SubscriptionID(-1_000_000 - Int64(lanes.count))
        lanes[function] = id
        core.setSubscription(id, function: function, rules: DeliveryRules(), loaded: 0, newest: 0)
        core.setStranded(id, isLaneStranded(function))
        return id
    }

    /// A redrive starts the clock anew: the event's age is why it may have died.
    private func expiry(_ settings: SubscriptionSettings?) -> Instant {
        clock.now + Int64(settings?.retry.maximumEventAgeSeconds ?? 6 * 3600) * 1000
    }

    /// Reads works of the pending set whose events are not in memory.
    func reload(_ id: SubscriptionID, _ deliveries: [Delivery]) {
        let journal = journal
        Task { @LoopActor in
            var entries: [PendingEntry] = []
            do {
                entries = try await files.run {
                    try deliveries.compactMap { delivery in
                        try journal.pending(delivery.subscription, after: delivery.ordinal - 1, limit: 1)
                            .first { $0.delivery == delivery }.map { try journal.whole($0) }
                    }
                }
            } catch {
                // Each is asked for again a little later.
                log.error(
                    "cannot read the pending set", metadata: ["subscription": "\(id.value)", "error": "\(error)"])
            }
            core.reloaded(id, asked: deliveries, found: entries.map { work(pending: $0) }, now: clock.now)
            pump()
        }
    }

    /// Loads what an earlier life left in the pending set; `entry` is whole (`JournalStore.whole`).
    package func load(_ entry: PendingEntry) {
        let settings = deployment.subscription(entry.delivery.subscription)
        let longest = max(
            (settings?.policy ?? DeliveryPolicy()).maximumDelay,
            JSONText.decode(DeliveryMemo.self, from: entry.history)?.attempts.last?.retryAfter ?? 0)
        let work = work(pending: entry)
        core.load(work, due: clock.instant(due: entry.due, longest: longest))
        if let function = work.note?.function, let letter = work.deadLetter {
            let key = heldKey(of: work)
            laneKeys[letter] = HeldKey(subscription: work.delivery.subscription, function: function, key: key)
            if let key { core.park(work.delivery.subscription, key: key) }
        }
    }

    /// A work as the pending set has it; `entry` is whole.
    func work(pending entry: PendingEntry) -> Work {
        let settings = deployment.subscription(entry.delivery.subscription)
        let policy = settings?.policy ?? DeliveryPolicy()
        let memo = JSONText.decode(DeliveryMemo.self, from: entry.history)
        let isRedrive = entry.state == .redriven || entry.deadLetter != nil
        var payload = entry.payload
        if entry.state == .redriven, memo?.original == nil, let letter = entry.deadLetter {
            payload = (try? EventEnvelope.marked(payload, replayedFrom: "dead-letter/\(letter)")) ?? payload
        }
        var note: WorkNote?
        if memo?.function != nil || memo?.original != nil {
            note = WorkNote(
                lane: memo?.function.map(lane(to:)), function: memo?.function,
                original: memo?.original.map { Array($0.utf8) })
        }
        return Work(
            delivery: entry.delivery, source: .pending(deadLetter: entry.deadLetter), eventID: entry.eventID,
            ingested: entry.ingested,
            expires: isRedrive
                ? expiry(settings)
                : expiry(
                    ingested: entry.ingested, for: entry.delivery.subscription, maximumAge: policy.maximumAge,
                    at: clock.moment),
            payload: payload, lineage: entry.lineage, history: memo?.attempts ?? [], alone: memo?.alone ?? false,
            parked: memo?.parked, key: key(of: payload, for: entry.delivery.subscription),
            bytes: bytes(of: payload, for: entry.delivery.subscription), arrived: clock.now, note: note)
    }
}

import AppConfig
package import Journal
import Logging
import UVLoop

/// What the core must be told of an event beside its record, and the keys that dead letters hold back.
extension Dispatcher {
    /// Called back by the core while it changes: nothing here may look at the core.
    /// - Parameter moment: when it is told; the clocks are read once for many records.
    func traits(
        of record: CommittedRecord, for id: SubscriptionID, _ rules: DeliveryRules, at moment: HostClock.Moment
    ) -> DeliveryTraits {
        DeliveryTraits(
            expires: expiry(ingested: record.ingested, for: id, maximumAge: rules.retry.maximumAge, at: moment),
            key: rules.keys.flatMap { EventReading.key(of: record.payload, path: $0.path) },
            bytes: bytes(of: record.payload, for: id, rules),
            alone: hasLeftRetention(id, ingested: record.ingested, at: moment.wall))
    }

    /// Whether a record of a stream has waited for longer than the stream keeps its records; the time for which its
    /// subscription was paused does not count.
    func hasLeftRetention(_ id: SubscriptionID, ingested: Milliseconds, at now: Milliseconds) -> Bool {
        guard let retention = retentions[id] else { return false }
        guard now - ingested > retention else { return false }
        return now - ingested - (pauses[id]?.paused(since: ingested, until: now) ?? 0) > retention
    }

    func key(of payload: [UInt8], for id: SubscriptionID) -> String? {
        core.rules(of: id)?.keys.flatMap { EventReading.key(of: payload, path: $0.path) }
    }

    /// What an event counts against its target's `maximumBatchBytes`.
    func bytes(of payload: [UInt8], for id: SubscriptionID) -> Int64 {
        core.rules(of: id).map { bytes(of: payload, for: id, $0) } ?? 0
    }

    private func bytes(of payload: [UInt8], for id: SubscriptionID, _ rules: DeliveryRules) -> Int64 {
        guard rules.batch.bytes < .max else { return 0 }
        switch deployment.subscription(id)?.delivery?.batchBytesOf ?? .event {
        case .event: return Int64(payload.count)
        case .object: return max(0, EventReading.objectSize(of: payload) ?? Int64(payload.count))
        }
    }

    /// When something is too old to be tried again; the time for which its subscription was paused does not count.
    func expiry(
        ingested: Milliseconds, for id: SubscriptionID, maximumAge: Int64, at moment: HostClock.Moment
    ) -> Instant {
        let expiry = moment.expiry(ingested: ingested, maximumAge: maximumAge)
        guard let note = pauses[id] else { return expiry }
        let (sum, overflow) = expiry.addingReportingOverflow(note.paused(since: ingested, until: moment.wall))
        return overflow ? .max : sum
    }

    /// Reads one key's records back; on a file thread, in pages, so that no read is long. Behind everything that is on
    /// its way into the journal: what is over must not be found waiting.
    func refillKey(_ id: SubscriptionID, _ refill: KeyRefill) {
        let journal = journal
        Task { @LoopActor in
            do {
                if !committer.isIdle { _ = try await committer.commit(Batch()) }
                let (records, end) = try await files.run { try Self.read(refill, of: id, journal) }
                let moment = clock.moment
                core.refilledKey(id, refill, with: records, end: end, now: moment.now) { record, rules in
                    traits(of: record, for: id, rules, at: moment)
                }
            } catch {
                log.error("cannot read the log", metadata: ["subscription": "\(id.value)", "error": "\(error)"])
                core.refillKeyFailed(id, refill)
                _ = LoopTimer.after(.milliseconds(1000)) { [weak self] in self?.pump() }
                return
            }
            pump()
        }
    }

    /// At most ten pages at a time, and no more than a page of what is wanted: a long way through other keys' records
    /// is gone in steps.
    private nonisolated static func read(
        _ refill: KeyRefill, of id: SubscriptionID, _ journal: any JournalStore
    ) throws -> (records: [CommittedRecord], end: Position) {
        var found: [CommittedRecord] = []
        var (end, bytes) = (refill.after, 0)
        for _ in 0..<10 {
            let page = try journal.waiting(id, after: end, limit: 500, bytes: JournalPage.bytes)
            for record in page {
                guard record.position <= refill.through else { return (found, refill.through) }
                end = record.position
                guard EventReading.key(of: record.payload, path: refill.path) == refill.key else { continue }
                found.append(record)
                bytes += record.payload.count
                if found.count == refill.limit || bytes >= JournalPage.bytes { return (found, end) }
            }
            if page.isEmpty { return (found, refill.through) }
        }
        return (found, end)
    }

    // MARK: Parking

    /// Tells the core which keys dead letters hold back, before anything of the subscription starts. Where they cannot
    /// be read it goes on asking, and nothing of the subscription starts meanwhile; everything else does.
    package func loadParked(_ id: SubscriptionID) async throws {
        guard core.rules(of: id)?.keys?.parks == true else { return }
        do {
            park(try await parkedLetters(of: id), of: id)
        } catch {
            if (error as? JournalError)?.code == .closed { throw error }
            core.setUntold(id)
            tellParkedAgain(id)
        }
    }

    /// All at once: a key that is told twice would be held back by one letter more than there is.
    private func park(_ letters: [ParkedLetter], of id: SubscriptionID) {
        let damaged = letters.filter(\.isDamaged).map(\.id)
        damagedLetters[id] = damaged.isEmpty ? nil : Set(damaged)
        guard damaged.isEmpty else {
            // Any key may be the one that such a letter holds back.
            let names = damaged.prefix(5).map(String.init).joined(separator: ", ") + (damaged.count > 5 ? ", …" : "")
            let text =
                "\(damaged.count == 1 ? "dead letter" : "dead letters") \(names) cannot be read, nor can the "
                + "\(damaged.count == 1 ? "key that it holds" : "keys that they hold") back: nothing of the target is "
                + "delivered until they are purged or redriven: sluice dlq show ID, sluice dlq purge ID"
            if parkingTroubles[id] != text { tellOfTrouble(text, id) }
            return core.setUntold(id)
        }
        parkingTroubles[id] = nil
        var counts: [String: Int] = [:]
        for letter in letters {
            laneKeys[letter.id]?.key = letter.key
            if let key = letter.key { counts[key, default: 0] += 1 }
        }
        core.setParked(id, counts)
    }

    private func tellOfTrouble(_ text: String, _ id: SubscriptionID) {
        parkingTroubles[id] = text
        log.error(
            "\(text)",
            metadata: [
                "rule": "\(deployment.subscription(id)?.rule ?? "")",
                "target": "\(deployment.subscription(id)?.target ?? "")",
            ])
    }

    /// A dead letter that holds its key back, if it has one.
    private struct ParkedLetter {
        var id: Int64
        var key: String?
        /// Its event cannot be read, nor the record that it came from.
        var isDamaged = false
    }

    private func parkedLetters(of id: SubscriptionID) async throws -> [ParkedLetter] {
        let journal = journal
        // What is being redriven to another function holds its key back like a dead letter.
        let states: [DeadLetter.State] =
            laneKeys.values.contains { $0.subscription == id } ? [.dead, .redriving] : [.dead]
        var (found, after): ([ParkedLetter], Int64) = ([], 0)
        while true {
            let from = after
            let page = try await files.run {
                try journal.deadLetters(
                    DeadLetterFilter(
                        states: states, subscription: id, afterID: from, limit: 500, bytes: JournalPage.bytes))
            }
            for letter in page where letter.state == .dead || laneKeys[letter.id] != nil {
                if let key = key(of: letter.payload, for: id) {
                    found.append(ParkedLetter(id: letter.id, key: key))
                } else if EventReading.isReadable(letter.payload) {
                    found.append(ParkedLetter(id: letter.id))
                } else {
                    let record = try await payload(ofRecord: letter.delivery.position)
                    recoveredKeys[letter.id] = record.flatMap { key(of: $0, for: id) }
                    found.append(
                        ParkedLetter(id: letter.id, key: recoveredKeys[letter.id], isDamaged: record == nil))
                }
            }
            guard let last = page.last else { return found }
            after = last.id
        }
    }

    /// What the log has at a position, if it can be read.
    func payload(ofRecord position: Position) async throws -> [UInt8]? {
        let journal = journal
        let found = try await files.run { try journal.records(log: nil, after: position - 1, limit: 1).first }
        guard let found, found.position == position, EventReading.isReadable(found.payload) else { return nil }
        return found.payload
    }

    /// Damaged dead letters are gone: whether others are left is to be seen.
    func lookAgain(afterLosing letter: Int64, of id: SubscriptionID) {
        guard damagedLetters[id]?.contains(letter) == true, parking[id] == nil else { return }
        tellParkedAgain(id)
    }

    /// A deployment has changed how keys are read: the core has forgotten which are parked, and starts nothing until it
    /// is told again.
    func tellParkedAgain(_ id: SubscriptionID) {
        parkings += 1
        parking[id] = parkings
        Task { @LoopActor [number = parkings] in await parkAgain(id, number) }
    }

    /// They are counted while nothing can change their number: nothing of the subscription runs any more, what came of
    /// it is in the journal, and nobody redrives or purges.
    private func parkAgain(_ id: SubscriptionID, _ number: Int) async {
        var told: String?
        while !isStopping, parking[id] == number {
            guard !runs(id) else {
                await withCheckedContinuation { continuation in endWaiters.append { continuation.resume() } }
                continue
            }
            await turns.acquire(Self.deadLetters)
            do {
                // Behind everything that is on its way.
                _ = try await committer.commit(Batch())
                let letters = try await parkedLetters(of: id)
                // Read for another deployment's keys: that one's task tells.
                if parking[id] == number {
                    park(letters, of: id)
                    parking[id] = nil
                    strandLanes()
                }
                turns.release(Self.deadLetters)
                return pump()
            } catch {
                turns.release(Self.deadLetters)
                guard (error as? JournalError)?.code != .closed, parking[id] == number else { return }
                let text = "which keys dead letters hold back cannot be read, so nothing of it starts: \(error)"
                if told != text { tellOfTrouble(text, id) }
                told = text
                await LoopPause.sleep(milliseconds: 1000, while: { !isStopping })
            }
        }
    }

    /// Whether deliveries of the subscription are in attempts, its own or those of redrives to other functions.
    private func runs(_ id: SubscriptionID) -> Bool {
        attempts.values.contains { $0.attempt.works.contains { $0.delivery.subscription == id } }
    }

    /// Nothing of a lane starts while its function is not deployed, or while parked keys are counted: what is sent to
    /// other functions holds keys, too.
    func strandLanes() {
        for (name, lane) in lanes { core.setStranded(lane, isLaneStranded(name)) }
    }

    func isLaneStranded(_ function: String) -> Bool { deployment.function(function) == nil || !parking.isEmpty }

    /// Dead letters were given up for good: the keys that they held back are free.
    package func purged(_ letters: [DeadLetter]) {
        for letter in letters {
            let id = letter.delivery.subscription
            if let key = recoveredKeys.removeValue(forKey: letter.id) ?? key(of: letter.payload, for: id) {
                core.unpark(id, key: key, now: clock.now)
            }
            lookAgain(afterLosing: letter.id, of: id)
        }
        pump()
    }
}

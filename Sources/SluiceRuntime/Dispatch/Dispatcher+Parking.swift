import AppConfig
package import Journal
import Logging
import UVLoop

/// The keys that dead letters hold back.
extension Dispatcher {
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
        let damaged = letters.filter(\.isDamaged).compactMap(\.id)
        damagedLetters[id] = damaged.isEmpty ? nil : Set(damaged)
        if let left = letters.first(where: { $0.isDamaged && $0.left != nil })?.left {
            if parkingTroubles[id] != left { tellOfTrouble(left, id) }
            return core.setUntold(id)
        }
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
            if let id = letter.id { laneKeys[id]?.key = letter.key }
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

    /// A dead letter that holds its key back, if it has one, or a delivery that was left where it is.
    private struct ParkedLetter {
        /// nil: it is no dead letter.
        var id: Int64?
        /// Of one that was left: what is said of it where its key cannot be read.
        var left: String?
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
            guard let last = page.last else { break }
            after = last.id
        }
        for (delivery, reason) in unloaded where delivery.subscription == id {
            found.append(try await leftBehind(delivery, because: reason))
        }
        return found
    }

    /// An entry of the pending set that cannot be read: it stays where it is, and counts, until a host can. Where dead
    /// letters hold their keys back it does, too.
    package func leave(_ entry: PendingEntry, because reason: String) async throws {
        let (id, delivery) = (entry.delivery.subscription, entry.delivery)
        unloaded[delivery] = reason
        log.critical(
            "a delivery cannot be read and is left where it is",
            metadata: [
                "event": "\(entry.eventID)", "target": "\(deployment.subscription(id)?.target ?? "")",
                "error": "\(reason)",
            ])
        guard core.rules(of: id)?.keys?.parks == true else { return }
        let left = try await leftBehind(delivery, because: reason)
        // While they are still to be counted it is counted with the others.
        if left.isDamaged {
            parkingTroubles[id] = left.left
            core.setUntold(id)
        } else if let key = left.key {
            core.park(id, key: key)
        }
    }

    /// What a delivery that was left where it is holds back: the key of the record that it came from.
    private func leftBehind(_ delivery: Delivery, because reason: String) async throws -> ParkedLetter {
        let id = delivery.subscription
        let payload = try await payload(ofRecord: delivery.position)
        return ParkedLetter(
            id: nil,
            left:
                "delivery \(delivery.ordinal) cannot be read, nor the key that it holds back: nothing of the target is "
                + "delivered: \(reason)",
            key: payload.flatMap { key(of: $0, for: id) }, isDamaged: payload == nil)
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

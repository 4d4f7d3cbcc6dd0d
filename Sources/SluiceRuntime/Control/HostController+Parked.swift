import HostAPI
import Journal
import UVLoop

/// What waits behind dead letters of its key, and behind which.
extension HostController {
    /// Dead letters that are looked through for those of a key, and what is told of them.
    private static let (mostLetters, toldLetters) = (5_000, 5)
    /// Records that are looked through for those of a key.
    private static let (mostRecords, toldEvents) = (5_000, 5)

    /// The dead letters that a delivery waits behind, the first of them; nil: none holds it back. `payload`: of its
    /// event.
    func parkedBehind(_ delivery: Delivery, _ payload: [UInt8]) async throws -> [Int64]? {
        let id = delivery.subscription
        guard let path = await host.parkingPath(of: id), let key = EventReading.key(of: payload, path: path),
            await host.holdsBack(id, key) > 0
        else { return nil }
        return try await read { journal in
            var (found, after, seen): ([Int64], Int64, Int) = ([], 0, 0)
            while found.count < Self.toldLetters, seen < Self.mostLetters {
                // What is being redriven holds its key back until it has succeeded.
                let page = try journal.deadLetters(
                    DeadLetterFilter(
                        states: [.dead, .redriving], subscription: id, afterID: after, limit: 500,
                        bytes: JournalPage.bytes))
                guard let last = page.last else { break }
                found += page.filter { EventReading.key(of: $0.payload, path: path) == key }.map(\.id)
                (after, seen) = (last.id, seen + page.count)
            }
            return Array(found.prefix(Self.toldLetters))
        }
    }

    /// What a dead letter holds back; nil: nothing.
    func heldBack(by letter: DeadLetter) async throws -> DeadLetterDetail.HeldBack? {
        let id = letter.delivery.subscription
        guard letter.state == .dead || letter.state == .redriving, let path = await host.parkingPath(of: id),
            let key = EventReading.key(of: letter.payload, path: path)
        else { return nil }
        let count = await host.holdsBack(id, key)
        guard count > 0 else { return nil }
        let events = try await read { journal in
            var (found, after, seen): ([String], Position, Int) = ([], 0, 0)
            while found.count < min(count, Self.toldEvents), seen < Self.mostRecords {
                let page = try journal.waiting(id, after: after, limit: 500, bytes: JournalPage.bytes)
                guard let last = page.last else { break }
                found += page.filter { EventReading.key(of: $0.payload, path: path) == key }.map(\.eventID)
                (after, seen) = (last.position, seen + page.count)
            }
            return Array(found.prefix(Self.toldEvents))
        }
        return .init(key: key, count: count, events: events)
    }

    /// Summaries with how many deliveries each holds back.
    func withHeldBack(_ letters: [ToldLetter]) async -> [DeadLetterSummary] {
        let counts = await host.holdsBack(letters.map { $0.place })
        return zip(letters, counts).map { letter, count in
            var summary = letter.summary
            summary.holdsBack = count
            return summary
        }
    }
}

extension HostRuntime {
    /// Where the key is in events of a subscription whose dead letters hold back what comes after them; nil: they do
    /// not.
    func parkingPath(of id: SubscriptionID) -> String? {
        guard let keys = dispatcher.core.rules(of: id)?.keys, keys.parks else { return nil }
        return keys.path
    }

    /// Of all subscriptions that have one.
    var parkingPaths: [SubscriptionID: String] {
        (deployment.subscriptions + deployment.replays.subscriptions).reduce(into: [:]) { paths, settings in
            paths[settings.id] = parkingPath(of: settings.id)
        }
    }

    func holdsBack(_ id: SubscriptionID, _ key: String) -> Int { dispatcher.core.parked(of: id, behind: key) }

    /// Of each place how many; nil: none.
    func holdsBack(_ places: [(subscription: SubscriptionID, key: String)?]) -> [Int?] {
        places.map { place in
            guard let place else { return nil }
            let count = holdsBack(place.subscription, place.key)
            return count > 0 ? count : nil
        }
    }
}

/// A dead letter in a line, with where it may hold others back: its subscription and its key.
struct ToldLetter: Sendable {
    var summary: DeadLetterSummary
    var place: (subscription: SubscriptionID, key: String)?
}

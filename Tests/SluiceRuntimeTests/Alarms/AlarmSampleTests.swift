import AppConfig
import Journal
import SluiceRuntime
import Testing

@Suite("What alarms measure")
struct AlarmSampleTests {
    private static func delivery(_ subscription: Int64, _ position: Position, _ ordinal: Int64) -> Delivery {
        Delivery(subscription: SubscriptionID(subscription), position: position, ordinal: ordinal)
    }

    /// Subscription 1 has one dead, one that is tried again, one parked and two that wait; 2 has everything settled; 3
    /// never had anything; 4 has one that is tried again, and is paused.
    private static func journal() async throws -> InMemoryJournal {
        let journal = InMemoryJournal()
        var setup = Batch()
        for id in Int64(1)...4 {
            setup.control.append(
                .putSubscription(
                    SubscriptionRecord(
                        id: SubscriptionID(id), log: "default", rule: "r\(id)", target: "t", state: "active")))
        }
        for index in Int64(1)...5 {
            let wanted: [Int64] = index == 5 ? [1, 4] : [1, 2]
            setup.appends.append(
                Append(
                    log: "default", eventID: "e\(index)", ingested: index * 1000, payload: [],
                    subscriptions: wanted.map { SubscriptionID($0) }, ruleSet: 0))
        }
        _ = try await journal.commit(setup)
        var batch = Batch()
        batch.settlements = (1...4).map { Settlement(delivery(2, $0, $0), .succeeded) }
        batch.settlements.append(Settlement(delivery(1, 1, 1), .dead))
        batch.settlements += [2, 3].map { Settlement(delivery(1, $0, $0), .pended) }
        batch.settlements.append(Settlement(delivery(4, 5, 1), .pended))
        func pending(_ delivery: Delivery, _ state: PendingEntry.State) -> PendingEntry {
            PendingEntry(
                delivery: delivery, state: state, eventID: "e\(delivery.position)", ingested: delivery.position * 1000,
                attempts: 1, due: 0, history: [], payload: [], lineage: [], deadLetter: nil)
        }
        batch.pending = [
            .put(pending(delivery(1, 2, 2), .retrying)), .put(pending(delivery(1, 3, 3), .parked)),
            .put(pending(delivery(4, 5, 1), .retrying)),
        ]
        batch.deadLetters = [
            .insert(
                DeadLetter(
                    delivery: delivery(1, 1, 1), target: "F1", rule: "r1", eventID: "e1", ingested: 1000, died: 0,
                    code: "C", message: "m", condition: "c", fingerprint: "f", attempts: 1, history: [], payload: [],
                    lineage: [], input: []))
        ]
        _ = try await journal.commit(batch)
        return journal
    }

    @Test("Each subscription's counts, the age of its oldest open delivery, and what the control plane knows")
    func sample() async throws {
        let settings = SubscriptionSettings(
            id: SubscriptionID(1), bus: "default", rule: "r1", target: "t", function: "F1",
            inputFormat: .eventBridge, input: nil, batchSize: 1, retry: RetryPolicy())
        let counts = AttemptCounts(attempts: 7, errors: 2)
        let measures = AlarmMeasures(
            subscriptions: [settings], paused: [SubscriptionID(4)], counts: [SubscriptionID(1): counts],
            freeBytes: 5 << 20)
        let sample = try AlarmSample(measures, journal: try await Self.journal(), wall: 60_000)
        #expect(sample.targets.map(\.rule) == ["r1", "r2", "r3", "r4"] && sample.freeMegabytes == 5)
        #expect(sample.targets.map(\.function) == ["F1", "t", "t", "t"])
        #expect(sample.targets.map(\.dead) == [1, 0, 0, 0])
        // Waiting, retrying and parked alike.
        #expect(sample.targets.map(\.waiting) == [4, 0, 0, 1])
        #expect(sample.targets.map(\.oldestAgeSeconds) == [58, 0, 0, 55])
        #expect(sample.targets.map(\.isPaused) == [false, false, false, true])
        #expect(sample.targets.map(\.unaccounted) == [0, 0, 0, 0])
        #expect(sample.targets[0].counts == counts && sample.targets[1].counts == AttemptCounts())
    }

    @Test("What is redriven is as old as its redrive, however old its event is, and after a failure as well")
    func redriven() async throws {
        let journal = try await Self.journal()
        var batch = Batch()
        for (ordinal, state, history) in [
            (Int64(2), PendingEntry.State.redriven, #"{"attempts":[]}"#),
            (
                3, .retrying,
                #"{"attempts":[{"attempt":"1-1","version":1,"started":40000,"durationMilliseconds":1,"#
                    + #""code":"C","message":"m","platform":false,"backtrace":[],"log":[]}]}"#
            ),
        ] {
            batch.pending.append(
                .put(
                    PendingEntry(
                        delivery: Self.delivery(1, ordinal, ordinal), state: state, eventID: "e\(ordinal)",
                        ingested: ordinal * 1000, attempts: 1, due: 50_000, history: Array(history.utf8), payload: [],
                        lineage: [], deadLetter: ordinal)))
        }
        // Those two that wait in the log are settled.
        batch.settlements = [
            Settlement(Self.delivery(1, 4, 4), .succeeded), Settlement(Self.delivery(1, 5, 5), .succeeded),
        ]
        _ = try await journal.commit(batch)
        let measures = AlarmMeasures(subscriptions: [], paused: [], counts: [:], freeBytes: -1)
        let sample = try AlarmSample(measures, journal: journal, wall: 60_000)
        #expect(sample.targets[0].waiting == 2 && sample.targets[0].oldestAgeSeconds == 20, "\(sample)")
    }

    /// So many that were redriven at 50 000, and behind them one that is tried again.
    private static func age(behind redriven: Int64, then state: PendingEntry.State = .retrying) async throws -> Double {
        let journal = InMemoryJournal()
        var batch = Batch()
        batch.control.append(
            .putSubscription(
                SubscriptionRecord(id: SubscriptionID(1), log: "default", rule: "r", target: "t", state: "active")))
        for index in 1...redriven + 1 {
            batch.appends.append(
                Append(
                    log: "default", eventID: "e\(index)", ingested: 10_000 + index, payload: [],
                    subscriptions: [SubscriptionID(1)], ruleSet: 0))
        }
        _ = try await journal.commit(batch)
        batch = Batch()
        for index in 1...redriven + 1 {
            batch.settlements.append(Settlement(delivery(1, index, index), .pended))
            let isLast = index == redriven + 1
            batch.pending.append(
                .put(
                    PendingEntry(
                        delivery: delivery(1, index, index), state: isLast ? state : .redriven, eventID: "e\(index)",
                        ingested: 10_000 + index, attempts: 1, due: 50_000, history: [], payload: [], lineage: [],
                        deadLetter: isLast && state != .redriven ? nil : index)))
        }
        _ = try await journal.commit(batch)
        let measures = AlarmMeasures(subscriptions: [], paused: [], counts: [:], freeBytes: -1)
        return try AlarmSample(measures, journal: journal, wall: 60_000).targets[0].oldestAgeSeconds
    }

    @Test("What is tried again is not hidden by what was redriven before it, over pages and beyond the most")
    func behindRedriven() async throws {
        for redriven in [Int64(1), 99, 100, 101, 250] {
            #expect(try await Self.age(behind: redriven) == 50 - Double(redriven + 1) / 1000, "\(redriven)")
        }
        // Not all are looked at: as old as what may stand behind them.
        let age = try await Self.age(behind: 1500)
        #expect(age >= 50 - 1.501 && age < 50, "\(age)")
        // Nothing but redriven ones is behind them.
        #expect(try await Self.age(behind: 1500, then: .redriven) == 10)
    }

    @Test("An unknown size of the disk is no measure, and a clock that went back makes no age")
    func edges() async throws {
        let measures = AlarmMeasures(subscriptions: [], paused: [], counts: [:], freeBytes: -1)
        let sample = try AlarmSample(measures, journal: try await Self.journal(), wall: 0)
        #expect(sample.freeMegabytes == nil && sample.targets.allSatisfy { $0.oldestAgeSeconds == 0 })
    }
}

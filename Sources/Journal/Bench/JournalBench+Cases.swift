import Foundation

extension JournalBench {
    // MARK: Latency

    /// One event at a time: each pays its own fsync.
    func lone() throws -> [JournalFigure] {
        let count = 500
        let payloads = Self.payloads(bytes)
        let mine = try loneMilliseconds(payloads, subscriptions: 1, count: count)
        let raw = try withFolder { try RawFloor.run(folder: $0, events: count, batch: 1, payloads: payloads) }
        return [0.5, 0.99].map { fraction in
            let (value, floor) = (mine.percentile(fraction), raw.commitMilliseconds.percentile(fraction))
            return JournalFigure(
                metric: "lone_p\(Int(fraction * 100))_ms", value: value, unit: "ms", floor: floor, ratio: value / floor)
        }
    }

    private func loneMilliseconds(_ payloads: [[UInt8]], subscriptions: Int64, count: Int) throws -> [Double] {
        try withFolder { folder in
            let journal = try SQLiteJournal(dataFolder: folder)
            defer { journal.close() }
            let ids = try subscribe(journal, subscriptions)
            return try (0..<count).map { index in
                var batch = Batch()
                batch.appends = [
                    Append(
                        log: "bench", eventID: "event-\(index)", ingested: 1, payload: payloads[index % payloads.count],
                        subscriptions: ids, ruleSet: 0)
                ]
                let started = ContinuousClock.now
                _ = try journal.commitBlocking(batch)
                return Double((ContinuousClock.now - started).microseconds) / 1_000
            }
        }
    }

    /// An event that a hundred subscriptions want, beside one that one wants: appended and settled in bulk, in turns,
    /// and accept → durable of one alone.
    func fanOut() throws -> [JournalFigure] {
        let payloads = Self.payloads(bytes)
        let events = min(events, 100_000)
        var (ones, manies): ([Double], [Double]) = ([], [])
        for _ in 1...max(1, runs) {
            ones.append(1_000_000 / (try drive(payloads, subscriptions: 1, events: events).eventsPerSecond))
            manies.append(1_000_000 / (try drive(payloads, subscriptions: 100, events: events).eventsPerSecond))
        }
        let (one, many) = (ones.median, manies.median)
        let loneOne = try loneMilliseconds(payloads, subscriptions: 1, count: 300).median
        let loneMany = try loneMilliseconds(payloads, subscriptions: 100, count: 300).median
        return [
            JournalFigure(metric: "fan_out_100_us_per_event", value: many, unit: "µs", floor: one, ratio: many / one),
            JournalFigure(
                metric: "fan_out_100_lone_p50_ms", value: loneMany, unit: "ms", floor: loneOne,
                ratio: loneMany / loneOne),
        ]
    }

    // MARK: Dead letters

    /// Settling events as dead letters, and sending them again: taken, put into the pending set, finished.
    func deadLetters() throws -> [JournalFigure] {
        let payloads = Self.payloads(bytes)
        let count: Int64 = 20_000
        let step: Int64 = 100
        return try withFolder { folder in
            let journal = try SQLiteJournal(dataFolder: folder)
            defer { journal.close() }
            let ids = try subscribe(journal, 1)
            for start in stride(from: Int64(1), through: count, by: 1_000) {
                var batch = Batch()
                batch.appends = (start..<start + 1_000).map { index in
                    Append(
                        log: "bench", eventID: "event-\(index)", ingested: 1,
                        payload: payloads[Int(index) % payloads.count], subscriptions: ids, ruleSet: 0)
                }
                _ = try journal.commitBlocking(batch)
            }
            func rate(_ make: (ClosedRange<Int64>) -> Batch) throws -> Double {
                let started = ContinuousClock.now
                for start in stride(from: Int64(1), through: count, by: Int(step)) {
                    _ = try journal.commitBlocking(make(start...start + step - 1))
                }
                return Double(count) / (Double((ContinuousClock.now - started).microseconds) / 1_000_000)
            }
            func delivery(_ index: Int64) -> Delivery {
                Delivery(subscription: SubscriptionID(1), position: index, ordinal: index)
            }
            let died = try rate { range in
                var batch = Batch()
                for index in range {
                    batch.settlements.append(Settlement(delivery(index), .dead))
                    batch.deadLetters.append(.insert(letter(delivery(index), payloads[Int(index) % payloads.count])))
                }
                return batch
            }
            let redriven = try rate { range in
                var batch = Batch()
                for index in range {
                    batch.deadLetters.append(.setState(id: index, .redriving))
                    batch.pending.append(
                        .put(
                            PendingEntry(
                                delivery: delivery(index), state: .redriven, eventID: "event-\(index)", ingested: 1,
                                attempts: 0, due: 0, history: [], payload: payloads[Int(index) % payloads.count],
                                lineage: [], deadLetter: index)))
                }
                return batch
            }
            let finished = try rate { range in
                var batch = Batch()
                for index in range {
                    batch.pending.append(.finish(delivery(index), .succeeded))
                    batch.deadLetters.append(.setState(id: index, .redriven))
                }
                return batch
            }
            return [
                JournalFigure(metric: "dead_letters_per_second", value: died, unit: "events/s"),
                JournalFigure(
                    metric: "redrives_per_second", value: 1 / (1 / redriven + 1 / finished), unit: "events/s"),
            ]
        }
    }

    private func letter(_ delivery: Delivery, _ payload: [UInt8]) -> DeadLetter {
        DeadLetter(
            delivery: delivery, target: "Bench", rule: "rule", eventID: "event-\(delivery.position)", ingested: 1,
            died: 1_700_000_000_000 + delivery.ordinal, code: "Failed", message: "it failed",
            condition: "MaximumRetryAttempts", fingerprint: "fingerprint-\(delivery.ordinal % 10)", attempts: 3,
            history: Array(payload.prefix(200)), payload: payload, lineage: [])
    }

    // MARK: Backlog

    /// Opening a journal with a backlog, reading the backlog, and working at its tip.
    func backlog() throws -> [JournalFigure] {
        let payloads = Self.payloads(bytes)
        return try withFolder { folder in
            try fill(folder, payloads, events: recoveryEvents)
            var figures = try reopen(folder)
            // In turn, for the disk still writes what was filled in.
            var (empties, fulls): ([Double], [Double]) = ([], [])
            for _ in 1...max(1, runs) {
                empties.append(try drive(payloads, subscriptions: 1).eventsPerSecond)
                fulls.append(try drive(payloads, subscriptions: 1, in: folder).eventsPerSecond)
            }
            let (empty, full) = (empties.median, fulls.median)
            figures.append(
                JournalFigure(
                    metric: "append_settle_above_backlog_events_per_second", value: full, unit: "events/s",
                    floor: empty,
                    ratio: full / empty))
            return figures
        }
    }

    private func reopen(_ folder: String) throws -> [JournalFigure] {
        let started = ContinuousClock.now
        let journal = try SQLiteJournal(dataFolder: folder)
        let state = try journal.recover()
        let opened = (ContinuousClock.now - started).microseconds
        defer { journal.close() }
        guard state.head == Int64(recoveryEvents), let first = state.subscriptions.first else {
            throw JournalError(.corrupt, "The journal was reopened with \(state.head) of \(recoveryEvents) events.")
        }
        let read = ContinuousClock.now
        var after = first.floorPosition
        var count = 0
        while case let page = try journal.waiting(first.subscription.id, after: after, limit: 1_000),
            let last = page.last
        {
            count += page.count
            after = last.position
            if count >= 200_000 { break }
        }
        let rate = Double(count) / (Double((ContinuousClock.now - read).microseconds) / 1_000_000)
        return [
            JournalFigure(metric: "reopen_ms", value: Double(opened) / 1_000, unit: "ms"),
            JournalFigure(metric: "backlog_read_events_per_second", value: rate, unit: "events/s"),
        ]
    }

    /// A backlog of events that nobody has settled.
    func fill(_ folder: String, _ payloads: [[UInt8]], events: Int) throws {
        let journal = try SQLiteJournal(dataFolder: folder)
        defer { journal.close() }
        let ids = try subscribe(journal, 1)
        var next = 0
        while next < events {
            var batch = Batch()
            for index in next..<min(next + 1_000, events) {
                batch.appends.append(
                    Append(
                        log: "bench", eventID: "event-\(index)", ingested: Int64(index),
                        payload: payloads[index % payloads.count], subscriptions: ids, ruleSet: 0))
            }
            next += batch.appends.count
            _ = try journal.commitBlocking(batch)
        }
    }
}

import Journal
import Testing

/// Random histories, bad batches included, go to both stores: they must answer alike and end alike.
@Suite(.timeLimit(.minutes(3)))
struct DifferentialTests {
    /// What the generator knows of the deliveries, so that most batches are good.
    private struct Model {
        var waiting: [Delivery] = []
        var pending: [Delivery] = []
        var dead: [(id: Int64, delivery: Delivery)] = []
        var redriving: [(id: Int64, delivery: Delivery)] = []
        var nextEvent = 0
        var nextAttempt: Int64 = 1
    }

    @Test("Both stores answer and end alike", arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func histories(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let (memory, sqlite) = (try Fixture(.memory), try Fixture(.sqlite))
        try await memory.journal.subscribe(4)
        try await sqlite.journal.subscribe(4)
        var model = Model()
        for step in 0..<300 {
            if step % 97 == 96 {
                try memory.reopen()
                try sqlite.reopen()
            }
            let (batch, accept) = makeBatch(&model, &random)
            let left = await result(memory.journal, batch)
            let right = await result(sqlite.journal, batch)
            try #require(totals(memory.journal) == totals(sqlite.journal))
            try #require(left.appended == right.appended && left.letters == right.letters && left.code == right.code)
            if left.code == nil {
                accept(&model, left.letters)
                // Ordinals are the journal's to give: learn them from the observer.
                let records = memory.observed.all.suffix(
                    left.appended.count { if case .at = $0 { true } else { false } })
                for record in records { model.waiting += record.deliveries }
            }
        }
        try compare(memory.journal, sqlite.journal)
        try memory.reopen()
        try sqlite.reopen()
        try compare(memory.journal, sqlite.journal)
    }

    private typealias Answer = (appended: [Receipt.Appended], letters: [Int64], code: JournalError.Code?)

    private func result(_ journal: any JournalStore, _ batch: Batch) async -> Answer {
        do {
            let receipt = try await journal.commit(batch)
            return (receipt.appended, receipt.deadLetters, nil)
        } catch { return ([], [], (error as? JournalError)?.code) }
    }

    /// A batch, and what the model learns if it is taken.
    private func makeBatch(
        _ model: inout Model, _ random: inout SeededGenerator
    ) -> (Batch, (inout Model, [Int64]) -> Void) {
        var batch = Batch()
        var rest = model
        rest.waiting.shuffle(using: &random)
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            rest.nextEvent += 1
            let wanted = (1...4).filter { _ in Bool.random(using: &random) }.map { Int64($0) }
            let deduplication = Int.random(in: 0..<8, using: &random) == 0 ? "d\(rest.nextEvent % 5)" : nil
            batch.appends.append(
                .test(
                    "e\(rest.nextEvent)", to: wanted, log: Bool.random(using: &random) ? "x" : "y",
                    ingested: Int64(rest.nextEvent) * 20_000, bytes: Int.random(in: 0...2_000, using: &random),
                    deduplicationID: deduplication))
        }
        for _ in 0..<min(rest.waiting.count, Int.random(in: 0...7, using: &random)) {
            let delivery = rest.waiting.removeLast()
            switch Int.random(in: 0..<6, using: &random) {
            case 0:
                batch.settlements.append(Settlement(delivery, .pended))
                batch.pending.append(.put(.test(delivery, .parked)))
                rest.pending.append(delivery)
            case 1:
                batch.settlements.append(Settlement(delivery, .dead))
                batch.deadLetters.append(.insert(.test(delivery, fingerprint: "f\(delivery.ordinal % 3)")))
            case 2: batch.settlements.append(Settlement(delivery, .dropped))
            default: batch.settlements.append(Settlement(delivery, .succeeded))
            }
        }
        if !model.pending.isEmpty, Bool.random(using: &random) {
            let delivery = rest.pending.removeFirst()
            batch.pending.append(.finish(delivery, .superseded))
        }
        if !model.dead.isEmpty, Bool.random(using: &random) {
            let letter = rest.dead.removeFirst()
            batch.deadLetters.append(.setState(id: letter.id, .redriving))
            batch.pending.append(.put(.test(letter.delivery, .redriven, deadLetter: letter.id)))
            rest.redriving.append(letter)
        } else if !model.redriving.isEmpty {
            let letter = rest.redriving.removeFirst()
            batch.pending.append(.finish(letter.delivery, .succeeded))
            batch.deadLetters.append(.setState(id: letter.id, .redriven))
        }
        rest.nextAttempt += 1
        batch.decisions.append(.decide(AttemptID(boot: 1, number: rest.nextAttempt), body: [UInt8(step(&random))]))
        for _ in 0..<3 { batch.objects.append(objectChange(&random)) }
        switch Int.random(in: 0..<12, using: &random) {
        // A fault, which must undo all of the above.
        case 0: batch.settlements.append(Settlement(Delivery(1, 1, 1_000_000), .succeeded))
        case 1: batch.decisions.append(.clear(AttemptID(boot: 9, number: 9)))
        case 2: batch.deadLetters.append(.setState(id: 999_999, .purged))
        case 3: if let first = batch.settlements.first { batch.settlements.append(first) }
        default: break
        }
        let inserted = batch.deadLetters.compactMap {
            if case .insert(let letter) = $0 { letter.delivery } else { nil }
        }
        model.nextEvent = rest.nextEvent
        model.nextAttempt = rest.nextAttempt
        let taken = rest
        return (
            batch,
            { model, letters in
                model = taken
                model.dead += zip(letters, inserted).map { (id: $0, delivery: $1) }
            }
        )
    }

    /// Of few keys and versions, so that many changes meet an object and many none; sizes as great as they come.
    private func objectChange(_ random: inout SeededGenerator) -> ObjectIndexChange {
        let (key, etag) = ("k\(step(&random) % 12)", "v\(step(&random) % 2)")
        let bucket = step(&random) % 3 == 0 ? "c" : "b"
        let size = step(&random) % 16 == 0 ? Int64.max : Int64(step(&random))
        let record = ObjectRecord(
            bucket: bucket, key: key, device: 1, inode: 2, size: size, modified: 0,
            changed: Int64(step(&random)) * 1_000_000, sample: 0, etag: etag, sequencer: "", eventID: "",
            arrived: Int64(step(&random) % 3))
        switch step(&random) % 6 {
        case 0: return .remove(bucket: bucket, key: key)
        case 1: return .removeVersion(bucket: bucket, key: key, etag: etag)
        case 2: return .refresh(record)
        case 3: return .announce(bucket: bucket, key: key, of: "", sequencer: "", eventID: "again")
        default: return .put(record)
        }
    }

    private func totals(_ journal: any JournalStore) -> [String: ObjectTotals] {
        journal.objectTotals().filter { $0.value.objects > 0 }
    }

    private func step(_ random: inout SeededGenerator) -> Int { Int.random(in: 0..<256, using: &random) }

    private func compare(_ left: any JournalStore, _ right: any JournalStore) throws {
        #expect(try left.audit() == [])
        #expect(try right.audit() == [])
        #expect(try left.progress() == right.progress())
        let (before, after) = (try left.recover(), try right.recover())
        #expect((before.head, before.boot, before.wasUnclean) == (after.head, after.boot, after.wasUnclean))
        #expect(before.decisions.map(\.attempt) == after.decisions.map(\.attempt))
        #expect(before.decisions.map(\.body) == after.decisions.map(\.body))
        for id in 1...4 as ClosedRange<Int64> {
            let subscription = SubscriptionID(id)
            let (mine, theirs) = (
                try left.waiting(subscription, after: 0, limit: 10_000),
                try right.waiting(subscription, after: 0, limit: 10_000)
            )
            #expect(mine.map(\.deliveries) == theirs.map(\.deliveries))
            #expect(mine.map(\.payload) == theirs.map(\.payload))
            #expect(
                try left.pending(subscription, after: 0, limit: 10_000).map(\.delivery)
                    == right.pending(subscription, after: 0, limit: 10_000).map(\.delivery))
        }
        for log in [nil, "x", "y"] {
            #expect(
                try left.records(log: log, after: 5, limit: 10_000).map(\.eventID)
                    == right.records(log: log, after: 5, limit: 10_000).map(\.eventID))
            #expect(
                try left.lastRecords(log: log, limit: 50).map(\.eventID)
                    == right.lastRecords(log: log, limit: 50).map(\.eventID))
        }
        let all = DeadLetterFilter(states: [.dead, .redriving, .redriven, .purged], limit: 10_000)
        #expect(try left.deadLetters(all).map(\.state) == right.deadLetters(all).map(\.state))
        #expect(try left.deadLetterGroups() == right.deadLetterGroups())
        for bucket in ["b", "c"] {
            #expect(
                try left.objects(bucket: bucket, prefix: "", after: nil, limit: 100)
                    == right.objects(bucket: bucket, prefix: "", after: nil, limit: 100))
        }
        #expect(totals(left) == totals(right))
    }
}

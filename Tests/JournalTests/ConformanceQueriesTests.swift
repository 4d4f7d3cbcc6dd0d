import Foundation
import Journal
import Testing

/// What is asked of dead letters, of times and of events, over both stores.
@Suite(.timeLimit(.minutes(5)))
struct ConformanceQueriesTests {
    /// Six dead letters, ids 1 to 6: 1 to 4 of subscription 1, the others of 2.
    private func letters(_ journal: any JournalStore) async throws {
        try await journal.subscribe(2)
        try await journal.commit(.append((1...6).map { .test("e\($0)", to: $0 <= 4 ? [1] : [2]) }))
        var batch = Batch()
        for index in 1...6 as ClosedRange<Int64> {
            let delivery = index <= 4 ? Delivery(1, index, index) : Delivery(2, index, index - 4)
            batch.settlements.append(Settlement(delivery, .dead))
            batch.deadLetters.append(
                .insert(.test(delivery, code: index == 1 ? "Other" : "Boom", died: 1_000 * index)))
        }
        try await journal.commit(batch)
    }

    @Test("Dead letters are counted whatever the limit, with the highest id", arguments: Store.allCases)
    func counts(store: Store) async throws {
        let fixture = try Fixture(store)
        let journal = fixture.journal
        func count(_ filter: DeadLetterFilter) throws -> [Int64] {
            let (count, last) = try journal.deadLetterCount(filter)
            return [Int64(count), last]
        }
        #expect(try count(.init()) == [0, 0])
        try await letters(journal)
        #expect(try count(.init(limit: 1)) == [6, 6])
        #expect(try count(.init(subscription: SubscriptionID(1), limit: 0)) == [4, 4])
        #expect(try count(.init(code: "Boom", afterID: 2)) == [4, 6])
        #expect(try count(.init(diedFrom: 2_000, diedBefore: 4_000)) == [2, 3])
        #expect(try count(.init(afterID: 6)) == [0, 0])
        #expect(try count(.init(states: [])) == [0, 0])
        #expect(try count(.init(states: [.purged])) == [0, 0])
        var purge = Batch()
        purge.deadLetters = [.setState(id: 6, .purged)]
        try await journal.commit(purge)
        try fixture.reopen()
        #expect(try fixture.journal.deadLetterCount(.init()).lastID == 5)
        #expect(try fixture.journal.deadLetterCount(.init(states: [.purged, .dead])).count == 6)
    }

    @Test("One delivery's dead letter is found among all of its subscription", arguments: Store.allCases)
    func ofDelivery(store: Store) async throws {
        let fixture = try Fixture(store)
        try await letters(fixture.journal)
        func ids(_ subscription: Int64, _ ordinal: Int64, _ states: [DeadLetter.State] = [.dead]) throws -> [Int64] {
            try fixture.journal.deadLetters(
                .init(states: states, subscription: SubscriptionID(subscription), ordinal: ordinal)
            ).map(\.id)
        }
        #expect(try ids(1, 2) == [2])
        #expect(try ids(2, 2) == [6])
        #expect(try ids(2, 3) == [])
        #expect(try ids(1, 2, [.purged, .redriven]) == [])
        #expect(try ids(1, 4, [.dead, .redriving, .redriven, .purged]) == [4])
        #expect(try fixture.journal.deadLetterCount(.init(ordinal: 1)).count == 2)
    }

    @Test("A dead letter stays with its subscription", arguments: Store.allCases)
    func moving(store: Store) async throws {
        let fixture = try Fixture(store)
        try await letters(fixture.journal)
        var letter = try #require(try fixture.journal.deadLetter(id: 1))
        letter.delivery = Delivery(2, 5, 1)
        var update = Batch()
        update.deadLetters = [.update(letter)]
        #expect(await fixture.journal.refusal(of: update) == .constraint)
        #expect(try fixture.journal.deadLetter(id: 1)?.delivery == Delivery(1, 1, 1))
        #expect(try fixture.journal.audit() == [])
    }

    @Test("The first record of a time, though clocks step back", arguments: Store.allCases)
    func times(store: Store) async throws {
        let fixture = try Fixture(store)
        #expect(try fixture.journal.position(ingestedFrom: 0) == 1)
        #expect(try fixture.journal.position(ingestedBefore: .max) == 0)
        // A commit each, so that both stores are exact.
        for (index, time) in [1_000, 2_000, 1_500, 3_000].enumerated() {
            try await fixture.journal.commit(.append([.test("e\(index)", to: [], ingested: Int64(time))]))
        }
        for _ in 0..<2 {
            let journal = fixture.journal
            #expect(try journal.position(ingestedFrom: .min) == 1)
            #expect(try journal.position(ingestedFrom: 1_000) == 1)
            #expect(try journal.position(ingestedFrom: 1_001) == 2)
            #expect(try journal.position(ingestedFrom: 2_001) == 4)
            #expect(try journal.position(ingestedFrom: 3_001) == 5)
            #expect(try journal.position(ingestedBefore: .max) == 4)
            #expect(try journal.position(ingestedBefore: 3_000) == 3)
            #expect(try journal.position(ingestedBefore: 2_000) == 3)
            #expect(try journal.position(ingestedBefore: 1_500) == 1)
            #expect(try journal.position(ingestedBefore: 1_000) == 0)
            try fixture.reopen()
        }
    }

    @Test("An event is that of its bus, not the copy that a replay delivers", arguments: Store.allCases)
    func replayedEvents(store: Store) async throws {
        let fixture = try Fixture(store)
        try await fixture.journal.commit(.append([.test("a", to: [], log: "default")]))
        try await fixture.journal.commit(.append([.test("a", to: [], log: ReplayLog.name(of: "r"))]))
        try await fixture.journal.commit(.append([.test("b", to: [], log: ReplayLog.name(of: "r"))]))
        #expect(try fixture.journal.record(eventID: "a")?.position == 1)
        #expect(try fixture.journal.record(eventID: "b") == nil)
        try await fixture.journal.commit(.append([.test("a", to: [], log: "other")]))
        #expect(try fixture.journal.record(eventID: "a")?.position == 4)
    }

    @Test("A redriven entry without an event is made whole by its dead letter", arguments: Store.allCases)
    func whole(store: Store) async throws {
        let fixture = try Fixture(store)
        let journal = fixture.journal
        try await letters(journal)
        let (one, two) = (Delivery(1, 1, 1), Delivery(1, 2, 2))
        var bare = PendingEntry.test(one, .redriven, attempts: 0, deadLetter: 1)
        bare.payload = []
        let edited = PendingEntry.test(two, .redriven, attempts: 0, deadLetter: 2)
        var redrive = Batch()
        redrive.deadLetters = [.setState(id: 1, .redriving), .setState(id: 2, .redriving)]
        redrive.pending = [.put(bare), .put(edited)]
        try await journal.commit(redrive)
        let entries = try journal.pending(SubscriptionID(1), after: 0, limit: 9)
        #expect(entries.map(\.payload) == [[], edited.payload])
        #expect(try entries.map { try journal.whole($0).payload } == [[3, 4], edited.payload])
    }

    @Test(
        "A clock that was ahead and is set back neither keeps an id alive nor lets a fresh one twice",
        arguments: Store.allCases)
    func clockSetBack(store: Store) async throws {
        let fixture = try Fixture(store)
        func append(_ id: String, at time: Milliseconds) async throws -> Receipt.Appended? {
            let append = Append.test(id, to: [], ingested: time, deduplicationID: "key")
            return try await fixture.journal.commit(.append([append])).appended.first
        }
        let ahead: Milliseconds = 90_000_000
        #expect(try await append("a", at: ahead) == .at(1))
        #expect(try await append("b", at: ahead - 299_999) == .duplicate(of: 1))
        #expect(try await append("c", at: 1_000) == .at(2))
        #expect(try await append("d", at: 2_000) == .duplicate(of: 2))
    }

    @Test("Trimming takes the invocations that began before its limit", arguments: Store.allCases)
    func trimmedInvocations(store: Store) async throws {
        let fixture = try Fixture(store)
        var batch = Batch()
        batch.invocations = [(1, 10), (2, 20), (3, 30)].map { number, started in
            InvocationRecord(
                attempt: AttemptID(boot: 1, number: number), invocationID: "i", subscription: nil, function: "f",
                version: 1, eventIDs: ["e\(number)", "all"], attemptNumber: 1, started: Milliseconds(started),
                durationMicroseconds: 1, outcome: "succeeded", coldStart: false)
        }
        try await fixture.journal.commit(batch)
        try fixture.journal.trim(settledBelow: 20)
        try fixture.reopen()
        let journal = fixture.journal
        #expect(try journal.invocations(function: nil, before: nil, limit: 9).map(\.attempt.number) == [3, 2])
        #expect(try journal.invocations(eventID: "all").map(\.attempt.number) == [2, 3])
        #expect(try journal.invocations(eventID: "e1").isEmpty)
    }
}

/// What only a store with a disk has.
@Suite(.timeLimit(.minutes(5)))
struct SQLiteOnlyTests {
    @Test("With too little free, producers are refused and the host's own events are not")
    func urgency() async throws {
        let fixture = try Fixture(.sqlite)
        let journal = fixture.journal
        try await journal.subscribe(1)
        try await journal.commit(.append(["a"]))
        journal.setMinimumFree(1 << 60)
        // It looks for room when a producer comes.
        #expect(await journal.refusal(of: .append(["b"])) == .diskFull)
        var urgent = Batch.append(["alarm"], to: [])
        urgent.isUrgent = true
        #expect(try await journal.commit(urgent).appended == [.at(2)])
        try await journal.commit(.settle([Delivery(1, 1, 1)]))
        journal.setMinimumFree(0)
        var isTaken = false
        for _ in 0..<1_000_000 where !isTaken { isTaken = await journal.refusal(of: .append(["c"])) == nil }
        #expect(isTaken)
    }

    @Test("The table of deduplication ids keeps its size after a clock that was ahead")
    func deduplicationTable() async throws {
        let fixture = try Fixture(.sqlite)
        func append(_ name: String, _ count: Int, at time: Milliseconds) async throws {
            for index in 0..<count {
                try await fixture.journal.commit(
                    .append([.test("\(name)\(index)", to: [], ingested: time, deduplicationID: "\(name)\(index)")]))
            }
        }
        try await append("ahead", 20, at: 900_000_000)
        try await append("back", 40, at: 1_000)
        // Each took up to two that were ahead with it; what is fresh stays.
        #expect(try rows(in: fixture.folder) == 40)
        try await append("later", 40, at: 400_000)
        #expect(try rows(in: fixture.folder) == 40)
    }

    private func rows(in folder: String) throws -> Int {
        let reader = try JournalReader(folder)
        return try reader.count("deduplication")
    }

    @Test("Two backups at once: the second is told of the first, which is whole")
    func backups() async throws {
        let fixture = try Fixture(.sqlite)
        let journal = try #require(fixture.journal as? SQLiteJournal)
        for round in 0..<30 {
            try await journal.commit(.append((0..<100).map { .test("e\(round)-\($0)", to: [], bytes: 4_000) }))
        }
        let (first, second) = (fixture.folder + "/first", fixture.folder + "/second")
        var refusal: JournalError?
        try journal.backup(to: first) { done in
            guard refusal == nil, done < 1 else { return }
            do throws(JournalError) { try journal.backup(to: second) } catch { refusal = error }
        }
        #expect(refusal?.code == .constraint)
        #expect(refusal?.message.contains(first) == true)
        let copy = try SQLiteJournal(dataFolder: first, options: .small)
        #expect(try copy.lastRecords(log: nil, limit: 1).map(\.position) == [3_000])
        #expect(try copy.audit() == [])
        copy.close()
        // The next one may begin, and finds nothing in its way.
        try journal.backup(to: second)
        let later = try SQLiteJournal(dataFolder: second, options: .small)
        #expect(try later.audit() == [])
        later.close()
    }
}

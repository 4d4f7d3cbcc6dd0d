import Foundation
import GRDB
import Journal
import Synchronization
import Testing

/// Disk errors and other processes: a failed commit leaves nothing, in memory as on disk.
@Suite(.timeLimit(.minutes(5)))
struct FaultTests {
    @Test("Commits that fail at random, while segments roll, leave no trace", arguments: [1, 2, 3] as [UInt64])
    func failingCommits(seed: UInt64) async throws {
        let random = Mutex(SeededGenerator(seed: seed))
        let isOn = Mutex(false)
        var options = JournalOptions.small
        options.segmentRecords = 40
        options.commitFault = {
            guard isOn.withLock({ $0 }) else { return nil }
            // SQLITE_IOERR_FSYNC, SQLITE_IOERR_WRITE, SQLITE_CORRUPT.
            return random.withLock {
                Int.random(in: 0..<4, using: &$0) == 0 ? [1_034, 778, 11].randomElement(using: &$0) : nil
            }
        }
        let fixture = try Fixture(.sqlite, options: options)
        let journal = fixture.journal
        try await journal.subscribe(2)
        isOn.withLock { $0 = true }
        var appended: [String] = []
        var unsettled: [Delivery] = []
        var settled: Int64 = 0
        var codes: Set<JournalError.Code> = []
        for round in 0..<400 {
            var batch = Batch.append((0..<5).map { .test("e\(round)-\($0)", to: [1, 2], log: "log-\(round / 3)") })
            let settling = unsettled.prefix(7)
            batch.settlements = settling.map { Settlement($0, .succeeded) }
            do {
                try await journal.commit(batch)
                unsettled.removeFirst(settling.count)
                settled += Int64(settling.count)
                appended += batch.appends.map(\.eventID)
                unsettled += fixture.observed.all.suffix(5).flatMap(\.deliveries)
            } catch let error as JournalError { codes.insert(error.code) }
            if round % 80 == 79 { #expect(try journal.audit() == []) }
        }
        isOn.withLock { $0 = false }
        #expect(codes == [.inputOutput, .corrupt])
        #expect(appended.count > 1_000 && appended.count < 1_900)
        for _ in 0..<2 {
            #expect(try fixture.journal.audit() == [])
            #expect(try fixture.journal.records(log: nil, after: 0, limit: 10_000).map(\.eventID) == appended)
            #expect(try fixture.journal.progress().reduce(0) { $0 + $1.succeeded } == settled)
            try fixture.reopen()
        }
        #expect(fixture.observed.all.map(\.eventID) == appended)
    }

    @Test(
        "A column with another type, or a chunk that counts nothing, is damage that is told, and no reason to crash",
        arguments: [
            "UPDATE progress SET floor = 'x'", "UPDATE progress SET settled = 5", "UPDATE meta SET value = 'x'",
            "UPDATE subscription SET id = id, state = x'00ff'", "UPDATE segment SET first = 'x'",
            "UPDATE match_1 SET decisions = x'01000101'",
        ])
    func otherTypes(_ damage: String) async throws {
        let fixture = try Fixture(.sqlite)
        try await fixture.journal.subscribe(2)
        try await fixture.journal.commit(.append([.test("e", to: [1, 2])]))
        fixture.journal.close()
        let queue = try DatabaseQueue(path: fixture.folder + "/journal/journal.sqlite")
        try await queue.write { try $0.execute(sql: damage) }
        try queue.close()
        do {
            let journal = try SQLiteJournal(dataFolder: fixture.folder, options: .small)
            journal.close()
            Issue.record("opened")
        } catch {
            #expect(error.code == .corrupt, "\(error)")
        }
    }

    @Test("Another process that writes to the database costs the batches of that moment, nothing else")
    func busy() async throws {
        var options = JournalOptions.small
        options.busySeconds = 0.05
        let fixture = try Fixture(.sqlite, options: options)
        let journal = fixture.journal
        try await journal.subscribe(1)
        try await journal.commit(.append(["a", "b"]))
        try await journal.commit(.settle([Delivery(1, 1, 1)]))
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: fixture.folder + "/journal/journal.sqlite", configuration: configuration)
        try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        #expect(await journal.refusal(of: .append(["c"])) == .storage)
        #expect(await journal.refusal(of: .settle([Delivery(1, 2, 2)])) == .storage)
        try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        try other.close()
        let progress = try journal.progress(of: 1)
        #expect((progress.matched, progress.succeeded, progress.floor) == (2, 1, 1))
        #expect(try await journal.commit(.append(["c"])).appended == [.at(3)])
        #expect(try journal.audit() == [])
    }

    @Test("A reader that holds the WAL open delays commits, and stops none")
    func longReader() async throws {
        var options = JournalOptions.small
        options.walLimitBytes = 1 << 20
        options.segmentBytes = 64 << 20
        options.segmentRecords = 100_000
        let fixture = try Fixture(.sqlite, options: options)
        let journal = try #require(fixture.journal as? SQLiteJournal)
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: fixture.folder + "/journal/journal.sqlite", configuration: configuration)
        try await other.writeWithoutTransaction { db in
            try db.execute(sql: "BEGIN")
            _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM segment")
        }
        while journal.statistics.walWaits == 0 {
            try await journal.commit(.append((0..<100).map { .test("e\($0)", to: [], bytes: 2_000) }))
        }
        try await journal.commit(.append(["still"], to: []))
        try await other.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
        try other.close()
        // Now it starts anew.
        let before = journal.statistics.walBytes
        for _ in 0..<20 { try await journal.commit(.append((0..<20).map { .test("f\($0)", to: [], bytes: 2_000) })) }
        #expect(journal.statistics.walBytes < before)
    }

    @Test("A closed journal answers readers with closed")
    func readingClosed() throws {
        let fixture = try Fixture(.sqlite)
        fixture.journal.close()
        #expect { try fixture.journal.records(log: nil, after: 0, limit: 1) } throws: {
            ($0 as? JournalError)?.code == .closed
        }
        #expect { try fixture.journal.trim(settledBelow: 0) } throws: { ($0 as? JournalError)?.code == .closed }
    }
}

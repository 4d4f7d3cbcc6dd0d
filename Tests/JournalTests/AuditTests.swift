import Foundation
import GRDB
import Journal
import Testing

/// The recount of a journal in slices.
@Suite(.timeLimit(.minutes(2)))
struct AuditTests {
    /// A journal with a log, and of subscription 1 this many deliveries that are to be tried again.
    private func fixture(retrying: Int64) async throws -> Fixture {
        let fixture = try Fixture(.sqlite)
        try await fixture.journal.subscribe(2)
        for round in 0..<10 {
            try await fixture.journal.commit(.append((1...30).map { .test("e\(round)-\($0)", to: [1, 2]) }))
        }
        var batch = Batch.settle((1...retrying).map { Delivery(1, $0, $0) }, .pended)
        batch.pending = (1...retrying).map { .put(.test(Delivery(1, $0, $0))) }
        try await fixture.journal.commit(batch)
        return fixture
    }

    @Test("No transaction is open between two slices: whatever the size, the WAL can be copied whole and begun anew")
    func slices() async throws {
        let fixture = try await fixture(retrying: 120)
        fixture.journal.close()
        let other = try DatabaseQueue(path: fixture.folder + "/journal/journal.sqlite")
        var calls = 0
        let report = try SQLiteJournal.recount(dataFolder: fixture.folder, slice: 10) {
            calls += 1
            try other.inDatabase { db in
                try db.execute(sql: "INSERT OR REPLACE INTO value VALUES ('x', x'00')")
                let busy = try Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")?[0] as Int64?
                #expect(busy == 0)
            }
        }
        try other.close()
        #expect(report.findings == [] && report.notes == [])
        #expect(report.coverage == "300 records of the log up to position 300, 2 subscriptions")
        // The log, the rows of the log, the pending set, the dead letters.
        #expect(calls > 300 / 10 + 120 / 10)
    }

    @Test("A file that SQLite calls damaged is no healthy journal, though every count of it adds up")
    func damage() async throws {
        let fixture = try await fixture(retrying: 20)
        fixture.journal.close()
        let path = fixture.folder + "/journal/journal.sqlite"
        let sound = try SQLiteJournal.recount(dataFolder: fixture.folder)
        #expect(sound.damage == [] && sound.findings == [] && (sound.checked?.tables ?? 0) > 5)
        let queue = try DatabaseQueue(path: path)
        let (root, size) = try await queue.write { db in
            // Nothing that the recount reads.
            try db.execute(sql: "CREATE TABLE other (a TEXT); CREATE INDEX other_a ON other (a)")
            for number in 0..<500 {
                try db.execute(sql: "INSERT INTO other VALUES (?)", arguments: ["value \(number)"])
            }
            return (
                try Int.fetchOne(db, sql: "SELECT rootpage FROM sqlite_schema WHERE name = 'other'")!,
                try Int.fetchOne(db, sql: "PRAGMA page_size")!
            )
        }
        try await queue.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        try queue.close()
        let file = try FileHandle(forUpdating: URL(filePath: path))
        try file.seek(toOffset: UInt64((root - 1) * size + 3))
        try file.write(contentsOf: Data([0x7f, 0xff]))
        try file.close()
        let damaged = try SQLiteJournal.recount(dataFolder: fixture.folder)
        #expect(damaged.damage.first?.hasPrefix("table other: ") == true, "\(damaged)")
    }

    @Test("A table that takes SQLite's check too long is read in pieces instead, and its damage found as well")
    func largeTable() async throws {
        let fixture = try await fixture(retrying: 20)
        fixture.journal.close()
        let path = fixture.folder + "/journal/journal.sqlite"
        let queue = try DatabaseQueue(path: path)
        let page = try await queue.write { db in
            try db.execute(
                sql: """
                    CREATE TABLE other (a BLOB);
                    CREATE TABLE pair (a TEXT, b INTEGER, c BLOB, PRIMARY KEY (a, b)) WITHOUT ROWID;
                    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
                    INSERT INTO other SELECT zeroblob(100000) FROM n;
                    INSERT INTO pair SELECT rowid % 7, rowid, zeroblob(100) FROM other;
                    """)
            return try Int.fetchOne(db, sql: "PRAGMA page_count")! / 2
        }
        try await queue.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        try queue.close()
        // Nothing at all in one transaction: each row is seen once, by whatever key.
        var calls = 0
        let sound = try SQLiteJournal.recount(dataFolder: fixture.folder, slice: 50, patience: .zero) { calls += 1 }
        #expect(sound.damage == [] && sound.findings == [])
        #expect(sound.readInPieces.contains("other") && sound.readInPieces.contains("pair"))
        #expect(calls > 600)
        // An hour is enough for all of them, and a millisecond never for 60 MB; but who interrupts may come late.
        let all = try SQLiteJournal.recount(dataFolder: fixture.folder, patience: .seconds(3600))
        #expect(all.readInPieces == [])
        var isInterrupted = false
        for _ in 0..<100 where !isInterrupted {
            let report = try SQLiteJournal.recount(dataFolder: fixture.folder, patience: .milliseconds(1))
            #expect(report.damage == [] && report.findings == [])
            isInterrupted = report.readInPieces.contains("other")
        }
        #expect(isInterrupted)
        // A page in the middle of some row's chain that names itself as the next, for ever.
        let file = try FileHandle(forUpdating: URL(filePath: path))
        for page in page..<(page + 10) {
            try file.seek(toOffset: UInt64(page) * 16384)
            try file.write(contentsOf: Data([0x7f, 0xff, 0xff, 0xff]))
        }
        try file.close()
        for patience in [nil, Duration.zero] {
            let damaged = try SQLiteJournal.recount(dataFolder: fixture.folder, patience: patience)
            #expect(damaged.damage.contains { $0.hasPrefix("table other: ") }, "\(damaged)")
        }
    }

    @Test(
        "Read in pieces, a sound page in another one's place is found, at the end and in the middle",
        arguments: ["other", "pair"], [true, false])
    func foreignPage(table: String, atTheEnd: Bool) async throws {
        let fixture = try await fixture(retrying: 20)
        fixture.journal.close()
        let path = fixture.folder + "/journal/journal.sqlite"
        let queue = try DatabaseQueue(path: path)
        let (root, size) = try await queue.write { db in
            try db.execute(
                sql: """
                    CREATE TABLE other (a BLOB);
                    CREATE TABLE pair (a TEXT, b INTEGER, c BLOB, PRIMARY KEY (a, b)) WITHOUT ROWID;
                    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
                    INSERT INTO other SELECT zeroblob(1000) FROM n;
                    INSERT INTO pair SELECT rowid % 7, rowid, zeroblob(300) FROM other;
                    """)
            return (
                try UInt64.fetchOne(db, sql: "SELECT rootpage FROM sqlite_schema WHERE name = ?", arguments: [table])!,
                try UInt64.fetchOne(db, sql: "PRAGMA page_size")!
            )
        }
        try await queue.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        try queue.close()
        let file = try FileHandle(forUpdating: URL(filePath: path))
        func read(page: UInt64) throws -> Data {
            try file.seek(toOffset: (page - 1) * size)
            return try file.read(upToCount: Int(size))!
        }
        func number(_ page: Data, at offset: Int, _ count: Int) -> UInt64 {
            page[offset..<(offset + count)].reduce(0) { $0 << 8 | UInt64($1) }
        }
        // An inner page: its last child, and where its cells are, which begin with the others.
        let inner = try read(page: root)
        let count = Int(number(inner, at: 3, 2))
        try #require(count > 4 && [2, 5].contains(inner[0]))
        func child(_ index: Int) -> UInt64 { number(inner, at: Int(number(inner, at: 12 + 2 * index, 2)), 4) }
        let foreign = try read(page: child(0))
        try #require([10, 13].contains(foreign[0]))
        try file.seek(toOffset: ((atTheEnd ? number(inner, at: 8, 4) : child(count / 2)) - 1) * size)
        try file.write(contentsOf: foreign)
        try file.close()
        // Row by row: each piece ends where it might pass over the page.
        let report = try SQLiteJournal.recount(dataFolder: fixture.folder, patience: .zero)
        #expect(report.damage == ["table \(table): keys out of order"], "\(report)")
    }

    @Test("What moves between the slices is no finding; what could not be told apart is said", arguments: [7, 1000])
    func movement(slice: Int) async throws {
        let fixture = try await fixture(retrying: 200)
        let journal = fixture.journal
        var (step, letters) = (Int64(0), [Int64: Int64]())
        let report = try SQLiteJournal.recount(dataFolder: fixture.folder, slice: slice) {
            // Forwards from the first and backwards from the last: from retrying to dead, to redriven, to the end.
            let ordinal = step % 2 == 0 ? 1 + step / 6 : 200 - step / 6
            let delivery = Delivery(1, ordinal, ordinal)
            step += 1
            guard ordinal >= 1, ordinal <= 200 else { return }
            var batch = Batch()
            if let letter = letters[ordinal] {
                batch.deadLetters = [.setState(id: letter, .redriving)]
                batch.pending = [.put(.test(delivery, .redriven, attempts: 0, deadLetter: letter))]
                letters[ordinal] = nil
            } else {
                batch.pending = [.finish(delivery, .dead)]
                batch.deadLetters = [.insert(.test(delivery))]
            }
            letters[ordinal] = try journal.commitBlocking(batch).deadLetters.first ?? letters[ordinal]
        }
        #expect(report.findings == [])
        #expect(report.notes.count == (slice < 200 ? 1 : 0), "\(report.notes)")
        #expect(try journal.recount().notes == [] && journal.audit() == [])
    }

    @Test("A count that is wrong is found in one that is large and moves, too")
    func wrongAndMoving() async throws {
        let fixture = try await fixture(retrying: 100)
        fixture.journal.close()
        let other = try DatabaseQueue(path: fixture.folder + "/journal/journal.sqlite")
        try await other.write { try $0.execute(sql: "DELETE FROM pending WHERE ordinal = 50") }
        var parked = 0
        let report = try SQLiteJournal.recount(dataFolder: fixture.folder, slice: 9) {
            parked += 1
            try other.write {
                try $0.execute(
                    sql: "UPDATE progress SET retrying = retrying - 1, parked = parked + 1 WHERE subscription = 1")
            }
        }
        try other.close()
        #expect(report.findings == ["subscription 1: the pending set is kept as 100, but counted 99"])
    }
}

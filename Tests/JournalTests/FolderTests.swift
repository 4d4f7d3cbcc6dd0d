import Foundation
import GRDB
import Journal
import Testing

/// The data folder: who may open it, and what is refused.
@Suite(.timeLimit(.minutes(5)))
struct FolderTests {
    private func code(_ body: () throws -> Void) -> (code: JournalError.Code?, message: String) {
        do {
            try body()
            return (nil, "")
        } catch { return ((error as? JournalError)?.code, "\(error)") }
    }

    @Test("A second host is refused and told who holds the folder; after close it may")
    func locked() throws {
        let fixture = try Fixture(.sqlite)
        let refused = code { _ = try SQLiteJournal(dataFolder: fixture.folder) }
        #expect(refused.code == .locked)
        #expect(refused.message.contains("\(getpid())"))
        fixture.journal.close()
        let second = try SQLiteJournal(dataFolder: fixture.folder, options: .small)
        second.close()
    }

    @Test("A host that is on its way out is waited for")
    func leaving() throws {
        let fixture = try Fixture(.sqlite)
        // A thread of its own: in a busy pool the host would be on its way out for longer than it is waited for.
        Thread.detachNewThread { [journal = fixture.journal] in
            // Long enough that a host which did not wait has failed.
            Thread.sleep(forTimeInterval: 0.2)
            journal.close()
        }
        try SQLiteJournal(dataFolder: fixture.folder, options: .small).close()
    }

    @Test("A journal that is closed before a loss was counted still tells of it")
    func uncountedLoss() throws {
        let fixture = try Fixture(.sqlite)
        fixture.journal.leaveUnclean()
        fixture.journal.close()
        for wasUnclean in [true, false] {
            let journal = try SQLiteJournal(dataFolder: fixture.folder, options: .small)
            #expect(try journal.recover().wasUnclean == wasUnclean)
            journal.close()
        }
    }

    @Test("A newer format is refused and left as it is")
    func newerFormat() throws {
        let fixture = try Fixture(.sqlite)
        fixture.journal.close()
        let path = fixture.folder + "/journal/journal.sqlite"
        // The user version: four bytes at offset 60 of the file's header.
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try handle.seek(toOffset: 60)
        try handle.write(contentsOf: Data([0, 0, 0, 99]))
        try handle.close()
        let before = try Data(contentsOf: URL(fileURLWithPath: path))
        let refused = code { _ = try SQLiteJournal(dataFolder: fixture.folder) }
        #expect(refused.code == .newerFormat)
        #expect(refused.message.contains("99"))
        #expect(code { _ = try SQLiteJournal.recount(dataFolder: fixture.folder) }.code == .newerFormat)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    }

    @Test("A journal of an older Sluice is brought up to date when it is opened, with all that is in it")
    func migration() async throws {
        let fixture = try Fixture(.sqlite)
        try await fixture.journal.subscribe(1)
        try await fixture.journal.commit(.append(["a", "b"]))
        let one = Delivery(1, 1, 1)
        var object = ObjectRecord(
            bucket: "b", key: "k", device: 1, inode: 2, size: 3, modified: 0, changed: 5_000_000, sample: 0, etag: "e",
            sequencer: "1", eventID: "a")
        var die = Batch.settle([one], .dead)
        die.deadLetters = [.insert(.test(one))]
        die.objects = [.put(object)]
        try await fixture.journal.commit(die)
        fixture.journal.close()
        let path = fixture.folder + "/journal/journal.sqlite"
        // As the first format's first program left it.
        let old = try DatabaseQueue(path: path)
        try await old.write {
            try $0.execute(
                sql: """
                    DROP INDEX dead_letter_delivery; ALTER TABLE object DROP COLUMN arrived;
                    DELETE FROM grdb_migrations WHERE identifier <> '1'
                    """)
        }
        try old.close()
        // Looking changes nothing.
        #expect(try SQLiteJournal.recount(dataFolder: fixture.folder).findings == [])
        func migrations() throws -> (applied: [String], hasIndex: Bool) {
            let queue = try DatabaseQueue(path: path)
            defer { try? queue.close() }
            return try queue.read { db in
                (
                    try String.fetchAll(db, sql: "SELECT identifier FROM grdb_migrations ORDER BY identifier"),
                    try Int.fetchOne(
                        db, sql: "SELECT count(*) FROM sqlite_master WHERE name = 'dead_letter_delivery'") == 1
                )
            }
        }
        #expect(try migrations() == (["1"], false))
        try fixture.reopen()
        #expect(try migrations() == (["1", "2", "3"], true))
        // Of what it knew of objects the ctime tells the arrival, also when another one comes.
        #expect(try fixture.journal.object(bucket: "b", key: "k")?.arrival == 5)
        object.changed = 9_000_000
        var refresh = Batch()
        refresh.objects = [.refresh(object)]
        try await fixture.journal.commit(refresh)
        #expect(try fixture.journal.object(bucket: "b", key: "k")?.changed == 9_000_000)
        #expect(try fixture.journal.object(bucket: "b", key: "k")?.arrival == 5)
        #expect(try fixture.journal.audit() == [])
        #expect(try fixture.journal.deadLetters(DeadLetterFilter()).map(\.delivery) == [one])
        #expect(try fixture.journal.waiting(SubscriptionID(1), after: 0, limit: 9).count == 1)
    }

    @Test("Neither another program's database nor garbage is taken for a journal")
    func strangers() throws {
        let folder = try temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder + "/journal", withIntermediateDirectories: true)
        let path = folder + "/journal/journal.sqlite"
        let other = try DatabaseQueue(path: path)
        try other.write { try $0.execute(sql: "CREATE TABLE mine (a)") }
        try other.close()
        #expect(code { _ = try SQLiteJournal(dataFolder: folder) }.code == .corrupt)
        try Data((0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }).write(to: URL(fileURLWithPath: path))
        #expect(code { _ = try SQLiteJournal(dataFolder: folder) }.code == .corrupt)
        // And the folder was let go each time.
        try FileManager.default.removeItem(atPath: path)
        try SQLiteJournal(dataFolder: folder, options: .small).close()
    }

    @Test("A folder that cannot be made is an error with its path")
    func unusable() throws {
        let refused = code { _ = try SQLiteJournal(dataFolder: "/proc/nothing/data") }
        #expect(refused.code == .inputOutput)
        #expect(refused.message.contains("/proc/nothing"))
    }

    @Test("The audit works beside a running host and without one, and sees what was tampered with")
    func audit() async throws {
        let fixture = try Fixture(.sqlite)
        try await fixture.journal.subscribe(2)
        for round in 0..<20 {
            try await fixture.journal.commit(.append((1...60).map { .test("e\(round)-\($0)", to: [1, 2]) }))
        }
        try await fixture.journal.commit(.settle((1...500).map { Delivery(1, $0, $0) }))
        #expect(try SQLiteJournal.recount(dataFolder: fixture.folder).findings == [])
        fixture.journal.close()
        #expect(try SQLiteJournal.recount(dataFolder: fixture.folder).findings == [])
        let path = fixture.folder + "/journal/journal.sqlite"
        let tampering = [
            "DELETE FROM log_1 WHERE position = 7": "segment 1",
            "UPDATE progress SET succeeded = succeeded + 1 WHERE subscription = 1": "differs from the sum",
            "UPDATE progress SET floor = floor - 1 WHERE subscription = 1": "differs from the sum",
            "UPDATE progress SET matched = matched + 5000 WHERE subscription = 2": "matched",
            "DELETE FROM match_2 WHERE first = (SELECT max(first) FROM match_2)": "gap",
            "INSERT INTO pending VALUES (1, 3, 3, 1, '', 0, 0, 0, NULL, x'', x'', x'')": "retrying",
            "INSERT INTO pending VALUES (2, 3, 3, 1, '', 0, 0, 0, NULL, x'', x'', x'')": "still waiting",
        ]
        for (sql, finding) in tampering {
            let copy = try snapshot(fixture.folder)
            defer { try? FileManager.default.removeItem(atPath: copy) }
            let database = try DatabaseQueue(path: copy + "/journal/journal.sqlite")
            try await database.write { try $0.execute(sql: sql) }
            try database.close()
            for slice in [7, SQLiteJournal.auditSlice] {
                let findings = try SQLiteJournal.recount(dataFolder: copy, slice: slice).findings
                #expect(findings.contains { $0.contains(finding) }, "\(sql) gave \(findings)")
            }
        }
        #expect(FileManager.default.fileExists(atPath: path))
    }

    @Test("A backup taken under load opens by itself and holds what was acknowledged before it")
    func backup() async throws {
        let fixture = try Fixture(.sqlite)
        let journal = try #require(fixture.journal as? SQLiteJournal)
        try await journal.subscribe(1)
        for round in 0..<100 {
            try await journal.commit(.append((1...20).map { .test("e\(round * 20 + $0)", bytes: 5_000) }))
        }
        let target = try temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: target) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for round in 0..<60 {
                    var batch = Batch.append([.test("later-\(round)", bytes: 5_000)])
                    batch.settlements = [Settlement(Delivery(1, Int64(round) + 1, Int64(round) + 1), .succeeded)]
                    try await journal.commit(batch)
                }
            }
            group.addTask {
                var last = 0.0
                try journal.backup(to: target) { fraction in
                    #expect(fraction >= 0 && fraction <= 1)
                    last = fraction
                }
                #expect(last == 1)
            }
            try await group.waitForAll()
        }
        #expect(code { try journal.backup(to: target) }.code == .constraint)
        let copy = try SQLiteJournal(dataFolder: target, options: .small)
        defer { copy.close() }
        let state = try copy.recover()
        #expect(state.head >= 2_000 && state.head <= 2_060)
        #expect(state.boot == 2)
        #expect(try journal.value(name: JournalCopy.mark) == nil && copy.value(name: JournalCopy.mark) != nil)
        #expect(try copy.audit() == [])
        #expect(try copy.record(at: 1_999)?.payload == Append.payload("e1999", 5_000))
        #expect(try copy.progress(of: 1).succeeded == state.head - 2_000)
    }
}

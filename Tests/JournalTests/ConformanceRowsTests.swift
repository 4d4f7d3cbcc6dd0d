import Journal
import Testing

/// The rows that the journal keeps beside the log, over both stores.
@Suite(.timeLimit(.minutes(5)))
struct ConformanceRowsTests {
    private func object(_ key: String, bucket: String = "b", size: Int64 = 1) -> ObjectRecord {
        ObjectRecord(
            bucket: bucket, key: key, device: .max, inode: 1 << 63, size: size, modified: 2, changed: 3,
            sample: .max - 1,
            etag: "e", sequencer: "0000000000000001", eventID: "id", arrived: 7)
    }

    @Test("The object index pages by bytes within a prefix", arguments: Store.allCases)
    func objects(store: Store) async throws {
        let fixture = try Fixture(store)
        // Two spellings of é are two keys; U+FFFF and a character above it test the upper bound of a prefix.
        let keys = ["a/1", "a/2", "a/é", "a/e\u{301}", "a/\u{FFFF}", "a/\u{1F600}", "a0", "b"]
        var batch = Batch()
        batch.objects = keys.map { .put(object($0)) } + [.put(object("a/9", bucket: "c"))]
        try await fixture.journal.commit(batch)
        try fixture.reopen()
        let journal = fixture.journal
        #expect(try journal.object(bucket: "b", key: "a/1") == object("a/1"))
        #expect(try journal.object(bucket: "b", key: "a/9") == nil)
        func list(_ prefix: String, after: String? = nil, limit: Int = 100) throws -> [String] {
            try journal.objects(bucket: "b", prefix: prefix, after: after, limit: limit).map(\.key)
        }
        let inA = keys.prefix(6).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        #expect(try list("a/").map { Array($0.utf8) } == inA.map { Array($0.utf8) })
        #expect(try list("").count == 8)
        #expect(try list("a/", after: "a/1", limit: 1) == ["a/2"])
        #expect(try list("a/\u{1F600}") == ["a/\u{1F600}"])
        #expect(try list("zzz").isEmpty)
        var change = Batch()
        change.objects = [
            .put(object("a/1", size: 5)), .remove(bucket: "b", key: "b"), .remove(bucket: "b", key: "none"),
        ]
        try await journal.commit(change)
        #expect(try journal.object(bucket: "b", key: "a/1")?.size == 5)
        #expect(try journal.object(bucket: "b", key: "b") == nil)
    }

    @Test("What a range of keys begins with is one bound: of two, reading page after page grows with the square")
    func ranges() {
        for (prefix, after, condition, arguments) in [
            ("", nil, "key >= ?", [""]), ("", "x", "key > ?", ["x"]),
            ("a/", nil, "key >= ? AND key < ?", ["a/", "a0"]), ("a/", "a/7", "key > ? AND key < ?", ["a/7", "a0"]),
            ("a/", "A", "key >= ? AND key < ?", ["a/", "a0"]), ("a/", "b", "key > ? AND key < ?", ["b", "a0"]),
            ("\u{10FFFF}", nil, "key >= ?", ["\u{10FFFF}"]),
        ] as [(String, String?, String, [String])] {
            let range = KeyRange(prefix: prefix, after: after)
            #expect(range.condition("key") == condition)
            #expect(range.arguments == arguments)
        }
    }

    @Test("The totals of buckets hold over changes, a refused batch, a restart and a crash", arguments: Store.allCases)
    func totals(store: Store) async throws {
        let fixture = try Fixture(store)
        func total(_ bucket: String) -> [Int64] {
            let total = fixture.journal.objectTotals()[bucket] ?? ObjectTotals()
            return [total.objects, total.bytes]
        }
        var batch = Batch()
        batch.objects =
            (0..<10).map { .put(object("k\($0)", size: 100)) } + [.put(object("x", bucket: "c", size: .max))]
        try await fixture.journal.commit(batch)
        #expect(total("b") == [10, 1000])
        var change = Batch()
        change.objects = [
            .put(object("k0", size: 1)), .remove(bucket: "b", key: "k1"), .remove(bucket: "b", key: "none"),
            .removeVersion(bucket: "b", key: "k2", etag: "e"), .removeVersion(bucket: "b", key: "k3", etag: "other"),
            .refresh(object("k4", size: 50)), .put(object("y", bucket: "c", size: .max)),
        ]
        try await fixture.journal.commit(change)
        let expected: [Int64] = [8, 1 + 50 + 6 * 100]
        #expect(total("b") == expected)
        #expect(total("c") == [2, .max])
        var refused = Batch()
        refused.objects = [.put(object("k99")), .remove(bucket: "b", key: "k0")]
        refused.settlements = [Settlement(Delivery(1, 1, 1_000_000), .succeeded)]
        #expect(await fixture.journal.refusal(of: refused) == .constraint)
        #expect(total("b") == expected)
        try fixture.reopen()
        #expect(total("b") == expected)
        #expect(total("c") == [2, .max])
        guard store == .sqlite else { return }
        let crashed = try SQLiteJournal(dataFolder: try snapshot(fixture.folder), options: .small)
        #expect(crashed.objectTotals()["b"]?.objects == 8)
        #expect(crashed.objectTotals()["b"]?.bytes == expected[1])
        crashed.close()
    }

    @Test("A change that names a version does nothing to another one", arguments: Store.allCases)
    func objectVersions(store: Store) async throws {
        let fixture = try Fixture(store)
        let journal = fixture.journal
        var (old, new) = (object("k"), object("k"))
        (old.etag, old.sequencer, old.eventID) = ("v1", "0000000000000001", "first")
        (new.etag, new.sequencer, new.eventID) = ("v2", "0000000000000002", "second")
        let file = CatalogFile(
            database: "d", table: "t", bucket: "b", key: "k", rows: 1, bytes: 1, partition: [], schemaVersion: 1)
        var batch = Batch()
        batch.objects = [.put(new)]
        batch.catalog = [.putTable(database: "d", table: "t", version: 1, body: [1]), .putFile(file)]
        try await journal.commit(batch)
        // What was found out about the older version comes after the newer one.
        var late = old
        (late.inode, late.sample) = (77, 78)
        var stale = Batch()
        stale.objects = [
            .refresh(late), .removeVersion(bucket: "b", key: "k", etag: "v1"),
            .announce(
                bucket: "b", key: "k", of: old.sequencer, sequencer: "0000000000000003", eventID: "again"),
            .refresh(object("none")), .removeVersion(bucket: "b", key: "none", etag: "e"),
            .announce(bucket: "b", key: "none", of: old.sequencer, sequencer: "9", eventID: "x"),
        ]
        stale.catalog = [.removeFile(bucket: "b", key: "k")]
        try await journal.commit(stale)
        #expect(try journal.objects(bucket: "b", prefix: "", after: nil, limit: 9) == [new])
        #expect(try journal.tableFile(bucket: "b", key: "k") == file)
        // Of the version that is there all three count.
        var fresh = new
        (fresh.device, fresh.inode, fresh.modified, fresh.changed, fresh.sample) = (1 << 63, 77, 4, 5, 1 << 63)
        var told = fresh
        (told.sequencer, told.eventID) = ("0000000000000004", "again")
        var change = Batch()
        var stranger = fresh
        (stranger.sequencer, stranger.eventID, stranger.arrived) = ("0000000000000009", "not taken over", 99)
        change.objects = [
            .refresh(stranger),
            .announce(bucket: "b", key: "k", of: new.sequencer, sequencer: told.sequencer, eventID: told.eventID),
        ]
        try await journal.commit(change)
        try fixture.reopen()
        #expect(try fixture.journal.object(bucket: "b", key: "k") == told)
        var gone = Batch()
        gone.objects = [.removeVersion(bucket: "b", key: "k", etag: "v2")]
        gone.catalog = [.removeFile(bucket: "b", key: "k")]
        try await fixture.journal.commit(gone)
        #expect(try fixture.journal.object(bucket: "b", key: "k") == nil)
        #expect(try fixture.journal.tableFile(bucket: "b", key: "k") == nil)
    }

    @Test("Invocations are found by attempt, function and event, newest first", arguments: Store.allCases)
    func invocations(store: Store) async throws {
        let fixture = try Fixture(store)
        func record(_ number: Int64, _ function: String, _ events: [String], outcome: String = "succeeded")
            -> InvocationRecord
        {
            InvocationRecord(
                attempt: AttemptID(boot: 1, number: number), invocationID: "i\(number)",
                subscription: SubscriptionID(4),
                function: function, version: 2, eventIDs: events, attemptNumber: 1, started: 10,
                durationMicroseconds: 20,
                outcome: outcome, code: "C", message: "m \"quoted\"", coldStart: true, details: [7], logFile: "f",
                logOffset: 1, logLength: 2)
        }
        var batch = Batch()
        batch.invocations = [record(1, "A", ["x", "y"]), record(2, "B", ["x"]), record(3, "A", [])]
        try await fixture.journal.commit(batch)
        var again = Batch()
        again.invocations = [record(2, "B", ["x"], outcome: "dead")]
        try await fixture.journal.commit(again)
        try fixture.reopen()
        let journal = fixture.journal
        #expect(try journal.invocations(function: nil, before: nil, limit: 9).map(\.attempt.number) == [3, 2, 1])
        #expect(try journal.invocations(function: "A", before: nil, limit: 9).map(\.attempt.number) == [3, 1])
        #expect(
            try journal.invocations(function: nil, before: AttemptID(boot: 1, number: 3), limit: 1).map(
                \.attempt.number)
                == [2])
        #expect(try journal.invocations(eventID: "x").map(\.attempt.number) == [1, 2])
        let first = try #require(try journal.invocation(AttemptID(boot: 1, number: 1)))
        #expect(
            first.eventIDs == ["x", "y"] && first.coldStart && first.details == [7] && first.message == "m \"quoted\"")
        #expect(try journal.invocation(AttemptID(boot: 1, number: 2))?.outcome == "dead")
        #expect(try journal.invocation(AttemptID(boot: 2, number: 2)) == nil)
    }

    @Test("The catalog keeps versions and counts files", arguments: Store.allCases)
    func catalog(store: Store) async throws {
        let fixture = try Fixture(store)
        func file(_ key: String, rows: Int64, version: Int = 1) -> CatalogChange {
            .putFile(
                CatalogFile(
                    database: "d", table: "t", bucket: "b", key: key, rows: rows, bytes: rows * 10,
                    partition: ["day=1", "a\"b"], schemaVersion: version))
        }
        var batch = Batch()
        batch.catalog = [
            .putTable(database: "d", table: "t", version: 1, body: [1]), file("k1", rows: 1), file("k2", rows: 2),
            .putTable(database: "d", table: "t", version: 2, body: [2]), file("k3", rows: 3, version: 2),
            .putTable(database: "e", table: "t", version: 1, body: [3]), file("k1", rows: 4),
        ]
        try await fixture.journal.commit(batch)
        try fixture.reopen()
        let journal = fixture.journal
        #expect(try journal.tables(database: nil).map(\.database) == ["d", "e"])
        let table = try #require(try journal.table(database: "d", table: "t"))
        #expect((table.version, table.body, table.files, table.rows, table.bytes) == (2, [2], 3, 9, 90))
        #expect(try journal.tables(database: "e").first?.files == 0)
        let versions = try journal.tableVersions(database: "d", table: "t")
        #expect(versions.map(\.body) == [[1], [2]])
        #expect(versions.map(\.rows) == [6, 3])
        #expect(try journal.tableFiles(database: "d", table: "t", after: "k1", limit: 1).map(\.key) == ["k2"])
        #expect(try journal.tableFile(bucket: "b", key: "k1")?.partition == ["day=1", "a\"b"])
        var remove = Batch()
        remove.catalog = [.removeFile(bucket: "b", key: "k2"), .removeTable(database: "e", table: "t")]
        try await journal.commit(remove)
        #expect(try journal.tables(database: nil).map(\.files) == [2])
        #expect(try journal.table(database: "e", table: "t") == nil)
        var all = Batch()
        all.catalog = [.removeTable(database: "d", table: "t")]
        try await journal.commit(all)
        #expect(try journal.tableFile(bucket: "b", key: "k1") == nil)
        #expect(try journal.tableVersions(database: "d", table: "t").isEmpty)
    }

    @Test("Files that claim more rows together than there can be leave their table readable", arguments: Store.allCases)
    func catalogClaims(store: Store) async throws {
        let fixture = try Fixture(store)
        var batch = Batch()
        batch.catalog = [.putTable(database: "d", table: "t", version: 1, body: [1])]
        batch.catalog += ["a", "b"].map {
            .putFile(
                CatalogFile(
                    database: "d", table: "t", bucket: "b", key: $0, rows: .max, bytes: .max, partition: [],
                    schemaVersion: 1))
        }
        try await fixture.journal.commit(batch)
        let table = try #require(try fixture.journal.table(database: "d", table: "t"))
        #expect((table.files, table.rows, table.bytes) == (2, .max, .max))
        #expect(try fixture.journal.tables(database: nil).count == 1)
        #expect(try fixture.journal.tableVersions(database: "d", table: "t").map(\.rows) == [.max])
    }

    @Test("Functions and named values", arguments: Store.allCases)
    func control(store: Store) async throws {
        let fixture = try Fixture(store)
        func function(_ name: String, _ version: Int) -> FunctionRecord {
            FunctionRecord(name: name, version: version, digest: "d\(version)", created: 5, body: [1])
        }
        try await fixture.journal.commit(
            .control(
                .putFunction(function("B", 1)), .putFunction(function("A", 10)), .putFunction(function("A", 9)),
                .putValue(name: "job/1", body: [1]), .putValue(name: "job/2", body: []), .putValue(name: "k", body: [3])
            ))
        try await fixture.journal.commit(.control(.removeValue(name: "k"), .putValue(name: "job/1", body: [9])))
        try fixture.reopen()
        #expect(try fixture.journal.functions() == [function("A", 9), function("A", 10), function("B", 1)])
        #expect(try fixture.journal.value(name: "job/1") == [9])
        #expect(try fixture.journal.value(name: "job/2") == [])
        #expect(try fixture.journal.value(name: "k") == nil)
        #expect(try fixture.journal.values(prefix: "job/").map(\.name) == ["job/1", "job/2"])
    }
}

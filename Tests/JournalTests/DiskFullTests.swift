import Foundation
import Journal
import Testing

/// A file system of a few megabytes that really is full.
@Suite(
    .timeLimit(.minutes(5)), .serialized,
    .enabled(
        if: SmallDisk.isPermitted(.memory), "a full disk needs a small tmpfs, and mounting one is not permitted here"))
struct DiskFullTests {
    var kind = SmallDisk.Kind.memory

    private func options(ballast: Int64, minimumFree: Int64) -> JournalOptions {
        var options = JournalOptions.small
        options.segmentBytes = 1 << 20
        options.ballastBytes = ballast
        options.minimumFreeBytes = minimumFree
        return options
    }

    /// Appends until producers are refused; how many events were taken.
    private func fill(_ journal: any JournalStore) async throws -> Int64 {
        for round in 0..<2_000 {
            do {
                try await journal.commit(.append((0..<10).map { .test("e\(round)-\($0)", bytes: 10_000) }))
            } catch let error as JournalError where error.code == .diskFull {
                return Int64(round * 10)
            }
        }
        Issue.record("the disk was never full")
        return 0
    }

    @Test("When the disk is full, producers are refused and the ballast lets everything else settle")
    func full() async throws {
        let disk = try SmallDisk(kind, megabytes: 40)
        try disk.fill("other", megabytes: 12)
        let data = disk.path + "/data"
        let journal = try SQLiteJournal(dataFolder: data, options: options(ballast: 6 << 20, minimumFree: 0))
        #expect(FileManager.default.fileExists(atPath: data + "/journal/ballast"))
        try await journal.subscribe(1)
        let taken = try await fill(journal)
        #expect(taken > 100)
        #expect(!FileManager.default.fileExists(atPath: data + "/journal/ballast"))
        #expect(journal.freeBytesWanted == 7 << 20)
        for ordinal in 1...60 as ClosedRange<Int64> {
            var batch = Batch()
            if ordinal % 10 == 0 {
                batch.settlements = [Settlement(Delivery(1, ordinal, ordinal), .dead)]
                batch.deadLetters = [.insert(.test(Delivery(1, ordinal, ordinal)))]
            } else {
                batch.settlements = [Settlement(Delivery(1, ordinal, ordinal), .succeeded)]
                // What a handler published is part of settling, and no producer's.
                batch.appends = [.test("output-\(ordinal)", to: [])]
            }
            try await journal.commit(batch)
        }
        #expect(await journal.refusal(of: .append(["no"])) == .diskFull)
        try FileManager.default.removeItem(atPath: disk.path + "/other")
        // It looks for room now and then; each refusal is an event to wait for.
        var isTaken = false
        for _ in 0..<1_000_000 where !isTaken { isTaken = await journal.refusal(of: .append(["again"])) == nil }
        #expect(isTaken)
        #expect(FileManager.default.fileExists(atPath: data + "/journal/ballast"))
        #expect(journal.freeBytesWanted == 0)
        #expect(try journal.audit() == [])
        journal.close()
        let reopened = try SQLiteJournal(dataFolder: data, options: options(ballast: 6 << 20, minimumFree: 0))
        let progress = try reopened.progress(of: 1)
        #expect((progress.matched, progress.succeeded, progress.dead) == (taken + 1, 54, 6))
        #expect(try reopened.audit() == [])
        reopened.close()
    }

    @Test("A journal that was opened with little room makes its ballast as soon as there is some")
    func late() async throws {
        let disk = try SmallDisk(kind, megabytes: 24)
        let data = disk.path + "/data"
        try disk.fill("other", megabytes: 18)
        let journal = try SQLiteJournal(dataFolder: data, options: options(ballast: 6 << 20, minimumFree: 2 << 20))
        defer { journal.close() }
        try await journal.subscribe(1)
        try await journal.commit(.append(["taken"]))
        #expect(journal.freeBytesWanted == 0)
        #expect(!FileManager.default.fileExists(atPath: data + "/journal/ballast"))
        try FileManager.default.removeItem(atPath: disk.path + "/other")
        // It looks for room once a second.
        var isThere = false
        for _ in 0..<1_000_000 where !isThere {
            try await journal.commit(.append(["more"]))
            isThere = FileManager.default.fileExists(atPath: data + "/journal/ballast")
        }
        #expect(isThere)
    }

    @Test("Below the least free space producers are refused before the disk is full")
    func minimumFree() async throws {
        let disk = try SmallDisk(kind, megabytes: 24)
        let data = disk.path + "/data"
        try disk.fill("other", megabytes: 20)
        let journal = try SQLiteJournal(dataFolder: data, options: options(ballast: 0, minimumFree: 8 << 20))
        defer { journal.close() }
        try await journal.subscribe(1)
        #expect(await journal.refusal(of: .append(["no"])) == .diskFull)
        try FileManager.default.removeItem(atPath: disk.path + "/other")
        var isTaken = false
        for _ in 0..<1_000_000 where !isTaken { isTaken = await journal.refusal(of: .append(["yes"])) == nil }
        #expect(isTaken)
    }

    @Test("With nothing left at all a journal is opened in the ballast's room, after a crash as after a good end")
    func opening() async throws {
        let disk = try SmallDisk(kind, megabytes: 32)
        let data = disk.path + "/data"
        let options = options(ballast: 6 << 20, minimumFree: 2 << 20)
        var settled: Int64 = 0
        for leavesUnclean in [false, true] {
            let first = try SQLiteJournal(dataFolder: data, options: options)
            if settled == 0 { try await first.subscribe(1) }
            for _ in 0..<2 { try await first.commit(.append(["one", "two"].map { .test($0, bytes: 5_000) })) }
            if leavesUnclean { first.leaveUnclean() }
            first.close()
            _ = try? run("/bin/dd", "if=/dev/zero", "of=\(disk.path)/rest", "bs=4096", "status=none")
            let journal = try SQLiteJournal(dataFolder: data, options: options)
            #expect(!FileManager.default.fileExists(atPath: data + "/journal/ballast"))
            #expect(journal.freeBytesWanted == (2 << 20) + (1 << 19) + (6 << 20))
            let refused = await #expect(throws: JournalError.self) { try await journal.commit(.append(["no"])) }
            #expect(refused?.code == .diskFull)
            #expect(refused?.message.contains("at least 9 MB") == true, "\(refused as Any)")
            settled += 4
            try await journal.commit(.settle((settled - 3...settled).map { Delivery(1, $0, $0) }))
            #expect(try journal.audit() == [])
            journal.close()
            try FileManager.default.removeItem(atPath: disk.path + "/rest")
        }
    }

    @Test("With no ballast left nothing commits, nothing crashes, and what was durable stays")
    func hopeless() async throws {
        let disk = try SmallDisk(kind, megabytes: 18)
        let data = disk.path + "/data"
        // What remains when the journal is full may be nothing, and to open it again takes a little.
        try disk.fill("other", megabytes: 2)
        let journal = try SQLiteJournal(dataFolder: data, options: options(ballast: 0, minimumFree: 0))
        try await journal.subscribe(1)
        let taken = try await fill(journal)
        _ = try? run("/bin/dd", "if=/dev/zero", "of=\(disk.path)/rest", "bs=4096", "status=none")
        var batch = Batch.settle((1...taken).map { Delivery(1, $0, $0) })
        // More than the whole disk: the WAL may have room of its own left.
        let long = String(repeating: "x", count: 1_000)
        batch.objects = (0..<20_000).map {
            .put(
                ObjectRecord(
                    bucket: "b", key: "key-\($0)", device: 1, inode: 1, size: 1, modified: 1, changed: 1, sample: 1,
                    etag: long,
                    sequencer: "s", eventID: "i"))
        }
        #expect(await journal.refusal(of: batch) == .diskFull)
        #expect(try journal.progress(of: 1).succeeded == 0)
        #expect(try journal.waiting(SubscriptionID(1), after: 0, limit: 5).count == 5)
        journal.close()
        for name in ["rest", "other"] { try FileManager.default.removeItem(atPath: disk.path + "/" + name) }
        let reopened = try SQLiteJournal(dataFolder: data, options: options(ballast: 0, minimumFree: 0))
        #expect(try reopened.progress(of: 1).waiting == taken)
        #expect(try reopened.audit() == [])
        reopened.close()
    }
}

/// The same where checkpoints write past the kernel's cache.
@Suite(
    "A full ext4", .timeLimit(.minutes(5)), .serialized,
    .enabled(
        if: SmallDisk.isPermitted(.ext4), "a small ext4 needs mkfs.ext4 and a loop device, and is not permitted here"))
struct DiskFullOnExt4Tests {
    private let tests = DiskFullTests(kind: .ext4)

    @Test("Producers are refused and the ballast lets everything else settle") func full() async throws {
        try await tests.full()
    }

    @Test("A ballast is made as soon as there is room") func late() async throws { try await tests.late() }

    @Test("Below the least free space producers are refused") func minimumFree() async throws {
        try await tests.minimumFree()
    }

    @Test("With nothing left at all a journal is opened in the ballast's room") func opening() async throws {
        try await tests.opening()
    }

    @Test("With no ballast left what was durable stays") func hopeless() async throws { try await tests.hopeless() }

    @Test("Commits and checkpoints that find the disk full again and again lose nothing")
    func again() async throws {
        let disk = try SmallDisk(.ext4, megabytes: 40)
        let data = disk.path + "/data"
        var options = JournalOptions.small
        options.segmentBytes = 1 << 20
        options.checkpointBytes = 256 << 10
        var journal = try SQLiteJournal(dataFolder: data, options: options)
        try await journal.subscribe(1)
        var (taken, settled): (Int64, Int64) = (0, 0)
        for round in 0..<12 {
            // Now little is left, now much: the disk is full in the middle of the log as at the end of the database.
            try disk.fill("other", leaving: (1 + round % 4) << 20)
            for batch in 0..<60 {
                let appends: [Append] = (0..<10).map { .test("e\(round)-\(batch)-\($0)", bytes: 5_000) }
                guard await journal.refusal(of: .append(appends)) == nil else { break }
                taken += 10
            }
            #expect(try journal.progress(of: 1).matched == taken)
            try disk.remove("other")
            if round % 3 == 1 {
                if round % 2 == 0 { journal.leaveUnclean() }
                journal.close()
                journal = try SQLiteJournal(dataFolder: data, options: options)
            }
            try await journal.commit(.settle((settled..<taken).map { Delivery(1, $0 + 1, $0 + 1) }))
            settled = taken
            #expect(try journal.audit() == [])
            try journal.trim(settledBelow: .max)
        }
        #expect(taken > 500)
        #expect(journal.statistics.checkpoints > 0)
        journal.close()
    }
}

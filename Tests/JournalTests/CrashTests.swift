import Foundation
import Journal
import Synchronization
import Testing

/// What a crash leaves behind, taken as a copy of the files at a named moment, and opened again.
@Suite(.timeLimit(.minutes(3)))
struct CrashTests {
    private struct Taken: Sendable {
        var point: JournalPoint
        var folder: String
        /// Events acknowledged before the crash, and those submitted at all.
        var acknowledged: Int
        var submitted: Int
    }

    private struct Progress: Sendable {
        var acknowledged = 0
        var submitted = 0
        var taken: [Taken] = []
        var seen: [JournalPoint: Int] = [:]
    }

    @Test("At every named point a crash loses nothing acknowledged and leaves nothing half-done")
    func namedPoints() async throws {
        let progress = Mutex(Progress())
        // Held while a batch is on its way: a checkpoint's snapshot must not race with the writer.
        let gate = DispatchSemaphore(value: 1)
        let folder = try temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var options = JournalOptions.small
        options.atPoint = { point in
            let count = progress.withLock { progress in
                progress.seen[point, default: 0] += 1
                return progress.seen[point] ?? 0
            }
            // Early, later, and late in the run.
            guard [1, 7, 40].contains(count), point != .closed else { return }
            let isCheckpoint = point == .checkpointCopied || point == .checkpointSynced
            if isCheckpoint { gate.wait() }
            let now = progress.withLock { $0 }
            if let copy = try? snapshot(folder) {
                progress.withLock {
                    $0.taken.append(
                        Taken(point: point, folder: copy, acknowledged: now.acknowledged, submitted: now.submitted))
                }
            }
            if isCheckpoint { gate.signal() }
        }
        let journal = try SQLiteJournal(dataFolder: folder, options: options)
        try await journal.subscribe(2)
        var settled: Int64 = 0
        for round in 0..<300 {
            await Self.wait(for: gate)
            progress.withLock { $0.submitted += 5 }
            var batch = Batch.append((1...5).map { .test("e\(round * 5 + $0)", to: [1, 2], bytes: 600) })
            // One behind: each batch settles what the one before appended.
            while settled < Int64(round * 5) {
                settled += 1
                batch.settlements.append(Settlement(Delivery(1, settled, settled), .succeeded))
            }
            try await journal.commit(batch)
            progress.withLock { $0.acknowledged += 5 }
            gate.signal()
            if round == 200 {
                var rest = Batch()
                rest.settlements = (1...settled).map { Settlement(Delivery(2, $0, $0), .succeeded) }
                try await journal.commit(rest)
                try journal.trim(settledBelow: .max)
            }
        }
        journal.close()
        let result = progress.withLock { $0 }
        let wanted: [JournalPoint] = [
            .beforeCommit, .afterCommit, .afterCompletion, .segmentRolled, .segmentDropped, .checkpointCopied,
            .checkpointSynced, .closed,
        ]
        for point in wanted { #expect(result.seen[point, default: 0] > 0, "never came to \(point.rawValue)") }
        #expect(result.taken.count >= 12)
        for taken in result.taken { try Self.check(taken) }
    }

    private static func check(_ taken: Taken) throws {
        defer { try? FileManager.default.removeItem(atPath: taken.folder) }
        let comment = Comment(rawValue: "crash at \(taken.point.rawValue), \(taken.acknowledged) acknowledged")
        #expect(try SQLiteJournal.recount(dataFolder: taken.folder).findings == [], comment)
        let journal = try SQLiteJournal(dataFolder: taken.folder, options: .small)
        defer { journal.close() }
        let state = try journal.recover()
        #expect(state.boot == 2 && state.wasUnclean, comment)
        #expect(state.head >= Int64(taken.acknowledged) && state.head <= Int64(taken.submitted), comment)
        #expect(try journal.audit() == [], comment)
        let records = try journal.records(log: nil, after: 0, limit: 10_000)
        #expect(records.last?.position ?? state.head == state.head, comment)
        for record in records { try #require(record.eventID == "e\(record.position)", comment) }
        for progress in state.subscriptions {
            let waiting = try journal.waiting(progress.subscription.id, after: 0, limit: 10_000)
            #expect(Int64(waiting.count) == progress.waiting, comment)
        }
    }

    private static func wait(for gate: DispatchSemaphore) async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                gate.wait()
                continuation.resume()
            }
        }
    }

    @Test("A torn or damaged end of the write-ahead log costs only what was not acknowledged as durable before it")
    func tornTail() async throws {
        let folder = try temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var options = JournalOptions.small
        // Everything stays in the WAL.
        options.checkpointBytes = 1 << 40
        options.lastPassBytes = 1 << 40
        let journal = try SQLiteJournal(dataFolder: folder, options: options)
        try await journal.subscribe(1)
        for round in 0..<40 {
            var batch = Batch.append([.test("e\(round + 1)", bytes: 3_000)])
            if round > 0 { batch.settlements = [Settlement(Delivery(1, Int64(round), Int64(round)), .succeeded)] }
            try await journal.commit(batch)
        }
        let whole = try snapshot(folder)
        journal.close()
        defer { try? FileManager.default.removeItem(atPath: whole) }
        let size = try #require(
            try FileManager.default.attributesOfItem(atPath: whole + "/journal/journal.sqlite-wal")[.size] as? Int)
        var random = SeededGenerator(seed: 7)
        var heads: Set<Position> = []
        for trial in 0..<24 {
            let copy = try snapshot(whole)
            defer { try? FileManager.default.removeItem(atPath: copy) }
            let handle = try FileHandle(forUpdating: URL(fileURLWithPath: copy + "/journal/journal.sqlite-wal"))
            let place = Int.random(in: size / 4..<size, using: &random)
            if trial % 2 == 0 {
                try handle.truncate(atOffset: UInt64(place))
            } else {
                try handle.seek(toOffset: UInt64(place))
                try handle.write(contentsOf: Data((0..<64).map { _ in UInt8.random(in: 0...255, using: &random) }))
            }
            try handle.close()
            let reopened = try SQLiteJournal(dataFolder: copy, options: options)
            let state = try reopened.recover()
            heads.insert(state.head)
            #expect(try reopened.audit() == [])
            let records = try reopened.records(log: nil, after: 0, limit: 100)
            #expect(records.map(\.eventID) == (0..<Int(state.head)).map { "e\($0 + 1)" })
            #expect(records.allSatisfy { $0.payload == Append.payload($0.eventID, 3_000) })
            if state.head > 0 { #expect(try reopened.progress(of: 1).succeeded == state.head - 1) }
            reopened.close()
        }
        #expect(heads.count > 5, "the damage was always in the same place")
    }
}

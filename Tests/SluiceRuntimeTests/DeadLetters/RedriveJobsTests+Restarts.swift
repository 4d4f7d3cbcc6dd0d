import AppConfig
import FunctionJSON
import HostAPI
import Journal
import Logging
import SluiceRuntime
import Synchronization
import Testing
import UVLoop

/// Jobs that outlive a host, a crash, or one another.
extension RedriveJobsTests {
    @Test("A cancellation is durable when it is answered")
    func cancelling() async throws {
        try await letters(3)
        let started = try await jobs.start(.init(selection: .init(all: true), rate: 0.01))
        #expect(try await jobs.cancel(started.id)?.state != .completed)
        let row = try #require(try await stored(started.id))
        #expect(row.cancelled == true && row.finished)
        files.stop()
    }

    @Test("Letters that settle while the next host reads what a job has sent are all counted, each once")
    func reopening() async throws {
        let count: Int64 = 1000
        try await letters(count)
        #expect(try await sent([.init(all: true)]) == [Int(count)])
        let id = try #require(jobs.list().first?.id)
        let next = RedriveJobs(
            journal: journal, committer: committer, files: files, clock: HostClock(), dispatcher: dispatcher, boot: 2)
        let resuming = Task { @LoopActor in try await next.resume() }
        let entries = try journal.pending(nil, after: 0, limit: Int(count))
        #expect(entries.count == Int(count))
        for entry in entries {
            var batch = Batch()
            batch.pending.append(.finish(entry.delivery, .succeeded))
            batch.deadLetters.append(.setState(id: try #require(entry.deadLetter), .redriven))
            _ = try await committer.commit(batch)
        }
        try await resuming.value
        let job = try #require(next.job(id))
        #expect(job.succeeded == Int(count) && job.isOver, "\(job)")
        files.stop()
    }

    @Test("Two jobs that have sent the same letter both end after a crash")
    func sentByBoth() async throws {
        try await letters(2)
        // Until the job knows of it: its row is there before.
        try await send(.init(selection: .init(all: true)))
        // The first letter dies again, and another job sends it.
        var again = try #require(try journal.deadLetter(id: 1))
        (again.state, again.code) = (.dead, "Again")
        var batch = Batch()
        batch.pending.append(.finish(again.delivery, .dead))
        batch.deadLetters.append(.update(again))
        _ = try await committer.commit(batch)
        let older = try #require(jobs.list().first?.id)
        try await send(.init(selection: .init(ids: [1])))
        let newer = try #require(jobs.list().map(\.id).first { $0 != older })

        let next = RedriveJobs(
            journal: journal, committer: committer, files: files, clock: HostClock(), dispatcher: dispatcher, boot: 2)
        try await next.resume()
        for entry in try journal.pending(nil, after: 0, limit: 10) {
            var batch = Batch()
            batch.pending.append(.finish(entry.delivery, .succeeded))
            batch.deadLetters.append(.setState(id: try #require(entry.deadLetter), .redriven))
            _ = try await committer.commit(batch)
        }
        let (old, new) = (try #require(next.job(older)), try #require(next.job(newer)))
        #expect(old.isOver && old.succeeded == 1 && old.failed == 1, "\(old)")
        #expect(new.isOver && new.succeeded == 1 && new.failed == 0, "\(new)")
        files.stop()
    }

    @Test("A letter that another job has sent since, and that is settled, is not counted for the one before")
    func settledElsewhere() async throws {
        try await letters(3)
        func dies(_ id: Int64, _ code: String) async throws {
            var again = try #require(try journal.deadLetter(id: id))
            (again.state, again.code) = (.dead, code)
            var batch = Batch()
            batch.pending.append(.finish(again.delivery, .dead))
            batch.deadLetters.append(.update(again))
            _ = try await committer.commit(batch)
        }
        // The older job's letters die, all but the second one; another job sends the first and ends.
        try await send(.init(selection: .init(ids: [1, 2])))
        let older = try #require(jobs.list().first?.id)
        try await dies(1, "Again")
        try await send(.init(selection: .init(ids: [1])))
        let newer = try #require(jobs.list().map(\.id).first { $0 != older })
        let entry = try #require(try journal.pending(nil, after: 0, limit: 10).first { $0.deadLetter == 1 })
        var batch = Batch()
        batch.pending.append(.finish(entry.delivery, .succeeded))
        batch.deadLetters.append(.setState(id: 1, .redriven))
        _ = try await committer.commit(batch)
        #expect(jobs.job(newer)?.isOver == true)
        // A third one is over, too, before the fourth sends the same letter again.
        try await send(.init(selection: .init(ids: [3])))
        try await dies(3, "Once")
        try await send(.init(selection: .init(ids: [3])))

        let next = RedriveJobs(
            journal: journal, committer: committer, files: files, clock: HostClock(), dispatcher: dispatcher, boot: 2)
        try await next.resume()
        for entry in try journal.pending(nil, after: 0, limit: 10) {
            var batch = Batch()
            batch.pending.append(.finish(entry.delivery, .succeeded))
            batch.deadLetters.append(.setState(id: try #require(entry.deadLetter), .redriven))
            _ = try await committer.commit(batch)
        }
        let old = try #require(next.job(older))
        #expect(old.isOver && old.succeeded == 1 && old.failed == 1, "\(old)")
        let last = try #require(next.list().first { $0.selection?.ids == [3] })
        #expect(last.isOver && last.succeeded == 1 && last.failed == 0, "\(last)")
        files.stop()
    }

    @Test("A damaged journal ends a job, and the job says so")
    func damaged() async throws {
        try await letters(2)
        journal.injectReadFault { reading in
            guard case .deadLetters = reading else { return nil }
            return JournalError(.corrupt, "a row is damaged")
        }
        let started = try await jobs.start(.init(selection: .init(all: true)))
        while jobs.job(started.id)?.isOver == false { _ = try await stored(started.id) }
        let job = try #require(jobs.job(started.id))
        #expect(job.state == .failed && job.reason?.contains("a row is damaged") == true, "\(job)")
        #expect(try await stored(started.id)?.ended != nil)
        journal.injectReadFault(nil)
        try await send(.init(selection: .init(all: true)))
        #expect(try await pending() == [1, 2])
        files.stop()
    }
}

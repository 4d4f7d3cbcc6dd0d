import Journal
import Logging
import SluiceRuntime
import Synchronization
import Testing
import UVLoop

/// A committer on a journal in memory that refuses what a test says.
@Suite("The committer", .timeLimit(.minutes(1)))
@LoopActor
struct CommitterTests {
    /// What the journal was asked to write, transaction by transaction, and what it is to answer.
    private final class Script: Sendable {
        private let state = Mutex<(answers: [JournalError.Code?], seen: [[String]])>(([], []))

        var seen: [[String]] { state.withLock { $0.seen } }

        func answer(_ codes: JournalError.Code?...) { state.withLock { $0.answers = codes } }

        /// The last answer stays.
        func take(_ batch: Batch) -> JournalError? {
            state.withLock { state in
                state.seen.append(batch.appends.map(\.eventID))
                guard let code = state.answers.first else { return nil }
                if state.answers.count > 1 { state.answers.removeFirst() }
                return code.map { JournalError($0, "injected by a test") }
            }
        }
    }

    private let journal = InMemoryJournal()
    private let script = Script()
    private let committer: Committer

    init() {
        let script = script
        journal.injectFault { script.take($0) }
        committer = Committer(journal: journal, log: Logger(label: "test"))
    }

    private func append(_ ids: String...) -> Batch { append(ids) }

    private func append(_ ids: [String]) -> Batch {
        var batch = Batch()
        batch.appends = ids.map {
            Append(log: "default", eventID: $0, ingested: 0, payload: [], subscriptions: [], ruleSet: 0)
        }
        return batch
    }

    /// It settles what nobody wants.
    private var contradiction: Batch {
        var batch = Batch()
        batch.settlements = [
            Settlement(Delivery(subscription: SubscriptionID(9), position: 1, ordinal: 1), .succeeded)
        ]
        return batch
    }

    private func refusal(_ id: String, _ refusal: Committer.Refusal) async -> JournalError.Code? {
        do throws(JournalError) {
            _ = try await committer.commit(append(id), refusal: refusal)
            return nil
        } catch { return error.code }
    }

    private var logged: [String] {
        get throws { try journal.records(log: nil, after: 0, limit: 100_000).map(\.eventID) }
    }

    @Test("What was asked while one transaction is written is the next one, in its order")
    func groups() async throws {
        for id in ["a", "b", "c"] { committer.enqueue(append(id)) }
        await committer.drain()
        #expect(script.seen == [["a"], ["b", "c"]])
        #expect(committer.isIdle)
        #expect(try logged == ["a", "b", "c"])
    }

    @Test("Settlements wait for each other, and for nobody who waits for them")
    func pauses() async throws {
        let committer = Committer(journal: journal, log: Logger(label: "test"), settlingEvery: 3_600_000)
        committer.enqueue(append("a"), mayWait: true)
        await committer.drain()
        committer.enqueue(append("b"), mayWait: true)
        committer.enqueue(append("c"), mayWait: true)
        #expect(script.seen == [["a"]])
        #expect(!committer.isIdle)
        committer.enqueue(append("d"))
        await committer.drain()
        #expect(script.seen == [["a"], ["b", "c", "d"]])
        committer.enqueue(append("e"), mayWait: true)
        await committer.drain()
        #expect(script.seen.last == ["e"])
        #expect(committer.isIdle)
    }

    @Test("What pauses goes by itself when the pause is over")
    func pauseEnds() async throws {
        let committer = Committer(journal: journal, log: Logger(label: "test"), settlingEvery: 1)
        for name in ["a", "b", "c"] {
            await withCheckedContinuation { continuation in
                committer.enqueue(append(name), mayWait: true) { _ in continuation.resume() }
            }
        }
        #expect(script.seen == [["a"], ["b"], ["c"]])
        #expect(committer.isIdle)
    }

    @Test(
        "A failure that may pass is waited out, and nothing later goes before what failed",
        arguments: [JournalError.Code.diskFull, .inputOutput, .storage, .locked])
    func passing(code: JournalError.Code) async throws {
        script.answer(code, nil)
        committer.enqueue(append("a"))
        let receipt = try await committer.commit(append("b", "c"))
        #expect(script.seen == [["a"], ["a", "b", "c"]])
        #expect(receipt.appended == [.at(2), .at(3)])
        #expect(committer.trouble == nil)
        #expect(try logged == ["a", "b", "c"])
    }

    @Test("What only a restart helps is not tried again, and what waits for it is not refused")
    func needingRestart() async throws {
        script.answer(.needsRestart, nil)
        var answers = 0
        committer.enqueue(append("a")) { _ in answers += 1 }
        await committer.drain()
        #expect(committer.trouble?.code == .needsRestart)
        committer.enqueue(append("b")) { _ in answers += 1 }
        committer.enqueue(append("c"), mayWait: true) { _ in answers += 1 }
        #expect(script.seen == [["a"]])
        #expect(answers == 0 && !committer.isIdle)
    }

    @Test("A part that contradicts the journal fails alone, and each of its neighbours has its own receipt")
    func contradicting() async throws {
        committer.enqueue(append("a"))
        var results: [String] = []
        committer.enqueue(append("b")) { results.append("\($0.map(\.appended))") }
        committer.enqueue(contradiction) { result in
            if case .failure(let error) = result { results.append("\(error.code)") }
        }
        committer.enqueue(append("c", "d")) { results.append("\($0.map(\.appended))") }
        await committer.drain()
        let first = Result<[Receipt.Appended], JournalError>.success([.at(2)])
        let last = Result<[Receipt.Appended], JournalError>.success([.at(3), .at(4)])
        #expect(results == ["\(first)", "constraint", "\(last)"])
        #expect(try logged == ["a", "b", "c", "d"])
        #expect(committer.isIdle)
    }

    @Test("A failure that may pass in the midst of neighbours written one by one keeps the order")
    func passingWhileAlone() async throws {
        // The group is refused, its first part written, its second held up by the disk.
        script.answer(nil, nil, nil, .diskFull, nil)
        committer.enqueue(append("a"))
        committer.enqueue(append("b"))
        committer.enqueue(contradiction)
        committer.enqueue(append("c"))
        let last = try await committer.commit(append("d"))
        #expect(last.appended == [.at(4)])
        #expect(try logged == ["a", "b", "c", "d"])
    }

    @Test("Draining gives up when the journal refuses, also if it begins to meanwhile")
    func draining() async throws {
        script.answer(.diskFull)
        committer.enqueue(append("a"))
        await committer.drain()
        #expect(committer.trouble?.code == .diskFull)
        #expect(!committer.isIdle)
        // It is known now: nothing is waited for.
        await committer.drain()
        #expect(try logged == [])
    }

    @Test("A transaction takes four thousand records or four megabytes, and a larger part alone")
    func limits() async throws {
        committer.enqueue(append("first"))
        func many(_ count: Int, _ name: String) -> Batch {
            var batch = Batch()
            batch.appends = (0..<count).flatMap { append("\(name)\($0)").appends }
            return batch
        }
        for name in ["a", "b", "c"] { committer.enqueue(many(1600, name)) }
        committer.enqueue(many(12000, "large"))
        for name in ["x", "y"] {
            var batch = Batch()
            batch.control = [.putValue(name: name, body: [UInt8](repeating: 0, count: 3 << 20))]
            committer.enqueue(batch)
        }
        await committer.drain()
        #expect(script.seen.map(\.count) == [1, 3200, 1600, 12000, 0, 0])
        #expect(try logged.count == 16801)
    }

    @Test("Who stands before a full disk is told at once: what was withdrawn never comes, what was told of does")
    func refusals() async throws {
        script.answer(.diskFull)
        committer.enqueue(append("waits"))
        await committer.drain()
        #expect(await refusal("told", .tells) == .diskFull)
        #expect(await refusal("withdrawn", .withdraws) == .diskFull)
        #expect(await refusal("told too", .tells) == .diskFull)
        #expect(committer.trouble?.code == .diskFull)
        script.answer(nil)
        #expect(await refusal("last", .withdraws) == nil)
        #expect(try logged == ["waits", "told", "told too", "last"])
        #expect(committer.isIdle && committer.trouble == nil)
        // Nothing is left of it that would have to be tried again.
        script.answer(.diskFull)
        #expect(await refusal("alone", .withdraws) == .diskFull)
        #expect(committer.isIdle && committer.trouble == nil)
    }

    @Test("What only a restart helps is told to who asks, too")
    func refusedUntilRestart() async throws {
        script.answer(.needsRestart)
        committer.enqueue(append("a"))
        await committer.drain()
        do throws(JournalError) {
            _ = try await committer.command(append("b"))
            Issue.record("it was written")
        } catch { #expect(error.code == .needsRestart) }
    }

    @Test("Who asks behind more than one transaction takes is told as well, whatever the journal refuses for")
    func refusedBehindMany() async throws {
        script.answer(.inputOutput)
        committer.enqueue(append((0..<5000).map { "many\($0)" }))
        await committer.drain()
        #expect(await refusal("told", .tells) == .inputOutput)
        #expect(await refusal("withdrawn", .withdraws) == .inputOutput)
        #expect(!script.seen.contains(["told"]) && !script.seen.contains(["withdrawn"]))
        script.answer(nil)
        #expect(await refusal("last", .withdraws) == nil)
        #expect(try logged.suffix(3) == ["many4999", "told", "last"])
    }

    @Test("On a full disk nobody is told of what has not been tried: there is room for commands")
    func triedFirst() async throws {
        script.answer(.diskFull, .diskFull, nil)
        committer.enqueue(append("waits"))
        await committer.drain()
        // The second refusal is of this one alone.
        committer.enqueue(append("tells"), refusal: .tells)
        #expect(await refusal("command", .withdraws) == nil)
        #expect(try logged == ["waits", "tells", "command"])
    }

    @Test("What only a restart helps is told also to who has asked meanwhile")
    func refusedMeanwhile() async throws {
        script.answer(.needsRestart)
        var answers = 0
        committer.enqueue(append("a")) { _ in answers += 1 }
        #expect(await refusal("b", .withdraws) == .needsRestart)
        #expect(await refusal("c", .tells) == .needsRestart)
        #expect(answers == 0 && script.seen == [["a"]])
    }

    @Test("Once the journal is closed everything is refused with that")
    func closed() async throws {
        journal.close()
        var refusal: JournalError.Code?
        do throws(JournalError) { _ = try await committer.commit(append("a")) } catch { refusal = error.code }
        #expect(refusal == .closed)
        await committer.drain()
        #expect(committer.isIdle)
    }
}

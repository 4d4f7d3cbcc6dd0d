import Glibc
import Journal
import Logging
import SluiceRuntime
import Testing
import UVLoop

@Suite("Threads that cannot be made", .timeLimit(.minutes(1)))
struct FileThreadsTests {
    private static let refusing: @Sendable (Int) -> FileThreads = { count in
        FileThreads(count: count) { _, _ in EAGAIN }
    }

    @Test("Without a thread the caller does the work, and one thread of several is enough")
    func none() async throws {
        let none = Self.refusing(2)
        #expect(none.refusal == "no thread can be made: Resource temporarily unavailable")
        #expect(await none.run { 7 } == 7)
        none.stop()
        var made = 0
        let one = FileThreads(count: 3) { body, context in
            made += 1
            return made == 2 ? FileThreads.create(body, context) : EAGAIN
        }
        #expect(one.refusal == nil && made == 3)
        #expect(await one.run { 8 } == 8)
        one.stop()
    }

    @LoopActor
    @Test("A host that gets no threads says so at its start, and ends")
    func host() async throws {
        let (folder, journal) = (TemporaryFolder(name: "threads"), InMemoryJournal())
        let runtime = HostRuntime(
            options: HostOptions(dataFolder: folder.path, appFolder: nil, worker: PoolHarness.worker), journal: journal,
            state: try journal.recover(), log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            makeThreads: Self.refusing)
        let error = await #expect(throws: HostStartError.self) { try await runtime.start() }
        #expect(error?.message.contains("ulimit -u") == true, "\(error?.message ?? "-")")
        await runtime.stop(grace: 0)
    }
}

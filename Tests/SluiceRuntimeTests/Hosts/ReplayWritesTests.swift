import Dispatch
import FunctionJSON
import HostAPI
import Journal
import SluiceRuntime
import Synchronization
import Testing
import UVLoop

@Suite("What is written of a replay while a page of it is refused", .timeLimit(.minutes(2)))
@LoopActor
struct ReplayWritesTests {
    /// A disk that is full for replays' pages. The first is answered when `release` is called.
    private final class FullDisk: Sendable {
        private let isAsked = Mutex(false)
        private let gate = DispatchSemaphore(value: 0)

        func fault(_ batch: Batch) -> JournalError? {
            guard batch.appends.contains(where: { ReplayLog.isReplay($0.log) }) else { return nil }
            let isFirst = isAsked.withLock { isAsked in
                defer { isAsked = true }
                return !isAsked
            }
            if isFirst { gate.wait() }
            return JournalError(.diskFull, "full")
        }

        func asked() async { while !isAsked.withLock({ $0 }) { await Task.yield() } }
        func release() { gate.signal() }
    }

    /// A replay of two events whose first page, of one, is on its way to the journal.
    private func host(_ disk: FullDisk) async throws -> HostInProcess {
        let host = try await HostInProcess(rules: [:])
        _ = try await host.put(["ok", "ok"])
        host.journal.injectFault { disk.fault($0) }
        _ = try await host.control.startReplay(
            HostInProcess.replay("again") {
                ($0.function, $0.eventPattern, $0.rate) = ("InC", #"{"source": ["shop"]}"#, 1)
            })
        await disk.asked()
        return host
    }

    private func stored(_ host: HostInProcess) throws -> ReplayRecord {
        try TapeDecoder().decode(ReplayRecord.self, from: #require(try host.journal.value(name: "replay/again")))
    }

    @Test("A page that the journal refuses is no part of what is written meanwhile: the next host replays it")
    func refused() async throws {
        let disk = FullDisk()
        let host = try await host(disk)
        let replays = host.runtime.replays
        await replays.noteStill(elapsed: 0)
        let noting = Task { @LoopActor in await replays.noteStill(elapsed: 3_600_000) }
        try await host.wait { replays.warnings.isEmpty ? nil : () }
        disk.release()
        await noting.value
        let stored = try stored(host)
        #expect(stored.still == 3_600_000)
        #expect(stored.cursor == stored.first && stored.replayed == 0, "\(stored)")
        await host.stop()
        let next = try await HostInProcess(rules: [:], after: host)
        let over = try await next.wait {
            let replay = try await next.control.replay(name: "again")
            return replay.isOver ? replay : nil
        }
        #expect(over.replayed == 2 && over.succeeded == 2, "\(over)")
        await next.stop()
    }

    @Test("A replay that ends while a page of it is refused has ended, with its reason")
    func ended() async throws {
        let disk = FullDisk()
        let host = try await host(disk)
        let replays = host.runtime.replays
        await replays.noteStill(elapsed: 0)
        let noting = Task { @LoopActor in await replays.noteStill(elapsed: ReplayJobs.longestStill) }
        try await host.wait { try await host.control.replay(name: "again").isOver ? () : nil }
        disk.release()
        await noting.value
        let info = try await host.control.replay(name: "again")
        #expect(info.state == .failed && info.ended != nil && info.reason?.contains("7 days") == true, "\(info)")
        let stored = try stored(host)
        #expect(stored.state == .failed && stored.ended != nil && !stored.isOpen, "\(stored)")
        #expect(stored.cursor == stored.first && stored.replayed == 0, "\(stored)")
        await host.stop()
    }
}

import FunctionProtocol
import Glibc
import SluiceRuntime
import Testing
import UVLoop

@Suite("Zygotes that cannot reap, or do not answer", .timeLimit(.minutes(2)))
@LoopActor
struct ZygoteFaultTests {
    @Test("A module that ignores the ends of children: crashes and timeouts end their attempts all the same")
    func ignoredChildren() async throws {
        try await withPool(environment: ["PREPARE": "ignore-children"]) { harness in
            #expect(await harness.failure("segv").code == "WorkerCrashed")
            #expect(await harness.failure("exit").message.contains("exit(3)"))
            #expect(await harness.failure("loop", timeout: 0.2).code == "TimedOut")
            #expect(await harness.text("after") == "after")
        }
    }

    @Test("A zygote that is stopped: what it runs ends at its time limit, and another one makes the next worker")
    func stopped() async throws {
        try await withPool(initTimeout: 2) { harness in
            let id = harness.start("loop", timeout: 0.5)
            await harness.hasStarted(id)
            try signalZygote(of: harness, SIGSTOP)
            guard case .failure(let failure) = await harness.report(of: id).outcome else {
                Issue.record("the attempt succeeded")
                return
            }
            #expect(failure.code == "TimedOut")
            #expect(await harness.failure("echo").code == "InitTimedOut")
            #expect(await harness.text("after") == "after")
        }
    }

    @Test("A zygote that is killed takes its workers along, which is no fault of what they run")
    func killed() async throws {
        try await withPool { harness in
            let id = harness.start("loop")
            await harness.hasStarted(id)
            try signalZygote(of: harness, SIGKILL)
            guard case .failure(let failure) = await harness.report(of: id).outcome else {
                Issue.record("the attempt succeeded")
                return
            }
            #expect(failure.code == "ZygoteLost")
            #expect(FailureClass(code: failure.code, retry: failure.retry) == .platform)
            #expect(await harness.text("after") == "after")
        }
    }

    @Test("A zygote that is stopped does not hold up the end of the pool, with a worker that runs and one being made")
    func end() async throws {
        try await withPool(initTimeout: 100) { harness in
            let id = harness.start("loop")
            await harness.hasStarted(id)
            try signalZygote(of: harness, SIGSTOP)
            _ = harness.start("loop")
            while harness.pool.counts(of: harness.version).busy < 2 { await Task.yield() }
        }
    }

    private func signalZygote(of harness: PoolHarness, _ signal: Int32) throws {
        let worker = try #require(harness.pool.processes(of: harness.version).first)
        let zygote = try #require(parent(of: worker))
        try #require(zygote > 1 && zygote != getpid())
        kill(zygote, signal)
    }
}

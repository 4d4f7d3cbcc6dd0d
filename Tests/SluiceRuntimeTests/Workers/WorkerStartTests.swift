import FunctionProtocol
import Glibc
import SluiceRuntime
import Testing
import UVLoop

@Suite("Workers: loading and starting", .timeLimit(.minutes(5)))
@LoopActor
struct WorkerStartTests {
    @Test("A module of another ABI is refused, and both versions are named")
    func abi() async throws {
        try await withPool(FunctionInC.otherABI) { harness in
            let failure = await harness.failure("echo")
            #expect(failure.code == "ModuleRejected")
            #expect(failure.message.contains("ABI version 99") && failure.message.contains("version 1"), "\(failure)")
            await #expect(throws: failure) { try await harness.pool.check(harness.version) }
        }
        try await withPool(FunctionInC.refusing) { harness in
            #expect(await harness.failure("echo").code == "ModuleRejected")
        }
    }

    @Test("A module without the entry symbol, and one that is not there, are refused")
    func missing() async throws {
        try await withPool(FunctionInC.withoutEntry) { harness in
            let failure = await harness.failure("echo")
            #expect(failure.code == "ModuleRejected")
            #expect(failure.message.contains("sluice_function_entry"))
        }
        try await withPool(path: "/nowhere/function.so") { harness in
            let failure = await harness.failure("echo")
            #expect(failure.code == "ModuleRejected")
            #expect(failure.message.contains("/nowhere/function.so"))
        }
    }

    @Test(
        "prepare() that fails, exits or crashes is told with its reason",
        arguments: [
            ("fail", "Unprepared", "on purpose"), ("exit", "InitFailed", "leaving"), ("crash", "InitFailed", "SIGABRT"),
        ])
    func prepare(mode: String, code: String, words: String) async throws {
        try await withPool(environment: ["PREPARE": mode]) { harness in
            let failure = await harness.failure("echo")
            #expect(failure.code == code)
            #expect(failure.message.contains(words), "\(failure.message)")
        }
    }

    @Test("Several requests on a version that cannot be loaded all hear why, also those that come meanwhile")
    func failingTogether() async throws {
        try await withPool(environment: ["PREPARE": "fail"]) { harness in
            // Each of the first ones is followed by another, from within the report of its end.
            var later: [UInt64] = []
            let together = (0..<5).map { _ in harness.start("echo") }
            harness.finished = { id in
                if id <= 5 { later.append(harness.start("echo")) }
            }
            for id in together { _ = await harness.report(of: id) }
            for id in together + later {
                guard case .failure(let failure) = await harness.report(of: id).outcome else {
                    Issue.record("attempt \(id) succeeded")
                    continue
                }
                #expect(failure.code == "Unprepared", "\(failure)")
            }
        }
    }

    @Test("prepare() and start() that hang are killed at the init timeout")
    func hang() async throws {
        for name in ["PREPARE", "START"] {
            try await withPool(initTimeout: 0.3, environment: [name: "hang"]) { harness in
                #expect(await harness.failure("echo").code == "InitTimedOut")
            }
        }
        try await withPool(environment: ["START": "exit"]) { harness in
            #expect(await harness.failure("echo").code == "InitFailed")
        }
    }

    @Test(
        "A module that starts threads or keeps descriptors in prepare() runs in processes of its own",
        arguments: ["thread", "descriptor"])
    func unforkable(mode: String) async throws {
        try await withPool(environment: ["PREPARE": mode]) { harness in
            let ids = (0..<3).map { _ in harness.start("pid") }
            var pids: Set<pid_t> = []
            for id in ids {
                guard case .success(let bytes) = await harness.report(of: id).outcome else {
                    #expect(Bool(false), "an attempt failed")
                    continue
                }
                pids.insert(pid_t(String(decoding: bytes, as: UTF8.self)) ?? 0)
            }
            for pid in pids where !isGone(pid) { #expect(parent(of: pid) == getpid()) }
            #expect(await harness.failure("segv").code == "WorkerCrashed")
            #expect(await harness.failure("exit").code == "HandlerExited")
            #expect(await harness.failure("loop", timeout: 0.2).code == "TimedOut")
            #expect(await harness.text("after") == "after")
        }
    }

    @Test("A retired version runs what it still gets and keeps no worker")
    func retire() async throws {
        try await withPool { harness in
            let pid = pid_t(await harness.text("pid")) ?? 0
            harness.pool.retire(harness.version)
            await gone(pid)
            #expect(await harness.text("late") == "late")
        }
    }

    @Test("What an earlier host left running is killed at the start, but no process that took its number")
    func leftovers() async throws {
        let harness = try PoolHarness()
        let id = harness.start("loop")
        await harness.hasStarted(id)
        let pid = harness.pool.processes(of: harness.version).first ?? 0
        try #require(pid > 1)
        // The pids are noted on a file thread.
        await harness.files.run {}
        // A line whose start time is not ours: this very process must survive.
        let roster = fopen(harness.folder.path + "/run/workers", "a")
        fputs("\(getpid()) 1\nnonsense\n", roster)
        fclose(roster)
        let folder = harness.folder.path
        let killed = await harness.files.run { WorkerRoster.killLeftovers(dataFolder: folder) }
        #expect(killed >= 1)
        #expect(isGone(pid))
        _ = await harness.report(of: id)
        #expect(access(folder + "/run/workers", F_OK) != 0)
        #expect(await harness.files.run { WorkerRoster.killLeftovers(dataFolder: folder) } == 0)
        await harness.close()
    }
}

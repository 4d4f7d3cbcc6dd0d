import CLinux
import FunctionProtocol
import Glibc
import SluiceRuntime
import Testing
import UVLoop

@Suite("Workers: handlers that break", .timeLimit(.minutes(5)))
@LoopActor
struct WorkerFaultTests {
    @Test(
        "Each kind of death costs that attempt, has its own code, and the next attempt runs",
        arguments: [
            ("exit", "HandlerExited", "exit(3)"), ("abort", "WorkerCrashed", "SIGABRT"),
            ("segv", "WorkerCrashed", "SIGSEGV"), ("trap", "WorkerCrashed", "SIGILL"),
            ("overflow", "StackOverflow", "stack"), ("huge", "OutOfMemory", "10240 MB more than its 256 MB allow"),
            ("grow", "OutOfMemory", "256 MB"), ("close", "ProtocolError", "connection"),
            ("garbage", "ProtocolError", "protocol"),
        ])
    func deaths(mode: String, code: String, words: String) async throws {
        try await withPool { harness in
            let failure = await harness.failure(mode)
            #expect(failure.code == code)
            #expect(failure.message.contains(words), "\(failure.message)")
            #expect(await harness.text("still here") == "still here")
        }
    }

    @Test("A crash keeps its backtrace, with names")
    func backtrace() async throws {
        try await withPool { harness in
            let report = await harness.run("segv")
            guard case .failure(let failure) = report.outcome else { throw CancellationError() }
            #expect(failure.message.hasSuffix(", in dereference_null"), "\(failure.message)")
            #expect(report.backtrace.first?.hasPrefix("dereference_null + ") == true, "\(report.backtrace)")
            #expect(report.backtrace.contains { $0.hasPrefix("invoke + ") && $0.contains(" in ordinary.so") })
            // abort() keeps no frame pointers: who called it is found all the same.
            let abort = await harness.run("abort")
            #expect(abort.backtrace.contains { $0.hasPrefix("invoke + ") }, "\(abort.backtrace)")
        }
    }

    @Test("The time limit kills a loop, and nothing that it started is left")
    func timeout() async throws {
        try await withPool { harness in
            let failure = await harness.failure("loop", timeout: 0.2)
            #expect(failure.code == "TimedOut")
            let report = await harness.run("child", timeout: 0.3)
            guard case .failure(let second) = report.outcome else { return #expect(Bool(false), "\(report.outcome)") }
            #expect(second.code == "TimedOut")
            let child = pid_t(report.logs.first?.text ?? "") ?? 0
            try #require(child > 0)
            // Killed with its parent; on a busy machine it takes a moment to die.
            await gone(child)
            #expect(await harness.text("next") == "next")
        }
    }

    @Test(
        "A handler that writes or logs without end cannot hold the loop past its time limit",
        arguments: ["shout-on", "log-on"])
    func endlessOutput(mode: String) async throws {
        try await withPool { harness in
            let report = await harness.run(mode, timeout: 0.3)
            guard case .failure(let failure) = report.outcome else { return #expect(Bool(false), "\(report.outcome)") }
            #expect(failure.code == "TimedOut")
            #expect(!report.logs.isEmpty)
        }
    }

    @Test("A cancelled attempt fails with the reason that was given; one that waits is never run")
    func cancel() async throws {
        try await withPool { harness in
            let id = harness.start("loop")
            await harness.hasStarted(id)
            harness.pool.cancel(id: id, reason: "HostStopping")
            guard case .failure(let failure) = await harness.report(of: id).outcome else {
                return #expect(Bool(false), "no failure")
            }
            #expect(failure.code == "HostStopping")
            let waiting = harness.start("echo")
            harness.pool.cancel(id: waiting, reason: "HostStopping")
            guard case .failure = await harness.report(of: waiting).outcome else {
                return #expect(Bool(false), "no failure")
            }
            #expect(!harness.started.contains(waiting))
        }
    }

    @Test("kill -9 of a worker costs its attempt; of an idle one, nothing")
    func killedWorker() async throws {
        try await withPool { harness in
            let pid = pid_t(await harness.text("pid")) ?? 0
            try #require(pid > 1)
            let id = harness.start("loop")
            await harness.hasStarted(id)
            kill(pid, SIGKILL)
            guard case .failure(let failure) = await harness.report(of: id).outcome else {
                return #expect(Bool(false), "no failure")
            }
            #expect(failure.code == "Killed")
            let idle = pid_t(await harness.text("pid")) ?? 0
            try #require(idle > 1 && idle != pid)
            kill(idle, SIGKILL)
            // The pool may not have noticed yet: then the attempt is not charged to the handler.
            let next = await harness.run("echo")
            switch next.outcome {
            case .success: break
            case .failure(let failure): #expect(failure.code == "WorkerUnavailable")
            case .batch: #expect(Bool(false))
            }
            #expect(await harness.text("after") == "after")
        }
    }

    @Test("kill -9 of the zygote ends its workers' attempts; the next request makes a new one")
    func killedZygote() async throws {
        try await withPool { harness in
            let pid = pid_t(await harness.text("pid")) ?? 0
            let zygote = try #require(parent(of: pid))
            try #require(zygote > 1 && zygote != getpid())
            let ids = (0..<3).map { _ in harness.start("loop") }
            for id in ids { await harness.hasStarted(id) }
            kill(zygote, SIGKILL)
            for id in ids {
                guard case .failure(let failure) = await harness.report(of: id).outcome else {
                    #expect(Bool(false), "no failure")
                    continue
                }
                #expect(failure.code == "ZygoteLost")
            }
            #expect(await harness.text("after") == "after")
        }
    }

    @Test("Shutdown ends running attempts and leaves no process")
    func shutdown() async throws {
        let harness = try PoolHarness()
        let pid = pid_t(await harness.text("pid")) ?? 0
        let zygote = try #require(parent(of: pid))
        let id = harness.start("loop")
        await harness.hasStarted(id)
        await harness.close()
        guard case .failure(let failure) = await harness.report(of: id).outcome else {
            return #expect(Bool(false), "no failure")
        }
        #expect(failure.code == "HostStopping")
        #expect(isGone(pid))
        // The zygote is killed last, and is gone when its end of file is read.
        await gone(zygote)
        #expect(await harness.failure("echo").code == "HostStopping")
    }
}

/// The process has ended (a zombie counts).
func isGone(_ pid: pid_t) -> Bool {
    guard let state = stat(of: pid)?.first else { return true }
    return state == "Z" || state == "X"
}

func parent(of pid: pid_t) -> pid_t? {
    stat(of: pid).flatMap { $0.count > 1 ? pid_t($0[1]) : nil }
}

/// Waits for the end of any process.
func gone(_ pid: pid_t) async {
    let descriptor = clinux_pidfd_open(pid)
    guard descriptor >= 0 else { return }
    await Task.detached {
        var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        poll(&wait, 1, 20_000)
    }.value
    close(descriptor)
}

/// The fields of /proc/<pid>/stat after the name: state, parent, …
private func stat(of pid: pid_t) -> [Substring]? {
    guard let file = fopen("/proc/\(pid)/stat", "r") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 1024)
    guard fgets(&line, 1024, file) != nil else { return nil }
    let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard let end = text.lastIndex(of: ")") else { return nil }
    return text[text.index(after: end)...].split(separator: " ")
}

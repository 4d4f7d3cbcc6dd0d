import CLinux
import FunctionProtocol
import Glibc
import SluiceRuntime
import Testing
import UVLoop

@Suite("Workers: ordinary invocations", .timeLimit(.minutes(5)))
@LoopActor
struct WorkerPoolTests {
    @Test("The first invocation makes a worker, the next one reuses it, also after an error")
    func reuse() async throws {
        try await withPool { harness in
            let first = await harness.run("pid")
            #expect(first.coldStart)
            let error = await harness.run("error")
            #expect(!error.coldStart)
            guard case .failure(let failure) = error.outcome else { return #expect(Bool(false), "no failure") }
            #expect(failure == Failure(code: "Deliberate", message: "on purpose", retry: false))
            let last = await harness.run("pid")
            guard case .success(let a) = first.outcome, case .success(let b) = last.outcome else {
                return #expect(Bool(false), "no pid")
            }
            #expect(a == b)
            #expect(last.peakKilobytes > 0)
            #expect(harness.pool.counts(of: harness.version) == (busy: 0, idle: 1))
        }
    }

    @Test("Ids, attempt and flags arrive; the worker leads its own session")
    func facts() async throws {
        try await withPool { harness in
            let report = await harness.run("facts", batch: true)
            guard case .success(let bytes) = report.outcome else { return #expect(Bool(false), "\(report.outcome)") }
            #expect(String(decoding: bytes, as: UTF8.self) == "1-1 i-1 2 1 1")
        }
    }

    @Test("A megabyte goes there and back")
    func large() async throws {
        try await withPool { harness in
            let payload = String(repeating: "0123456789abcdef", count: 1 << 16)
            #expect(await harness.text(payload) == payload)
            #expect(await harness.text("") == "")
        }
    }

    @Test("A batch's answer is read; a malformed one, and an unknown status, fail the attempt")
    func batch() async throws {
        try await withPool { harness in
            guard case .batch(let answer) = await harness.run("batch", batch: true).outcome else {
                return #expect(Bool(false), "no batch")
            }
            #expect(answer.results.map(\.status) == [.ok, .dropped])
            #expect(await harness.failure("malformed").code == "MalformedAnswer")
            #expect(await harness.failure("status").code == "ProtocolError")
        }
    }

    @Test("Output is captured in lines, the last one without its end too, and does not leak into the next attempt")
    func output() async throws {
        try await withPool { harness in
            let report = await harness.run("speak")
            let lines = report.logs.map { "\($0.stream) \($0.level) \($0.text)" }
            #expect(
                Set(lines) == [
                    "stdout info first", "stdout info second without an end", "stderr error warned",
                    "logger warning logged",
                ])
            #expect(await harness.run("echo").logs.isEmpty)
        }
    }

    @Test("Of three megabytes of output the first is kept, with a mark")
    func shout() async throws {
        try await withPool { harness in
            let report = await harness.run("shout")
            guard case .success = report.outcome else { return #expect(Bool(false), "\(report.outcome)") }
            #expect(report.logs.count > 10_000 && report.logs.count < 10_600)
            #expect(report.logs.last?.text.contains("dropped") == true)
        }
    }

    @Test("A call reaches the host; its reply comes back with a descriptor, or as a refusal")
    func calls() async throws {
        try await withPool { harness in
            harness.answerCall = { call in
                #expect(call.operation == 1)
                #expect(String(decoding: call.body, as: UTF8.self) == #"{"a":1}"#)
                var ends: [Int32] = [0, 0]
                #expect(pipe(&ends) == 0)
                #expect(write(ends[1], " and bytes", 10) == 10)
                close(ends[1])
                call.reply(.success(Array("reply".utf8), descriptor: ends[0]))
                call.reply(.success([], descriptor: nil))
            }
            #expect(await harness.text("call") == "0 reply and bytes")
            harness.answerCall = { $0.reply(.failure(Failure(code: "NoSuchKey", message: "gone"))) }
            #expect(await harness.text("call").hasPrefix(#"1 {"code":"NoSuchKey","message":"gone""#))
        }
    }

    @Test("Forty requests at once each get their own answer")
    func concurrent() async throws {
        try await withPool { harness in
            let ids = (0..<40).map { harness.start("echo \($0)") }
            for (index, id) in ids.enumerated() {
                guard case .success(let bytes) = await harness.report(of: id).outcome else {
                    #expect(Bool(false), "no success")
                    continue
                }
                #expect(String(decoding: bytes, as: UTF8.self) == "echo \(index)")
            }
            // No more than may be kept stay.
            #expect(harness.pool.counts(of: harness.version).idle <= 4)
        }
    }

    @Test("Memory within the limit is granted")
    func memory() async throws {
        try await withPool(memory: 256) { harness in #expect(await harness.text("fits") == "fitted") }
        try await withPool(memory: 64) { harness in #expect(await harness.failure("fits").code == "OutOfMemory") }
    }

    @Test("A worker writes into its own folder, and where Landlock is to be had nowhere else")
    func confinement() async throws {
        try await withPool { harness in
            #expect(await harness.text("write-own") == "written")
            if clinux_landlock_version() > 0 { #expect(await harness.text("write-outside") == "Permission denied") }
        }
    }
}

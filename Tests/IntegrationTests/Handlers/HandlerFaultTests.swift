import Foundation
import Gateway
import HostAPI
import Testing

extension Integration {
    @Suite("Handlers that fail in every way", .timeLimit(.minutes(5)))
    struct HandlerFaultTests {
        @Test("Each kind of failure has its code, costs that attempt only, and leaves a dead letter")
        func kinds() async throws {
            try await HostProcess.with(.faulty()) { host in
                for (mode, code, condition, attempts) in [
                    ("throw", "Deliberate", "PermanentError", 1),
                    ("throw-transient", "DeliberateTransient", "MaximumRetryAttempts", 2),
                    ("exit", "HandlerExited", "MaximumRetryAttempts", 2),
                    ("trap", "WorkerCrashed", "MaximumRetryAttempts", 2),
                    ("overflow", "StackOverflow", "MaximumRetryAttempts", 2),
                    ("allocate", "OutOfMemory", "MaximumRetryAttempts", 2),
                    ("grow", "OutOfMemory", "MaximumRetryAttempts", 2),
                    ("forbidden", "AccessDenied", "PermanentError", 1),
                    ("no such mode", "UnknownMode", "PermanentError", 1),
                ] {
                    let outcome = try await host.outcome(FaultyRequest(mode))
                    #expect(outcome.state == "dead", "\(mode)")
                    let letter = try #require(outcome.letter, "\(mode)")
                    #expect(letter.summary.code == code, "\(mode): \(letter.summary)")
                    #expect(letter.summary.condition == condition, "\(mode): \(letter.summary)")
                    #expect(letter.attempts.count == attempts, "\(mode): \(letter.attempts)")
                    #expect(try await host.outcome(FaultyRequest("ok")).state == "settled", "after \(mode)")
                }
                #expect(try await host.client.status().deadLetters == 9)
            }
        }

        @Test("A trap keeps its backtrace, which names the handler, and its message, in the log and in the error")
        func backtrace() async throws {
            try await HostProcess.with(.faulty()) { host in
                let trap = try await host.invoke(FaultyRequest("trap"))
                #expect(trap.summary.code == "WorkerCrashed")
                #expect(
                    trap.summary.message?.contains("Fatal error: \"trapped on purpose\", at ") == true,
                    "\(trap.summary)")
                #expect(trap.backtrace.contains { $0.contains("FaultyHandler") }, "\(trap.backtrace)")
                #expect(trap.logs.contains { $0.message.contains("trapped on purpose") }, "\(trap.logs)")
                let letter = try #require(try await host.outcome(FaultyRequest("trap")).letter)
                let attempt = try #require(letter.attempts.last)
                #expect(attempt.backtrace.contains { $0.contains("FaultyHandler") }, "\(attempt)")
                // Where it was tells kinds of crash apart; Swift's own frames, which have no names, are not shown
                // beside it.
                #expect(letter.summary.message.contains(", in "), "\(letter.summary)")
                #expect(letter.summary.message.contains("FaultyHandler"), "\(letter.summary)")
                #expect(attempt.logs.contains { $0.message.contains("Fatal error") }, "\(attempt.logs)")
                #expect(!attempt.logs.contains { $0.message.contains("Current stack trace") }, "\(attempt.logs)")
                #expect(!attempt.logs.contains { $0.message.contains("<unavailable>") }, "\(attempt.logs)")
                // With places in the source, which `llvm-symbolizer` tells, a part of Swift.
                let places = try Regex("at Handler/FaultyHandler.swift:[0-9]+$")
                #expect(attempt.backtrace.contains { $0.contains(places) }, "\(attempt)")
                // A check that fails tells which one it is, built for speed, too.
                let index = try await host.invoke(FaultyRequest("index"))
                #expect(index.summary.message?.contains("ndex out of range") == true, "\(index.summary)")
                #expect(index.backtrace.contains { $0.contains(places) }, "\(index.backtrace)")
            }
        }

        @Test("A handler that allocates 10 GB dies, and the host's memory stands still")
        func tenGigabytes() async throws {
            try await HostProcess.with(.faulty()) { host in
                // Once for everything that is made at first use.
                _ = try await host.invoke(FaultyRequest("allocate"))
                let before = try await host.client.status().residentBytes
                let detail = try await host.invoke(FaultyRequest("allocate"))
                let after = try await host.client.status().residentBytes
                #expect(detail.summary.code == "OutOfMemory")
                #expect(abs(after - before) < 16 << 20, "\(before) → \(after)")
            }
        }

        @Test("A loop is killed at its timeout, not before, and does not go on")
        func loop() async throws {
            try await HostProcess.with(.faulty()) { host in
                let detail = try await host.invoke(FaultyRequest("loop"))
                #expect(detail.summary.code == "TimedOut")
                #expect((2000..<20_000).contains(detail.summary.durationMilliseconds), "\(detail.summary)")
                #expect(try await host.invoke(FaultyRequest("ok")).summary.outcome == "succeeded")
            }
        }

        @Test("Output is captured by invocation, up to a megabyte and then a mark")
        func output() async throws {
            try await HostProcess.with(.faulty()) { host in
                let spoken = try await host.invoke(FaultyRequest("speak"))
                #expect(spoken.summary.outcome == "succeeded")
                for (stream, words) in [
                    ("stdout", "to stdout"), ("stderr", "to stderr"), ("logger", "to the logger"),
                ] {
                    let line = spoken.logs.first { $0.stream == stream }
                    #expect(line?.message.contains(words) == true, "\(spoken.logs)")
                    #expect(line?.requestID == spoken.summary.requestID)
                }
                let event = try await host.put(FaultyRequest("speak"))
                _ = try await host.outcome(of: event)
                let invocation = try #require(
                    try await host.client.listInvocations(InvocationQuery(eventID: event), page: PageRequest()).items
                        .first)
                let kept = try await host.client.invocation(requestID: invocation.requestID)
                #expect(kept.logs.count == 3, "\(kept.logs)")

                let shouted = try await host.invoke(FaultyRequest("shout"))
                #expect(shouted.summary.outcome == "succeeded")
                let bytes = shouted.logs.reduce(0) { $0 + $1.message.utf8.count }
                #expect((1 << 19...(1 << 20) + 4096).contains(bytes), "\(bytes) bytes")
                #expect(shouted.logs.last?.message.contains("dropped") == true, "\(shouted.logs.suffix(1))")
            }
        }

        @Test("Effects of an attempt that failed are never seen")
        func effectsOfFailures() async throws {
            try await HostProcess.with(.faulty()) { host in
                let outcome = try await host.outcome(FaultyRequest("put-then-trap", bucket: "outbox", key: "x.txt"))
                #expect(outcome.letter?.summary.code == "WorkerCrashed")
                #expect(host.keys("outbox") == [])
                let left = try await host.wait(for: "staging to be empty") { host.staging.isEmpty ? true : nil }
                #expect(left)
            }
        }

        @Test("Put, generated keys, overwriting, copying, deleting; a key that exists is KeyExists")
        func effects() async throws {
            try await HostProcess.with(.faulty()) { host in
                #expect(
                    try await host.outcome(FaultyRequest("put", bucket: "outbox", key: "d/x.txt")).state == "settled")
                #expect(text(of: host.bucket("outbox") + "/d/x.txt") == "made")
                let again = try await host.outcome(FaultyRequest("put", bucket: "outbox", key: "d/x.txt"))
                #expect(again.letter?.summary.code == "KeyExists")
                #expect(
                    try await host.outcome(FaultyRequest("overwrite", bucket: "outbox", key: "d/x.txt")).state
                        == "settled")
                #expect(text(of: host.bucket("outbox") + "/d/x.txt") == "new")
                #expect(
                    try await host.outcome(FaultyRequest("delete", bucket: "outbox", key: "d/x.txt")).state == "settled"
                )
                #expect(host.keys("outbox") == [])
                let event = try await host.put(FaultyRequest("put-generated", bucket: "outbox"))
                #expect(try await host.outcome(of: event).state == "settled")
                #expect(host.keys("outbox").count == 1)
                #expect(text(of: host.bucket("outbox") + "/" + (host.keys("outbox").first ?? "")) == event)
                let elsewhere = try await host.outcome(FaultyRequest("put", bucket: "secret", key: "x"))
                #expect(elsewhere.letter?.summary.code == "AccessDenied")
            }
        }

        @Test("An attempt stages no more than stagingSize: in one file, in several, by a copy; nothing of it is seen")
        func stagingQuota() async throws {
            try await HostProcess.with(.faulty()) { host in
                #expect(
                    try await host.outcome(FaultyRequest("put-large", bucket: "outbox", count: 1)).state == "settled")
                #expect(host.keys("outbox") == ["0"])
                _ = try await host.outcome(FaultyRequest("delete", bucket: "outbox", key: "0"))
                try host.copy(String(repeating: "b", count: 2 << 20), to: "inbox", "big.txt")
                for request in [
                    FaultyRequest("put-huge", bucket: "outbox"),
                    FaultyRequest("put-large", bucket: "outbox", count: 2),
                    FaultyRequest("put-large", bucket: "outbox", count: 3),
                    FaultyRequest("copy", bucket: "outbox", key: "big.txt"),
                ] {
                    let letter = try #require(try await host.outcome(request).letter, "\(request)")
                    #expect(letter.summary.code == "StagingQuotaExceeded", "\(letter.summary)")
                    #expect(letter.attempts.count == 1, "it is of no use to try again")
                    #expect(letter.summary.message.contains("stagingSize"), "\(letter.summary)")
                    #expect(host.keys("outbox") == [])
                }
                _ = try await host.wait(for: "staging to be empty") { host.staging.isEmpty ? true : nil }
            }
        }

        @Test("A first attempt that fails is tried again, and succeeds")
        func retried() async throws {
            try await HostProcess.with(.faulty()) { host in
                let event = try await host.put(FaultyRequest("fail-once"))
                let outcome = try await host.outcome(of: event)
                #expect(outcome.state == "settled")
                #expect(outcome.letter == nil)
                let failed = outcome.invocations.filter { $0.outcome != "succeeded" }
                #expect(failed.map(\.code) == ["FirstAttempt"], "\(outcome.invocations)")
                let faulty = try await host.client.status().subscriptions.first { $0.function == "Faulty" }
                #expect(faulty?.succeeded == 1 && faulty?.dead == 0)
            }
        }

        @Test("Failures of every kind at once do not disturb those that work")
        func mixture() async throws {
            let app = try TestApp.faulty()
            // Nothing here is slow but the machine.
            try app.setFaulty("timeout", "60")
            try await HostProcess.with(app) { host in
                let modes = ["ok", "trap", "put-generated", "throw", "exit", "overflow", "fail-once", "allocate"]
                let requests = (0..<48).map { FaultyRequest(modes[$0 % modes.count], bucket: "outbox") }
                _ = try await host.put(requests)
                let status = try await host.settled()
                let faulty = try #require(status.subscriptions.first { $0.function == "Faulty" })
                #expect(faulty.matched == 48 && faulty.succeeded == 18 && faulty.dead == 30, "\(faulty)")
                #expect(host.keys("outbox").count == 6)
            }
        }

        @Test("A worker that goes while the host copies for it leaves no staged file behind")
        func openCalls() async throws {
            let app = try TestApp.faulty()
            try app.setFaulty("stagingSize", "200")
            try await HostProcess.with(app) { host in
                let large = host.data + "/large"
                #expect(FileManager.default.createFile(atPath: large, contents: nil) && truncate(large, 96 << 20) == 0)
                #expect(rename(large, host.bucket("inbox") + "/large") == 0)
                for pause in [1, 5, 20, 40] {
                    let request = FaultyRequest("copy-then-exit", bucket: "outbox", key: "large", count: pause * 1000)
                    #expect(try await host.invoke(request).summary.code == "HandlerExited")
                }
                let staging = host.bucket("outbox") + "/.sluice"
                _ = try await host.wait(for: "the attempts' folders to go") {
                    try FileManager.default.contentsOfDirectory(atPath: staging).sorted() == ["id", "lock"] ? true : nil
                }
                #expect(host.keys("outbox") == [])
            }
        }
    }
}

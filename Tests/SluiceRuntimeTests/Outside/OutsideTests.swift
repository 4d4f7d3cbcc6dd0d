import Foundation
import FunctionProtocol
import Glibc
import SluiceRuntime
import Testing

@Suite("Webhooks' answers")
struct WebhookAnswerTests {
    @Test(
        "2xx is success; 408, 429 and 5xx are tried again; nothing else is",
        arguments: [
            (200, nil, nil), (204, nil, nil), (301, "WebhookRejected", false), (400, "WebhookRejected", false),
            (401, "WebhookRejected", false), (404, "WebhookRejected", false), (408, "WebhookFailed", true),
            (409, "WebhookRejected", false), (429, "WebhookThrottled", true), (500, "WebhookFailed", true),
            (503, "WebhookFailed", true), (599, "WebhookFailed", true), (0, "WebhookRejected", false),
        ] as [(Int, String?, Bool?)])
    func statuses(_ status: Int, _ code: String?, _ retry: Bool?) {
        switch WebhookAnswer.outcome(status: status, body: Array("no\r\nway".utf8), request: "POST https://h/p") {
        case .success: #expect(code == nil)
        case .failure(let failure):
            #expect(failure.code == code && failure.retry == retry)
            #expect(failure.message == "POST https://h/p answered \(status): no way")
        case .batch: Issue.record("no batch")
        }
    }

    @Test(
        "Retry-After in seconds or as a date, within a day",
        arguments: [
            (" 120\r\n", 120_000), ("0", 0), ("99999999999999999999", 86_400_000),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 37_000),
            ("Sun, 06 Nov 1994 08:00:00 GMT", 0), ("Mon, 07 Nov 2094 08:49:37 GMT", 86_400_000), ("soon", nil),
            ("-5", nil), ("", nil), ("Sunday, 06-Nov-94 08:49:37 GMT", nil),
        ] as [(String, Int64?)])
    func retryAfter(_ text: String, _ wait: Int64?) {
        // 1994-11-06T08:49:00Z
        #expect(WebhookAnswer.retryAfter(text, now: 784_111_740_000) == wait)
    }
}

@Suite("libcurl")
struct CurlTests {
    @Test("it is loaded once")
    func loading() throws {
        _ = try Curl.load()
        _ = try Curl.load()
    }

    @Test(
        "where it is missing or another library has its name, the failure says what to install",
        arguments: [
            ("libsluice-has-none.so.4", "cannot open shared object file"), ("libc.so.6", "it lacks curl_global_init"),
        ])
    func missing(_ library: String, _ reason: String) {
        for _ in 0..<2 {
            let failure = #expect(throws: Failure.self) { try Curl.load(library) }
            #expect(failure?.code == "WebhookUnavailable" && failure?.retry == true)
            #expect(failure?.message.contains(library) == true && failure?.message.contains(reason) == true)
            #expect(failure?.message.contains("install it") == true && failure?.message.contains("libcurl4") == true)
        }
    }
}

@Suite("Commands", .timeLimit(.minutes(2)))
struct CommandRunTests {
    private func run(
        _ script: String, input: [UInt8] = [], timeout: Double = 30, environment: [String: String] = [:]
    ) async -> CommandRun.Outcome {
        let run = CommandRun(
            program: "/bin/sh", arguments: ["-c", script],
            environment: environment.merging(["PATH": "/usr/bin:/bin"]) { $1 }, input: input, timeout: timeout,
            clock: HostClock(), started: { _ in }, ended: { _ in })
        let thread = FileThreads(count: 1)
        defer { thread.stop() }
        return await thread.run { run.run() }
    }

    @Test("it gets the event on its input, and what it writes is its output and its log")
    func exchange() async {
        let outcome = await run(
            "echo oops >&2; cat; echo \"$A\"; exit 3", input: Array("{}\n".utf8), environment: ["A": "b"])
        #expect(outcome.ending == .exited(3))
        #expect(outcome.output == Array("{}\nb\n".utf8))
        #expect(outcome.lines.filter { $0.stream == .stdout }.map(\.text) == ["{}", "b"])
        #expect(outcome.lines.filter { $0.stream == .stderr }.map(\.text) == ["oops"])
    }

    @Test("a large input and a large output pass each other; an input that nobody reads does not matter")
    func large() async {
        signal(SIGPIPE, SIG_IGN)
        let input = [UInt8](repeating: 0x61, count: 3 << 20)
        let copied = await run("cat", input: input)
        #expect(copied.ending == .exited(0) && copied.output.count == 64 << 10)
        #expect(copied.lines.last?.text.contains("was dropped") == true)
        #expect(await run("exit 0", input: input).ending == .exited(0))
    }

    @Test("the time limit kills it with all it has started, whatever that ignores")
    func timeout() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-command-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let outcome = await run(
            "trap '' TERM INT HUP; (trap '' TERM; echo $$ > \(folder)/up; while :; do sleep 1; done) & while :; do sleep 1; done",
            timeout: 0.5)
        #expect(outcome.ending == .timedOut)
        let leader = try #require(
            pid_t(
                String(decoding: try Data(contentsOf: URL(filePath: folder + "/up")), as: UTF8.self)
                    .trimmingCharacters(in: .whitespacesAndNewlines)))
        // Nothing of its group is left, or will be in a moment, for only the leader was waited for; a zombie of it may
        // be, until init has it. The suite's time limit ends the waiting.
        while kill(-leader, 0) == 0, Self.lives(leader) { try await Task.sleep(for: .milliseconds(1)) }
    }

    private static func lives(_ group: pid_t) -> Bool {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.contains { name in
            guard pid_t(name) != nil,
                let text = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8),
                let fields = text.split(separator: ")").last?.split(separator: " "), fields.count > 3
            else { return false }
            return pid_t(fields[2]) == group && fields[0] != "Z"
        }
    }

    @Test("what it leaves in the background holds nobody up, and ends with it")
    func background() async {
        let began = ContinuousClock.now
        let outcome = await run("sleep 100 & echo done")
        #expect(outcome.ending == .exited(0) && outcome.output == Array("done\n".utf8))
        #expect(ContinuousClock.now - began < .seconds(30))
    }

    @Test("a signal, a program that is not there, and one that is cancelled")
    func endings() async {
        #expect(await run("kill -9 $$").ending == .signalled(9))
        let missing = CommandRun(
            program: "/does/not/exist", arguments: [], environment: [:], input: [], timeout: 1, clock: HostClock(),
            started: { _ in }, ended: { _ in })
        let slow = CommandRun(
            program: "/bin/sleep", arguments: ["100"], environment: [:], input: [], timeout: 100, clock: HostClock(),
            started: { _ in }, ended: { _ in })
        let threads = FileThreads(count: 2)
        defer { threads.stop() }
        guard case .notStarted = await threads.run({ missing.run() }).ending else {
            Issue.record("a program that is not there was started")
            return
        }
        async let outcome = threads.run { slow.run() }
        slow.cancel()
        #expect(await outcome.ending == .cancelled)
    }
}

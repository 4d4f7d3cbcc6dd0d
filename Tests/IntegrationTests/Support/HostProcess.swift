import Foundation
import Gateway
import Glibc
import HostAPI
import Synchronization
import Testing
import WrittenFiles

/// All suites that start hosts, one after another: some of them measure the host, and two cores are soon taken. Each
/// has a limit of its own; this one is no less than any of theirs, for of two the shorter counts.
@Suite("Integration", .serialized, .timeLimit(.minutes(60)))
enum Integration {}

/// A real host in a process of its own, on a data folder of its own.
final class HostProcess: Sendable {
    /// Something that should have happened did not; with all that is needed to see why.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    let data: String
    let app: TestApp
    /// What starts the host: the program, or one that becomes it (`setpriv …`).
    private let command: [String]
    /// Of `sluice up`, further ones.
    private let arguments: [String]
    private let log: String
    private let watch: JournalWatch
    private let process: Mutex<ChildProcess?> = Mutex(nil)
    private let readiness = Mutex("")

    /// Nothing runs yet.
    init(
        _ app: TestApp, data: String? = nil, command: [String] = [TestApp.sluice], arguments: [String] = []
    ) {
        self.app = app
        self.command = command
        self.arguments = arguments
        self.data = data ?? temporaryFolder("host")
        log = self.data + "/test-host.log"
        try? FileManager.default.createDirectory(atPath: self.data + "/journal", withIntermediateDirectories: true)
        watch = JournalWatch(dataFolder: self.data)
    }

    /// Runs `body` with a host that accepts work, checks afterwards that it is in good order, and removes all of it.
    static func with(
        _ app: TestApp, environment: [String: String] = [:], _ body: (HostProcess) async throws -> Void
    ) async throws {
        let host = HostProcess(app)
        do {
            try await host.start(environment: environment)
            try await body(host)
            try await host.expectGoodOrder()
        } catch {
            await host.remove()
            throw error
        }
        await host.remove()
    }

    // MARK: Life

    /// Starts the host and returns when it accepts work. Throws with its log if it ends before.
    func start(environment: [String: String] = [:]) async throws {
        guard try await startUntilReadyOrEnd(environment: environment) else {
            let ending = await ended()
            throw Failure(description: "the host ended with \(ending) before it was ready:\n\(logText)")
        }
    }

    /// Starts the host; false if it ended before it was ready.
    func startUntilReadyOrEnd(environment: [String: String] = [:]) async throws -> Bool {
        var pipe: [Int32] = [0, 0]
        guard Glibc.pipe(&pipe) == 0 else { throw Failure(description: "no pipe: \(errno)") }
        for end in pipe { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let errors = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        let child = try ChildProcess(
            command[0], command.dropFirst() + ["up", "--data", data, "--app", app.folder] + arguments,
            environment: ProcessInfo.processInfo.environment.merging(environment) { $1 }, output: pipe[1],
            errors: errors)
        close(errors)
        close(pipe[1])
        process.withLock { $0 = child }
        let output = pipe[0]
        let log = log
        // Ready at its first line; the rest of its output is read to the end, so that it never waits for a reader.
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread { [self] in
                var seen: [UInt8] = []
                var waiting: CheckedContinuation<Bool, Never>? = continuation
                var buffer = [UInt8](repeating: 0, count: 4096)
                while true {
                    let count = read(output, &buffer, buffer.count)
                    guard count > 0 else { break }
                    seen += buffer[..<count]
                    let text = String(decoding: seen, as: UTF8.self)
                    if waiting != nil, text.contains("ready"), text.hasSuffix("\n") {
                        readiness.withLock { $0 = text }
                        waiting?.resume(returning: true)
                        waiting = nil
                    }
                }
                close(output)
                if let file = FileHandle(forWritingAtPath: log) {
                    file.seekToEndOfFile()
                    file.write(Data("stdout: \(String(decoding: seen, as: UTF8.self))\n".utf8))
                }
                waiting?.resume(returning: false)
            }
        }
    }

    /// Where the host listens on TCP, once it is ready.
    var listening: String? {
        readiness.withLock { $0.firstMatch(of: /listen=(\S+)/).map { String($0.output.1) } }
    }

    var isRunning: Bool { process.withLock { $0?.isRunning ?? false } }

    var pid: pid_t { process.withLock { $0?.pid ?? 0 } }

    @discardableResult
    func ended() async -> ChildProcess.Ending {
        await process.withLock { $0 }?.ended() ?? .exited(0)
    }

    /// Sends a signal and waits for the end.
    @discardableResult
    func end(_ signal: Int32 = SIGTERM) async -> ChildProcess.Ending {
        process.withLock { $0 }?.send(signal)
        return await ended()
    }

    /// Ends the host and removes its folders.
    func remove() async {
        await end(SIGKILL)
        WrittenFiles.keep(below: data, of: Test.current?.sourceLocation.fileName)
        try? FileManager.default.removeItem(atPath: data)
        app.remove()
    }

    var client: HostClient { HostClient(dataFolder: data) }

    var logText: String { text(of: log) }

    // MARK: Waiting

    /// Waits until `body` gives a value, looking again after each commit of the journal. Only a failure reaches the
    /// limit; then the host's log, status and staging are told.
    func wait<Value: Sendable>(
        for what: String, seconds: Int = 60, _ body: () async throws -> Value?
    ) async throws -> Value {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            if let value = try await body() { return value }
            guard ContinuousClock.now < deadline, isRunning else { break }
            _ = await watch.written(milliseconds: 200)
        }
        throw Failure(description: "waited in vain for \(what)\n\(await situation())")
    }

    /// Waits until the journal was written `count` times from now on; false if the host ended before, or nothing is
    /// written any more.
    func journalWrites(_ count: Int) async -> Bool {
        for _ in 0..<count {
            guard isRunning, await watch.written(milliseconds: 5000) else { return false }
        }
        return isRunning
    }

    /// Waits until nothing waits, runs or retries.
    @discardableResult
    func settled(seconds: Int = 90) async throws -> HostStatus {
        try await wait(for: "everything to settle", seconds: seconds) {
            let status = try await client.status()
            let open = status.subscriptions.reduce(0) { $0 + $1.waiting + $1.retrying + $1.redriven + $1.inFlight }
            return open == 0 ? status : nil
        }
    }

    /// The host as it is now, for people.
    func situation() async -> String {
        let status = try? await client.status()
        let letters = try? await client.listDeadLetters(.init(all: true), page: PageRequest(limit: 20)).items
        return """
            host running: \(isRunning), data folder \(data)
            subscriptions: \(status?.subscriptions.map { "\($0)" }.joined(separator: "\n  ") ?? "no answer")
            dead letters: \(letters?.map { "\($0.subject) \($0.code): \($0.message)" } ?? [])
            warnings: \(status?.warnings ?? [])
            files: \(status?.buckets.map { "\($0.name): \(keys($0.name).prefix(30))" } ?? [])
            staging: \(staging)
            log: \(logText.suffix(6000))
            """
    }

    /// The doctor finds nothing wrong, and nothing of an attempt is left in staging.
    func expectGoodOrder(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        guard isRunning else { return }
        let report = try await client.doctor()
        let wrong = report.checks.filter { $0.state == .failed }
        #expect(wrong.isEmpty, "\(wrong)", sourceLocation: sourceLocation)
    }

    // MARK: Files

    func bucket(_ name: String) -> String { "\(data)/buckets/\(name)" }

    /// The objects of a bucket, by key, as they lie on disk.
    func keys(_ name: String) -> [String] {
        files(below: bucket(name)).filter { !$0.hasPrefix(".sluice") }
    }

    /// What attempts have staged and nobody has removed, without the kept inputs of dead letters.
    var staging: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: data + "/buckets")) ?? []).flatMap { bucket in
            files(below: self.bucket(bucket) + "/.sluice").map { "\(bucket)/.sluice/\($0)" }
        }.filter { name in
            !name.contains("/kept/") && !["/.sluice/id", "/.sluice/lock"].contains(where: name.hasSuffix)
        }
    }

    private func files(below folder: String) -> [String] {
        (FileManager.default.enumerator(atPath: folder)?.allObjects as? [String] ?? []).filter { name in
            var isFolder: ObjCBool = false
            let isThere = FileManager.default.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isFolder)
            return isThere && !isFolder.boolValue
        }.sorted()
    }

    /// Writes an object in place, as `cp` does.
    func copy(_ text: String, to bucket: String, _ key: String) throws {
        try copy(Array(text.utf8), to: bucket, key)
    }

    func copy(_ bytes: [UInt8], to bucket: String, _ key: String) throws {
        let file = URL(filePath: self.bucket(bucket) + "/" + key)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
    }

    /// Moves an object into the bucket, complete from its first moment.
    func move(_ text: String, to bucket: String, _ key: String) throws {
        let file = URL(filePath: self.bucket(bucket) + "/" + key)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        let beside = "\(data)/test-\(UUID().uuidString)"
        try Data(text.utf8).write(to: URL(filePath: beside))
        guard rename(beside, file.path) == 0 else { throw Failure(description: "rename: \(errno)") }
    }
}

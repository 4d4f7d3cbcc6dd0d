import Foundation
import Gateway
import HostAPI
import Testing

/// A real host in a process of its own, on a temporary data folder.
final class HostProcess {
    /// What a test may set beside the defaults.
    struct Setup {
        var app = HostProcess.packageRoot + "/Tests/Fixtures/App"
        var data: String?
        var environment: [String: String] = [:]
    }

    /// The folder of Package.swift.
    static let packageRoot = URL(fileURLWithPath: #filePath).pathComponents.dropLast(4).joined(separator: "/")
        .replacingOccurrences(of: "//", with: "/")

    /// Where this build's programs are: beside the test program.
    static let programs: String = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: own).deletingLastPathComponent().path
    }()

    let data: String
    let setup: Setup
    private(set) var process: Process
    private let log: URL
    let watch: JournalWatch

    /// Starts a host and returns when it is ready. Throws with its log if it does not come up.
    init(_ setup: Setup = Setup()) throws {
        self.setup = setup
        data = setup.data ?? HostProcess.temporaryFolder("host")
        try FileManager.default.createDirectory(atPath: data + "/journal", withIntermediateDirectories: true)
        log = URL(fileURLWithPath: data + "/test-host.log")
        watch = JournalWatch(dataFolder: data)
        process = Process()
        try launch()
    }

    static func temporaryFolder(_ name: String) -> String {
        let path = NSTemporaryDirectory() + "sluice-\(name)-\(UUID().uuidString.prefix(8))"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    /// Starts the host again on the same data folder.
    func restart(environment: [String: String]? = nil) throws {
        process = Process()
        try launch(environment: environment)
    }

    private func launch(environment: [String: String]? = nil) throws {
        process.executableURL = URL(fileURLWithPath: HostProcess.programs + "/sluice")
        process.arguments = ["up", "--data", data, "--app", setup.app]
        var variables = ProcessInfo.processInfo.environment
        for (name, value) in environment ?? setup.environment { variables[name] = value }
        process.environment = variables
        let output = Pipe()
        process.standardOutput = output
        if !FileManager.default.fileExists(atPath: log.path) { FileManager.default.createFile(atPath: log.path, contents: nil) }
        let errors = try FileHandle(forWritingTo: log)
        errors.seekToEndOfFile()
        process.standardError = errors
        try process.run()
        var seen = ""
        while !seen.contains("ready") {
            let chunk = output.fileHandleForReading.availableData
            guard !chunk.isEmpty else {
                process.waitUntilExit()
                throw Failure("the host ended with \(process.terminationStatus) before it was ready:\n\(seen)\(logText)")
            }
            seen += String(decoding: chunk, as: UTF8.self)
        }
    }

    var client: HostClient { HostClient(dataFolder: data) }

    var logText: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }

    var isRunning: Bool { process.isRunning }

    func bucket(_ name: String) -> String { "\(data)/buckets/\(name)" }

    /// Sends a signal and waits for the end; the exit status, or minus the signal that ended it.
    @discardableResult
    func end(_ signal: Int32 = SIGTERM) -> Int32 {
        if process.isRunning { kill(process.processIdentifier, signal) }
        return waitForEnd()
    }

    @discardableResult
    func waitForEnd() -> Int32 {
        process.waitUntilExit()
        return process.terminationReason == .uncaughtSignal ? -process.terminationStatus : process.terminationStatus
    }

    /// Ends the host and removes its folder; tests call it at their end.
    func remove() {
        end(SIGKILL)
        try? FileManager.default.removeItem(atPath: data)
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String
        init(_ description: String) { self.description = description }
    }

    // MARK: Waiting

    /// Waits until `body` gives a value, looking again after each commit of the journal. The limit is one that only a
    /// failure reaches; then the host's log and status are printed.
    func wait<Value>(
        for what: String, seconds: Int = 60, _ body: () async throws -> Value?
    ) async throws -> Value {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            if let value = try await body() { return value }
            guard ContinuousClock.now < deadline, process.isRunning else { break }
            _ = watch.wait(milliseconds: 500)
        }
        let status = try? await client.status()
        throw Failure(
            "waited in vain for \(what)\nhost running: \(process.isRunning)\nstatus: \(String(describing: status))\n"
                + "log:\n\(logText.suffix(8000))\nstaging: \(stagingTree)")
    }

    private var stagingTree: [String] {
        (FileManager.default.enumerator(atPath: data + "/buckets")?.allObjects as? [String] ?? [])
            .filter { $0.contains(".sluice/") }
    }

    /// Waits until nothing waits, runs or retries.
    func settled(seconds: Int = 60) async throws -> HostStatus {
        try await wait(for: "everything to settle", seconds: seconds) {
            let status = try await client.status()
            let open = status.subscriptions.reduce(0) { $0 + $1.waiting + $1.retrying + $1.redriven + $1.inFlight }
            return open == 0 ? status : nil
        }
    }

    /// The files of a bucket, by key, without Sluice's own folder.
    func keys(_ name: String) -> [String] {
        (FileManager.default.enumerator(atPath: bucket(name))?.allObjects as? [String] ?? []).filter { key in
            var isFolder: ObjCBool = false
            FileManager.default.fileExists(atPath: bucket(name) + "/" + key, isDirectory: &isFolder)
            return !isFolder.boolValue && !key.hasPrefix(".sluice")
        }.sorted()
    }
}

import EventModel
import Foundation
import FunctionJSON
import HostAPI
import Journal
import Logging
import SluiceRuntime
import Testing
import UVLoop

/// A whole host without a gateway: real workers with the function in C, a journal in memory.
@LoopActor
final class HostInProcess {
    let folder: TemporaryFolder
    let journal: InMemoryJournal
    let runtime: HostRuntime
    let control: HostController
    private let bell = CommitBell()

    /// `functions`: their names, with more of their `function.yaml`; `rules`: of each its pattern and targets;
    /// `streams`: of each what sluice.yaml says; `buses`: besides `default`; `more`: further lines of sluice.yaml;
    /// `before`: a host that has stopped, whose journal and folders this one takes up; `fault`: what the journal
    /// refuses from the beginning; `isAsked`: for the app as it is now, as `--app` does; `isHeld`: as `--held` does;
    /// `log`: the host's own.
    init(
        functions: [String: String] = ["InC": ""], rules: [String: String], streams: [String: String] = [:],
        buses: [String] = ["orders"], more: String = "", after before: HostInProcess? = nil,
        on journal: InMemoryJournal? = nil, fault: (@Sendable (Batch) -> JournalError?)? = nil, isAsked: Bool = true,
        isHeld: Bool = false, log: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) async throws {
        folder = before?.folder ?? TemporaryFolder(name: "host")
        self.journal = journal ?? before?.journal.restarted() ?? InMemoryJournal()
        let journal = self.journal
        if let fault { journal.injectFault(fault) }
        let (app, data) = ("\(folder.path)/app", "\(folder.path)/data")
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        try Self.write(app, functions, rules, streams, buses, more)
        journal.observeCommits { [bell] in bell.ring() }
        let state = try journal.recover()
        runtime = HostRuntime(
            options: HostOptions(
                dataFolder: data, appFolder: isAsked ? app : nil, fallbackAppFolder: app, worker: PoolHarness.worker,
                isHeld: isHeld),
            journal: journal, state: state, log: log)
        control = runtime.controller()
        try await runtime.start()
    }

    /// Writes an app folder.
    nonisolated static func write(
        _ app: String, _ functions: [String: String], _ rules: [String: String], _ streams: [String: String],
        _ buses: [String], _ more: String = ""
    ) throws {
        try? FileManager.default.removeItem(atPath: app)
        let module = try FunctionInC.ordinary.get().path
        let declared = streams.map { "\($0): {\($1)}" }.sorted().joined(separator: ", ")
        let named = buses.map { "\($0): " }.joined(separator: ", ")
        var files = ["sluice.yaml": "buses: {\(named)}\nstreams: {\(declared)}\n\(more)\n"]
        for (name, more) in functions {
            files["Functions/\(name)/function.yaml"] =
                (more.contains("module:") ? "" : "module: \(module)\n") + more + "\n"
        }
        for (name, rest) in rules { files["Events/rules/\(name).yaml"] = "name: \(name)\n\(rest)\n" }
        for (name, text) in files {
            let file = URL(filePath: app).appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
    }

    /// Takes another app into force.
    func deploy(
        functions: [String: String] = ["InC": ""], rules: [String: String], streams: [String: String] = [:],
        buses: [String] = ["orders"], more: String = ""
    ) async throws {
        try Self.write("\(folder.path)/app", functions, rules, streams, buses, more)
        let result = try await control.deploy(DeployRequest())
        #expect(result.accepted, "\(result.findings)")
    }

    /// Puts events of the source `shop` that ask the function for something; their ids.
    func put(_ asked: [String]) async throws -> [String] {
        let entries = try asked.map {
            EventEntry(source: "shop", detailType: "Order", detail: try RawJSON(#"{"c":"\#($0)"}"#))
        }
        return try await control.putEvents(EventSubmission(entries: entries)).results.compactMap(\.eventID)
    }

    /// Puts a record with each of the keys, and its number in the call as data.
    func put(keys: [String], to stream: String) async throws -> [RecordReceipt.Result] {
        let records = keys.enumerated().map { index, key in
            RecordSubmission.Entry(
                partitionKey: key, data: String(decoding: Base64.encode("\(index)".utf8), as: UTF8.self))
        }
        return try await control.putRecords(stream: stream, submission: RecordSubmission(records: records)).results
    }

    func letters(_ selection: DeadLetterSelection = .init(all: true)) async throws -> [DeadLetterSummary] {
        try await control.listDeadLetters(selection, page: PageRequest(limit: 100)).items
    }

    /// Asks until there is an answer, again after each commit; the suite's time limit ends it. What a commit brings
    /// about on the loop is there at the next look, at the latest after the bell's patience.
    func wait<Value>(_ body: () async throws -> Value?) async throws -> Value {
        while true {
            let seen = bell.count
            if let value = try await body() { return value }
            await bell.rung(after: seen)
        }
    }

    func stop(grace: Int = 5000) async { await runtime.stop(grace: grace) }

    nonisolated static func replay(
        _ name: String, _ change: (inout ReplayRequest) -> Void = { _ in }
    ) -> ReplayRequest {
        var request = ReplayRequest(
            name: name, from: .init(milliseconds: 0), to: .init(milliseconds: 4_000_000_000_000))
        change(&request)
        return request
    }
}

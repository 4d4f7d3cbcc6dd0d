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
    let folder = TemporaryFolder(name: "host")
    let journal = InMemoryJournal()
    let runtime: HostRuntime
    let control: HostController

    /// `functions`: their names, with more of their `function.yaml`; `rules`: of each its pattern and targets.
    init(functions: [String: String] = ["InC": ""], rules: [String: String]) async throws {
        let (app, data) = ("\(folder.path)/app", "\(folder.path)/data")
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        try Self.write(app, functions, rules)
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let state = try journal.recover()
        runtime = HostRuntime(
            options: HostOptions(dataFolder: data, appFolder: app, worker: PoolHarness.worker), journal: journal,
            state: state, log: log)
        control = runtime.controller()
        try await runtime.start()
    }

    private nonisolated static func write(
        _ app: String, _ functions: [String: String], _ rules: [String: String]
    ) throws {
        try? FileManager.default.removeItem(atPath: app)
        let module = try FunctionInC.ordinary.get().path
        var files = ["sluice.yaml": "buses: {orders: }\n"]
        for (name, more) in functions { files["Functions/\(name)/function.yaml"] = "module: \(module)\n\(more)\n" }
        for (name, rest) in rules { files["Events/rules/\(name).yaml"] = "name: \(name)\n\(rest)\n" }
        for (name, text) in files {
            let file = URL(filePath: app).appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
    }

    /// Takes another app into force.
    func deploy(functions: [String: String], rules: [String: String]) async throws {
        try Self.write("\(folder.path)/app", functions, rules)
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

    func letters(_ selection: DeadLetterSelection = .init(all: true)) async throws -> [DeadLetterSummary] {
        try await control.listDeadLetters(selection, page: PageRequest(limit: 100)).items
    }

    /// Asks until there is an answer; the suite's time limit ends it.
    func wait<Value>(_ body: () async throws -> Value?) async throws -> Value {
        while true {
            if let value = try await body() { return value }
            try await Task.sleep(for: .milliseconds(5))
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

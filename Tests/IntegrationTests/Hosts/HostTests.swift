import Foundation
import Gateway
import HostAPI
import Testing

extension Integration {
    @Suite("Hosts that start and stop", .timeLimit(.minutes(3)))
    struct HostTests {
        @Test("A second host on the same data folder is refused; the first goes on")
        func second() async throws {
            try await HostProcess.with(.faulty()) { host in
                let second = try await up(data: host.data, app: host.app)
                #expect(second.ending == .exited(1))
                #expect(second.errors.contains("is in use by another host (process \(host.pid))"), "\(second)")
                #expect(second.errors.contains(host.data), "\(second)")
                #expect(!second.output.contains("ready"))
                #expect(try await host.outcome(FaultyRequest("ok")).state == "settled")
            }
        }

        @Test("A data folder of a newer format is refused, and left as it is")
        func newerFormat() async throws {
            let host = HostProcess(try .faulty())
            try await host.start()
            #expect(await host.end() == .exited(0))
            let database = host.data + "/journal/journal.sqlite"
            let script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('pragma user_version = 9999')"
            _ = try await ParquetReaders.lines(["-c", script, database])
            let refused = try await up(data: host.data, app: host.app)
            #expect(refused.ending == .exited(1))
            #expect(refused.errors.contains("9999") && refused.errors.contains("newer"), "\(refused)")
            await host.remove()
        }

        @Test(
            "An app that is wrong is refused with file and line",
            arguments: [
                ("Events/rules/faulty.yaml", "- function: Faulty", "- function: Nobody", "Nobody"),
                ("Events/rules/faulty.yaml", "pattern:", "pattern: [", "faulty.yaml"),
                ("sluice.yaml", "inbox: {}", "inbox: {wings: 2}", "wings"),
                ("Functions/Faulty/function.yaml", "read: [inbox, outbox]", "read: [inbx]", "inbx"),
                ("Functions/Faulty/function.yaml", "timeout: 2", "timeout: soon", "soon"),
            ])
        func wrongApp(file: String, from: String, to: String, word: String) async throws {
            let app = try TestApp.faulty()
            let right = app.read(file)
            let line = right.split(separator: "\n", omittingEmptySubsequences: false).firstIndex { $0.contains(from) }
            try app.edit(file) { $0.replacingOccurrences(of: from, with: to) }
            let host = HostProcess(app)
            let refused = try await up(data: host.data, app: app)
            #expect(refused.ending == .exited(1))
            #expect(refused.errors.contains(word), "\(refused.errors)")
            // A broken bracket is noticed where the line after it begins.
            let places = (0...2).map { "\(file):\((line ?? 0) + 1 + $0)" }
            #expect(places.contains { refused.errors.contains($0) }, "\(refused.errors)")

            // A running host refuses to deploy it, and what runs goes on.
            try app.write(file, right)
            try await host.start()
            let before = try await host.client.status().ruleSet
            try app.edit(file) { $0.replacingOccurrences(of: from, with: to) }
            let result = try await host.client.deploy(DeployRequest(app: app.folder))
            #expect(!result.accepted)
            let finding = try #require(result.findings.first { $0.severity == "error" })
            #expect(finding.file == file && finding.line != nil, "\(finding)")
            let command = try await run(TestApp.sluice, ["deploy", "--app", app.folder, "--data", host.data])
            #expect(command.ending == .exited(1))
            #expect((command.errors + command.output).contains(word), "\(command)")
            #expect(try await host.client.status().ruleSet == before)
            #expect(try await host.outcome(FaultyRequest("ok")).state == "settled")
            await host.remove()
        }

        @Test("A deployment takes effect at once, and a restart keeps it")
        func deploy() async throws {
            try await HostProcess.with(.faulty()) { host in
                #expect(try await host.client.deploy(DeployRequest(app: host.app.folder)).changes.isEmpty)
                try host.app.edit("Functions/Faulty/function.yaml") {
                    $0.replacingOccurrences(of: "timeout: 2", with: "timeout: 3")
                }
                let result = try await host.client.deploy(DeployRequest(app: host.app.folder))
                #expect(result.accepted && result.changes.contains { $0.kind == "function" && $0.name == "Faulty" })
                #expect(try await host.client.function(name: "Faulty").status.version == 2)
                #expect(try await host.invoke(FaultyRequest("ok")).summary.version == 2)
                #expect(await host.end() == .exited(0))
                try await host.start()
                #expect(try await host.client.function(name: "Faulty").status.version == 2)
            }
        }

        @Test("A refused deployment leaves everything as it was: a bucket that it would drop is still watched")
        func refusedDeployment() async throws {
            let app = try TestApp.faulty()
            try app.addInboxRule()
            try await HostProcess.with(app) { host in
                try FileManager.default.removeItem(atPath: app.folder + "/Events/rules/seen.yaml")
                try app.edit("sluice.yaml") { $0.replacingOccurrences(of: "  inbox: {}\n", with: "") }
                try app.edit("Functions/Faulty/function.yaml") { text in
                    text.replacingOccurrences(of: "read: [inbox, outbox]", with: "read: [outbox]")
                        .replacingOccurrences(of: TestApp.programs + "/libFaulty.so", with: "broken.so")
                }
                try app.write("broken.so", "no module")
                let result = try await host.client.deploy(DeployRequest(app: app.folder))
                #expect(!result.accepted && result.findings.contains { $0.code == "ModuleRejected" }, "\(result)")
                try host.copy("seen", to: "inbox", "seen.txt")
                try await host.hasEvents(["seen.txt"])
            }
        }

        @Test("SIGTERM and SIGINT stop the host cleanly, and no worker outlives it", arguments: [SIGTERM, SIGINT])
        func stop(signal: Int32) async throws {
            let host = HostProcess(try .faulty())
            try await host.start()
            #expect(try await host.invoke(FaultyRequest("ok")).summary.outcome == "succeeded")
            let event = try await host.put(FaultyRequest("loop"))
            _ = try await host.wait(for: "the loop to run") {
                let functions = try await host.client.status().functions
                return functions.contains { $0.busyWorkers > 0 } ? true : nil
            }
            let workers = host.descendants
            #expect(workers.count >= 2)
            #expect(await host.end(signal) == .exited(0))
            #expect(workers.filter { isAlive($0) } == [])
            // What it broke off is not lost.
            try await host.start()
            let outcome = try await host.outcome(of: event)
            #expect(outcome.letter?.summary.code == "TimedOut")
            try await host.expectGoodOrder()
            await host.remove()
        }

        @Test("Without a host every call says so")
        func noHost() async throws {
            let folder = temporaryFolder("none")
            let client = HostClient(dataFolder: folder)
            let none = await #expect(throws: APIError.self) { try await client.status() }
            #expect(none?.code == "Unavailable" && none?.message.contains("is no data folder") == true)
            try FileManager.default.createDirectory(atPath: "\(folder)/journal", withIntermediateDirectories: true)
            let error = await #expect(throws: APIError.self) { try await client.status() }
            #expect(error?.code == "Unavailable" && error?.message.contains("no host is running") == true)
            let command = try await run(TestApp.sluice, ["status", "--data", folder])
            #expect(command.ending == .exited(1))
            #expect(command.errors.contains("no host is running on \(folder)"), "\(command)")
            try FileManager.default.removeItem(atPath: folder)
        }

        @Test("doctor reads a folder that somebody holds and does not answer from, and says who it is")
        func heldFolder() async throws {
            let host = HostProcess(try .faulty())
            try await host.start()
            #expect(await host.end(SIGTERM) == .exited(0))
            let lock = open("\(host.data)/lock", O_RDWR | O_CLOEXEC)
            defer { close(lock) }
            #expect(lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0)
            let owner = "\(getpid())\n"
            #expect(ftruncate(lock, 0) == 0 && write(lock, owner, owner.utf8.count) == owner.utf8.count)
            let doctor = try await run(TestApp.sluice, ["doctor", "--data", host.data])
            #expect(doctor.output.contains("process \(getpid()) holds"), "\(doctor)")
            #expect(doctor.output.contains("buckets and catalog were not compared"), "\(doctor)")
            await host.remove()
        }

        /// `sluice up` that is expected to end by itself.
        private func up(data: String, app: TestApp) async throws -> ProgramResult {
            try await run(TestApp.sluice, ["up", "--data", data, "--app", app.folder])
        }
    }
}

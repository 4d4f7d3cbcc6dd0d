import Foundation
import Gateway
import HostAPI
import Testing

extension Integration {
    /// What is seen of a host before it answers, when it does not answer, and afterwards in its log.
    @Suite("Starts, stops and silence", .timeLimit(.minutes(3)))
    struct StartTests {
        @Test("SIGTERM in the middle of a start ends it cleanly, and says so")
        func interrupted() async throws {
            let host = HostProcess(try .faulty())
            let progress = host.data + "/starting"
            let readiness = Task { try await host.startUntilReadyOrEnd() }
            // It is there from the moment the journal is open; a host that is ready already stops like any other.
            while access(progress, F_OK) != 0, access(host.data + "/api.sock", F_OK) != 0 {
                try await Task.sleep(for: .milliseconds(1))
            }
            #expect(await host.end() == .exited(0))
            _ = try await readiness.value
            try await waitForOutput(of: host, "stopped pid=")
            #expect(access(progress, F_OK) != 0)
            // What had begun was ended in order: the next one takes nothing for a crash.
            try await host.start()
            #expect(!host.logText.contains("ended without stopping"), "\(host.logText)")
            try await host.expectGoodOrder()
            await host.remove()
        }

        @Test("A host that does not answer is told of, and the call has its answer when it goes on")
        func silent() async throws {
            try await HostProcess.with(.faulty()) { host in
                let script = """
                    kill -STOP \(host.pid)
                    '\(TestApp.sluice)' status --data '\(host.data)' 2> '\(host.data)/said' &
                    until [ -s '\(host.data)/said' ]; do sleep 0.1; done
                    kill -CONT \(host.pid)
                    wait $!
                    """
                let result = try await run("/bin/bash", ["-c", script])
                let said = text(of: host.data + "/said")
                #expect(result.ending == .exited(0) && result.output.contains("Functions"), "\(result) \(said)")
                #expect(said.contains("process \(host.pid) holds \(host.data) and has not answered for"), "\(said)")
                #expect(said.contains("kill -CONT \(host.pid)"), "\(said)")
            }
        }

        @Test("The host's log has its starts and stops, the end of one that was killed, and who deployed what")
        func audit() async throws {
            let host = HostProcess(try .faulty())
            try await host.start()
            try host.app.setFaulty("timeout", "3")
            try await host.sluice("deploy", "--app", host.app.folder)
            await host.end(SIGKILL)
            try await host.start()
            #expect(await host.end() == .exited(0))
            try await host.start()
            let lines = try await host.sluice("logs", "_host").output.split(separator: "\n").map(String.init)
            func places(_ words: String...) -> [Int] {
                lines.indices.filter { index in words.allSatisfy { lines[index].contains($0) } }
            }
            #expect(places("the host starts").count == 3, "\(lines)")
            let user = NSUserName()
            #expect(
                places("deployed", "app=\(host.app.folder)", "ruleSet=1", "start of the host").count == 1, "\(lines)")
            #expect(places("deployed", "app=\(host.app.folder)", "ruleSet=2", "by=\(user)").count == 1, "\(lines)")
            let lost = try #require(places("ended without stopping").first, "\(lines)")
            #expect(places("ended without stopping").count == 1 && places("the host starts")[1] > lost, "\(lines)")
            #expect(places("the host has stopped").count == 1, "\(lines)")
            await host.remove()
        }

        @Test("A mistyped app folder leaves no data folder behind")
        func noApp() async throws {
            let folder = temporaryFolder("no-app")
            for app in ["\(folder)/nowhere", "/etc/hostname"] {
                let refused = try await run(TestApp.sluice, ["up", "--data", "\(folder)/data", "--app", app])
                #expect(refused.ending == .exited(1) && refused.errors.contains(app), "\(refused)")
            }
            #expect(access("\(folder)/data", F_OK) != 0)
            try FileManager.default.removeItem(atPath: folder)
        }

        /// The output is told when all of it is read.
        private func waitForOutput(of host: HostProcess, _ words: String) async throws {
            while !host.logText.contains("stdout: ") { try await Task.sleep(for: .milliseconds(1)) }
            #expect(host.logText.contains(words), "\(host.logText)")
        }
    }
}

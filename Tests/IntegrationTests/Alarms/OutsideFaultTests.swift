import Foundation
import FunctionJSON
import Gateway
import HostAPI
import Testing

extension Integration {
    @Suite("Webhooks and commands in a bad place", .timeLimit(.minutes(5)))
    struct OutsideFaultTests {
        private func put(_ source: String, _ host: HostProcess) async throws -> String {
            let entry = EventEntry(source: source, detailType: "Run", detail: try RawJSON("{}"))
            let receipt = try await host.client.putEvents(EventSubmission(entries: [entry]))
            return try #require(receipt.results.first?.eventID)
        }

        /// A library that makes the search for one name take half a minute, as a name server does that is silent.
        private func silentNames(in folder: String) async throws -> String {
            let source = #"""
                #define _GNU_SOURCE
                #include <dlfcn.h>
                #include <netdb.h>
                #include <string.h>
                #include <unistd.h>
                int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
                    if (node && !strcmp(node, "silent.test")) { sleep(300); return EAI_AGAIN; }
                    int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
                        dlsym(RTLD_NEXT, "getaddrinfo");
                    return next(node, service, hints, found);
                }
                """#
            let (code, library) = ("\(folder)/silent.c", "\(folder)/silent.so")
            try source.write(toFile: code, atomically: true, encoding: .utf8)
            let result = try await run("/usr/bin/env", ["clang", "-shared", "-fPIC", "-o", library, code])
            try #require(result.ending == .exited(0), "\(result.errors)")
            return library
        }

        @Test(
            "A webhook whose name server is silent ends at its time limit, and holds up neither others nor the host's end"
        )
        func silentServer() async throws {
            let server = try HookServer()
            defer { server.stop() }
            let app = try TestApp.faulty()
            func rule(_ name: String, _ url: String, _ timeout: Int) -> String {
                """
                name: \(name)
                pattern: {source: [test.\(name)]}
                targets:
                  - webhook: {url: '\(url)', timeout: \(timeout)}
                    retryPolicy: {maximumRetryAttempts: 0}
                """
            }
            try app.write("Events/rules/silent.yaml", rule("silent", "http://silent.test/", 2))
            try app.write("Events/rules/hook.yaml", rule("hook", "http://127.0.0.1:\(server.port)/", 10))
            let library = try await silentNames(in: app.folder)
            try await HostProcess.with(app, environment: ["LD_PRELOAD": library]) { host in
                let began = ContinuousClock.now
                let silent = try await put("test.silent", host)
                _ = try await host.wait(for: "the webhook to be under way") {
                    try await host.client.status().subscriptions.contains { $0.inFlight == 1 } ? true : nil
                }
                #expect(try await host.outcome(of: put("test.hook", host)).state == "settled")
                #expect(try await host.outcome(of: silent).letter?.summary.code == "TimedOut")
                #expect(try await host.outcome(of: put("test.hook", host)).state == "settled")
                _ = try await put("test.silent", host)
                #expect(await host.end() == .exited(0))
                #expect(ContinuousClock.now - began < .seconds(120))
            }
        }

        @Test("A command for which no thread can be made is tried again, and runs when one can")
        func noThread() async throws {
            let app = try TestApp.faulty()
            try app.write(
                "Events/rules/say.yaml",
                """
                name: say
                pattern: {source: [test.say]}
                targets:
                  - command: [/bin/echo, said]
                    retryPolicy: {maximumRetryAttempts: 180, intervalSeconds: 0.5, backoffRate: 1}
                """)
            try await Unprivileged.with(app) { host in
                // By its own user: nobody else may.
                let own =
                    Unprivileged.isNeeded
                    ? ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : ["/usr/bin/env"]
                func limit(_ threads: String) async throws {
                    let result = try await run(
                        own[0], own.dropFirst() + ["/usr/bin/prlimit", "--pid", "\(host.pid)", "--nproc=\(threads):"])
                    try #require(result.ending == .exited(0), "\(result.errors)")
                }
                let limits = text(of: "/proc/\(host.pid)/limits")
                let most = try #require(limits.firstMatch(of: /Max processes +\S+ +(\S+)/)).output.1
                try await limit("0")
                let event = try await put("test.say", host)
                let refused = try await host.wait(for: "an attempt without a thread") {
                    try await host.client.event(id: event).invocations.first { $0.outcome == "failed" }
                }
                #expect(
                    refused.code == "CommandNotStarted" && refused.message?.contains("thread") == true, "\(refused)")
                try await limit(String(most))
                #expect(try await host.outcome(of: event).state == "settled")
            }
        }

        @Test("A command that fails has failed, also under a host whose starter ignores the ends of children")
        func ignoredChildren() async throws {
            let app = try TestApp.faulty()
            try app.write(
                "Events/rules/seven.yaml",
                """
                name: seven
                pattern: {source: [test.seven]}
                targets:
                  - command: [/bin/sh, -c, exit 7]
                    retryPolicy: {maximumRetryAttempts: 0}
                """)
            let host = HostProcess(app, command: ["/usr/bin/env", "--ignore-signal=CHLD", TestApp.sluice])
            do {
                try await host.start()
                let outcome = try await host.outcome(of: put("test.seven", host))
                #expect(outcome.letter?.summary.code == "Exit7", "\(outcome)")
            } catch {
                await host.remove()
                throw error
            }
            await host.remove()
        }
    }
}

import FunctionJSON
import Gateway
import Glibc
import HostAPI
import Testing

/// Equal as JSON text: what has no `==` of its own.
private func expectSame(
    _ arrived: some Encodable, _ sent: some Encodable, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let encoder = TapeEncoder(sortedKeys: true)
    #expect(try encoder.text(arrived) == encoder.text(sent), sourceLocation: sourceLocation)
}

@Suite("Gateway and client over a Unix socket", .timeLimit(.minutes(5)))
struct RoundTripTests {
    @Test("Every call arrives with its arguments, and every answer as it was given")
    func everyCall() async throws {
        try await Harness.with { running in
            let (there, here) = (running.client as any HostControl, running.host as any HostControl)
            func compare<Answer: Encodable>(_ call: (any HostControl) async throws -> Answer) async throws {
                try expectSame(await call(there), await call(here))
            }
            try await compare { try await $0.health() }
            try await compare { try await $0.resume(ResumeRequest(by: "me")) }
            try await compare { try await $0.status() }
            try await compare { try await $0.deploy(DeployRequest(app: "/an app", dryRun: true)) }
            try await compare { try await $0.deploy(DeployRequest()) }
            try await compare { try await $0.doctor() }
            let entry = EventEntry(
                bus: "orders", source: "shop", detailType: "Order Placed", detail: FakeHost.json(#"{"a": 1.50}"#),
                resources: ["r"], time: "2026-01-01T00:00:00Z", deduplicationID: "d")
            try await compare { try await $0.putEvents(EventSubmission(entries: [entry])) }
            let arrived = running.host.submissions
            #expect(arrived.count == 2)
            try expectSame(arrived[0], arrived[1])
            // The detail keeps its bytes: a producer's 1.50 is not 1.5.
            #expect(arrived[0].entries.first?.detail.text == #"{"a": 1.50}"#)
            let page = PageRequest(limit: 3, after: "a&b=c")
            try await compare {
                try await $0.listEvents(
                    EventQuery(bus: "b us", source: "s/ü", detailType: "a+b", rule: "100%"), page: page)
            }
            try await compare { try await $0.listEvents(EventQuery(), page: PageRequest()) }
            try await compare { try await $0.event(id: "a/b?c#d e%20") }
            try await compare { try await $0.listRules(bus: nil) }
            try await compare { try await $0.listRules(bus: "b") }
            try await compare { try await $0.rule(bus: "b", name: "a.b_c-d") }
            try await compare {
                try await $0.pauseRule(
                    bus: "b", name: "a.b", request: PauseRequest(paused: true, target: "t", reason: "ü"))
            }
            try await compare { try await $0.listSchedules(count: 3) }
            try await compare { try await $0.listManifests() }
            try await compare { try await $0.listAlarms() }
            try await compare { try await $0.lifecycle(LifecycleRequest(bucket: "x", dryRun: true)) }
            try await compare { try await $0.testRules(RuleTestRequest(event: FakeHost.json(#"{"x": [ ]}"#))) }
            try await compare { try await $0.listFunctions() }
            try await compare { try await $0.function(name: "F") }
            try await compare {
                try await $0.invoke(function: "F", request: InvokeRequest(payload: FakeHost.json("[1, 2]")))
            }
            try await compare {
                try await $0.listInvocations(
                    InvocationQuery(function: "F", eventID: "e", outcome: "failed"), page: page)
            }
            try await compare { try await $0.invocation(requestID: "12-3456") }
            try await compare { try await $0.deadLetterGroups() }
            try await compare {
                try await $0.listDeadLetters(
                    DeadLetterSelection(ids: [3, 1], function: "F", code: "C", fingerprint: "f"), page: page)
            }
            try await compare { try await $0.deadLetter(id: Int64.max) }
            try await compare {
                try await $0.redrive(
                    RedriveRequest(selection: DeadLetterSelection(ids: [1, 2]), dryRun: false, rate: 7))
            }
            try await compare {
                try await $0.redrive(RedriveRequest(selection: DeadLetterSelection(all: true), dryRun: true))
            }
            try await compare { try await $0.redriveJob(id: "j") }
            try await compare { try await $0.listRedrives() }
            try await compare { try await $0.redriveOutcomes(id: "j", page: 3) }
            try await compare { try await $0.cancelRedrive(id: "j") }
            try await compare { try await $0.reproduce(deadLetter: 8).summary }
            try await compare {
                try await $0.startReplay(
                    ReplayRequest(
                        name: "r", from: .init(milliseconds: 1), to: .init(milliseconds: 2), rules: ["a b"],
                        function: "F@2", eventPattern: "{}", rate: 0.5, dryRun: true, keys: ["id"], by: "me"))
            }
            try await compare { try await $0.listReplays() }
            try await compare { try await $0.replay(name: "r.1") }
            try await compare { try await $0.cancelReplay(name: "r") }
            try await compare { try await $0.purge(DeadLetterSelection(fingerprint: "f")) }
            try await compare { try await $0.listBuckets() }
            try await compare { try await $0.trigger(bucket: "b/ü%25", request: TriggerRequest(prefix: "abc")) }
            try await compare { try await $0.listTriggers() }
            try await compare { try await $0.triggerJob(id: "t 1") }
            try await compare { try await $0.cancelTrigger(id: "t 1") }
            try await compare { try await $0.listTables(database: nil) }
            try await compare { try await $0.table(database: "d", name: "t") }
            try await compare {
                try await $0.dropTable(database: "d b", name: "t", request: DropTableRequest(deleteFiles: true))
            }
        }
    }

    @Test("The host's own refusals arrive as they are; what it did not foresee is 500")
    func errors() async throws {
        try await Harness.with { running in
            let client = running.client
            let missing = await #expect(throws: APIError.self) { try await client.function(name: "Missing") }
            #expect(missing == APIError.notFound("function", "Missing", hint: "known are: F"))
            let broken = await #expect(throws: APIError.self) { try await client.function(name: "Broken") }
            #expect(broken?.status == 500)
            #expect(broken?.message.contains("the unforeseen") == true)
            let tail = await #expect(throws: APIError.self) {
                for try await _ in try await client.tailEvents(EventQuery(bus: "nowhere")) {}
            }
            #expect(tail?.code == "NotFound")
        }
    }

    @Test("Too many entries, and none, are refused before the host sees them")
    func entryCount() async throws {
        try await Harness.with { running in
            let entry = EventEntry(source: "s", detailType: "t", detail: FakeHost.json("{}"))
            for count in [0, EventSubmission.maximumEntries + 1] {
                let submission = EventSubmission(entries: Array(repeating: entry, count: count))
                let error = await #expect(throws: APIError.self) { try await running.client.putEvents(submission) }
                #expect(error?.status == 400)
            }
            #expect(running.host.submissions.isEmpty)
        }
    }

    @Test("Requests that are no requests are answered, not dropped")
    func badRequests() async throws {
        try await Harness.with { running in
            let socket = running.dataFolder + "/api.sock"
            func ask(_ request: [UInt8]) async throws -> String { try await RawHTTP.unix(socket, request) }
            let noJSON = try await ask(RawHTTP.request("POST", "/v1/events", body: "{\"entries\": [}"))
            #expect(noJSON.hasPrefix("HTTP/1.1 400"))
            #expect(noJSON.contains("InvalidRequest"))
            let noEntries = try await ask(RawHTTP.request("POST", "/v1/events", body: "{}"))
            #expect(noEntries.hasPrefix("HTTP/1.1 400"))
            let unknown = try await ask(RawHTTP.request("GET", "/v1/nothing"))
            #expect(unknown.hasPrefix("HTTP/1.1 404"))
            let id = try await ask(RawHTTP.request("GET", "/v1/dlq/letters/one"))
            #expect(id.hasPrefix("HTTP/1.1 400"))
            let limit = try await ask(RawHTTP.request("GET", "/v1/events?limit=0"))
            #expect(limit.hasPrefix("HTTP/1.1 400"))
            let huge = try await ask(
                RawHTTP.request("POST", "/v1/events", body: String(repeating: " ", count: (8 << 20) + 1)))
            #expect(huge.hasPrefix("HTTP/1.1 413"), "\(huge.prefix(300))")
        }
    }

    @Test("A data folder with a path longer than a socket's may be")
    func longPath() async throws {
        try await Harness.with(depth: 4) { running in
            #expect(running.dataFolder.utf8.count > 200)
            let health = try await running.client.health()
            #expect(health.state == .ready)
        }
    }

    @Test("The socket is its owner's alone, and gone afterwards")
    func mode() async throws {
        let path = try await Harness.with { running in
            var status = stat()
            #expect(stat(running.dataFolder + "/api.sock", &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
            return running.dataFolder + "/api.sock"
        }
        #expect(access(path, F_OK) != 0)
    }

    @Test("No host, a socket left behind, and no data folder are told apart from a host's answers")
    func noHost() async throws {
        let folder = Harness.temporaryFolder()
        defer {
            unlink(folder + "/api.sock")
            rmdir(folder + "/journal")
            rmdir(folder)
        }
        // A folder that no host has worked on: to start one there may be a mistake.
        let other = await #expect(throws: APIError.self) { try await HostClient(dataFolder: folder).health() }
        #expect(other?.message.contains("is no data folder") == true && other?.hint?.contains("--data DIR") == true)
        mkdir(folder + "/journal", 0o700)
        let none = await #expect(throws: APIError.self) { try await HostClient(dataFolder: folder).health() }
        #expect(none?.message.contains("no host is running on \(folder)") == true)
        #expect(none?.hint?.contains("sluice up --data \(folder)") == true)

        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: (folder + "/api.sock").utf8) }
        let bound = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        close(descriptor)
        let stale = await #expect(throws: APIError.self) { try await HostClient(dataFolder: folder).health() }
        #expect(stale?.message.contains("no host is running") == true)

        let nowhere = await #expect(throws: APIError.self) { try await HostClient(dataFolder: folder + "/x").health() }
        #expect(nowhere?.message.contains("no data folder") == true)
    }
}

import Foundation
import Gateway
import HostAPI
import Testing

extension Integration {
    @Suite("A full disk", .timeLimit(.minutes(3)))
    struct FullDiskTests {
        @Test("New events are refused with the reason, what was accepted is kept, and all goes on once there is room")
        func full() async throws {
            let disk = try await SmallDisk(megabytes: 160)
            do {
                try await full(on: disk)
            } catch {
                await disk.unmount()
                throw error
            }
            await disk.unmount()
        }

        private func full(on disk: SmallDisk) async throws {
            let app = try TestApp.faulty()
            try app.addInboxRule()
            try app.setFaulty("timeout", "60")
            try app.edit("sluice.yaml") { $0 + "\nlimits: {minFree: 16}\n" }
            let host = HostProcess(app, data: disk.path + "/data")
            let ballast = host.data + "/journal/ballast"
            do {
                try await host.start(environment: ["SLUICE_BALLAST_MB": "8"])
                #expect(FileManager.default.fileExists(atPath: ballast))
                // Two deliveries that end when the test wants them to.
                let gates = [try Gate(host), try Gate(host)]
                let events = try await host.put(gates.map(\.request))
                let handlers = [try await gates[0].reached(host), try await gates[1].reached(host)]

                // With nothing left at all no event is taken, and its producer is told why ...
                try disk.fill("other", leaving: 22 << 20)
                try disk.fill("last", leaving: 0)
                let refused = await #expect(throws: APIError.self) { try await host.put(FaultyRequest("ok")) }
                #expect(refused?.code == "Unavailable", "\(refused as Any)")
                #expect(refused?.message.contains("limits.minFree (16 MB)") == true, "\(refused as Any)")
                #expect(try await host.client.status().warnings.contains { $0.contains("no events are accepted") })

                // ... but what runs still settles: the ballast is for that. It gives no room to new files.
                handlers[0].open()
                #expect(try await host.outcome(of: events[0]).state == "settled")
                #expect(!FileManager.default.fileExists(atPath: ballast))
                try host.copy("dropped into a full house", to: "inbox", "dropped.txt")
                _ = try await host.wait(for: "the watcher to say why it waits") {
                    let inbox = try await host.client.listBuckets().first { $0.name == "inbox" }
                    return inbox?.notes.contains { $0.contains("short of space") } == true ? true : nil
                }
                #expect(try await host.objectEvents() == [])

                // Without the ballast, too, nothing can be written; it is waited out.
                try disk.fill("rest", leaving: 0)
                handlers[1].open()
                _ = try await host.wait(for: "the host to say that the journal cannot write") {
                    try await host.client.status().warnings.contains { $0.contains("the journal cannot write") }
                        ? true : nil
                }
                #expect(host.isRunning)

                // More than limits.minFree, and still too little for the ballast and to spare: everybody says how much.
                try disk.remove("last")
                let almost = await #expect(throws: APIError.self) { try await host.put(FaultyRequest("ok")) }
                #expect(almost?.message.contains("at least 28 MB") == true, "\(almost as Any)")
                #expect(try await host.client.status().warnings.contains { $0.contains("until 28 MB are") })
                #expect(try await host.client.metrics().contains("\nsluice_up 0\n"))

                for name in ["other", "rest"] { try disk.remove(name) }
                #expect(try await host.outcome(of: events[1]).state == "settled")
                try await host.hasEvents(["dropped.txt"])
                #expect(try await host.outcome(FaultyRequest("ok")).state == "settled")
                #expect(FileManager.default.fileExists(atPath: ballast))
                #expect(try await host.deadLetters() == [])
                #expect(try await host.client.status().warnings == [])

                // Killed with nothing left, it starts again in the ballast's room.
                try disk.fill("all", leaving: 0)
                _ = await host.end(SIGKILL)
                try disk.fill("more", leaving: 0)
                try await host.start(environment: ["SLUICE_BALLAST_MB": "8"])
                #expect(!FileManager.default.fileExists(atPath: ballast))
                #expect(try await host.client.status().warnings.contains { $0.contains("until 28 MB are") })
                try host.copy("dropped again", to: "inbox", "again.txt")
                for name in ["all", "more"] { try disk.remove(name) }
                try await host.hasEvents(["dropped.txt", "again.txt"])
                #expect(try await host.outcome(FaultyRequest("ok")).state == "settled")
                try await host.expectGoodOrder()
            } catch {
                await host.remove()
                throw error
            }
            await host.remove()
        }

        @Test("A size in the environment that is none is refused, naming the variable")
        func wrongSize() async throws {
            let app = try TestApp.faulty()
            let host = HostProcess(app)
            for (name, value) in [("SLUICE_BALLAST_MB", "much"), ("SLUICE_SEGMENT_MB", "0")] {
                let result = try await run(
                    TestApp.sluice, ["up", "--data", host.data, "--app", app.folder], environment: [name: value])
                #expect(result.ending == .exited(1))
                #expect(result.errors.contains("\(name)=\(value)"), "\(result.errors)")
            }
            await host.remove()
        }
    }
}

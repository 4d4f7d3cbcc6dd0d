import Foundation
import Gateway
import HostAPI
import Testing

extension Integration {
    /// As root nothing is forbidden, so these hosts are somebody else's.
    @Suite("Permissions", .timeLimit(.minutes(5)))
    struct PermissionTests {
        @Test("What may not be read or written becomes a dead letter that says so, and can be redriven after chmod")
        func denied() async throws {
            let app = try TestApp.faulty()
            try app.addInboxRule()
            try await Unprivileged.with(app) { host in
                // An input that only its owner's chmod can open again.
                try host.move("locked away", to: "inbox", "locked.txt", mode: 0)
                let input = try await host.wait(for: "a dead letter") { try await host.deadLetters().first }
                #expect(input.code == "AccessDenied" && input.condition == "PermanentError")
                for word in ["inbox/locked.txt", "Permission denied", "check the owner and the mode"] {
                    #expect(input.message.contains(word), "\(input.message)")
                }
                // Nothing could be kept of it; its letter says that as well.
                let kept = try #require(try await host.client.deadLetter(id: input.id).input)
                #expect(kept.kind == "not kept" && kept.note?.contains("Permission denied") == true, "\(kept)")
                #expect(try await host.redrive(.init(ids: [input.id])).failed == 1)
                #expect(chmod(host.bucket("inbox") + "/locked.txt", 0o600) == 0)
                #expect(try await host.redrive(.init(ids: [input.id])).succeeded == 1)

                // A bucket that was made read-only while the host runs: the files are complete but have no place.
                let outbox = host.bucket("outbox")
                #expect(chmod(outbox, 0o555) == 0)
                let output = try #require(
                    try await host.outcome(FaultyRequest("put", bucket: "outbox", key: "x.txt")).letter)
                #expect(output.summary.code == "PublishFailed", "\(output.summary)")
                #expect(output.summary.message.contains("Permission denied"), "\(output.summary.message)")
                #expect(host.keys("outbox") == [])

                // One that was so when the host started: nothing can even be staged, and the host says why.
                #expect(await host.end() == .exited(0))
                try await host.start()
                let staged = try #require(
                    try await host.outcome(FaultyRequest("put", bucket: "outbox", key: "y.txt")).letter)
                #expect(staged.summary.code == "AccessDenied", "\(staged.summary)")
                for word in ["outbox", "Permission denied"] {
                    #expect(staged.summary.message.contains(word), "\(staged.summary.message)")
                }
                let notes = try await host.client.listBuckets().first { $0.name == "outbox" }?.notes ?? []
                #expect(notes.contains { $0.contains("outbox cannot be written") }, "\(notes)")

                #expect(chmod(outbox, 0o755) == 0)
                #expect(try await host.redrive(.init(all: true)).succeeded == 2)
                #expect(host.keys("outbox") == ["x.txt", "y.txt"])
                #expect(try await host.deadLetters() == [])
            }
        }
    }
}

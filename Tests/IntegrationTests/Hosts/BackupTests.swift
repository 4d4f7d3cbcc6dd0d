import Foundation
import Gateway
import HostAPI
import Testing

extension Integration {
    @Suite("Backups with buckets", .timeLimit(.minutes(3)))
    struct BackupTests {
        /// `inbox` has a folder of its own, outside of the data folder.
        private static func app(inbox: String) throws -> TestApp {
            let app = try TestApp.faulty()
            // It cannot read such an event, and fails.
            try app.write(
                "Events/rules/seen.yaml",
                """
                name: seen
                pattern: {source: [aws.s3], detail-type: [Object Created], detail: {bucket: {name: [inbox]}}}
                targets: [{function: Faulty, retryPolicy: {maximumRetryAttempts: 0}}]

                """)
            try app.edit("sluice.yaml") { $0.replacing("inbox: {}", with: "inbox: {path: \(inbox)}") }
            return app
        }

        private func place(_ text: String, _ path: String) throws {
            let file = URL(filePath: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }

        @Test("One command saves a host with its buckets; the copy starts beside it, held, with nothing told again")
        func whole() async throws {
            let folder = temporaryFolder("backup")
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let inbox = folder + "/inbox"
            let app = try Self.app(inbox: inbox)
            try await HostProcess.with(app) { host in
                for name in ["a.csv", "d/b.csv"] { try place("n\n1\n", "\(inbox)/\(name)") }
                let letters = try await host.wait(for: "two dead letters") {
                    let letters = try await host.deadLetters()
                    return letters.count == 2 ? letters : nil
                }
                // Nobody has told of it when the journal is copied.
                try place("half", inbox + "/.part")
                let refused = try await host.refusal("backup", inbox + "/copy", "--with-buckets")
                #expect(refused.errors.contains("lies in bucket inbox"), "\(refused)")
                let answer = try await host.sluice("backup", folder + "/copy", "--with-buckets", "--json")
                let result = try JSONDecoder().decode(BackupResult.self, from: Data(answer.output.utf8))
                let copied = try #require(result.buckets?.first { $0.name == "inbox" })
                #expect(copied.objects == 2 && copied.missing + copied.replaced + copied.changing == 0, "\(copied)")
                #expect(copied.bytes == 8 && result.buckets?.count == 3)

                // The first host goes on, and has its folder locked.
                let copy = HostProcess(
                    TestApp(folder: app.folder), data: folder + "/copy", arguments: ["--held"])
                try await copy.start()
                let listed = try await copy.client.listBuckets()
                #expect(listed.first { $0.name == "inbox" }?.path == folder + "/copy/buckets/inbox", "\(listed)")
                let events = try await copy.client.listEvents(EventQuery(source: "aws.s3"), page: PageRequest(limit: 9))
                #expect(events.items.count == 2, "what it knows starts nothing")
                #expect(try await copy.deadLetters().map(\.id) == letters.map(\.id))
                let status = try await copy.sluice("status")
                #expect(status.output.contains("HELD: nothing is delivered"), "\(status.output)")
                try place("n\n2\n", folder + "/copy/buckets/inbox/c.csv")
                try await copy.wait(for: "the new file to wait") {
                    try await copy.client.status().subscriptions.first { $0.rule == "seen" }?.waiting == 1 ? () : nil
                }
                #expect(try await copy.refusal("dlq", "redrive", "--all").errors.contains("sluice resume"))
                #expect(try await copy.sluice("resume").output.contains("the host goes on"))
                try await copy.wait(for: "its delivery") { try await copy.deadLetters().count == 3 ? () : nil }
                // What was kept of the inputs came along.
                #expect(try await copy.redrive(.init(ids: [letters[0].id])).failed == 1)
                await copy.end()
                // It stays where it is, with the first host or without.
                let again = HostProcess(TestApp(folder: app.folder), data: folder + "/copy")
                await host.end()
                try await again.start()
                #expect(
                    try await again.client.listBuckets().first { $0.name == "inbox" }?.path
                        == folder + "/copy/buckets/inbox")
                try await again.expectGoodOrder()
                await again.end()
            }
        }

        @Test("A lost bucket fails a backup; no host starts on half of one, nor turns to the first one's folder")
        func lost() async throws {
            let folder = temporaryFolder("backup")
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let (inbox, away, whole) = (folder + "/inbox", folder + "/away", folder + "/whole")
            let app = try Self.app(inbox: inbox)
            let host = HostProcess(app)
            try await host.start()
            try place("n\n1\n", inbox + "/a.csv")
            _ = try await host.wait(for: "the dead letter") { try await host.deadLetters().first }
            try FileManager.default.moveItem(atPath: inbox, toPath: away)
            let refused = try await host.refusal("backup", folder + "/half", "--with-buckets")
            #expect(refused.errors.contains("bucket inbox: it is lost"), "\(refused)")
            let half = HostProcess(TestApp(folder: app.folder), data: folder + "/half")
            #expect(try await half.startUntilReadyOrEnd() == false)
            #expect(half.logText.contains("a backup that was not finished"), "\(half.logText)")
            try FileManager.default.moveItem(atPath: away, toPath: inbox)
            try await host.sluice("backup", whole, "--with-buckets")
            await host.end()
            // The copy's own folder is out of reach, before its first start and after: the other one is free now.
            for _ in 0..<2 {
                try FileManager.default.moveItem(atPath: whole + "/buckets/inbox", toPath: away)
                let copy = HostProcess(TestApp(folder: app.folder), data: whole)
                for _ in 0..<2 { #expect(try await copy.startUntilReadyOrEnd() == false) }
                #expect(copy.logText.contains("\(whole)/buckets/inbox is not the one whose objects"), "\(copy.logText)")
                try FileManager.default.moveItem(atPath: away, toPath: whole + "/buckets/inbox")
                try await copy.start()
                #expect(
                    try await copy.client.listBuckets().first { $0.name == "inbox" }?.path == whole + "/buckets/inbox")
                await copy.end()
            }
            // The very same folder, moved.
            try FileManager.default.moveItem(atPath: inbox, toPath: away)
            try FileManager.default.moveItem(atPath: whole + "/buckets/inbox", toPath: inbox)
            let copy = HostProcess(TestApp(folder: app.folder), data: whole)
            try await copy.start()
            #expect(try await copy.client.listBuckets().first { $0.name == "inbox" }?.path == inbox)
            try await copy.expectGoodOrder()
            await copy.end()
            await host.remove()
        }

        @Test("A data folder that is restored elsewhere takes its buckets where the app that is given has them")
        func elsewhere() async throws {
            let folder = temporaryFolder("restore")
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let app = try Self.app(inbox: folder + "/inbox")
            let host = HostProcess(app)
            try await host.start()
            try place("n\n1\n", folder + "/inbox/a.csv")
            _ = try await host.wait(for: "the dead letter") { try await host.deadLetters().first }
            try await host.sluice("backup", folder + "/copy")
            await host.end()
            try FileManager.default.moveItem(atPath: folder + "/inbox", toPath: folder + "/restored")
            let old = HostProcess(TestApp(folder: app.folder), data: folder + "/copy")
            #expect(try await old.startUntilReadyOrEnd() == false)
            #expect(
                old.logText.contains("is not the one whose objects") && old.logText.contains("start with --app"),
                "\(old.logText)")
            try app.edit("sluice.yaml") { $0.replacing("\(folder)/inbox", with: "\(folder)/restored") }
            let copy = HostProcess(TestApp(folder: app.folder), data: folder + "/copy")
            try await copy.start()
            #expect(
                try await copy.client.listBuckets().first { $0.name == "inbox" }?.path == folder + "/restored")
            let events = try await copy.client.listEvents(EventQuery(source: "aws.s3"), page: PageRequest(limit: 9))
            #expect(events.items.count == 1)
            try await copy.expectGoodOrder()
            await copy.end()
            await host.remove()
        }
    }
}

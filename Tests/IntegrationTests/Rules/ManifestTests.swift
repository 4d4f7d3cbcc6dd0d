import Foundation
import FunctionJSON
import Gateway
import HostAPI
import Testing

extension Integration {
    @Suite("Manifest triggers", .timeLimit(.minutes(3)))
    struct ManifestTests {
        private static func rule(_ name: String, limit: Int) -> String {
            """
            name: \(name)
            pattern:
              source: [aws.s3]
              detail-type: [Object Created]
              detail: {bucket: {name: [inbox]}, object: {key: [{wildcard: "\(name)/*.manifest"}]}}
            manifest: {timeLimit: \(limit)}
            targets:
              - function: Faulty
                inputTransformer:
                  inputPathsMap: {id: $.id, time: $.time, key: $.detail.manifest.key}
                  inputTemplate: |
                    {"version": "0", "id": <id>, "detail-type": "x", "source": "s", "account": "0", "time": <time>,
                     "region": "r", "resources": [], "detail": {"mode": "put", "bucket": "outbox", "key": "<key>"}}
            """
        }

        @Test(
            "One event when all files are there as the manifest says, over a lost host; else a dead letter that lists them"
        )
        func triggers() async throws {
            let app = try TestApp.faulty()
            try app.write("Events/rules/patient.yaml", Self.rule("patient", limit: 600))
            try app.write("Events/rules/hasty.yaml", Self.rule("hasty", limit: 1))
            try await HostProcess.with(app) { host in
                // One file before its manifest, one after it, first wrong and then right.
                try host.copy("abc", to: "inbox", "patient/a.csv")
                let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
                try host.copy(
                    #"{"files": [{"key": "./a.csv", "sha256": "\#(hash)"}, {"key": "patient/b.csv", "size": 5}]}"#,
                    to: "inbox", "patient/one.manifest")
                _ = try await host.wait(for: "the manifest to be waited for") {
                    try await host.client.listManifests().first?.missing == ["inbox/patient/b.csv: has not arrived"]
                        ? true : nil
                }
                try host.copy("abcd", to: "inbox", "patient/b.csv")
                _ = try await host.wait(for: "the wrong size to be seen") {
                    try await host.client.listManifests().first?.missing?.first?.contains("4 bytes instead of 5")
                        == true
                        ? true : nil
                }
                await host.end(SIGKILL)
                try await host.start()
                #expect(try await host.client.listManifests().map(\.files) == [2])
                #expect(host.keys("outbox").isEmpty)
                try host.copy("abcde", to: "inbox", "patient/b.csv")
                _ = try await host.wait(for: "the handler") {
                    host.keys("outbox") == ["patient/one.manifest"] ? true : nil
                }
                #expect(try await host.client.listManifests().isEmpty)

                // Never complete, and no manifest at all.
                try host.copy(#"{"files": ["hasty/never.csv", "patient/a.csv"]}"#, to: "inbox", "hasty/two.manifest")
                try host.copy("nonsense", to: "inbox", "hasty/three.manifest")
                let letters = try await host.wait(for: "two dead letters") {
                    let letters = try await host.deadLetters()
                    return letters.count == 2 ? letters : nil
                }
                #expect(letters.allSatisfy { $0.code == "ManifestIncomplete" && $0.attempts == 1 }, "\(letters)")
                let messages = letters.map(\.message).sorted().joined(separator: "\n")
                #expect(
                    messages.contains("1 of 2 files") && messages.contains("inbox/hasty/never.csv: has not arrived"))
                #expect(
                    messages.contains("the manifest is not JSON") && !messages.contains("of 0 files"), "\(messages)")
                // Which manifest it was: in both kinds of message, and as what the dead letter is about.
                #expect(messages.contains("manifest inbox/hasty/three.manifest"), "\(messages)")
                #expect(
                    letters.map(\.subject).sorted() == [
                        "Manifest Incomplete: inbox/hasty/three.manifest",
                        "Manifest Incomplete: inbox/hasty/two.manifest",
                    ])
                let shown = try await run(
                    TestApp.sluice, ["dlq", "show", "\(letters.first?.id ?? 0)", "--data", host.data])
                #expect(shown.output.contains("Attempt 1") && !shown.output.contains("took"), "\(shown)")
                // A redrive looks again: one is complete by now, the other says no more than before.
                try host.copy("late", to: "inbox", "hasty/never.csv")
                _ = try await host.wait(for: "the missing file to be seen") {
                    try? await host.client.trace(id: "inbox/hasty/never.csv")
                }
                let again = try await host.redrive(DeadLetterSelection(all: true))
                #expect(again.succeeded == 1 && again.failed == 1, "\(again)")
                #expect(host.keys("outbox") == ["hasty/two.manifest", "patient/one.manifest"])
                let left = try #require(try await host.deadLetters().first)
                #expect(left.message.contains("the manifest is not JSON"), "\(left)")
                // Another function would get it as it is, and so does this one what was edited.
                let event = try await host.client.deadLetter(id: left.id).payload
                let edited = try await host.client.redrive(
                    RedriveRequest(selection: DeadLetterSelection(ids: [left.id]), payload: event))
                _ = try await host.wait(for: "the edited event") {
                    try await host.client.redriveJob(id: edited.id).succeeded == 1 ? true : nil
                }
                #expect(host.keys("outbox") == ["hasty/three.manifest", "hasty/two.manifest", "patient/one.manifest"])
                let told = try await host.client.listEvents(
                    EventQuery(source: "sluice.manifests"), page: PageRequest(limit: 100)
                ).items
                #expect(told.count == 3, "\(told)")
                try await expectTools(host)
            }
        }

        /// What is said of manifests' rules: by the pattern of their file, and by what became of manifests.
        private func expectTools(_ host: HostProcess) async throws {
            func sluice(_ arguments: String...) async throws -> String {
                try await run(TestApp.sluice, arguments + ["--data", host.data]).output
            }
            let trace = try await host.client.trace(id: "inbox/patient/one.manifest")
            let manifest = try #require(trace.root.manifests?.first)
            let told = try #require(manifest.events.first)
            #expect(manifest.state == "complete" && told.deliveries.map(\.delivery.state) == ["settled"], "\(trace)")
            // The same tree, whichever of its parts is asked for.
            let other = try await host.client.trace(id: told.id)
            #expect(other.root.id == trace.root.id && other.focus == told.id)
            let tree = try await sluice("trace", told.id)
            #expect(tree.contains("manifest, complete") && !tree.contains("no rule matched it"), "\(tree)")
            let failed = try await sluice("trace", "inbox/hasty/three.manifest")
            #expect(failed.contains("manifest, incomplete"), "\(failed)")

            let folder = temporaryFolder("manifest-events")
            for (key, matches) in [("patient/x.manifest", true), ("patient/x.csv", false)] {
                let event = """
                    {"version":"0","id":"1","detail-type":"Object Created","source":"aws.s3","account":"0","region":"r",\
                    "time":"2024-01-01T00:00:00Z","resources":[],"detail":{"bucket":{"name":"inbox"},\
                    "object":{"key":"\(key)","size":1,"etag":"e","sequencer":"1"}}}
                    """
                let file = folder + "/event.json"
                try Data(event.utf8).write(to: URL(filePath: file))
                let why = try await sluice("rules", "why", trace.root.manifests?.first?.rule ?? "", file)
                #expect(why.contains("matches") == matches && !why.contains("Manifest Complete"), "\(why)")
                for more in [[], ["--app", host.app.folder]] {
                    let tried = try await run(
                        TestApp.sluice, ["rules", "test", "--event", file, "--data", host.data] + more
                    ).output
                    #expect(tried.contains("matches  \(manifest.rule)") == matches, "\(tried)")
                    #expect(!tried.contains("Manifest Complete"), "\(tried)")
                }
            }
            try? FileManager.default.removeItem(atPath: folder)
            let shown = try await sluice("rules", "show", manifest.rule)
            #expect(shown.contains("their files are waited for") && shown.contains("aws.s3"), "\(shown)")
            #expect(!shown.contains("sluice.manifests"), "\(shown)")
        }
    }
}

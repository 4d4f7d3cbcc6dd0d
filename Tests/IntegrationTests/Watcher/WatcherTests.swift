import Foundation
import FunctionJSON
import Gateway
import HostAPI
import Testing

extension Integration {
    /// From a file's arrival to its event, by every way on which files come.
    @Suite("Files that arrive", .timeLimit(.minutes(5)))
    struct WatcherTests {
        @Test("cp, mv, a slow writer, new folders, a re-upload: one event for each complete version")
        func arrivals() async throws {
            try await HostProcess.with(app()) { host in
                try host.copy("one", to: "inbox", "cp.txt")
                try host.move("two", to: "inbox", "mv.txt")
                try host.copy("three", to: "inbox", "a/b/c/d/deep.txt")
                // Written in parts: nothing happens before it is closed.
                let slow = host.bucket("inbox") + "/slow.txt"
                let descriptor = open(slow, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
                try #require(descriptor >= 0)
                let writer = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
                writer.write(Data("half ".utf8))
                // The other ones are through, so this one has been seen too, half-written as it is.
                try await host.hasEvents(["cp.txt", "mv.txt", "a/b/c/d/deep.txt"])
                try host.copy("first", to: "inbox", "again.txt")
                try await host.hasEvents(
                    ["cp.txt", "mv.txt", "a/b/c/d/deep.txt", "again.txt"], sizes: ["again.txt": 5])
                writer.write(Data("and whole".utf8))
                try writer.close()
                try host.copy("second time", to: "inbox", "again.txt")
                let events = try await host.hasEvents(
                    ["cp.txt", "mv.txt", "a/b/c/d/deep.txt", "again.txt", "again.txt", "slow.txt"])
                #expect(events.filter { $0.key == "slow.txt" }.map(\.size) == [14])
                #expect(events.filter { $0.key == "again.txt" }.map(\.size) == [5, 11])
            }
        }

        @Test("Hidden and temporary names start nothing; renamed to their final name they do")
        func temporaryNames() async throws {
            try await HostProcess.with(app()) { host in
                for name in [".hidden", "x.tmp", "y.part", ".folder/inside.txt", "z.txt.swp", "_temporary/0/a.txt"] {
                    try host.copy("unfinished", to: "inbox", name)
                }
                rename(host.bucket("inbox") + "/y.part", host.bucket("inbox") + "/y.txt")
                try host.copy("after", to: "inbox", "last.txt")
                try await host.hasEvents(["y.txt", "last.txt"])
            }
        }

        @Test("A deletion is an event of its own")
        func deletion() async throws {
            try await HostProcess.with(app()) { host in
                try host.copy("x", to: "inbox", "gone.txt")
                try await host.hasEvents(["gone.txt"])
                try FileManager.default.removeItem(atPath: host.bucket("inbox") + "/gone.txt")
                let deleted = try await host.wait(for: "the deletion") {
                    let found = try await host.objectEvents(type: "Object Deleted")
                    return found.isEmpty ? nil : found
                }
                #expect(deleted.map(\.key) == ["gone.txt"])
            }
        }

        @Test(
            "A bucket's folder that is moved away is lost, and says so; back again, it is watched, with what came meanwhile"
        )
        func lostAndFound() async throws {
            try await HostProcess.with(app()) { host in
                try host.copy("x", to: "inbox", "first.txt")
                try await host.hasEvents(["first.txt"])
                let away = host.data + "/elsewhere"
                try FileManager.default.moveItem(atPath: host.bucket("inbox"), toPath: away)
                let lost = try await host.wait(for: "the loss") {
                    let status = try await host.client.status()
                    return status.buckets.contains { $0.name == "inbox" && $0.watching == "lost" } ? status : nil
                }
                #expect(lost.warnings.contains { $0.contains("bucket inbox is lost") }, "\(lost.warnings)")
                #expect(try await host.client.metrics().contains("sluice_warnings 1\n"))
                try Data("meanwhile".utf8).write(to: URL(filePath: away + "/second.txt"))
                try FileManager.default.moveItem(atPath: away, toPath: host.bucket("inbox"))
                try await host.hasEvents(["first.txt", "second.txt"])
                try host.copy("x", to: "inbox", "third.txt")
                try await host.hasEvents(["first.txt", "second.txt", "third.txt"])
                #expect(try await host.objectEvents(type: "Object Deleted").isEmpty)
                let found = try await host.client.status()
                #expect(found.warnings.isEmpty && found.buckets.first { $0.name == "inbox" }?.watching == "inotify")
                #expect(host.logText.contains("a bucket is lost") && host.logText.contains("a lost bucket is back"))
            }
        }

        @Test("What changed while the host was down is seen at its next start, once")
        func whileDown() async throws {
            try await HostProcess.with(app()) { host in
                try host.copy("stays", to: "inbox", "stays.txt")
                try host.copy("x", to: "inbox", "changes.txt")
                try host.copy("x", to: "inbox", "goes.txt")
                try await host.hasEvents(["stays.txt", "changes.txt", "goes.txt"])
                #expect(await host.end() == .exited(0))
                try host.copy("new", to: "inbox", "d/new.txt")
                try host.move("changed", to: "inbox", "changes.txt")
                try FileManager.default.removeItem(atPath: host.bucket("inbox") + "/goes.txt")
                try await host.start()
                try await host.hasEvents(["stays.txt", "changes.txt", "goes.txt", "d/new.txt", "changes.txt"])
                let deleted = try await host.wait(for: "the deletion") {
                    let found = try await host.objectEvents(type: "Object Deleted")
                    return found.isEmpty ? nil : found
                }
                #expect(deleted.map(\.key) == ["goes.txt"])
            }
        }

        @Test("2,000 files at once: 2,000 events, each file once")
        func many() async throws {
            try await HostProcess.with(app()) { host in
                for number in 0..<2000 { try host.copy("\(number)", to: "inbox", "f\(number % 20)/\(number).txt") }
                let events = try await host.hasEvents((0..<2000).map { "f\($0 % 20)/\($0).txt" })
                #expect(Set(events.map(\.id)).count == 2000)
            }
        }

        @Test("Files that were there before the bucket was known start nothing, until they are asked for")
        func existing() async throws {
            let host = HostProcess(try app())
            do {
                for number in 0..<5 { try host.copy("old", to: "inbox", "old/\(number).txt") }
                // An old file: adoption takes what has not changed since.
                try await host.start()
                try host.copy("new", to: "inbox", "new.txt")
                try await host.hasEvents(["new.txt"])
                let dry = try await host.client.trigger(
                    bucket: "inbox", request: TriggerRequest(prefix: "old/", dryRun: true))
                #expect(dry.objects == 5)
                try await host.hasEvents(["new.txt"])
                let result = try await host.client.trigger(bucket: "inbox", request: TriggerRequest(prefix: "old/"))
                #expect(result.objects == 5)
                try await host.hasEvents(["new.txt"] + (0..<5).map { "old/\($0).txt" })
                try await host.expectGoodOrder()
                await host.remove()
            } catch {
                await host.remove()
                throw error
            }
        }

        @Test("With `existing: trigger` they start what new ones start")
        func existingTriggers() async throws {
            let app = try app()
            try app.edit("sluice.yaml") { $0.replacingOccurrences(of: "inbox: {}", with: "inbox: {existing: trigger}") }
            let host = HostProcess(app)
            do {
                for number in 0..<5 { try host.copy("old", to: "inbox", "old/\(number).txt") }
                try await host.start()
                try await host.hasEvents((0..<5).map { "old/\($0).txt" })
                await host.remove()
            } catch {
                await host.remove()
                throw error
            }
        }

        /// An app whose every object event of `inbox` is delivered: the log of events is what the tests look at, and a
        /// delivery proves that the event was not only written but handed on.
        private func app() throws -> TestApp {
            let app = try TestApp.faulty()
            try app.addInboxRule()
            return app
        }
    }
}

/// What an object event says.
struct ObjectEvent: Sendable, Hashable {
    var id: String
    var key: String
    var size: Int64
}

extension HostProcess {
    /// All object events of a type about a bucket, oldest first.
    func objectEvents(type: String = "Object Created", of bucket: String = "inbox") async throws -> [ObjectEvent] {
        struct Detail: Decodable {
            struct Bucket: Decodable {
                var name: String
            }
            struct Object: Decodable {
                var key: String
                var size: Int64?
            }
            var bucket: Bucket
            var object: Object
        }
        struct Envelope: Decodable {
            var id: String
            var detail: Detail
        }
        var found: [ObjectEvent] = []
        var after: String?
        repeat {
            let page = try await client.listEvents(
                EventQuery(source: "aws.s3", detailType: type), page: PageRequest(limit: 1000, after: after))
            found += try page.items.compactMap { item in
                let event = try item.event.decode(Envelope.self)
                guard event.detail.bucket.name == bucket else { return nil }
                return ObjectEvent(id: event.id, key: event.detail.object.key, size: event.detail.object.size ?? 0)
            }
            after = page.next
        } while after != nil
        return found.reversed()
    }

    /// Waits until as many events are there as `keys` says and all are delivered; then they are about these keys, each
    /// as often as it is named.
    @discardableResult
    func hasEvents(
        _ keys: [String], sizes: [String: Int64] = [:], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> [ObjectEvent] {
        let events = try await wait(for: "\(keys.count) events") {
            let events = try await objectEvents()
            return events.count >= keys.count ? events : nil
        }
        #expect(events.map(\.key).sorted() == keys.sorted(), sourceLocation: sourceLocation)
        for (key, size) in sizes {
            #expect(events.last { $0.key == key }?.size == size, sourceLocation: sourceLocation)
        }
        let status = try await settled()
        let seen = status.subscriptions.first { $0.rule == "seen" }
        #expect(seen?.matched == Int64(keys.count), "\(seen as Any)", sourceLocation: sourceLocation)
        return events
    }
}

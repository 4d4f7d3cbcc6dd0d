import Foundation
import Gateway
import HostAPI
import Journal
import ObjectStore
import Testing

extension Integration {
    /// A host that dies at each named point, as by `kill -9`, and is started again: nothing is lost, nothing doubled.
    @Suite("Crashes at every point", .timeLimit(.minutes(5)))
    struct CrashPointTests {
        /// What is made to happen so that a point is met.
        enum Workload: Sendable {
            /// Three files become three files of a table.
            case convert
            /// `Faulty` copies an object.
            case copy
            /// `Faulty` replaces an object.
            case overwrite
            /// `Faulty` deletes an object.
            case delete
            /// Of two outputs the second cannot be put into place, so that the first is taken back.
            case undo
            /// A file that becomes a dead letter, and is kept.
            case deadLetter
            /// A dead letter with a kept file is purged.
            case purge
            /// Nothing: met by every start.
            case start
            /// `Faulty` replaced an object and died before it looked at what came out; meanwhile somebody who had the
            /// old file open has written to it, so that it goes back.
            case putBack
            /// Events of more than a segment's size.
            case segment
            /// A segment in which everything is settled, and no archive time.
            case trim
            /// More bytes than the write-ahead log may have before it is copied.
            case checkpoint
            /// Nothing is left on the disk when a running delivery ends.
            case fullDisk
            /// A clean stop.
            case stop
        }

        // Both have no default: a new point does not compile until it has a workload here.

        static func workload(of point: CrashPoint) -> Workload {
            switch point {
            case .stageCreated, .sealFileSynced, .sealFolderSynced, .publishBegun, .publishParentMade,
                .publishParentSynced, .publishRenamed, .publishFolderSynced, .discardBegun, .discardFolderRemoved,
                .watchBeforeCommit, .watchCommitted, .runtimeAnswered, .runtimeSealed, .runtimeDecided,
                .runtimePublished, .runtimeSettled:
                .convert
            case .stageCopied: .copy
            case .publishExchanged, .discardFileRemoved: .overwrite
            case .publishDeleted: .delete
            case .undoRenamed, .undoFolderSynced, .runtimeWithdrawn, .runtimeBuried: .undo
            case .keepCopied, .keepSynced: .deadLetter
            case .keepReleased: .purge
            case .runtimeRecovering, .runtimeRecovered: .start
            case .publishPutBack: .putBack
            }
        }

        static func workload(of point: JournalPoint) -> Workload {
            switch point {
            case .beforeCommit, .afterCommit, .afterCompletion: .convert
            case .segmentRolled: .segment
            case .segmentDropped: .trim
            case .checkpointCopied, .checkpointSynced: .checkpoint
            case .ballastReleased: .fullDisk
            case .closed: .stop
            }
        }

        static let points: [(name: String, workload: Workload)] =
            CrashPoint.allCases.map { ($0.rawValue, workload(of: $0)) }
            + JournalPoint.allCases.map { ("journal.\($0.rawValue)", workload(of: $0)) }

        @Test("The host dies at the point, and the next one puts everything right", arguments: points)
        func crash(name: String, workload: Workload) async throws {
            try await crash(at: name, workload)
        }

        @Test(
            "The journal's commits, early and late among files that are converted",
            arguments: ["before-commit", "after-commit", "after-completion"], [4, 7])
        func journal(point: String, arrival: Int) async throws {
            try await crash(at: "journal.\(point):\(arrival)", .convert)
        }

        @Test("docs/journal-format.md names the journal's points, all of them")
        func documented() {
            let page = text(of: TestApp.packageRoot + "/docs/journal-format.md")
            for point in JournalPoint.allCases { #expect(page.contains("`\(point.rawValue)`"), "\(point)") }
        }

        /// Prepares with a healthy host, dies with an armed one, looks at everything with a third.
        private func crash(at point: String, _ workload: Workload) async throws {
            let app = try TestApp.everything()
            // Beside the modules, which a host copies into its data folder, there is little.
            let disk = workload == .fullDisk ? try await SmallDisk(megabytes: 128 + app.moduleMegabytes) : nil
            do {
                try await crash(HostProcess(app, data: disk.map { $0.path + "/data" }), at: point, workload, disk)
            } catch {
                await disk?.unmount()
                throw error
            }
            await disk?.unmount()
        }

        private func crash(
            _ host: HostProcess, at point: String, _ workload: Workload, _ disk: SmallDisk?
        ) async throws {
            // Small enough for a small disk, and for a few events to fill a segment.
            let sizes = ["SLUICE_SEGMENT_MB": "1", "SLUICE_BALLAST_MB": "8"]
            do {
                if disk != nil { try host.app.edit("sluice.yaml") { $0 + "\nlimits: {minFree: 16}\n" } }
                try await host.start(environment: sizes)
                try await prepare(host, workload)
                #expect(await host.end() == .exited(0))
                if workload == .putBack { try await dieWithExchangedFile(host) }

                let isReady = try await host.startUntilReadyOrEnd(
                    environment: sizes.merging(["SLUICE_CRASH_AT": point]) { $1 })
                if isReady { try await work(host, workload, disk) }
                let ending = try await endedAtPoint(host)
                #expect(ending == (point.hasPrefix("journal.") ? .killed(SIGKILL) : .exited(137)), "\(host.logText)")
                if !isReady { try await work(host, workload, disk) }

                try await host.start(environment: sizes)
                try await check(host, workload)
                try await host.settled()
                if workload != .undo {
                    _ = try await host.wait(for: "staging to be empty") { host.staging.isEmpty ? true : nil }
                }
                try await host.expectGoodOrder()
            } catch {
                await host.remove()
                throw error
            }
            await host.remove()
        }

        /// Waits for the death; a host that lives on has not met its point.
        private func endedAtPoint(_ host: HostProcess) async throws -> ChildProcess.Ending {
            let guardian = Task {
                try await Task.sleep(for: .seconds(120))
                await host.end(SIGTERM)
            }
            defer { guardian.cancel() }
            return await host.ended()
        }

        private func prepare(_ host: HostProcess, _ workload: Workload) async throws {
            switch workload {
            case .convert, .deadLetter, .start, .segment, .checkpoint, .fullDisk, .stop: break
            case .copy:
                try host.copy("content", to: "inbox", "x.txt")
                try await known(host, "inbox")
            case .overwrite, .delete, .putBack:
                try host.copy("old", to: "outbox", "x.txt")
                try await known(host, "outbox")
            case .undo:
                try host.copy("in the way", to: "outbox", "d")
                try await known(host, "outbox")
            case .trim:
                // One segment is closed, and all that it holds is settled.
                try await host.putLarge(4, kilobytes: 300)
                try await host.put(FaultyRequest("ok"))
                try await host.settled()
                try host.app.edit("sluice.yaml") { $0 + "\narchive: {retentionDays: 0}\n" }
            case .purge:
                try host.copy("a,b\n1,2\n", to: "landing-zone", "a/b.csv")
                _ = try await host.wait(for: "the dead letter") { try await host.deadLetters().first }
            }
        }

        /// The host dies after the exchange of the files; the old one, now staged, gets other content.
        private func dieWithExchangedFile(_ host: HostProcess) async throws {
            let before = open(host.bucket("outbox") + "/x.txt", O_RDONLY | O_CLOEXEC)
            defer { close(before) }
            try #require(try await host.startUntilReadyOrEnd(environment: ["SLUICE_CRASH_AT": "publish.exchanged"]))
            _ = try? await host.put(FaultyRequest("overwrite", bucket: "outbox", key: "x.txt"))
            #expect(try await endedAtPoint(host) == .exited(137), "\(host.logText)")
            #expect(text(of: host.bucket("outbox") + "/x.txt") == "new")
            let writer = try #require(FileHandle(forWritingAtPath: "/proc/self/fd/\(before)"))
            try writer.seekToEnd()
            try writer.write(contentsOf: Data(" and more".utf8))
            try writer.close()
        }

        private func known(_ host: HostProcess, _ bucket: String) async throws {
            _ = try await host.wait(for: "bucket \(bucket) to know its object") {
                try await host.client.listBuckets().first { $0.name == bucket }?.objects == 1 ? true : nil
            }
        }

        /// The host may die before it has answered: what it had accepted by then counts all the same.
        private func work(_ host: HostProcess, _ workload: Workload, _ disk: SmallDisk?) async throws {
            switch workload {
            case .convert, .start, .trim: try convert(host)
            case .putBack: break
            case .segment:
                try? await host.putLarge(4, kilobytes: 300)
                try convert(host)
            case .checkpoint:
                try? await host.putLarge(10, kilobytes: 300)
                try convert(host)
            case .stop:
                try convert(host)
                try await expectTable(host, "crash", files: 3, rows: 3)
                await host.end(SIGTERM)
            case .fullDisk:
                guard let disk else { return }
                let gate = try Gate(host)
                try await host.put(gate.request)
                let handler = try await gate.reached(host)
                try disk.fill("other", leaving: 0)
                handler.open()
                await host.ended()
                try disk.remove("other")
                // When it is delivered again it finds nothing to wait for.
                try gate.abolish()
                try convert(host)
            case .copy: _ = try? await host.put(FaultyRequest("copy", bucket: "outbox", key: "x.txt"))
            case .overwrite: _ = try? await host.put(FaultyRequest("overwrite", bucket: "outbox", key: "x.txt"))
            case .delete: _ = try? await host.put(FaultyRequest("delete", bucket: "outbox", key: "x.txt"))
            case .undo: _ = try? await host.put(FaultyRequest("put-two", bucket: "outbox", key: "d/x.txt"))
            case .deadLetter: try host.move("a,b\n1,2\n", to: "landing-zone", "a/b.csv")
            case .purge: _ = try? await host.client.purge(.init(all: true))
            }
        }

        private func convert(_ host: HostProcess) throws {
            for number in 0..<3 { try host.move("n\n\(number)\n", to: "landing-zone", "crash/t/\(number).csv") }
        }

        private func check(_ host: HostProcess, _ workload: Workload) async throws {
            switch workload {
            case .convert, .start, .segment, .trim, .checkpoint, .fullDisk, .stop:
                try await expectTable(host, "crash", files: 3, rows: 3)
                #expect(host.keys("clean-zone").count == 3)
                #expect(try await host.deadLetters() == [])
            case .putBack:
                let letter = try await host.wait(for: "the dead letter") { try await host.deadLetters().first }
                #expect(letter.code == "Conflict")
                #expect(text(of: host.bucket("outbox") + "/x.txt") == "old and more")
                #expect(host.keys("outbox") == ["x.txt"])
                // With the newer version in the index it may be replaced.
                _ = try await host.wait(for: "the newer version to be known") {
                    try await host.objectEvents(of: "outbox").last?.size == 12 ? true : nil
                }
                #expect(try await host.redrive(.init(all: true)).succeeded == 1)
                #expect(text(of: host.bucket("outbox") + "/x.txt") == "new")
            case .copy:
                _ = try await host.wait(for: "the copy") { host.keys("outbox") == ["x.txt"] ? true : nil }
                #expect(text(of: host.bucket("outbox") + "/x.txt") == "content")
            case .overwrite:
                _ = try await host.wait(for: "the new content") {
                    text(of: host.bucket("outbox") + "/x.txt") == "new" ? true : nil
                }
                #expect(host.keys("outbox") == ["x.txt"])
            case .delete:
                _ = try await host.wait(for: "the deletion") { host.keys("outbox") == [] ? true : nil }
            case .undo:
                let letter = try await host.wait(for: "the dead letter") { try await host.deadLetters().first }
                #expect(letter.code == "PublishFailed" && letter.attempts == 1, "the handler ran once")
                #expect(host.keys("outbox") == ["d"], "the first of two is not to be seen without the second")
                try FileManager.default.removeItem(atPath: host.bucket("outbox") + "/d")
                #expect(try await host.redrive(.init(all: true)).succeeded == 1)
                #expect(host.keys("outbox") == ["d/x.txt", "first/d/x.txt"])
            case .deadLetter:
                let letter = try await host.wait(for: "the dead letter") { try await host.deadLetters().first }
                let input = try await host.client.deadLetter(id: letter.id).input
                #expect(text(of: input?.path ?? "") == "a,b\n1,2\n")
                #expect(host.kept("landing-zone").count == 1)
            case .purge:
                #expect(try await host.deadLetters() == [])
                _ = try await host.wait(for: "the kept file to go") { host.kept("landing-zone").isEmpty ? true : nil }
            }
        }
    }
}

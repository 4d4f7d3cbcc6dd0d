import Foundation
import Gateway
import HostAPI
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
        }

        /// The points that no workload meets for certain, and who tries them instead.
        static let elsewhere: [CrashPoint: String] = [
            .publishPutBack: "needs a writer between two system calls: PublicationCrashTests of ObjectStore"
        ]

        static func workload(of point: CrashPoint) -> Workload? {
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
            case .publishPutBack: nil
            }
        }

        static let points = CrashPoint.allCases.filter { workload(of: $0) != nil }.map(\.rawValue)

        @Test("Every point is tried here, or it is known where else")
        func complete() {
            for point in CrashPoint.allCases {
                #expect((Self.workload(of: point) != nil) != (Self.elsewhere[point] != nil), "\(point)")
            }
        }

        @Test("The host dies at the point, and the next one puts everything right", arguments: points)
        func crash(name: String) async throws {
            let point = try #require(CrashPoint(rawValue: name))
            let workload = try #require(Self.workload(of: point))
            try await crash(at: name, workload)
        }

        @Test(
            "The journal's own points, under files that are converted",
            arguments: ["before-commit", "after-commit", "after-completion"], [3, 5, 7])
        func journal(point: String, arrival: Int) async throws {
            try await crash(at: "journal.\(point):\(arrival)", .convert)
        }

        /// Prepares with a healthy host, dies with an armed one, looks at everything with a third.
        private func crash(at point: String, _ workload: Workload) async throws {
            let host = HostProcess(try .everything())
            do {
                try await host.start()
                try await prepare(host, workload)
                #expect(await host.end() == .exited(0))

                let isReady = try await host.startUntilReadyOrEnd(environment: ["SLUICE_CRASH_AT": point])
                if isReady { try await work(host, workload) }
                let ending = try await endedAtPoint(host)
                #expect(ending == (point.hasPrefix("journal.") ? .killed(SIGKILL) : .exited(137)), "\(host.logText)")
                if !isReady { try await work(host, workload) }

                try await host.start()
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
                try await Task.sleep(for: .seconds(30))
                await host.end(SIGTERM)
            }
            defer { guardian.cancel() }
            return await host.ended()
        }

        private func prepare(_ host: HostProcess, _ workload: Workload) async throws {
            switch workload {
            case .convert, .deadLetter, .start: break
            case .copy:
                try host.copy("content", to: "inbox", "x.txt")
                try await known(host, "inbox")
            case .overwrite, .delete:
                try host.copy("old", to: "outbox", "x.txt")
                try await known(host, "outbox")
            case .undo:
                try host.copy("in the way", to: "outbox", "d")
                try await known(host, "outbox")
            case .purge:
                try host.copy("a,b\n1,2\n", to: "landing-zone", "a/b.csv")
                _ = try await host.wait(for: "the dead letter") { try await host.deadLetters().first }
            }
        }

        private func known(_ host: HostProcess, _ bucket: String) async throws {
            _ = try await host.wait(for: "bucket \(bucket) to know its object") {
                try await host.client.listBuckets().first { $0.name == bucket }?.objects == 1 ? true : nil
            }
        }

        /// The host may die before it has answered: what it had accepted by then counts all the same.
        private func work(_ host: HostProcess, _ workload: Workload) async throws {
            switch workload {
            case .convert, .start:
                for number in 0..<3 { try host.move("n\n\(number)\n", to: "landing-zone", "crash/t/\(number).csv") }
            case .copy: _ = try? await host.put(FaultyRequest("copy", bucket: "outbox", key: "x.txt"))
            case .overwrite: _ = try? await host.put(FaultyRequest("overwrite", bucket: "outbox", key: "x.txt"))
            case .delete: _ = try? await host.put(FaultyRequest("delete", bucket: "outbox", key: "x.txt"))
            case .undo: _ = try? await host.put(FaultyRequest("put-two", bucket: "outbox", key: "d/x.txt"))
            case .deadLetter: try host.move("a,b\n1,2\n", to: "landing-zone", "a/b.csv")
            case .purge: _ = try? await host.client.purge(.init(all: true))
            }
        }

        private func check(_ host: HostProcess, _ workload: Workload) async throws {
            switch workload {
            case .convert, .start:
                try await expectTable(host, "crash", files: 3, rows: 3)
                #expect(host.keys("clean-zone").count == 3)
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

extension HostProcess {
    /// The kept inputs of a bucket's dead letters.
    func kept(_ bucket: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: self.bucket(bucket) + "/.sluice/kept")) ?? []
    }
}

/// Waits until a table has its files, and compares the catalog with the disk.
func expectTable(
    _ host: HostProcess, _ database: String, files: Int, rows: Int64, sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let table = try await host.wait(for: "\(files) files in \(database).t") {
        do {
            let table = try await host.client.table(database: database, name: "t")
            return table.files.count >= files ? table : nil
        } catch let error as APIError where error.status == 404 {
            return nil
        }
    }
    try await host.settled()
    let keys = host.keys("clean-zone").filter { $0.hasPrefix("\(database)/") }
    let now = try await host.client.table(database: database, name: "t")
    #expect(now.files.count == files && now.table.rows == rows, "\(table.table)", sourceLocation: sourceLocation)
    #expect(now.files.map(\.key).sorted() == keys, "catalog and disk differ", sourceLocation: sourceLocation)
}

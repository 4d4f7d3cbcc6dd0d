import Foundation
import FunctionProtocol
import HostAPI
import Journal
import ObjectStore
import SluiceRuntime
import Synchronization
import Testing
import UVLoop

/// Buckets whose folders are copied, exchanged or refused: what is told of their files, and what becomes of outcomes.
@Suite("Buckets that move", .timeLimit(.minutes(5)))
@LoopActor
struct BucketMoveTests {
    private let folder = TemporaryFolder(name: "moves")
    private var path: String { "\(folder.path)/archive" }

    private func declared(_ path: String? = nil, _ more: String = "existing: trigger", name: String = "archive")
        -> String
    {
        "buckets: {\(name): {path: \(path ?? self.path), \(more)}}"
    }

    private func put(_ path: String, _ text: String = "x") throws {
        try FileManager.default.createDirectory(
            at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    /// With times and hidden files, as to another disk: every file has another inode.
    private func copy(_ from: String, _ to: String) throws {
        var pid: pid_t = 0
        var words: [UnsafeMutablePointer<CChar>?] = ["cp", "-a", from, to].map { (word: String) in strdup(word) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var status: Int32 = -1
        if posix_spawnp(&pid, "cp", nil, nil, &words, environ) == 0 { waitpid(pid, &status, 0) }
        #expect(status == 0)
    }

    /// What was told of each file, in order.
    private nonisolated static func told(_ journal: InMemoryJournal) throws -> [String] {
        try journal.records(log: "default", after: 0, limit: 100).map {
            let text = String(decoding: $0.payload, as: UTF8.self)
            let key = text.firstRange(of: #""key":""#).map { text[$0.upperBound...].prefix { $0 != "\"" } } ?? ""
            return (text.contains("Object Deleted") ? "- " : "+ ") + key
        }
    }

    @Test(
        "A bucket that was copied elsewhere and is deployed there has the files it had: nothing is told of them again")
    func copied() async throws {
        try put("\(path)/one.csv")
        try put("\(path)/two.csv", "two")
        let host = try await HostInProcess(rules: [:], more: declared())
        let other = "\(folder.path)/other"
        try copy(path, other)
        try put("\(other)/two.csv", "another")
        try await host.deploy(rules: [:], more: declared(other))
        try FileManager.default.removeItem(atPath: path)
        try put("\(other)/three.csv")
        let _: Bool = try await host.wait { try Self.told(host.journal).contains("+ three.csv") ? true : nil }
        #expect(try Self.told(host.journal) == ["+ one.csv", "+ two.csv", "+ two.csv", "+ three.csv"])
        await host.stop()
        // Restored from a copy while no host runs.
        try copy(other, path)
        try FileManager.default.removeItem(atPath: other)
        try copy(path, other)
        let next = try await HostInProcess(rules: [:], more: declared(other), after: host)
        #expect(try Self.told(next.journal).count == 4)
        #expect(try await next.control.status().warnings == [])
        await next.stop()
    }

    @Test(
        "A host does not start with a bucket that cannot be opened, whatever the reason, and leaves everything as it is"
    )
    func unreachable() async throws {
        try put("\(path)/one.csv")
        let first = try await HostInProcess(rules: [:], more: declared())
        await first.stop()
        try FileManager.default.moveItem(atPath: path, toPath: path + ".away")
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path)
        await #expect {
            _ = try await HostInProcess(rules: [:], more: declared(), after: first)
        } throws: { error in
            let error = error as? HostStartError
            return error?.findings.map(\.code) == ["BucketRefused"] && error?.message.contains("start again") == true
                && error?.findings.first?.message.contains("bucket archive") == true
        }
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: path + ".away", toPath: path)
        let second = try await HostInProcess(rules: [:], more: declared(), after: first)
        #expect(try Self.told(second.journal) == ["+ one.csv"])
        await second.stop()
    }

    @Test("Of an app that is refused at a start no bucket takes force")
    func refused() async throws {
        let first = try await HostInProcess(rules: [:], more: declared())
        await first.stop()
        let more = "buckets: {archive: {path: \(path), ignore: ['*.csv']}, extra: {path: \(folder.path)/extra}}"
        let host = try await HostInProcess(
            functions: ["InC": "environment: {PREPARE: fail}"], rules: [:], more: more, after: first, isAsked: false)
        try #require(try await host.control.status().warnings.contains { $0.contains("cannot be deployed") })
        #expect(try await host.control.listBuckets().map(\.name) == ["archive"])
        #expect(try host.journal.value(name: "bucket/extra") == nil)
        try put("\(path)/one.csv")
        let _: Bool = try await host.wait { try Self.told(host.journal) == ["+ one.csv"] ? true : nil }
        await host.stop()
    }

    @Test("That a folder is met for the first time is known with the deployment that names it")
    func metFirst() async throws {
        let host = try await HostInProcess(rules: [:], more: declared(nil, "existing: ignore"))
        let other = "\(folder.path)/other"
        try put("\(other)/old.csv")
        // The deployment's own commit has the note; none that comes later is needed.
        let notes = Mutex<[String]>([])
        host.journal.injectFault { batch in
            var (isDeployment, found): (Bool, [String]) = (false, [])
            for change in batch.control {
                if case .deploy = change { isDeployment = true }
                if case .putValue(let name, let body) = change, name == "bucket/archive" {
                    found.append(String(decoding: body, as: UTF8.self))
                }
            }
            if isDeployment { notes.withLock { $0 += found } }
            return nil
        }
        try await host.deploy(rules: [:], more: declared(other, "existing: ignore"))
        host.journal.injectFault(nil)
        let note = try #require(notes.withLock { $0 }.first)
        #expect(note.contains(#""adopted":false"#) && note.contains("adoptBefore"), "\(note)")
        try put("\(other)/new.csv")
        let _: Bool = try await host.wait { try Self.told(host.journal).isEmpty ? nil : true }
        #expect(try Self.told(host.journal) == ["+ new.csv"])
        await host.stop()
    }

    @Test("A bucket can get another name in one deployment")
    func renamed() async throws {
        try put("\(path)/one.csv")
        let host = try await HostInProcess(rules: [:], more: declared())
        try await host.deploy(rules: [:], more: declared(nil, "existing: ignore", name: "renamed"))
        #expect(try await host.control.listBuckets().map(\.name) == ["renamed"])
        try put("\(path)/two.csv")
        let _: Bool = try await host.wait { try Self.told(host.journal).contains("+ two.csv") ? true : nil }
        #expect(try Self.told(host.journal) == ["+ one.csv", "+ two.csv"])
        await host.stop()
    }

    @Test("What was staged in a folder that a deployment has exchanged is not published: its handler runs again")
    func staged() async throws {
        let host = try await HostInProcess(rules: [:], more: declared())
        let publisher = host.runtime.publisher
        var effects = EffectSet()
        let bucket = try Bucket.open(name: "archive", path: path)
        let (file, descriptor) = try bucket.createStage(StagingAttempt(boot: 1, number: 1))
        close(descriptor)
        #expect(effects.stage(file, in: bucket) == 1)
        #expect(publisher.lostPlace(of: effects) == nil)
        // Where it is does not matter, only which folder it is.
        try FileManager.default.moveItem(atPath: path, toPath: path + ".moved")
        try await host.deploy(rules: [:], more: declared(path + ".moved"))
        #expect(publisher.lostPlace(of: effects) == nil)
        try await host.deploy(rules: [:], more: declared("\(folder.path)/other"))
        let told = try #require(publisher.lostPlace(of: effects))
        #expect(told.code == "BucketLeaving" && FailureClass(code: told.code, retry: told.retry) == .platform)
        try await host.deploy(rules: [:])
        #expect(publisher.lostPlace(of: effects)?.code == "NoSuchBucket")
        await host.stop()
    }
}

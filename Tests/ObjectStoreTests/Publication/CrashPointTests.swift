import Foundation
import Glibc
import ObjectStore
import Testing

/// The real disk and a real death: a child process runs an invocation's publications, dies at a named point, and this
/// process recovers.
@Suite("Crash points", .timeLimit(.minutes(3)))
struct CrashPointTests {
    /// What the child does up to its death, with the journal as a file: present once the outcome is decided.
    static func invoke(_ path: String) throws {
        let bucket = try Bucket.open(name: "bucket", path: path)
        let attempt = StagingAttempt(boot: 1, number: 1)
        let source = try bucket.open("input")
        let copy = try bucket.stageCopy(attempt, from: source.descriptor)
        let (file, descriptor) = try bucket.createStage(attempt)
        try writeAll(descriptor, "new")
        close(descriptor)
        let sealed = try bucket.seal([copy, file])
        let publications = [
            sealed[0].publication(key: "deep/er/copy"),
            sealed[1].publication(key: "replaced", overwrite: true, known: try bucket.version("replaced")),
            bucket.deletion(attempt, key: "deleted", known: try bucket.version("deleted")),
        ]
        try JSONEncoder().encode(publications).write(to: URL(fileURLWithPath: path + ".decided"))
        for publication in publications { _ = try bucket.publish(publication) }
        unlink(path + ".decided")
        bucket.discard(attempt)
    }

    static let points: [CrashPoint] = [
        .stageCreated, .stageCopied, .sealFileSynced, .sealFolderSynced, .publishBegun, .publishParentMade,
        .publishParentSynced, .publishRenamed, .publishExchanged, .publishDeleted, .publishFolderSynced,
        .discardBegun, .discardFileRemoved, .discardFolderRemoved,
    ]

    @Test("killed there, the invocation has all of its effects or none", arguments: points, 1...2)
    func dies(point: CrashPoint, arrival: Int) async throws {
        let folder = try TemporaryFolder()
        let bucket = try folder.bucket()
        let path = bucket.path
        for key in ["input", "replaced", "deleted"] { try writeFile("\(path)/\(key)", "old \(key)") }
        let once: Set<CrashPoint> = [
            .stageCopied, .sealFolderSynced, .publishRenamed, .publishExchanged, .publishDeleted, .discardBegun,
            .discardFolderRemoved,
        ]
        let armed = "\(point.rawValue):\(arrival)"
        let dies = !(arrival == 2 && once.contains(point))
        await #expect(processExitsWith: dies ? .exitCode(137) : .success) {
            [path = path as String, armed = armed as String] in
            setenv("SLUICE_CRASH_AT", armed, 1)
            try Self.invoke(path)
        }
        let next = try Bucket.open(name: "bucket", path: path)
        var done = !dies || point.rawValue.hasPrefix("discard.")
        if let text = try? Data(contentsOf: URL(fileURLWithPath: path + ".decided")) {
            done = true
            for publication in try JSONDecoder().decode([Publication].self, from: text) {
                _ = try next.publish(publication, recovering: true)
            }
        }
        next.cleanStaging(keeping: [])
        #expect(
            try next.list().objects.map(\.key)
                == (done ? ["deep/er/copy", "input", "replaced"] : ["deleted", "input", "replaced"]))
        #expect(readFile("\(path)/replaced") == (done ? "new" : "old replaced"))
        #expect(readFile("\(path)/deep/er/copy") == (done ? "old input" : nil))
        #expect(try shell("ls -A .sluice", in: path) == "id\n")
        if point.rawValue.hasPrefix("publish.") { #expect(done) }
    }

    @Test(
        "killed while it takes its publications back, it leaves none",
        arguments: [CrashPoint.undoRenamed, .undoFolderSynced], 1...3)
    func diesUndoing(point: CrashPoint, arrival: Int) async throws {
        let folder = try TemporaryFolder()
        let path = try folder.bucket().path
        for key in ["replaced", "deleted"] { try writeFile("\(path)/\(key)", "old \(key)") }
        let armed = "\(point.rawValue):\(arrival)"
        await #expect(processExitsWith: .exitCode(137)) {
            [path = path as String, armed = armed as String] in
            setenv("SLUICE_CRASH_AT", armed, 1)
            let bucket = try Bucket.open(name: "bucket", path: path)
            let attempt = StagingAttempt(boot: 1, number: 1)
            let publications = [
                try bucket.staged(attempt, "new").publication(key: "deep/new"),
                try bucket.staged(attempt, "new").publication(
                    key: "replaced", overwrite: true, known: try bucket.version("replaced")),
                bucket.deletion(attempt, key: "deleted", known: try bucket.version("deleted")),
            ]
            try JSONEncoder().encode(publications).write(to: URL(fileURLWithPath: path + ".decided"))
            for publication in publications { _ = try bucket.publish(publication) }
            for publication in publications.reversed() { try bucket.undo(publication) }
        }
        let bucket = try Bucket.open(name: "bucket", path: path)
        let publications = try JSONDecoder().decode(
            [Publication].self, from: try Data(contentsOf: URL(fileURLWithPath: path + ".decided")))
        for publication in publications.reversed() { try bucket.undo(publication) }
        #expect(try bucket.list().objects.map(\.key) == ["deleted", "replaced"])
        #expect(readFile("\(path)/replaced") == "old replaced")
        #expect(readFile("\(path)/deleted") == "old deleted")
        #expect(publications[..<2].allSatisfy { readFile("\(path)/\($0.staged)") == "new" })
    }

    @Test(
        "killed while it keeps an input, nothing unnamed stays",
        arguments: [CrashPoint.keepCopied, .keepSynced, .keepReleased])
    func diesKeeping(point: CrashPoint) async throws {
        let folder = try TemporaryFolder()
        let bucket = try folder.bucket()
        try writeFile("\(bucket.path)/k", "content")
        await #expect(processExitsWith: .exitCode(137)) {
            [path = bucket.path as String, armed = point.rawValue as String] in
            setenv("SLUICE_CRASH_AT", armed, 1)
            let bucket = try Bucket.open(name: "bucket", path: path)
            bucket.releaseKept(try bucket.keepInput("k", version: try bucket.version("k"), id: "1-1-0"))
        }
        bucket.removeKept(bucket.keptNames())
        #expect(try shell("ls -A .sluice/kept", in: bucket.path) == "")
        let kept = try bucket.keepInput("k", version: try bucket.version("k"), id: "1-1-0")
        #expect(readFile("\(bucket.path)/\(kept.path)") == "content")
    }

    @Test(
        "a watcher that dies around its commit loses and doubles nothing",
        arguments: [CrashPoint.watchBeforeCommit, .watchCommitted])
    func watcherDies(point: CrashPoint) async throws {
        let folder = try TemporaryFolder()
        let bucket = try folder.bucket()
        for key in ["a", "b"] { try writeFile("\(bucket.path)/\(key)", key) }
        let path = bucket.path
        let armed = point.rawValue
        await #expect(processExitsWith: .exitCode(137)) { [path = path as String, armed = armed as String] in
            setenv("SLUICE_CRASH_AT", armed, 1)
            let index = FileIndex(path: path + ".index")
            let watcher = try BucketWatcher.start(
                try Bucket.open(name: "bucket", path: path), index: index, sink: index)
            while true { pause() }
            _ = watcher
        }
        let harnessed = FileIndex(path: path + ".index")
        #expect(try harnessed.read().map(\.key) == (point == .watchCommitted ? ["a", "b"] : []))
        let ready = DispatchSemaphore(value: 0)
        let watcher = try BucketWatcher.start(
            bucket, index: harnessed, sink: harnessed, options: BucketWatcher.Options(ready: { _ in ready.signal() }))
        #expect(await wait(ready))
        watcher.stop()
        #expect(try harnessed.read().map(\.key) == ["a", "b"])
    }

    private func wait(_ semaphore: DispatchSemaphore) async -> Bool {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(returning: semaphore.wait(timeout: .now() + 120) == .success)
            }
        }
    }

    @Test("a name that is no point stops the process at once")
    func unknown() async throws {
        await #expect(processExitsWith: .exitCode(2)) {
            setenv("SLUICE_CRASH_AT", "publish.nowhere", 1)
            CrashPoint.hit(.publishBegun)
        }
    }

    @Test("every point has its own name")
    func names() {
        #expect(Set(CrashPoint.all).count == CrashPoint.all.count)
        #expect(CrashPoint.all.allSatisfy { $0.split(separator: ".").count == 2 })
    }
}

/// A journal of created objects in one file, written whole by rename: what survives a process.
final class FileIndex: ObjectIndexReading, ChangeSink {
    let path: String

    init(path: String) {
        self.path = path
    }

    func read() throws -> [KnownObject] {
        guard let text = try? Data(contentsOf: URL(fileURLWithPath: path)) else { return [] }
        return try JSONDecoder().decode([KnownObject].self, from: text).sorted { $0.key < $1.key }
    }

    func known(bucket: String, key: String) throws -> KnownObject? { try read().first { $0.key == key } }

    func page(bucket: String, after: String, limit: Int) throws -> [KnownObject] {
        Array(try read().filter { $0.key > after }.prefix(limit))
    }

    func commit(_ changes: [ObjectChange]) throws {
        var rows = try read()
        for case .created(let sighting) in changes {
            rows.append(
                KnownObject(
                    bucket: sighting.bucket, key: sighting.key, stamp: sighting.stamp, sample: sighting.sample,
                    etag: sighting.etag))
        }
        try JSONEncoder().encode(rows).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
}

import Glibc
import ObjectStore
import Testing

/// As root nothing is refused, so a child process gives up root first.
@Suite("As an unprivileged user", .enabled(if: isRoot, "needs root to give it up"), .timeLimit(.minutes(5)))
struct UnprivilegedTests {
    static let nobody: uid_t = 65534

    static func giveUpRoot() throws {
        guard setgroups(0, nil) == 0, setgid(nobody) == 0, setuid(nobody) == 0 else {
            throw TestFailure("cannot give up root: \(errno)")
        }
    }

    @Test("a bucket that may only be read is opened, says why nothing can be published, and works once corrected")
    func readOnly() async throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/b"
        try shell("chmod 755 .; mkdir b; echo hi > b/k; chmod 555 b; chown -R 65534 b", in: folder.path)
        await #expect(processExitsWith: .success) { [path = path as String] in
            try Self.giveUpRoot()
            let bucket = try Bucket.open(name: "b", path: path)
            #expect(bucket.notWritableReason?.code == .accessDenied)
            close(try bucket.open("k").descriptor)
            let attempt = StagingAttempt(boot: 1, number: 1)
            do {
                _ = try bucket.createStage(attempt)
                Issue.record("staged")
            } catch let error as ObjectStoreError {
                #expect(error.code == .accessDenied)
                #expect(!error.isPermanent, "somebody may correct it")
            }
            chmod(path, 0o755)
            #expect(bucket.notWritableReason == nil)
            let publication = try bucket.staged(attempt, "x").publication(key: "sub/x")
            mkdir("\(path)/sub", 0o555)
            do {
                _ = try bucket.publish(publication)
                Issue.record("published")
            } catch let error as ObjectStoreError {
                #expect(error.code == .accessDenied)
                #expect(!error.isPermanent)
            }
            chmod("\(path)/sub", 0o755)
            _ = try bucket.publish(publication)
            #expect(readFile("\(path)/sub/x") == "x")
        }
    }

    @Test("a file that may not be read is announced, and opening it is AccessDenied")
    func unreadable() async throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/b"
        try shell("chmod 755 .; mkdir b; echo secret > b/k; chmod 600 b/k; chown 65534 b", in: folder.path)
        await #expect(processExitsWith: .success) { [path = path as String] in
            try Self.giveUpRoot()
            let bucket = try Bucket.open(
                name: "b", path: path, configuration: BucketConfiguration(quiet: .milliseconds(50)))
            #expect(code { close(try bucket.open("k").descriptor) } == "AccessDenied")
            let index = MemoryIndex()
            let watcher = try BucketWatcher.start(bucket, index: index, sink: index)
            try index.wait("k", { "\(watcher.status)" }) { $0.row("k") != nil }
            #expect(index.row("k")?.sample == 0)
            watcher.stop()
        }
    }

    @Test(
        "where leases are refused, a scan waits until a file was left alone for the quiet time; a close or a rename needs no wait"
    )
    func quiet() async throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/b"
        try shell("chmod 755 .; mkdir b out; chmod 777 b out; echo half > b/k; echo other > out/other", in: folder.path)
        await #expect(processExitsWith: .success) { [path = path as String] in
            let writer = open("\(path)/k", O_WRONLY | O_APPEND | O_CLOEXEC)
            try Self.giveUpRoot()
            let bucket = try Bucket.open(
                name: "b", path: path, configuration: BucketConfiguration(quiet: .seconds(1)))
            let index = MemoryIndex()
            try writeAll(writer, "more\n")
            let written = BucketWatcher.now
            let watcher = try BucketWatcher.start(bucket, index: index, sink: index)
            try index.wait("the file to wait", { "\(watcher.status)" }) {
                // On a slow machine the quiet time is over before the first look.
                watcher.status.waiting == 1 || $0.row("k") != nil
            }
            #expect(rename("\(path)/../out/other", "\(path)/other") == 0)
            try index.wait("other", { "\(watcher.status)" }) { $0.row("other") != nil }
            if BucketWatcher.now - written < 1_000_000_000 { #expect(index.row("k") == nil) }
            try index.wait("k", { "\(watcher.status)" }) { $0.row("k") != nil }
            #expect(BucketWatcher.now - written >= 1_000_000_000)
            watcher.stop()
        }
    }

    @Test("where leases are refused, a file whose stamps lie in the future is believed after the quiet time")
    func future() async throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/b"
        try shell(
            "chmod 755 .; mkdir b; chmod 777 b; echo k > b/k; echo m > b/m; touch -d 2040-01-01 b/m", in: folder.path)
        await #expect(processExitsWith: .success) { [path = path as String] in
            try Self.giveUpRoot()
            let bucket = try Bucket.open(
                name: "b", path: path, configuration: BucketConfiguration(quiet: .milliseconds(50)))
            // The modification time alone, then all of them.
            for (key, lag) in [("m", 0), ("k", 3600)] {
                let index = MemoryIndex()
                let watcher = try BucketWatcher.start(
                    bucket, index: index, sink: index, options: BucketWatcher.Options(clockLag: .seconds(lag)))
                try index.wait(key, { "\(watcher.status)" }) { $0.row(key) != nil }
                watcher.stop()
            }
        }
    }

    @Test("files in a folder that becomes readable later are found")
    func unreadableFolder() async throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/b"
        try shell("chmod 755 .; mkdir -p b/t; echo > b/t/1; chown -R 65534 b; chmod 0 b/t", in: folder.path)
        await #expect(processExitsWith: .success) { [path = path as String] in
            try Self.giveUpRoot()
            let bucket = try Bucket.open(name: "b", path: path)
            let index = MemoryIndex()
            let watcher = try BucketWatcher.start(bucket, index: index, sink: index)
            try index.wait("the scan", { "\(watcher.status)" }) { _ in watcher.status.isReady }
            #expect(watcher.status.refused.map(\.path) == ["t/"])
            chmod("\(path)/t", 0o755)
            try index.wait("t/1", { "\(watcher.status)" }) { $0.row("t/1") != nil }
            watcher.stop()
        }
    }
}

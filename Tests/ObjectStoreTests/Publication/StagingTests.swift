import Glibc
import ObjectStore
import Testing

@Suite("Staging")
struct StagingTests {
    let folder: TemporaryFolder
    let bucket: Bucket
    let attempt = StagingAttempt(boot: 3, number: 17)

    init() throws {
        folder = try TemporaryFolder()
        bucket = try folder.bucket()
    }

    @Test("staged files lie in the bucket without the key's suffix, sealed ones are recorded as they are")
    func stages() throws {
        let (first, descriptor) = try bucket.createStage(attempt)
        #expect(first.path == ".sluice/3-17/0")
        try writeAll(descriptor, "hello")
        close(descriptor)
        let (second, other) = try bucket.createStage(attempt)
        #expect(second.path == ".sluice/3-17/1")
        close(other)
        let sealed = try bucket.seal([first, second])
        #expect(sealed.map(\.size) == [5, 0])
        #expect(try shell("stat -c '%i %a' .sluice/3-17/0", in: bucket.path) == "\(first.inode) 644\n")
        bucket.discard(attempt)
        #expect(try shell("ls -A .sluice", in: bucket.path) == "id\n")
    }

    @Test("a file with a writer, another name, or another inode cannot be sealed")
    func flaws() throws {
        let (open, descriptor) = try bucket.createStage(attempt)
        #expect(code { _ = try bucket.seal([open]) } == "StageInvalid")
        close(descriptor)
        #expect(code { _ = try bucket.seal([open]) } == nil)

        let mapped = try bucket.createStage(attempt)
        try writeAll(mapped.descriptor, "content")
        let memory = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, mapped.descriptor, 0)
        close(mapped.descriptor)
        #expect(code { _ = try bucket.seal([mapped.file]) } == "StageInvalid", "a mapping writes too")
        munmap(memory, 4096)
        #expect(code { _ = try bucket.seal([mapped.file]) } == nil)

        try shell("ln .sluice/3-17/0 elsewhere", in: bucket.path)
        #expect(code { _ = try bucket.seal([open]) } == "StageInvalid")
        try shell("rm elsewhere; echo > x; mv x .sluice/3-17/0", in: bucket.path)
        #expect(code { _ = try bucket.seal([open]) } == "StageInvalid")
        try shell("rm .sluice/3-17/0", in: bucket.path)
        #expect(code { _ = try bucket.seal([open]) } == "NoSuchKey")
    }

    @Test("the quota counts all staged bytes of the attempt")
    func quota() throws {
        let (file, descriptor) = try bucket.createStage(attempt, quota: 10)
        try writeAll(descriptor, "0123456789")
        close(descriptor)
        #expect(code { _ = try bucket.createStage(attempt, quota: 10) } == "StagingQuotaExceeded")
        #expect(code { _ = try bucket.seal([file], quota: 9) } == "StagingQuotaExceeded")
        #expect(code { _ = try bucket.seal([file], quota: 10) } == nil)
        try writeFile("\(bucket.path)/source", "12345")
        let source = try bucket.open("source")
        defer { close(source.descriptor) }
        #expect(
            code { _ = try bucket.stageCopy(attempt, from: source.descriptor, quota: 14) } == "StagingQuotaExceeded")
        let copy = try bucket.stageCopy(attempt, from: source.descriptor, quota: 15)
        #expect(readFile("\(bucket.path)/\(copy.path)") == "12345")
    }

    @Test("at start, only the staging of attempts that are still wanted stays")
    func cleans() throws {
        let kept = StagingAttempt(boot: 1, number: 1)
        _ = try bucket.staged(kept, "kept")
        _ = try bucket.staged(attempt, "gone")
        try shell(
            "mkdir -p .sluice/3-17/sub/dir .sluice/9-9 .sluice/kept; echo > .sluice/3-17/sub/dir/f; echo > .sluice/probe-1",
            in: bucket.path)
        #expect(
            Set(bucket.cleanStaging(keeping: [kept])) == [attempt, StagingAttempt(boot: 9, number: 9)])
        #expect(try shell("find .sluice -type f | sort", in: bucket.path) == ".sluice/1-1/0\n.sluice/id\n")
        #expect(try shell("ls .sluice", in: bucket.path) == "1-1\nid\nkept\n")
    }

    @Test("a failed fsync fails the attempt and says so")
    func failedSync() throws {
        let files = SimulatedFileSystem()
        let bucket = Bucket(name: "b", files: files)
        let (file, _) = try bucket.createStage(attempt)
        files.fail("fsync", file.path, errno: EIO)
        do {
            _ = try bucket.seal([file])
            Issue.record("sealed")
        } catch {
            #expect(error.code == .syncFailed)
            #expect(error.isPermanent)
        }
    }
}

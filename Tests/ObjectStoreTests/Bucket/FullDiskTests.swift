import Glibc
import ObjectStore
import Testing

@Suite("On a full disk", .enabled(if: isRoot, "mount needs root"), .serialized)
struct FullDiskTests {
    let folder: TemporaryFolder
    let disk: String

    init() throws {
        folder = try TemporaryFolder()
        disk = "\(folder.path)/disk"
        try shell("mkdir disk; mount -t tmpfs -o size=256k,nr_inodes=40 tmpfs disk", in: folder.path)
    }

    func unmount() {
        _ = try? shell("umount -l '\(disk)'")
    }

    @Test("staging and publishing say NoSpace, which passes when there is room again")
    func publishes() throws {
        defer { unmount() }
        let bucket = try Bucket.open(name: "b", path: "\(disk)/b")
        let attempt = StagingAttempt(boot: 1, number: 1)
        let publication = try bucket.staged(attempt, "content").publication(key: "a/b/c")
        _ = try? shell("i=0; while touch filler-$i 2>/dev/null; do i=$((i+1)); done", in: disk)
        do {
            _ = try bucket.publish(publication)
            Issue.record("published")
        } catch {
            #expect(error.code == .noSpace)
            #expect(!error.isPermanent)
        }
        #expect(code { _ = try bucket.createStage(attempt) } == "NoSpace")
        try shell("rm filler-*", in: disk)
        _ = try bucket.publish(publication)
        #expect(readFile("\(bucket.path)/a/b/c") == "content")
    }

    @Test("an input that cannot be copied is kept as a hard link")
    func keeps() throws {
        defer { unmount() }
        let bucket = try Bucket.open(name: "b", path: "\(disk)/b")
        try shell("head -c 150000 /dev/urandom > k", in: bucket.path)
        let kept = try bucket.keepInput("k", version: try bucket.version("k"), id: "1-1-0")
        #expect(kept.kind == .hardLink)
        #expect(try shell("ls .sluice/kept | wc -l", in: bucket.path) == "1\n")
        let source = try bucket.open("k")
        defer { close(source.descriptor) }
        #expect(
            code { _ = try bucket.stageCopy(StagingAttempt(boot: 1, number: 1), from: source.descriptor) } == "NoSpace")
        #expect(
            try shell("find .sluice -size +0 -type f ! -name id | wc -l", in: bucket.path) == "1\n",
            "the half copy is gone")
    }
}

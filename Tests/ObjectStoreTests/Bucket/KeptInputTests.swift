import ObjectStore
import Testing

@Suite("Kept inputs")
struct KeptInputTests {
    let folder: TemporaryFolder
    let bucket: Bucket

    init() throws {
        folder = try TemporaryFolder()
        bucket = try folder.bucket()
    }

    @Test("small files are copied, large ones linked, and each says which; they outlive the object")
    func kinds() throws {
        try writeFile("\(bucket.path)/small", "content")
        try shell("head -c 100000 /dev/urandom > large", in: bucket.path)
        let large = try bucket.version("large")
        let small = try bucket.keepInput("small", version: try bucket.version("small"), id: "1-1-0", copyLimit: 1000)
        let linked = try bucket.keepInput("large", version: large, id: "1-1-1", copyLimit: 1000)
        #expect([.copy, .reflink].contains(small.kind))
        #expect([.hardLink, .reflink].contains(linked.kind))
        try bucket.confirm("large", is: large)
        let sum = try shell("sha1sum < large", in: bucket.path)
        try shell("rm small large", in: bucket.path)
        let opened = try bucket.openKept(small)
        #expect(readAll(opened.descriptor) == "content")
        #expect(try shell("sha1sum < \(linked.path)", in: bucket.path) == sum)
        bucket.cleanStaging(keeping: [])
        bucket.removeKept(bucket.keptNames().filter { $0 != "1-1-0" })
        #expect(try shell("ls .sluice/kept", in: bucket.path) == "1-1-0\n")
        bucket.releaseKept(small)
        #expect(code { _ = try bucket.openKept(small) } == "NoSuchKey")
    }

    @Test("a hard link whose object was rewritten is not passed off as the input")
    func rewritten() throws {
        try shell("head -c 5000 /dev/urandom > k", in: bucket.path)
        let kept = try bucket.keepInput("k", version: try bucket.version("k"), id: "1-1-0", copyLimit: 10)
        guard kept.kind == .hardLink else { return }
        try shell("chmod 600 k", in: bucket.path)
        #expect(code { _ = try bucket.openKept(kept) } == nil)
        try shell("head -c 5000 /dev/urandom > k", in: bucket.path)
        #expect(code { _ = try bucket.openKept(kept) } == "ObjectChanged")
    }

    @Test("what nothing names any more may stay for a while")
    func retention() throws {
        try writeFile("\(bucket.path)/k", "one")
        let kept = try bucket.keepInput("k", version: try bucket.version("k"), id: "1-1-0")
        bucket.removeKept(bucket.keptNames(), changedBefore: 1)
        #expect(code { _ = try bucket.openKept(kept) } == nil)
        bucket.removeKept(bucket.keptNames(), changedBefore: .max - 1)
        #expect(code { _ = try bucket.openKept(kept) } == "NoSuchKey")
    }

    @Test("another version than the event's is not kept; a gone one is NoSuchKey")
    func gone() throws {
        try writeFile("\(bucket.path)/k", "one")
        let version = try bucket.version("k")
        try writeFile("\(bucket.path)/k", "two")
        #expect(code { _ = try bucket.keepInput("k", version: version, id: "1") } == "ObjectChanged")
        try shell("rm k", in: bucket.path)
        #expect(code { _ = try bucket.keepInput("k", version: version, id: "1") } == "NoSuchKey")
    }
}

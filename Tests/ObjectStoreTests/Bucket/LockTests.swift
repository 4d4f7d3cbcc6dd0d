import ObjectStore
import Testing

@Suite("A bucket's folder is one host's")
struct LockTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func open(_ owner: String?, path: String? = nil, succeeding before: Bucket? = nil) throws -> Bucket {
        try Bucket.open(
            name: "bucket", path: path ?? "\(folder.path)/bucket", owner: owner, succeeding: before)
    }

    @Test("a second host is told whose it is; the first may open it anew; once it is let go another one may have it")
    func exclusive() throws {
        let first = try open("host one")
        func refusal(_ owner: String = "host two") -> String? {
            do {
                _ = try open(owner)
                return nil
            } catch {
                return "\(error)"
            }
        }
        let text = try #require(refusal())
        #expect(text.contains("in use by host one") && text.contains("BucketInUse"), "\(text)")
        #expect(text.contains("\(folder.path)/bucket"))
        // Who only reads is not kept out.
        _ = try open(nil)
        let reopened = try open("host one", succeeding: first)
        first.releaseLock()
        #expect(refusal() == nil, "the same lock is let go")
        let other = try open("host two")
        #expect(refusal("host three")?.contains("host two") == true)
        withExtendedLifetime((reopened, other)) {}
    }

    @Test("a lock goes with its bucket; one whose file was taken away or copied is none")
    func gone() throws {
        var first: Bucket? = try open("host one")
        #expect(first?.lockWarning == nil)
        try shell("cp -a bucket copy", in: folder.path)
        let copy = try open("host two", path: "\(folder.path)/copy")
        first = nil
        let second = try open("host two")
        // Another folder in its place is another lock.
        try shell("mv bucket moved; mkdir bucket", in: folder.path)
        let third = try open("host two", succeeding: second)
        #expect(throws: ObjectStoreError.self) { try open("host three") }
        #expect(throws: ObjectStoreError.self) { try open("host three", path: "\(folder.path)/moved") }
        withExtendedLifetime((copy, second, third)) {}
    }

    @Test("a host that still stages in a bucket it has closed does not keep itself out; nor is another let in")
    func closedAndOpenedAgain() throws {
        let staging = try open("host one")
        var again: Bucket? = try open("host one")
        #expect(throws: ObjectStoreError.self) { try open("host two") }
        again = nil
        #expect(throws: ObjectStoreError.self) { try open("host two") }
        withExtendedLifetime((staging, again)) {}
    }

    @Test("what a host finds in a folder that is not its own is not cleaned")
    func cleaning() throws {
        let first = try open("host one")
        let attempt = StagingAttempt(boot: 1, number: 1)
        try shell("mkdir bucket/.sluice/\(attempt); touch bucket/.sluice/\(attempt)/a", in: folder.path)
        first.releaseLock()
        #expect(first.cleanStaging(keeping: []).isEmpty)
        #expect(try open("host two").cleanStaging(keeping: []) == [attempt])
    }

    @Test("where there are no locks to be had the bucket is opened, and says so")
    func none() throws {
        try shell("mkdir -p bucket/.sluice/lock", in: folder.path)
        let bucket = try open("host one")
        #expect(bucket.lockWarning?.contains("cannot be locked") == true)
    }
}

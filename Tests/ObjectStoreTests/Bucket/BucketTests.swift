import CLinux
import Glibc
import ObjectStore
import Testing

@Suite("Buckets: opening, reading, listing")
struct BucketTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test("a bucket is made with its parents, and proves that it can be published into")
    func opens() throws {
        let bucket = try Bucket.open(name: "landing-zone", path: "\(folder.path)/data/buckets/landing-zone")
        #expect(bucket.notWritableReason == nil)
        #expect(bucket.isMarked)
        #expect(try shell("ls -A", in: bucket.path) == ".sluice\n")
        #expect(try shell("ls -A .sluice", in: bucket.path) == "id\n")
        #expect(code { _ = try Bucket.open(name: "landing-zone", path: bucket.path, known: .marked) } == nil)
        #expect(bucket.fileSystem.reportsChanges)
    }

    @Test("times of files beyond a nanosecond's range are its ends")
    func times() throws {
        let bucket = try Bucket.open(name: "b", path: "\(folder.path)/b")
        try shell("touch -d 2262-04-11T23:47:17.5Z late", in: bucket.path)
        // Some file systems cut times to what they can keep.
        guard try shell("stat -c %Y late", in: bucket.path) == "9223372037\n" else { return }
        #expect(try bucket.stat("late").modified == .max)
    }

    @Test("the data folder inside a bucket is refused, also through a link and before it exists")
    func dataFolderInside() throws {
        try shell("mkdir b; ln -s b link", in: folder.path)
        for data in ["b", "b/data", "b/x/y/data", "link/data"] {
            #expect(
                code {
                    _ = try Bucket.open(
                        name: "b", path: "\(folder.path)/b", dataFolder: "\(folder.path)/\(data)")
                } == "BucketRefused", "\(data)")
        }
        #expect(
            code {
                _ = try Bucket.open(name: "b", path: "\(folder.path)/b", dataFolder: folder.path)
            } == nil)
    }

    @Test("a folder that is not the one whose objects are known is refused, and left as it is")
    func lost() throws {
        let path = "\(folder.path)/archive"
        for known in [Bucket.KnownFolder.objects, .marked] {
            #expect(code { _ = try Bucket.open(name: "archive", path: path, known: known) } == "BucketLost")
            #expect(try shell("ls", in: folder.path) == "")
        }
        // The mount point of a disk that is not mounted.
        try shell("mkdir archive", in: folder.path)
        for known in [Bucket.KnownFolder.objects, .marked] {
            #expect(code { _ = try Bucket.open(name: "archive", path: path, known: known) } == "BucketLost")
            #expect(try shell("ls -A archive", in: folder.path) == "")
        }
        // What could only be read has no mark: its files tell.
        try writeFile("\(path)/file", "")
        #expect(code { _ = try Bucket.open(name: "archive", path: path, known: .marked) } == "BucketLost")
        #expect(try shell("ls -A archive", in: folder.path) == "file\n")
        #expect(code { _ = try Bucket.open(name: "archive", path: path, known: .objects) } == nil)
        // Made by hand: what is missing is gone for good.
        try shell("rm -r archive; mkdir -p archive/.sluice", in: folder.path)
        #expect(code { _ = try Bucket.open(name: "archive", path: path, known: .marked) } == nil)
    }

    @Test("a folder has a number of its own, by which it is known again wherever it is")
    func identity() throws {
        let (one, two) = (try folder.bucket("one"), try folder.bucket("two"))
        let id = try #require(one.identity)
        #expect(one.identity != two.identity && Bucket.identity(at: one.path) == id)
        #expect(try folder.bucket("one").identity == id)
        func reopened(_ name: String, _ id: String) -> String? {
            code { _ = try Bucket.open(name: "one", path: "\(folder.path)/\(name)", known: .id(id)) }
        }
        #expect(reopened("one", id) == nil)
        #expect(one.isInPlace && two.isInPlace)
        try shell("mv one three; mv two one; mv three two", in: folder.path)
        #expect(!one.isInPlace && !two.isInPlace)
        #expect(reopened("one", id) == "BucketLost" && reopened("two", id) == nil)
        // A number that is taken away, and a folder that never had one: not the one that is known.
        try shell("rm two/.sluice/id", in: folder.path)
        #expect(reopened("two", id) == "BucketLost")
        #expect(try shell("ls -A two/.sluice", in: folder.path) == "")
        // Of an older version, which wrote none: it gets one.
        #expect(code { _ = try Bucket.open(name: "one", path: "\(folder.path)/two", known: .marked) } == nil)
        #expect(Bucket.identity(at: "\(folder.path)/two") != nil)
        // As the message says it.
        try shell("rm -r two; mkdir -p two/.sluice && echo \(id) > two/.sluice/id", in: folder.path)
        #expect(reopened("two", id) == nil)
        try shell("rm -r two", in: folder.path)
        #expect(reopened("two", id) == "BucketLost")
        #expect(!exists("\(folder.path)/two"))
        #expect(!one.isInPlace)
    }

    @Test("a folder whose .sluice is removed while it is open keeps its number; what is opened anew goes on with it")
    func kept() throws {
        let bucket = try folder.bucket("b")
        let attempt = StagingAttempt(boot: 1, number: 1)
        let (file, descriptor) = try bucket.createStage(attempt)
        close(descriptor)
        let again = try Bucket.open(
            name: "b", path: bucket.path, known: .id(try #require(bucket.identity)), succeeding: bucket)
        let version = ObjectVersion(
            stamp: ObjectStamp(device: 0, inode: 1, size: 0, modified: 0, changed: 0), sample: 0)
        #expect(again.deletion(attempt, key: "k", known: version).staged != file.path)
        #expect(again.publications === bucket.publications)
        let id = bucket.identity
        try shell("rm -r .sluice", in: bucket.path)
        let (_, other) = try again.createStage(attempt)
        close(other)
        #expect(id != nil && Bucket.identity(at: bucket.path) == id)
    }

    @Test("buckets inside each other are refused, and names that are no names")
    func refusals() throws {
        let outer = try folder.bucket("outer")
        for name in ["", "A", "a/b", ".a", "-a", String(repeating: "a", count: 64)] {
            #expect(code { _ = try Bucket.open(name: name, path: "\(folder.path)/n") } == "BucketRefused")
        }
        #expect(
            code { _ = try Bucket.open(name: "inner", path: "\(outer.path)/inner", others: [outer]) } == "BucketRefused"
        )
        #expect(code { _ = try Bucket.open(name: "top", path: folder.path, others: [outer]) } == "BucketRefused")
        #expect(
            code { _ = try Bucket.open(name: "no", path: "\(folder.path)/missing", create: false) } == "BucketRefused")
        try writeFile("\(folder.path)/file", "")
        #expect(code { _ = try Bucket.open(name: "file", path: "\(folder.path)/file") } == "BucketRefused")
    }

    @Test("a bucket whose staging is another mount is refused", .enabled(if: isRoot, "mount needs root"))
    func bindMount() throws {
        try shell("mkdir -p b/.sluice other; mount --bind other b/.sluice", in: folder.path)
        defer { _ = try? shell("umount b/.sluice", in: folder.path) }
        do {
            _ = try Bucket.open(name: "b", path: "\(folder.path)/b")
            Issue.record("not refused")
        } catch {
            #expect(error.code == .bucketRefused)
            #expect(error.errno == EXDEV)
        }
    }

    @Test("objects are regular files reached without symbolic links, inside the bucket")
    func opensObjects() throws {
        let bucket = try folder.bucket()
        try shell(
            "mkdir -p a/b; echo hi > a/b/c.txt; ln -s c.txt a/b/link; ln -s a dir; mkfifo fifo; ln -s /etc out",
            in: bucket.path)
        let object = try bucket.open("a/b/c.txt")
        defer { close(object.descriptor) }
        #expect(readAll(object.descriptor) == "hi\n")
        #expect(try bucket.stat("a/b/c.txt") == object.stamp)
        #expect(object.stamp.size == 3)
        for (key, expected) in [
            ("a/b/none", "NoSuchKey"), ("a/b/c.txt/d", "NoSuchKey"), ("a/b/link", "NotRegular"),
            ("dir/b/c.txt", "NotRegular"), ("out/passwd", "NotRegular"), ("fifo", "NotRegular"), ("a", "NotRegular"),
            ("../x", "InvalidKey"), ("/etc/passwd", "InvalidKey"),
        ] {
            #expect(code { close(try bucket.open(key).descriptor) } == expected, "open \(key)")
        }
        #expect(code { _ = try bucket.stat("a/b/link") } == "NotRegular")
    }

    @Test(
        "a version is confirmed by stamps, or by content when only metadata moved; replaced or rewritten is ObjectChanged"
    )
    func versions() throws {
        let bucket = try folder.bucket()
        try writeFile("\(bucket.path)/a", "one")
        let version = try bucket.version("a")
        try bucket.confirm("a", is: version)
        try shell("chmod 600 a; touch -d 2020-01-01 a; ln a .b", in: bucket.path)
        try bucket.confirm("a", is: version)
        close(try bucket.open("a", expecting: version).descriptor)
        try writeFile("\(bucket.path)/a", "two")
        #expect(code { try bucket.confirm("a", is: version) } == "ObjectChanged")
        try shell("rm a; echo -n one > x; mv x a", in: bucket.path)
        #expect(code { try bucket.confirm("a", is: version) } == "ObjectChanged")
        try shell("rm a", in: bucket.path)
        #expect(code { try bucket.confirm("a", is: version) } == "NoSuchKey")
    }

    @Test("etags are 32 hexadecimal digits and -1, another one for every version")
    func etags() throws {
        let stamp = ObjectStamp(device: 1, inode: 2, size: 3, modified: 4, changed: 5)
        #expect(stamp.etag.count == 34)
        #expect(stamp.etag.hasSuffix("-1"))
        #expect(stamp.etag.dropLast(2).allSatisfy { $0.isHexDigit && !$0.isUppercase })
        var other = stamp
        other.changed = 6
        #expect(other.etag != stamp.etag)
        other = stamp
        other.device = 7
        #expect(other.etag == stamp.etag)
    }

    @Test("listing goes in byte order of whole keys, by prefix and in pages, and leaves out what is hidden or ignored")
    func lists() throws {
        let bucket = try folder.bucket()
        try shell(
            """
            mkdir -p a a-b/x .hidden _temporary a/_temporary
            for f in a/1 a/2 a-b/x/y a.txt a0 b é z/../zz .hidden/x _temporary/q a/_temporary/q a/x.tmp; do
                mkdir -p "$(dirname "$f")"; echo > "$f"; done
            ln -s b c
            """, in: bucket.path)
        let all = ["a-b/x/y", "a.txt", "a/1", "a/2", "a0", "b", "zz", "é"]
        #expect(try bucket.list().objects.map(\.key) == all)
        #expect(try bucket.list(prefix: "a/").objects.map(\.key) == ["a/1", "a/2"])
        #expect(try bucket.list(prefix: "a").objects.map(\.key) == ["a-b/x/y", "a.txt", "a/1", "a/2", "a0"])
        #expect(try bucket.list(prefix: "a-b/x").objects.map(\.key) == ["a-b/x/y"])
        #expect(try bucket.list(prefix: ".hidden/").objects.isEmpty)
        #expect(try bucket.list(prefix: "none/at/all").objects.isEmpty)
        for limit in 1...3 {
            var keys: [String] = []
            var after: String?
            repeat {
                let page = try bucket.list(after: after, limit: limit)
                keys += page.objects.map(\.key)
                after = page.next
            } while after != nil
            #expect(keys == all)
        }
    }

    @Test("two names that Unicode calls equal are two objects")
    func canonicalEquivalents() throws {
        let bucket = try folder.bucket()
        try writeFile("\(bucket.path)/\u{e9}", "composed")
        try writeFile("\(bucket.path)/e\u{301}", "decomposed")
        #expect(try bucket.list().objects.count == 2)
        #expect(try bucket.version("\u{e9}").sample != bucket.version("e\u{301}").sample)
    }

    @Test("the sampled hash sees size, start, middle and end")
    func samples() throws {
        let bucket = try folder.bucket()
        var seen: Set<UInt64> = []
        for edit in ["", "seek=0", "seek=500000", "seek=999999"] {
            try shell("head -c 1000000 /dev/zero > a", in: bucket.path)
            if edit != "" { try shell("printf x | dd of=a bs=1 \(edit) conv=notrunc 2>/dev/null", in: bucket.path) }
            seen.insert(try bucket.version("a").sample)
        }
        #expect(seen.count == 4)
        for text in ["", "a", "b", "abcdefgh", "abcdefghi", "abcdefghj", "\0", "\0\0"] {
            try writeFile("\(bucket.path)/a", text)
            seen.insert(try bucket.version("a").sample)
        }
        #expect(seen.count == 12)
        #expect(!seen.contains(0))
    }

    @Test("why a key is no object, or none yet: also that it was changed within the quiet time")
    func absence() throws {
        var settings = BucketConfiguration(quiet: .seconds(3600))
        let waiting = try Bucket.open(name: "waiting", path: "\(folder.path)/waiting", configuration: settings)
        settings.quiet = .zero
        let prompt = try Bucket.open(name: "prompt", path: "\(folder.path)/prompt", configuration: settings)
        for bucket in [waiting, prompt] {
            #expect(bucket.absence(of: "a") == .nothing)
            try writeFile("\(bucket.path)/a", "a")
            try writeFile("\(bucket.path)/a.tmp", "a")
            try shell("mkdir f; ln -s a l", in: bucket.path)
            #expect(bucket.absence(of: "a.tmp") == .ignored)
            #expect(bucket.absence(of: "f") == .folder)
            guard case .refused = bucket.absence(of: "l") else {
                Issue.record("a symbolic link is no object")
                continue
            }
        }
        #expect(waiting.absence(of: "a") == .changedLately(quiet: .seconds(3600)))
        #expect(prompt.absence(of: "a") == .pending)
    }
}

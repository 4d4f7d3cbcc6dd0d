import Glibc
import ObjectStore
import Synchronization
import Testing

/// What a watcher does while the disk, the index or the sink fails, and where it must remember.
@Suite("Watching: trouble", .timeLimit(.minutes(3)))
struct TroubleTests {
    private func polling(_ quiet: Duration) -> BucketConfiguration {
        BucketConfiguration(quiet: quiet, pollInterval: .milliseconds(20))
    }

    @Test("a name of which the disk does not tell what it is, is no file, and is asked for again")
    func untold() throws {
        let harness = try WatchHarness(polling(.milliseconds(100)), start: false)
        try harness.sh("mkdir -p a/sub; echo > a/sub/1; echo > a/2; echo > 3")
        let fails = Mutex(true)
        harness.look = .unlisted { name in name == "sub" && fails.withLock { $0 } ? EIO : nil }
        try harness.start()
        // It lies in a folder that is polled by now.
        try harness.waitFor("a/2")
        #expect(harness.changes.sorted() == ["created 3", "created a/2"])
        #expect(harness.watcher?.status.polled.map(\.path) == ["a"])
        #expect(throws: ObjectStoreError.self) { try harness.bucket.list() }
        fails.withLock { $0 = false }
        try harness.waitFor("a/sub/1")
        try harness.wait("the watches") { harness.watcher?.status.polled.isEmpty == true }
        #expect(try harness.changes { try harness.sh("echo > a/sub/4") } == ["created a/sub/4"])
        harness.stop()
        // Nothing is concluded of what cannot be told, in the bucket's own folder neither.
        fails.withLock { $0 = true }
        harness.look = .unlisted { name in ["a", "sub"].contains(name) && fails.withLock { $0 } ? EIO : nil }
        try harness.start()
        #expect(harness.watcher?.status.polled.map(\.path) == [""])
        #expect(harness.index.row("a/sub/1") != nil)
        #expect(harness.changes.allSatisfy { !$0.hasPrefix("deleted") })
        fails.withLock { $0 = false }
        try harness.wait("the watches") { harness.watcher?.status.polled.isEmpty == true }
        #expect(try harness.changes { try harness.sh("rm a/sub/1") } == ["deleted a/sub/1"])
    }

    @Test("while nothing can be looked at, what is reported waits unread", arguments: [false, true])
    func blind(sinkFails: Bool) throws {
        let harness = try WatchHarness(start: false)
        try harness.start(BucketWatcher.Options(waitingLimit: 10))
        if sinkFails {
            harness.index.failNext(commits: 1_000_000)
            try harness.sh("echo > first")
            try harness.wait("a refusal") { harness.watcher?.status.failure != nil }
        }
        harness.index.failNext(commits: sinkFails ? 1_000_000 : 0, lookups: 1_000_000)
        for number in 0..<10 { try writeFile("\(harness.path)/\(number)", "x") }
        try harness.wait("what waits") { (harness.watcher?.status.waiting ?? 0) >= 10 }
        let waiting = harness.watcher?.status.waiting ?? 0
        for number in 10..<200 { try writeFile("\(harness.path)/\(number)", "x") }
        let looks = Mutex(0)
        harness.index.setHook { _ in looks.withLock { $0 += 1 } }
        try harness.wait("more looks") { looks.withLock { $0 } > 100 }
        #expect(harness.watcher?.status.waiting == waiting)
        harness.index.setHook(nil)
        harness.index.failNext()
        try harness.wait("all") { harness.index.keys.count >= 200 }
        try harness.settle()
        #expect(harness.changes.count == 200 + (sinkFails ? 1 : 0))
    }

    @Test("what the host has moved is forgotten for each key by itself, whatever goes on elsewhere in the bucket")
    func moved() throws {
        let harness = try WatchHarness()
        try harness.sh("echo old > k")
        try harness.waitFor("k")
        // A writer that never ends keeps the watcher from being through with everything.
        let file = open("\(harness.path)/slow", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        defer { close(file) }
        try writeAll(file, "half")
        try harness.wait("the writer to be seen") { harness.watcher?.status.waiting == 1 }
        let bucket = harness.bucket
        let publication = try bucket.staged(StagingAttempt(boot: 1, number: 1), "new").publication(
            key: "k", overwrite: true, known: try bucket.version("k"))
        let changes = try harness.changes(settlingWith: 1) {
            _ = try bucket.publish(publication)
            try bucket.undo(publication)
            #expect(bucket.publications.movedCount == 1)
            bucket.publications.remove([publication])
        }
        #expect(changes == [])
        try harness.sh("echo > another")
        try harness.wait("the forgetting") { bucket.publications.movedCount == 0 }
    }

    @Test("a copy whose times are set after its end is one version where folders are polled, too")
    func timesAfterClose() throws {
        let harness = try WatchHarness(polling(.seconds(1)), start: false)
        try harness.start(BucketWatcher.Options(watchLimit: 0))
        try writeFile("\(harness.path)/copy", "content")
        // The poll that comes between meets it, and waits.
        try harness.wait("the poll") {
            (harness.watcher?.status.waiting ?? 0) > 0 || harness.index.row("copy") != nil
        }
        try harness.sh("touch -d 2001-01-01 copy")
        try harness.waitFor("copy")
        let polls = harness.watcher?.status.scanned
        try harness.settle()
        #expect(polls != nil && harness.changes == ["created copy"])
    }
}

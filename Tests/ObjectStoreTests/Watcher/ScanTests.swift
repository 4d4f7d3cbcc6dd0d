import Glibc
import ObjectStore
import Synchronization
import Testing

@Suite("Watching: scans, adoption, polling, failures", .timeLimit(.minutes(3)))
struct ScanTests {
    @Test("what happened while the host was down is found at start, and nothing else")
    func offline() throws {
        let harness = try WatchHarness()
        try harness.sh(
            "mkdir d e; for f in d/same d/chmod d/changed d/cpp d/gone d/replaced d/grown e/1 x; do echo $f > $f; done")
        try harness.sh("touch -d 2020-01-01 d/cpp")
        try harness.settle()
        harness.stop()
        let changes = try {
            let before = harness.changes.count
            try harness.sh(
                """
                chmod 600 d/chmod; ln x ../outside/x; echo other > d/changed; rm d/gone; echo new > d/new
                echo d/replaced > ../outside/r; mv ../outside/r d/replaced; echo more >> d/grown; mv e ../outside/e
                echo D/CPP > ../outside/c; touch -d 2020-01-01 ../outside/c; cp -p ../outside/c d/cpp
                """)
            try harness.start()
            try harness.settle()
            return Set(harness.changes.dropFirst(before))
        }()
        #expect(
            changes == [
                "created d/changed", "deleted d/gone", "created d/new", "created d/replaced", "created d/grown",
                "deleted e/1", "created d/cpp",
            ])
        // The index has followed the touched ones: the next start compares stamps only.
        #expect(harness.index.row("d/chmod")?.stamp == (try harness.bucket.stat("d/chmod")))
        harness.stop()
        let before = harness.index.count
        try harness.start()
        #expect(harness.index.count == before)
    }

    @Test("what the sink has no room for keeps nobody from the rest: it is told of at a later scan")
    func refused() throws {
        let harness = try WatchHarness(BucketConfiguration(pollInterval: .milliseconds(100)))
        try harness.sh("echo gone > gone; echo old > old")
        try harness.settle()
        harness.stop()
        harness.index.remove("old")
        let before = harness.changes.count
        let adoptBefore = BucketWatcher.now + 3_600_000_000_000
        try harness.sh("rm gone")
        harness.index.refuseEvents(true)
        let told = Mutex<[String]>([])
        try harness.start(
            BucketWatcher.Options(
                adoptBefore: adoptBefore, ready: { _ in told.withLock { $0.append("ready") } },
                refused: { reason in told.withLock { $0.append("refused: \(reason)") } },
                ended: { told.withLock { $0.append("ended") } }), wait: false)
        try harness.wait("the refusal") { !told.withLock { $0.isEmpty } }
        #expect(told.withLock { $0 } == ["refused: no room"])
        #expect(Array(harness.changes.dropFirst(before)) == ["adopted old"])
        #expect(harness.watcher?.status.isReady == false)
        harness.index.refuseEvents(false)
        try harness.wait("the first scan") { harness.watcher?.status.isReady == true }
        #expect(Array(harness.changes.dropFirst(before)) == ["adopted old", "deleted gone"])
        harness.watcher?.lose()
        try harness.wait("the loss") { harness.watcher?.status.isLost == true }
        harness.stop()
        #expect(told.withLock { $0 } == ["refused: no room", "ready", "ended"])
        #expect(harness.index.violations == [])
    }

    @Test("a bucket that was copied with its journal: what has kept size, time and content starts nothing")
    func copied() throws {
        for isCopy in [true, false] {
            let harness = try WatchHarness()
            try harness.sh("mkdir d; for f in same second other touched grown; do echo $f > d/$f; done")
            try harness.settle()
            harness.stop()
            let before = harness.changes.count
            try harness.sh(
                """
                cp -a . ../copy
                touch -d @$(stat -c %Y d/second) ../copy/d/second
                echo OTHER > ../copy/d/other; touch -r d/other ../copy/d/other
                touch ../copy/d/touched; echo more >> ../copy/d/grown; touch -r d/grown ../copy/d/grown; echo > ../copy/d/new
                cd ..; mv bucket old; mv copy bucket
                """)
            try harness.start(BucketWatcher.Options(isCopy: isCopy))
            let changes = Set(harness.changes.dropFirst(before).filter { $0.contains("d/") })
            let others: Set = ["created d/other", "created d/touched", "created d/grown", "created d/new"]
            #expect(changes == (isCopy ? others : others.union(["created d/same", "created d/second"])))
            // From now on it is the bucket: a file that is put there again is a new version.
            #expect(try harness.changes { try harness.sh("cp -p ../old/d/same d/same") } == ["created d/same"])
            harness.stop()
            try harness.start()
            #expect(try harness.changes {} == [])
        }
    }

    @Test("a bucket met for the first time: what is there is adopted in silence, or announced; what comes is announced")
    func adoption() throws {
        for ignore in [true, false] {
            let harness = try WatchHarness(start: false)
            try harness.sh("mkdir -p a/b; for i in $(seq 1000); do echo $i > a/b/$i; done; echo > .x; echo > y.tmp")
            // The clock of stamps ticks every few milliseconds: what came in this very tick counts as new.
            let last = try harness.bucket.list().objects.map(\.stamp.changed).max() ?? 0
            while BucketWatcher.now <= last { sched_yield() }
            let since = BucketWatcher.now
            // The host died in its first scan, some files came, and the scan begins again with the same time.
            try harness.sh("echo > a/late")
            try harness.start(BucketWatcher.Options(adoptBefore: ignore ? since : nil))
            #expect(harness.changes.count { $0.hasPrefix(ignore ? "adopted a/b/" : "created a/b/") } == 1000)
            #expect(harness.changes.filter { !$0.contains("a/b/") } == ["created a/late"])
            #expect(harness.watcher?.status.adopted == (ignore ? 1000 : 0))
            #expect(
                try harness.changes { try harness.sh("touch a/b/7; cp a/b/8 a/b/9") }.sorted()
                    == ["created a/b/7", "created a/b/9"])
            harness.stop()
            try harness.start()
            #expect(try harness.changes {} == [])
        }
    }

    @Test("the ready callback comes once, after the first scan is committed")
    func ready() throws {
        let harness = try WatchHarness(start: false)
        try harness.sh("for i in $(seq 700); do echo > $i; done")
        let seen = Mutex<[Int]>([])
        try harness.start(
            BucketWatcher.Options(ready: { status in seen.withLock { $0.append(status.created) } }))
        try harness.settle()
        #expect(seen.withLock { $0 } == [700])
    }

    @Test("folders beyond the limit of watches are polled, status says so, and each version still comes once")
    func polling() throws {
        let harness = try WatchHarness(
            BucketConfiguration(quiet: .milliseconds(100), pollInterval: .milliseconds(20)), start: false)
        try harness.sh("mkdir -p a b/c/d; echo > a/1; echo > b/2; echo > b/c/d/3")
        try harness.start(BucketWatcher.Options(watchLimit: 2))
        // What lies where nothing but a poll tells of it must have rested.
        try harness.wait("the polled files") { harness.changes.count >= 3 }
        let status = try #require(harness.watcher?.status)
        #expect(status.watchedFolders == 2)
        #expect(status.polled.map(\.path) == ["b"])
        #expect(status.polled.first?.reason.contains("max_user_watches") == true)
        #expect(harness.changes.sorted() == ["created a/1", "created b/2", "created b/c/d/3"])
        try harness.sh("echo > b/c/d/4; echo more >> b/2; rm b/c/d/3; mkdir b/n; echo > b/n/5")
        try harness.wait("polled changes") { harness.changes.count >= 7 }
        #expect(
            harness.changes.dropFirst(3).sorted()
                == ["created b/2", "created b/c/d/4", "created b/n/5", "deleted b/c/d/3"])
        let file = open("\(harness.path)/b/slow", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        try writeAll(file, "half")
        try harness.wait("the writer to be seen") { (harness.watcher?.status.waiting ?? 0) > 0 }
        #expect(harness.changes.count == 7)
        close(file)
        try harness.waitFor("b/slow")
        // With a watch free again, the folder is watched.
        try harness.sh("rm -r a b/c b/n")
        try harness.wait("the watch") { harness.watcher?.status.polled.isEmpty == true }
        #expect(harness.watcher?.status.watchedFolders == 2)
        try harness.sh("echo > b/live")
        try harness.waitFor("b/live")
    }

    @Test("folders that are polled go on being polled after a scan of all that had to be repeated")
    func pollingAfterRepetition() throws {
        let harness = try WatchHarness(BucketConfiguration(pollInterval: .milliseconds(20)), start: false)
        try harness.sh("mkdir a b; echo > a/1; echo > b/2")
        harness.index.refuseEvents(true)
        let refused = Mutex(false)
        try harness.start(
            BucketWatcher.Options(watchLimit: 2, refused: { _ in refused.withLock { $0 = true } }), wait: false)
        try harness.wait("the refusal") { refused.withLock { $0 } }
        harness.index.refuseEvents(false)
        try harness.wait("the first scan") { harness.watcher?.status.isReady == true }
        #expect(harness.watcher?.status.polled.map(\.path) == ["b"])
        try harness.sh("echo > b/3")
        try harness.waitFor("b/3")
    }

    @Test("a bucket whose own folder cannot be watched is polled as a whole, from its first scan on, until it can be")
    func unwatchedRoot() throws {
        let harness = try WatchHarness(
            BucketConfiguration(quiet: .milliseconds(100), pollInterval: .milliseconds(20)), start: false)
        try harness.sh("mkdir a; echo > 1; echo > a/2")
        try harness.start(BucketWatcher.Options(watchLimit: 0))
        try harness.wait("the polled files") { harness.changes.count >= 2 }
        let status = try #require(harness.watcher?.status)
        #expect(status.watchedFolders == 0 && status.polled.map(\.path) == [""], "\(status)")
        #expect(status.polled.first?.reason.contains("max_user_watches") == true)
        try harness.sh("echo > 3; echo > a/4; mkdir b; echo > b/5; rm 1")
        try harness.wait("polled changes") { harness.changes.count >= 6 }
        #expect(
            harness.changes.sorted()
                == ["created 1", "created 3", "created a/2", "created a/4", "created b/5", "deleted 1"])
        #expect(harness.watcher?.status.polled.map(\.path) == [""])
    }

    @Test("what was reported of a folder before it went is told, though its going is noticed otherwise")
    func lostAfterDeletions() throws {
        let harness = try WatchHarness(start: false)
        try harness.sh("for i in $(seq 3000); do echo > $i; done; mkdir a; echo > a/1")
        try harness.start()
        #expect(harness.changes.count == 3001)
        try shell("rm -r bucket; mkdir bucket", in: harness.folder.path)
        #expect(!harness.bucket.isInPlace)
        harness.watcher?.lose()
        try harness.wait("the loss") { harness.watcher?.status.isLost == true }
        #expect(harness.changes.count { $0.hasPrefix("deleted") } == 3001)
    }

    @Test("a sink that fails is asked again until it succeeds; nothing is lost or doubled")
    func failingSink() throws {
        let harness = try WatchHarness()
        harness.index.failNext(commits: 4)
        try harness.sh("for i in 1 2 3 4 5; do echo > $i; done")
        try harness.wait("the failure to show") { harness.watcher?.status.failure == "sink" || harness.index.count > 0 }
        #expect(try harness.changes {} == [] || true)
        try harness.settle()
        #expect(harness.changes.sorted() == (1...5).map { "created \($0)" })
        #expect(harness.watcher?.status.failure == nil)
        harness.index.failNext(commits: 1_000_000)
        try harness.sh("echo > 6")
        try harness.wait("the failure to show") { harness.watcher?.status.failure == "sink" }
        harness.stop()
        harness.index.failNext()
        try harness.start()
        try harness.waitFor("6")
        #expect(harness.changes.count == 6)
    }

    @Test("an index that cannot be read for a while delays, and loses nothing")
    func failingIndex() throws {
        let harness = try WatchHarness()
        harness.index.failNext(lookups: 3)
        try harness.sh("for i in 1 2 3; do echo > $i; done")
        try harness.settle()
        #expect(harness.changes.sorted() == ["created 1", "created 2", "created 3"])
    }

    @Test("files in a folder that becomes readable later are found", .enabled(if: !isRoot, "root reads everything"))
    func unreadableFolder() throws {
        let harness = try WatchHarness()
        try shell("mkdir t; echo > t/1; chmod 0 t", in: harness.outside)
        try harness.sh("mv ../outside/t t")
        try harness.settle()
        #expect(harness.watcher?.status.refused.map(\.path) == ["t/"])
        try harness.sh("chmod 755 t")
        try harness.waitFor("t/1")
    }

    @Test("a bucket that is moved away deletes nothing: the watcher says that it is lost")
    func lostBucket() throws {
        let harness = try WatchHarness()
        try harness.sh("echo > a")
        try harness.settle()
        try shell("mv bucket elsewhere", in: harness.folder.path)
        try harness.wait("the loss") { harness.watcher?.status.isLost == true }
        #expect(harness.changes == ["created a"])
    }

    @Test("starting and stopping under load ends in the same place")
    func restartsUnderLoad() throws {
        let harness = try WatchHarness()
        let writer = try #require(
            popen(
                "cd '\(harness.path)' && for i in $(seq 400); do mkdir -p d$((i % 7)); echo $i > d$((i % 7))/$i; done",
                "r"))
        for _ in 0..<8 {
            harness.stop()
            try harness.start(wait: false)
        }
        pclose(writer)
        try harness.settle()
        #expect(harness.changes.count == 400)
        #expect(Set(harness.changes).count == 400)
    }
}

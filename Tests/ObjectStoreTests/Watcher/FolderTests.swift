import Glibc
import ObjectStore
import Testing

@Suite("Watching: folders", .timeLimit(.minutes(5)))
struct FolderTests {
    let harness: WatchHarness

    init() throws {
        harness = try WatchHarness()
    }

    @Test("files written at once into folders just made are found, each once")
    func mkdirAndWrite() throws {
        let changes = try harness.changes {
            try harness.sh("for i in $(seq 100); do mkdir -p n$i/a/b; echo $i > n$i/a/b/f; echo $i > n$i/g; done")
        }
        #expect(changes.count == 200)
        #expect(Set(changes).count == 200)
        #expect(harness.watcher?.status.watchedFolders == 301)
    }

    @Test("a tree moved in, within, out, and deleted")
    func trees() throws {
        try shell(
            "mkdir -p t/x/y t/.hidden; echo 1 > t/1; echo 2 > t/x/2; echo 3 > t/x/y/3; echo > t/.hidden/4; echo > t/a.tmp",
            in: harness.outside)
        #expect(
            try harness.changes { try harness.sh("mv ../outside/t t") }.sorted()
                == ["created t/1", "created t/x/2", "created t/x/y/3"])
        #expect(
            try harness.changes { try harness.sh("mv t/x u") }.sorted()
                == ["created u/2", "created u/y/3", "deleted t/x/2", "deleted t/x/y/3"])
        #expect(try harness.changes { try harness.sh("echo 5 > u/y/5") } == ["created u/y/5"])
        #expect(
            try harness.changes { try harness.sh("mv u ../outside/u") }.sorted()
                == ["deleted u/2", "deleted u/y/3", "deleted u/y/5"])
        #expect(try harness.changes { try harness.sh("echo 6 > ../outside/u/y/6; rm ../outside/u/y/5") } == [])
        #expect(try harness.changes { try harness.sh("mv ../outside/u t/x") }.count == 3)
        #expect(
            try harness.changes { try harness.sh("rm -r t") }.sorted()
                == ["deleted t/1", "deleted t/x/2", "deleted t/x/y/3", "deleted t/x/y/6"])
        #expect(harness.watcher?.status.watchedFolders == 1)
    }

    @Test("a folder hidden and shown again, and two that change places")
    func swaps() throws {
        try harness.sh("mkdir a b; echo 1 > a/1; echo 2 > b/2")
        try harness.settle()
        #expect(try harness.changes { try harness.sh("mv a .a") } == ["deleted a/1"])
        #expect(try harness.changes { try harness.sh("mv .a a") } == ["created a/1"])
        #expect(
            try harness.changes { try harness.sh("mv a t; mv b a; mv t b") }.sorted()
                .filter { !$0.contains(" t/") } == ["created a/2", "created b/1", "deleted a/1", "deleted b/2"])
        #expect(
            try harness.changes { try harness.sh("echo > a/new; echo > b/new") }.sorted()
                == ["created a/new", "created b/new"])
        #expect(harness.index.keys.filter { !$0.hasPrefix("sentinel") } == ["a/2", "a/new", "b/1", "b/new"])
    }

    @Test("a folder renamed while the first scan is inside it: what is below is watched under its new name")
    func renamedWhileScanned() throws {
        let harness = try WatchHarness(start: false)
        try harness.sh("mkdir -p a/zz; cd a; seq 1000 | split -l 1 -a 4 - f")
        let path = harness.path
        harness.index.setHook { key in
            if key == "a/faaap" { rename("\(path)/a", "\(path)/c") }
        }
        try harness.start()
        harness.index.setHook(nil)
        try harness.settle()
        #expect(harness.index.keys.count { $0.hasPrefix("c/") } == 1000)
        #expect(harness.index.keys.count { $0.hasPrefix("a/") } == 0)
        #expect(
            try harness.changes { try harness.sh("echo > c/zz/new; echo > c/new") }.sorted() == [
                "created c/new", "created c/zz/new",
            ])
        #expect(harness.watcher?.status.watchedFolders == 3)
    }

    @Test("many at once, in batches, each once")
    func burst() throws {
        try shell("mkdir d; cd d; seq 3000 | split -l 1 -a 4 - f", in: harness.outside)
        let changes = try harness.changes {
            try harness.sh("mkdir in; cp ../outside/d/* in/; mv ../outside/d moved")
        }
        #expect(changes.count == 6000)
        #expect(Set(changes).count == 6000)
        #expect(harness.index.batches.max() ?? 0 <= 750)
        #expect(harness.index.violations.isEmpty)
    }

    /// Whether some 18,000 events are too many for the kernel's queue.
    static let overflows =
        readFile("/proc/sys/fs/inotify/max_queued_events").flatMap { Int($0.dropLast()) } ?? 0 < 17_000

    @Test(
        "40,000 files while nobody reads the queue: it overflows, and nothing is lost or doubled",
        .enabled(if: overflows, "fs.inotify.max_queued_events is too high"))
    func overflow() throws {
        try harness.sh("mkdir old many; (cd many; mkdir $(seq 0 39)); cd old; seq 500 | split -l 1 -a 4 - f")
        try harness.settle()
        let before = harness.changes.count
        harness.watcher?.setDrainingPaused(true)
        try harness.sh(
            """
            python3 - <<'END'
            for i in range(40000):
                with open(f"many/{i % 40}/{i}", "w") as f: f.write(str(i))
            END
            rm old/faaa?; mkdir deep; mv old/faab? deep; echo changed > old/faaca
            """)
        harness.watcher?.setDrainingPaused(false)
        try harness.wait("40,000 files", seconds: 170) {
            harness.index.row("many/39/39999") != nil && harness.index.count >= 40_000
        }
        try harness.settle()
        let changes = harness.changes.dropFirst(before)
        #expect(harness.watcher?.status.overflows == 1)
        #expect(changes.count { $0.hasPrefix("created many/") } == 40_000)
        #expect(Set(changes).count == changes.count)
        #expect(changes.count { $0.hasPrefix("deleted old/faaa") } == 26)
        #expect(changes.count { $0.hasPrefix("deleted old/faab") } == 26)
        #expect(changes.count { $0.hasPrefix("created deep/faab") } == 26)
        #expect(changes.count { $0 == "created old/faaca" } == 1)
        #expect(changes.count == 40_000 + 26 * 3 + 1)
        #expect(harness.watcher?.status.watchedFolders == 44)
        #expect(try harness.changes { try harness.sh("echo > many/7/after") } == ["created many/7/after"])
    }

    @Test(
        "a folder moved away during an overflow is no longer watched afterwards",
        .enabled(if: overflows, "fs.inotify.max_queued_events is too high"))
    func staleWatches() throws {
        try harness.sh("mkdir a; echo > a/1")
        try harness.settle()
        harness.watcher?.setDrainingPaused(true)
        try harness.sh(
            "for i in $(seq 9000); do echo > f; echo > g; done; mv a ../outside/a; mkdir b; mv b ../outside/b")
        harness.watcher?.setDrainingPaused(false)
        let changes = try harness.changes {}
        #expect(changes.isEmpty || Set(changes) == ["created f", "created g", "deleted a/1"])
        #expect(Set(harness.changes) == ["created a/1", "created f", "created g", "deleted a/1"])
        #expect(harness.watcher?.status.overflows == 1)
        #expect(try harness.changes { try harness.sh("echo > ../outside/a/2; echo > ../outside/b/2") } == [])
        #expect(harness.watcher?.status.watchedFolders == 1)
    }
}

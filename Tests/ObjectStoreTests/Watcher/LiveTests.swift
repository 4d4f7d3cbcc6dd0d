import Glibc
import ObjectStore
import Synchronization
import Testing

/// Exactly one change for each complete version, however it comes.
@Suite("Watching: files that come and go", .timeLimit(.minutes(3)))
struct LiveTests {
    let harness: WatchHarness

    init() throws {
        harness = try WatchHarness()
        try shell("head -c 300000 /dev/urandom > big; echo small > small; echo -n > empty", in: harness.outside)
    }

    @Test(
        "one file, one change",
        arguments: [
            "cp ../outside/big k", "cp -p ../outside/big k", "mv ../outside/big k", "ln ../outside/big k",
            "cp --sparse=always ../outside/big k", "dd if=../outside/big of=k bs=999 2>/dev/null",
            "cp ../outside/empty k", "mv ../outside/empty k", "ln ../outside/empty k", "touch k",
            "cat ../outside/big > k", "install -m 600 ../outside/big k", "cp ../outside/big k.part && mv k.part k",
            // rsync: writes under a hidden working name, sets mode and times, renames.
            "cp ../outside/big .k.Xa12 && chmod 640 .k.Xa12 && touch -d 2001-01-01 .k.Xa12 && mv .k.Xa12 k",
            "(echo a; echo b; echo c) > k", "tar -C ../outside -cf - --transform s/big/k/ big | tar xf -",
            "python3 -c \"import shutil; shutil.copy2('../outside/big', 'k')\"",
            "python3 -c \"import shutil; shutil.copy('../outside/big', 'k')\"",
        ])
    func arrivals(command: String) throws {
        #expect(try harness.changes { try harness.sh(command) } == ["created k"])
        #expect(try harness.changes { try harness.sh("rm k") } == ["deleted k"])
        #expect(harness.index.violations.isEmpty)
    }

    @Test("times set after the close, where the close is read late: one version")
    func timesAfterLateClose() throws {
        let watcher = try #require(harness.watcher)
        let path = "\(harness.path)/k"
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        try #require(file >= 0)
        // Before the hook, which closes it.
        try writeAll(file, "content")
        // Looks that have seen the open file, then looks that may have seen it closed, its close unread.
        let looks = Atomic(0)
        harness.index.setHook { key in
            guard key == "k" else { return }
            switch looks.add(1, ordering: .relaxed).newValue {
            case 2:
                watcher.setDrainingPaused(true)
                close(file)
            case 4:
                utimensat(AT_FDCWD, path, [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)], 0)
                watcher.setDrainingPaused(false)
            default: break
            }
        }
        try harness.waitFor("k")
        #expect(try harness.changes {} == [])
        #expect(harness.changes == ["created k"])
        #expect(harness.index.violations.isEmpty)
    }

    @Test("a file made without a name and linked in when it is complete")
    func linkat() throws {
        let file = open(harness.path, Int32(O_RDWR) | 0o20200000 | O_CLOEXEC, 0o644)  // O_TMPFILE
        try #require(file >= 0)
        try writeAll(file, "content")
        let changes = try harness.changes(settlingWith: 1) {
            let result = Glibc.linkat(AT_FDCWD, "/proc/self/fd/\(file)", AT_FDCWD, "\(harness.path)/k", 0x400)
            try #require(result == 0)
        }
        #expect(changes == [], "its writer still has it open")
        close(file)
        try harness.waitFor("k")
        #expect(try harness.changes {} == [])
        #expect(harness.index.row("k")?.stamp.size == 7)
    }

    @Test("real rsync, twice", .enabled(if: exists("/usr/bin/rsync"), "rsync is not installed"))
    func rsync() throws {
        #expect(
            try harness.changes { try harness.sh("rsync -a ../outside/big ../outside/small .") }.sorted()
                == ["created big", "created small"])
        #expect(try harness.changes { try harness.sh("rsync -a ../outside/big ../outside/small .") } == [])
        try shell("echo more >> small", in: harness.outside)
        #expect(try harness.changes { try harness.sh("rsync -a --inplace ../outside/small .") } == ["created small"])
    }

    @Test("a re-upload under the same name is a version, with new and with the same content")
    func reuploads() throws {
        for command in [
            "cp ../outside/big k", "cp ../outside/big k", "cp -p ../outside/big k", "cp -p ../outside/big k",
            "cp ../outside/small k", "mv ../outside/small k", "touch k", "echo more >> k", ": > k",
        ] {
            #expect(try harness.changes { try harness.sh(command) } == ["created k"], "\(command)")
        }
    }

    @Test("changes of metadata alone are none, and the version stays the one that was announced")
    func metadata() throws {
        try harness.sh("cp ../outside/big k")
        try harness.waitFor("k")
        let before = try #require(harness.index.row("k"))
        let changes = try harness.changes {
            try harness.sh(
                "chmod 600 k; python3 -c \"import os; os.utime('k', (1, 1))\"; ln k ../outside/link; chown 1 k")
        }
        #expect(changes == [])
        let after = try #require(harness.index.row("k"))
        #expect(after.etag == before.etag)
        #expect(after.sequencer == before.sequencer)
        #expect(after.stamp == (try harness.bucket.stat("k")), "the index follows, so that a restart sees no change")
        harness.stop()
        try harness.start()
        #expect(try harness.changes {} == [])
    }

    @Test("a rename is a deletion and a creation; over an existing key it is that key's new version")
    func renames() throws {
        try harness.sh("cp ../outside/big a; cp ../outside/small b")
        try harness.settle()
        #expect(try harness.changes { try harness.sh("mv a c") } == ["deleted a", "created c"])
        #expect(try harness.changes { try harness.sh("mv b c") } == ["deleted b", "created c"])
        #expect(try harness.changes { try harness.sh("mv c .hidden") } == ["deleted c"])
        #expect(try harness.changes { try harness.sh("mv .hidden c") } == ["created c"])
        #expect(try harness.changes { try harness.sh("mv c ../outside/big") } == ["deleted c"])
        #expect(harness.index.keys.filter { !$0.hasPrefix("sentinel") } == [])
    }

    @Test("deleted and made again quickly: one change, for what is there")
    func recreated() throws {
        try harness.sh("echo one > k")
        try harness.waitFor("k")
        for round in 0..<20 {
            harness.watcher?.setDrainingPaused(true)
            try harness.sh("rm k; echo \(round) > k")
            harness.watcher?.setDrainingPaused(false)
            try harness.settle()
            #expect(harness.changes.last == "created k")
        }
        #expect(harness.changes.count == 21)
        harness.watcher?.setDrainingPaused(true)
        try harness.sh("echo x > k; rm k; echo x > n; rm n")
        harness.watcher?.setDrainingPaused(false)
        #expect(try harness.changes {}.filter { $0 != "deleted k" } == [])
        #expect(harness.changes.last == "deleted k")
    }

    @Test("a file is announced when its last writer closes it, not before")
    func slowWriter() throws {
        let file = open("\(harness.path)/k", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        #expect(
            try harness.changes(settlingWith: 1) {
                for part in 0..<50 { try writeAll(file, "part \(part)\n") }
                // Another writer comes and goes meanwhile.
                try harness.sh("echo appended >> k; chmod 600 k")
            } == [])
        #expect(try harness.changes { close(file) } == ["created k"])
        let again = open("\(harness.path)/k", O_WRONLY | O_TRUNC | O_CLOEXEC)
        #expect(try harness.changes { try writeAll(again, "truncated and rewritten") } == [])
        ftruncate(again, 0)
        lseek(again, 0, SEEK_SET)
        try writeAll(again, "again")
        #expect(try harness.changes { close(again) } == ["created k"])
        #expect(harness.index.row("k")?.stamp.size == 5)
    }

    @Test("an empty file whose writer has not opened it yet is not announced; one that stays empty is, in the end")
    func madeNotOpened() throws {
        let made = BucketWatcher.now
        try #require(mknod("\(harness.path)/k", S_IFREG | 0o644, 0) == 0)
        let early = try harness.changes(settlingWith: 1) {}
        let changes = try harness.changes { try harness.sh("echo content > k") }
        // On a machine so slow that half a second has passed, the empty file was believed.
        if BucketWatcher.now - made < 450_000_000 {
            #expect(early == [])
            #expect(changes == ["created k"])
        }
        try #require(mknod("\(harness.path)/empty", S_IFREG | 0o644, 0) == 0)
        try harness.waitFor("empty")
        #expect(harness.index.row("empty")?.stamp.size == 0)
    }

    @Test("an empty file whose clock is ahead of the host's is believed after the same time")
    func madeInTheFuture() throws {
        let harness = try WatchHarness(start: false)
        try harness.start(BucketWatcher.Options(clockLag: .seconds(3600)))
        try #require(mknod("\(harness.path)/empty", S_IFREG | 0o644, 0) == 0)
        try harness.waitFor("empty")
    }

    @Test("moved in while it is written, it is announced at the close")
    func movedInOpen() throws {
        let file = open("\(harness.outside)/k", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        #expect(try harness.changes(settlingWith: 1) { try harness.sh("mv ../outside/k k") } == [])
        try writeAll(file, "rest")
        #expect(try harness.changes { close(file) } == ["created k"])
    }

    @Test("a slow writer across a restart, and one that ends while the host is down")
    func restarts() throws {
        let first = open("\(harness.path)/a", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        let second = open("\(harness.path)/b", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        try writeAll(first, "half")
        try writeAll(second, "half")
        try harness.settle(waiting: 2)
        harness.stop()
        try writeAll(second, "rest")
        close(second)
        try harness.start()
        // A process that another test has just forked may hold a copy of the descriptor a little longer.
        try harness.waitFor("b")
        #expect(try harness.changes(settlingWith: 1) {} == [])
        #expect(harness.changes == ["created b"])
        try writeAll(first, "rest")
        #expect(try harness.changes { close(first) } == ["created a"])
        #expect(harness.index.row("a")?.stamp.size == 8)
    }

    @Test("hidden and working names, and what is below hidden folders, are no objects")
    func ignored() throws {
        let changes = try harness.changes {
            try harness.sh(
                """
                for n in .x x.tmp x.part x.swp '~$x' x.crdownload x.filepart; do echo > "$n"; done
                mkdir -p .git/a _temporary/0 d/.e d/_temporary; echo > .git/a/b; echo > _temporary/0/p
                echo > d/.e/f; echo > d/_temporary/f; mkfifo fifo; ln -s x link; echo > d/ok; rm x.tmp
                """)
        }
        #expect(changes == ["created d/ok"])
        #expect(Set(harness.watcher?.status.refused.map(\.path) ?? []) == ["fifo", "link"])
        #expect(try harness.changes { try harness.sh("rm fifo link; mv x.part x") } == ["created x"])
        #expect(harness.watcher?.status.refusedCount == 0)
    }

    @Test("what was refused in a folder is forgotten with the folder, wherever it was moved to")
    func refusedFolder() throws {
        let harness = try WatchHarness()
        _ = try harness.changes { try harness.sh("mkdir -p t/x/deep; ln -s x t/x/link; mkfifo t/x/deep/fifo") }
        #expect(Set(harness.watcher?.status.refused.map(\.path) ?? []) == ["t/x/link", "t/x/deep/fifo"])
        _ = try harness.changes { try harness.sh("mv t/x t/y") }
        #expect(Set(harness.watcher?.status.refused.map(\.path) ?? []) == ["t/y/link", "t/y/deep/fifo"])
        _ = try harness.changes { try harness.sh("mv t/y ../outside/y") }
        #expect(harness.watcher?.status.refusedCount == 0)
    }

    @Test("names that are not UTF-8 are refused and shown, live and in a scan; equivalent names stay two")
    func names() throws {
        let changes = try harness.changes {
            try harness.sh(
                "printf x > \"$(printf 'bad\\377')\"; echo > \"$(printf '\\303\\251')\"; echo > \"$(printf 'e\\314\\201')\"; echo > 'a b\nc'"
            )
        }
        #expect(changes.count == 3)
        #expect(harness.watcher?.status.refused.map(\.reason) == ["the name is not UTF-8"])
        harness.stop()
        try harness.start()
        #expect(try harness.changes {} == [])
        #expect(harness.watcher?.status.refusedCount == 1)
        #expect(try harness.changes { try harness.sh("rm \"$(printf 'bad\\377')\"") } == [])
        #expect(harness.watcher?.status.refusedCount == 0)
    }

    @Test("an object replaced by a folder, a link or a FIFO is gone")
    func replacedByOther() throws {
        try harness.sh("echo > a; echo > b; echo > c")
        try harness.settle()
        let changes = try harness.changes {
            try harness.sh("rm a b c; mkdir a; echo > a/x; ln -s a b; mkfifo c")
        }
        #expect(changes.sorted() == ["created a/x", "deleted a", "deleted b", "deleted c"])
        #expect(try harness.changes { try harness.sh("rm -r a; echo > a") }.sorted() == ["created a", "deleted a/x"])
    }
}

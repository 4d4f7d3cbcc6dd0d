import Glibc
import ObjectStore
import Synchronization
import Testing

/// A mount over a folder is no event of the folder's.
@Suite("Watching: disks below the bucket", .enabled(if: isRoot, "mount needs root"), .timeLimit(.minutes(3)))
struct MountTests {
    @Test("a disk mounted over a folder, taken away and mounted again while the host runs")
    func mounted() throws {
        let harness = try WatchHarness(start: false)
        let folder = "a b/sub"
        try harness.sh("mkdir -p '\(folder)/deep'; echo > '\(folder)/below'; echo > '\(folder)/deep/below'")
        let disk = "\(harness.path)/\(folder)"
        defer { _ = try? shell("umount -l '\(disk)' 2>/dev/null || true") }
        try harness.start()
        #expect(harness.changes.sorted() == ["created \(folder)/below", "created \(folder)/deep/below"])
        try shell(
            "mkdir disk; mount -t tmpfs -o size=256k tmpfs disk; mkdir disk/in; echo > disk/in/1", in: harness.outside)
        defer { _ = try? shell("umount -l '\(harness.outside)/disk' 2>/dev/null || true") }
        for round in 1...2 {
            try shell("mount --bind disk '\(disk)'", in: harness.outside)
            try harness.waitFor("\(folder)/in/1")
            try harness.wait("the covered files") { harness.index.row("\(folder)/deep/below") == nil }
            try harness.settle()
            let live = try harness.changes { try harness.sh("echo \(round) > '\(folder)/in/\(round + 1)'") }
            #expect(live == ["created \(folder)/in/\(round + 1)"])
            try shell("umount -l '\(disk)'")
            try harness.waitFor("\(folder)/deep/below")
            try harness.wait("the disk's files") { harness.index.row("\(folder)/in/1") == nil }
            try harness.settle()
            #expect(
                try harness.changes { try harness.sh("echo \(round) > '\(folder)/deep/live'") }
                    == ["created \(folder)/deep/live"])
        }
        #expect(harness.watcher?.status.watchedFolders == 4)
    }

    @Test("a table of mounts that cannot be read for a while is read later")
    func unreadTable() throws {
        let harness = try WatchHarness(start: false)
        try harness.sh("mkdir sub; echo > sub/below")
        let fails = Mutex(false)
        let failures = Mutex(0)
        var options = BucketWatcher.Options()
        options.mountTable = {
            guard fails.withLock({ $0 }) else { return MountTable.systemTable }
            failures.withLock { $0 += 1 }
            return nil
        }
        try harness.start(options)
        fails.withLock { $0 = true }
        try harness.sh("mount -t tmpfs -o size=256k tmpfs sub; echo > sub/1")
        let disk = "\(harness.path)/sub"
        defer { _ = try? shell("umount -l '\(disk)' 2>/dev/null || true") }
        try harness.wait("the failure") { failures.withLock { $0 } > 0 }
        #expect(harness.index.row("sub/1") == nil)
        fails.withLock { $0 = false }
        try harness.waitFor("sub/1")
        try harness.wait("the covered file") { harness.index.row("sub/below") == nil }
    }

    @Test("a disk that is unmounted leaves the folder below it watched")
    func unmounted() throws {
        let harness = try WatchHarness(start: false)
        try harness.sh("mkdir sub; mount -t tmpfs -o size=256k tmpfs sub; echo > sub/1")
        let disk = "\(harness.path)/sub"
        defer { _ = try? shell("umount -l '\(disk)' 2>/dev/null || true") }
        try harness.start()
        #expect(harness.changes == ["created sub/1"])
        // The watcher may have a file open at the moment.
        try harness.wait("the end of the mount") { (try? shell("umount '\(disk)' 2>/dev/null")) != nil }
        try harness.wait("the deletion") { harness.changes.last == "deleted sub/1" }
        #expect(try harness.changes { try harness.sh("echo > sub/below") } == ["created sub/below"])
    }
}

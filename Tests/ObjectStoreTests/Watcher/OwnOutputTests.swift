import Glibc
import ObjectStore
import Synchronization
import Testing

/// The host's own publications are announced by commit 2 alone; what users do to them meanwhile is not lost.
@Suite("Watching: our own outputs", .timeLimit(.minutes(5)))
struct OwnOutputTests {
    let harness: WatchHarness
    let attempt = StagingAttempt(boot: 1, number: 1)

    init() throws {
        harness = try WatchHarness()
    }

    func settled(_ publication: Publication, _ sighting: ObjectSighting?) {
        if let sighting { harness.index.put(sighting) } else { harness.index.remove(publication.key) }
        harness.bucket.publications.remove([publication])
    }

    @Test("created, replaced and deleted by a publication: no change from the watcher, before or after the commit")
    func silent() throws {
        let create = try harness.bucket.staged(attempt, "1").publication(key: "d/e/k")
        var sighting: ObjectSighting?
        #expect(try harness.changes { sighting = try harness.bucket.publish(create) } == [])
        #expect(try harness.changes { settled(create, sighting) } == [])
        let known = try harness.bucket.version("d/e/k")
        let replace = try harness.bucket.staged(attempt, "2").publication(key: "d/e/k", overwrite: true, known: known)
        #expect(try harness.changes { sighting = try harness.bucket.publish(replace) } == [])
        #expect(
            try harness.changes {
                settled(replace, sighting)
                harness.bucket.discard(attempt)
            } == [])
        let delete = harness.bucket.deletion(attempt, key: "d/e/k", known: try harness.bucket.version("d/e/k"))
        #expect(try harness.changes(settlingWith: 1) { sighting = try harness.bucket.publish(delete) } == [])
        #expect(
            try harness.changes {
                settled(delete, sighting)
                harness.bucket.discard(attempt)
            } == [])
        harness.stop()
        try harness.start()
        #expect(try harness.changes {} == [])
    }

    @Test("a user who rewrites, moves or deletes an output before its commit is heard after it")
    func usersMeanwhile() throws {
        var publications: [(Publication, ObjectSighting?)] = []
        for key in ["rewritten", "moved", "deleted"] {
            let publication = try harness.bucket.staged(attempt, key).publication(key: key)
            publications.append((publication, try harness.bucket.publish(publication)))
        }
        #expect(
            try harness.changes(settlingWith: 3) {
                try harness.sh("echo users > rewritten; mv moved elsewhere; rm deleted")
            } == ["created elsewhere"])
        let changes = try harness.changes {
            for (publication, sighting) in publications { settled(publication, sighting) }
        }
        #expect(changes.sorted() == ["created rewritten", "deleted deleted", "deleted moved"])
    }

    @Test("undone and put-back publications leave no trace; the version that came back is not new")
    func undone() throws {
        try harness.sh("echo old > a; echo old > b")
        try harness.settle()
        let first = try #require(harness.index.row("a"))
        let second = try #require(harness.index.row("b"))
        let replace = try harness.bucket.staged(attempt, "new").publication(
            key: "a", overwrite: true, known: first.version)
        let delete = harness.bucket.deletion(attempt, key: "b", known: second.version)
        let create = try harness.bucket.staged(attempt, "new").publication(key: "c")
        let changes = try harness.changes {
            for publication in [replace, delete, create] { _ = try harness.bucket.publish(publication) }
            for publication in [create, delete, replace] { try harness.bucket.undo(publication) }
            harness.bucket.publications.remove([create, delete, replace])
        }
        #expect(changes == [])
        #expect(readFile("\(harness.path)/a") == "old\n")
        #expect(harness.index.row("a")?.etag == first.etag)
        harness.stop()
        try harness.start()
        #expect(try harness.changes {} == [])
    }

    @Test("a version that was put back and touched again while it was looked at, or right after, is not new")
    func undoneWhileLookedAt() throws {
        try harness.sh("echo old > a")
        try harness.settle()
        let known = try #require(harness.index.row("a"))
        let replace = try harness.bucket.staged(attempt, "new").publication(
            key: "a", overwrite: true, known: known.version)
        let bucket = harness.bucket
        let publishAndUndo: @Sendable () -> Void = {
            _ = try? bucket.publish(replace)
            try? bucket.undo(replace)
            bucket.publications.remove([replace])
        }
        let watcher = try #require(harness.watcher)
        let looks = Mutex<[String: Int]>([:])
        harness.index.setHook { key in
            let count = looks.withLock { looks in
                looks[key, default: 0] += 1
                return looks[key, default: 0]
            }
            if key == "a", count == 1 { publishAndUndo() }
            // Looked at after it, in the same batch.
            if key == "z", count == 1 { close(open("\(bucket.path)/a", O_WRONLY | O_CLOEXEC)) }
        }
        let changes = try harness.changes {
            watcher.setDrainingPaused(true)
            publishAndUndo()
            try harness.sh("echo > z")
            watcher.setDrainingPaused(false)
        }
        #expect(changes == ["created z"])
        #expect(harness.index.row("a")?.etag == known.etag)
        harness.index.setHook(nil)
        // What a user moves away and back is another matter.
        #expect(
            try harness.changes {
                watcher.setDrainingPaused(true)
                try harness.sh("mv a .a; mv .a a")
                watcher.setDrainingPaused(false)
            } == ["created a"])
    }

    @Test("an output whose metadata changes before its rename was looked at is not announced again")
    func metadataBeforeArrival() throws {
        let watcher = try #require(harness.watcher)
        watcher.setDrainingPaused(true)
        let publication = try harness.bucket.staged(attempt, "x").publication(key: "k")
        settled(publication, try harness.bucket.publish(publication))
        try harness.sh("chmod 600 k; ln k .k")
        let changes = try harness.changes { watcher.setDrainingPaused(false) }
        #expect(changes == [])
        #expect(harness.index.row("k")?.stamp == (try harness.bucket.stat("k")))
        #expect(
            try harness.changes {
                watcher.setDrainingPaused(true)
                try harness.sh("mv k .m; mv .m k")
                watcher.setDrainingPaused(false)
            } == ["created k"])
    }

    @Test("what a publication overtakes between the look and the commit is looked at again")
    func overtaken() throws {
        try harness.sh("echo > k")
        try harness.settle()
        let watcher = try #require(harness.watcher)
        let publication = try harness.bucket.staged(attempt, "x").publication(key: "k")
        let (bucket, index) = (harness.bucket, harness.index)
        let isDone = Atomic(false)
        harness.index.setHook { key in
            guard key == "z", !isDone.exchange(true, ordering: .relaxed) else { return }
            if let sighting = try? bucket.publish(publication) { index.put(sighting) }
            bucket.publications.remove([publication])
        }
        let changes = try harness.changes {
            watcher.setDrainingPaused(true)
            try harness.sh("rm k; echo > z")
            watcher.setDrainingPaused(false)
        }
        #expect(changes == ["created z"])
        #expect(index.row("k")?.stamp == (try bucket.stat("k")))
        #expect(index.violations == [])
    }

    @Test("what a sink has failed to take is looked at again: what was overtaken meanwhile is not told of later")
    func failingSinkOvertaken() throws {
        func publish(_ key: String, _ number: Int64) throws {
            let publication = try harness.bucket.staged(StagingAttempt(boot: 1, number: number), "published")
                .publication(key: key)
            let sighting = try harness.bucket.publish(publication)
            if let sighting { harness.index.put(sighting) }
            harness.bucket.publications.remove([publication])
        }
        try harness.sh("echo > deleted")
        try harness.settle()
        let changes = try harness.changes {
            harness.index.failNext(commits: 1_000_000)
            try harness.sh("rm deleted; echo > made; echo > other")
            try harness.wait("the failure to show") { harness.watcher?.status.failure == "sink" }
            try harness.sh("rm made")
            try publish("deleted", 1)
            try publish("made", 2)
            harness.index.failNext()
        }
        #expect(changes == ["created other"])
        #expect(harness.index.keys.filter { !$0.hasPrefix("sentinel") } == ["deleted", "made", "other"])
        #expect(harness.index.violations == [])
    }

    @Test("a scan drops pending publications too")
    func scanned() throws {
        harness.stop()
        let publication = try harness.bucket.staged(attempt, "x").publication(key: "k")
        try harness.start(wait: false)
        let bucket = harness.bucket
        let sighting = try bucket.publish(publication)
        #expect(try harness.changes {} == [])
        settled(publication, sighting)
        #expect(try harness.changes {} == [])
    }
}

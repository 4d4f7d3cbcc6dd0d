import Foundation
import Glibc
import ObjectStore
import Testing

@Suite("Publication on a real disk")
struct PublicationTests {
    let folder: TemporaryFolder
    let bucket: Bucket
    let attempt = StagingAttempt(boot: 1, number: 1)

    init() throws {
        folder = try TemporaryFolder()
        bucket = try folder.bucket()
    }

    @Test("a new object appears whole, in folders made for it, as the user's umask has it; again changes nothing")
    func creates() throws {
        let publication = try bucket.staged(attempt, "content").publication(key: "a/b/c.txt")
        let sighting = try #require(try bucket.publish(publication))
        #expect(readFile("\(bucket.path)/a/b/c.txt") == "content")
        #expect(try bucket.stat("a/b/c.txt") == sighting.stamp)
        #expect(try bucket.version("a/b/c.txt").sample == sighting.sample)
        #expect(try shell("stat -c %a a/b/c.txt", in: bucket.path) == "644\n")
        for recovering in [false, true] {
            #expect(try bucket.publish(publication, recovering: recovering) == sighting)
        }
        #expect(bucket.publications.count == 1)
        bucket.publications.remove([publication])
        #expect(bucket.publications.count == 0)
    }

    @Test("a bucket that was restored from a backup has other inodes: what is staged there is published and taken back")
    func restored() throws {
        try writeFile("\(bucket.path)/known", "old")
        let known = try bucket.version("known")
        let publications = [
            try bucket.staged(attempt, "one").publication(key: "one"),
            try bucket.staged(attempt, "two").publication(key: "two", overwrite: true, known: nil),
            try bucket.staged(attempt, "three").publication(key: "known", overwrite: true, known: known),
        ]
        try shell("cp -a bucket copy; mv bucket old; mv copy bucket", in: folder.path)
        let copy = try folder.bucket()
        for round in 1...2 {
            for publication in publications {
                let found = try #require(try copy.publish(publication))
                #expect(found.stamp == (try copy.stat(publication.key)), "\(round)")
                #expect(found.stamp.inode != publication.inode && found.stamp.changed != 0)
                #expect(try copy.publish(publication) == found, "again")
            }
            #expect(readFile("\(copy.path)/one") == "one" && readFile("\(copy.path)/known") == "three")
            guard round == 1 else { break }
            for publication in publications.reversed() { try copy.undo(publication) }
            #expect(!exists("\(copy.path)/one") && !exists("\(copy.path)/two"))
            #expect(readFile("\(copy.path)/known") == "old")
        }
        copy.publications.remove(publications)
        #expect(copy.publications.count == 0)
        // Something else in its place is not taken for it.
        let last = try copy.staged(attempt, "last").publication(key: "last")
        try shell("echo other > other; mv other \(last.staged)", in: copy.path)
        #expect(throws: ObjectStoreError.self) { try copy.publish(last) }
        #expect(!exists("\(copy.path)/last"))
    }

    @Test("and by an archive that keeps whole seconds; what an undo had taken from a user goes back there, too")
    func restoredFromArchive() throws {
        try writeFile("\(bucket.path)/known", "old")
        try writeFile("\(bucket.path)/other", "old")
        let one = try bucket.staged(attempt, "one").publication(key: "one")
        let two = try bucket.staged(attempt, "two").publication(
            key: "known", overwrite: true, known: try bucket.version("known"))
        let three = try bucket.staged(attempt, "three").publication(
            key: "other", overwrite: true, known: try bucket.version("other"))
        _ = try bucket.publish(two)
        // The undo of the third was cut off when it had put the old one back, and held the user's.
        try shell("echo users > \(three.staged)", in: bucket.path)
        try shell("tar -cf a.tar --format=gnu bucket; rm -r bucket; tar -xf a.tar", in: folder.path)
        let copy = try folder.bucket()
        #expect(try copy.publish(one, recovering: true)?.stamp == (try copy.stat("one")))
        #expect(readFile("\(copy.path)/one") == "one")
        #expect(try copy.publish(two, recovering: true)?.stamp == (try copy.stat("known")))
        #expect(code { _ = try copy.publish(three, recovering: true) } == "Conflict")
        for publication in [three, two, one] { try copy.undo(publication) }
        #expect(readFile("\(copy.path)/other") == "users\n")
        #expect(readFile("\(copy.path)/known") == "old")
        #expect(readFile("\(copy.path)/\(one.staged)") == "one" && readFile("\(copy.path)/\(two.staged)") == "two")
    }

    @Test("create-only meets an object, a folder, a file in place of a folder: permanent, and nothing moved")
    func refusals() throws {
        try shell("echo mine > taken; mkdir folder; echo > file; ln -s taken link", in: bucket.path)
        let sealed = try bucket.staged(attempt, "x")
        let long = String(repeating: "p/", count: 400) + "x"
        for (key, expected) in [
            ("taken", "KeyExists"), ("link", "KeyExists"), ("folder", "PublishFailed"), ("file/below", "PublishFailed"),
            ("link/below", "PublishFailed"), (".hidden", "InvalidKey"), ("../out", "InvalidKey"),
        ] {
            do {
                _ = try bucket.publish(sealed.publication(key: key))
                Issue.record("published \(key)")
            } catch {
                #expect(error.code.description == expected, "\(key): \(error)")
                #expect(error.isPermanent)
            }
        }
        #expect(readFile("\(bucket.path)/taken") == "mine\n")
        _ = try bucket.publish(sealed.publication(key: long))
        #expect(readFile("\(bucket.path)/\(long)") == "x")
    }

    @Test("overwriting replaces the version the journal knows, wherever it went in between")
    func replaces() throws {
        try writeFile("\(bucket.path)/k", "old")
        let known = try bucket.version("k")
        let publication = try bucket.staged(attempt, "new").publication(key: "k", overwrite: true, known: known)
        let sighting = try bucket.publish(publication)
        #expect(readFile("\(bucket.path)/k") == "new")
        #expect(readFile("\(bucket.path)/\(publication.staged)") == "old", "kept until the outcome is settled")
        #expect(try bucket.publish(publication, recovering: true) == sighting)
        bucket.discard(attempt)
        #expect(try bucket.publish(publication, recovering: true) == sighting)
        // Nothing there, and nothing known.
        let second = try bucket.staged(attempt, "2").publication(key: "n/new", overwrite: true, known: nil)
        _ = try bucket.publish(second)
        #expect(readFile("\(bucket.path)/n/new") == "2")
        // Known, but gone by now.
        try shell("rm k", in: bucket.path)
        let third = try bucket.staged(attempt, "3").publication(
            key: "k", overwrite: true,
            known: sighting.map {
                ObjectVersion(stamp: $0.stamp, sample: $0.sample)
            })
        _ = try bucket.publish(third)
        #expect(readFile("\(bucket.path)/k") == "3")
    }

    @Test("a user's newer file is put back, and one being written is left alone: Conflict")
    func conflicts() throws {
        try writeFile("\(bucket.path)/k", "old")
        let known = try bucket.version("k")
        let sealed = try bucket.staged(attempt, "new")
        let publication = sealed.publication(key: "k", overwrite: true, known: known)
        let writer = open("\(bucket.path)/k", O_WRONLY | O_CLOEXEC)
        #expect(code { _ = try bucket.publish(publication) } == "Conflict")
        close(writer)
        try shell("echo users > x; mv x k", in: bucket.path)
        #expect(code { _ = try bucket.publish(publication) } == "Conflict")
        #expect(readFile("\(bucket.path)/k") == "users\n")
        #expect(
            code { _ = try bucket.publish(sealed.publication(key: "k", overwrite: true, known: nil)) } == "Conflict")
        #expect(readFile("\(bucket.path)/k") == "users\n")
        #expect(readFile("\(bucket.path)/\(publication.staged)") == "new")
        // A conflict found only after the exchange (a crash between it and the look): recovery puts it back.
        try shell("mv k u; mv \(publication.staged) k; mv u \(publication.staged)", in: bucket.path)
        #expect(code { _ = try bucket.publish(publication, recovering: true) } == "Conflict")
        #expect(readFile("\(bucket.path)/k") == "users\n")
        #expect(readFile("\(bucket.path)/\(publication.staged)") == "new")
    }

    @Test("a deletion takes the known version and no other, and can be undone")
    func deletes() throws {
        try writeFile("\(bucket.path)/k", "old")
        let known = try bucket.version("k")
        let publication = bucket.deletion(attempt, key: "k", known: known)
        #expect(try bucket.publish(publication) == nil)
        #expect(!exists("\(bucket.path)/k"))
        #expect(try bucket.publish(publication, recovering: true) == nil)
        try bucket.undo(publication)
        #expect(readFile("\(bucket.path)/k") == "old")
        try writeFile("\(bucket.path)/k", "newer")
        #expect(code { _ = try bucket.publish(publication) } == "Conflict")
        #expect(readFile("\(bucket.path)/k") == "newer")
        try shell("rm k", in: bucket.path)
        #expect(try bucket.publish(publication) == nil, "gone is what was wanted")
    }

    @Test("undo takes back what is still ours, and leaves what a user changed")
    func undoes() throws {
        try writeFile("\(bucket.path)/old", "old")
        let known = try bucket.version("old")
        let create = try bucket.staged(attempt, "1").publication(key: "x/new")
        let replace = try bucket.staged(attempt, "2").publication(key: "old", overwrite: true, known: known)
        let edited = try bucket.staged(attempt, "3").publication(key: "edited")
        let never = try bucket.staged(attempt, "4").publication(key: "never")
        for publication in [create, replace, edited] { _ = try bucket.publish(publication) }
        try writeFile("\(bucket.path)/edited", "by a user")
        for publication in [never, edited, replace, create] { try bucket.undo(publication) }
        #expect(!exists("\(bucket.path)/x/new"))
        #expect(readFile("\(bucket.path)/old") == "old")
        #expect(readFile("\(bucket.path)/edited") == "by a user")
        // What a redrive of PublishFailed does.
        for publication in [create, replace] { _ = try bucket.publish(publication) }
        #expect(readFile("\(bucket.path)/x/new") == "1")
        #expect(readFile("\(bucket.path)/old") == "2")
    }

    @Test("a publication is the same after a round through JSON's Codable")
    func codes() throws {
        let version = ObjectVersion(
            stamp: ObjectStamp(device: .max, inode: .max, size: .max, modified: .min, changed: 0), sample: .max)
        for kind in [Publication.Kind.create, .replace(known: nil), .replace(known: version), .delete(known: version)] {
            let publication = Publication(
                kind: kind, bucket: "b", key: "k", staged: "s", device: 1, inode: 2, size: 3, modified: 4, sample: 5)
            let text = try JSONEncoder().encode(publication)
            #expect(try JSONDecoder().decode(Publication.self, from: text) == publication)
        }
    }

    @Test("a staged file that somebody removed is an error, unless recovery finds the object published")
    func vanished() throws {
        let publication = try bucket.staged(attempt, "x").publication(key: "k")
        try shell("rm -rf .sluice/1-1", in: bucket.path)
        #expect(code { _ = try bucket.publish(publication) } == "PublishFailed")
        let sighting = try bucket.publish(publication, recovering: true)
        #expect(sighting?.stamp.changed == 0, "the watcher will see that it is gone")
    }

    @Test("an object that a user changed right after its rename is not taken for ours")
    func changedAfter() throws {
        let publication = try bucket.staged(attempt, "x").publication(key: "k")
        _ = try bucket.publish(publication)
        try writeFile("\(bucket.path)/k", "users")
        #expect(try bucket.publish(publication, recovering: true)?.stamp.changed == 0)
    }
}

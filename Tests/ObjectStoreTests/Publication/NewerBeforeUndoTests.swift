import ObjectStore
import Testing

/// A user's file that comes between the look and the rename of an undo: it goes back under its key, whatever happens.
@Suite("A user's file that an undo meets", .timeLimit(.minutes(5)))
struct NewerBeforeUndoTests {
    @Test("a user's file that comes just before a rename takes the host's away goes back under its key")
    func newerBeforeUndo() throws {
        for (key, isPutBack) in [("x/new", false), ("present", false), ("present", true)] {
            let files = PublicationCrashTests.makeDisk()
            let bucket = Bucket(name: "b", files: files)
            let (file, _) = try bucket.createStage(StagingAttempt(boot: 1, number: 1))
            files.write(file.path, PublicationCrashTests.new)
            let publication = try #require(try bucket.seal([file]).first).publication(
                key: key, overwrite: true, known: key == "present" ? try bucket.version(key) : nil)
            _ = try bucket.publish(publication)
            let newest = Array("the newest".utf8)
            if isPutBack {
                // The user's file was found under the key only after the exchange.
                files.replace(publication.staged, PublicationCrashTests.users)
                files.replace(key, newest, before: "rename")
                #expect(code { _ = try bucket.publish(publication, recovering: true) } == "Conflict")
            } else {
                files.replace(key, newest, before: "rename", on: key == "present" ? key : publication.staged)
                try bucket.undo(publication)
            }
            #expect(files.content(key) == newest)
            if key == "present" {
                #expect(
                    files.content(publication.staged)
                        == (isPutBack ? PublicationCrashTests.users : PublicationCrashTests.old))
            }
        }
    }

    @Test("and when the host dies at any operation of the undo")
    func newerBeforeInterruptedUndo() throws {
        for key in ["x/new", "present"] {
            for operation in 1... {
                let files = PublicationCrashTests.makeDisk()
                let bucket = Bucket(name: "b", files: files)
                let (file, _) = try bucket.createStage(StagingAttempt(boot: 1, number: 1))
                files.write(file.path, PublicationCrashTests.new)
                let publication = try #require(try bucket.seal([file]).first).publication(
                    key: key, overwrite: true, known: key == "present" ? try bucket.version(key) : nil)
                _ = try bucket.publish(publication)
                let newest = Array("the newest".utf8)
                files.replace(key, newest, before: "rename", on: key == "present" ? key : publication.staged)
                files.stop(at: operation)
                _ = try? bucket.undo(publication)
                let hasStopped = files.hasStopped
                files.crash(.kill)
                try Bucket(name: "b", files: files).undo(publication)
                #expect(files.content(key) == newest, "stopped at operation \(operation)")
                if !hasStopped { break }
            }
        }
    }

    @Test("and when recovery publishes again what the undo had begun to take back", arguments: [false, true])
    func newerBeforeRecovery(isFailing: Bool) throws {
        let newest = Array("the newest".utf8)
        for key in ["x/new", "present"] {
            for operation in 1... {
                let files = PublicationCrashTests.makeDisk()
                let (bucket, publication) = try Self.published(key, files)
                files.replace(key, newest, before: "rename", on: key == "present" ? key : publication.staged)
                files.stop(at: operation)
                _ = try? bucket.undo(publication)
                let hasStopped = files.hasStopped
                files.crash(.kill)
                let next = Bucket(name: "b", files: files)
                do {
                    _ = try next.publish(publication, recovering: true)
                    if isFailing { try next.undo(publication) }
                } catch {
                    #expect(error.code == .conflict)
                    try next.undo(publication)
                }
                next.discard(StagingAttempt(boot: 1, number: 1))
                // Before the undo's own rename nobody had put it there.
                if files.interferenceIsOver {
                    #expect(files.content(key) == newest, "\(key), stopped at operation \(operation)")
                }
                if !hasStopped { break }
            }
        }
    }

    @Test("a user's file that has the inode number of the one it replaced is not taken for ours")
    func reusedInode() throws {
        let newest = Array("the newest".utf8)
        for key in ["x/new", "present"] {
            let files = PublicationCrashTests.makeDisk()
            let (bucket, publication) = try Self.published(key, files)
            files.reuseInodes()
            files.replace(key, newest, before: "rename", on: key == "present" ? key : publication.staged)
            try bucket.undo(publication)
            #expect(try files.status(key).stamp.inode == publication.inode)
            #expect(files.content(key) == newest, "\(key)")
        }
    }

    @Test("one that took ours's number and lies in staging, after a kill, goes back under its key")
    func reusedInodeInStaging() throws {
        let newest = Array("the newest".utf8)
        let files = PublicationCrashTests.makeDisk()
        let (_, publication) = try Self.published("x/new", files)
        files.reuseInodes()
        files.replace("x/new", newest)
        try files.rename("x/new", to: publication.staged, .noReplace)
        #expect(try files.status(publication.staged).stamp.inode == publication.inode)
        let next = Bucket(name: "b", files: files)
        #expect(try next.publish(publication, recovering: true)?.stamp.changed == 0)
        #expect(files.content("x/new") == newest)
    }

    private static func published(_ key: String, _ files: SimulatedFileSystem) throws -> (Bucket, Publication) {
        let bucket = Bucket(name: "b", files: files)
        let (file, _) = try bucket.createStage(StagingAttempt(boot: 1, number: 1))
        files.write(file.path, PublicationCrashTests.new)
        let publication = try #require(try bucket.seal([file]).first).publication(
            key: key, overwrite: key == "present", known: key == "present" ? try bucket.version(key) : nil)
        _ = try bucket.publish(publication)
        return (bucket, publication)
    }
}

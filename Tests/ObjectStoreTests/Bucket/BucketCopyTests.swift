import Foundation
import ObjectStore
import Testing

@Suite("Copies of objects of a bucket in use")
struct BucketCopyTests {
    @Test("Objects keep their times, the bucket its number and kept inputs; what is no file is missing")
    func copies() throws {
        let folder = URL(filePath: NSTemporaryDirectory() + "sluice-copy-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let (source, copy) = (folder.appending(path: "source"), folder.appending(path: "copy"))
        for (name, text) in [
            ("d/e/one.csv", "one"), ("empty", ""), (".sluice/id", "7\n"), (".sluice/kept/1-2-0", "kept"),
            (".sluice/lock", ""), (".sluice/staging/x", "half"), ("not-asked-for", "x"),
        ] {
            let file = source.appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        let one = source.appending(path: "d/e/one.csv").path
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_000_000)], ofItemAtPath: one)
        try FileManager.default.createSymbolicLink(
            atPath: source.appending(path: "link").path, withDestinationPath: one)
        var bucket = try BucketCopy(from: source.path, to: copy.path)
        try bucket.copyOwn()
        #expect(try bucket.copy("d/e/one.csv") == .copied(size: 3, modified: 1_000_000_000_000_000))
        guard case .copied(0, _) = try bucket.copy("empty") else { throw CocoaError(.fileReadUnknown) }
        for key in ["gone", "d/e", "link", "empty/below", "nowhere/gone"] {
            #expect(try bucket.copy(key) == .missing, "\(key)")
        }
        // What is a folder now was a file when it was copied.
        try FileManager.default.removeItem(at: source.appending(path: "empty"))
        try FileManager.default.createDirectory(
            at: source.appending(path: "empty/deep"), withIntermediateDirectories: true)
        try Data("x".utf8).write(to: source.appending(path: "empty/deep/file"))
        #expect(try bucket.copy("empty/deep/file") == .changing)
        try bucket.sync()
        let copied = copy.appending(path: "d/e/one.csv").path
        #expect(FileManager.default.contents(atPath: copied) == Data("one".utf8))
        let attributes = try FileManager.default.attributesOfItem(atPath: copied)
        #expect(attributes[.modificationDate] as? Date == Date(timeIntervalSince1970: 1_000_000))
        let all = FileManager.default.enumerator(atPath: copy.path)?.allObjects as? [String] ?? []
        #expect(
            Set(all) == [
                ".sluice", ".sluice/id", ".sluice/kept", ".sluice/kept/1-2-0", "d", "d/e", "d/e/one.csv", "empty",
            ])
    }

    /// A bucket's folder with some files, and a folder for its copy, until the test ends.
    private final class Folders {
        let folder = NSTemporaryDirectory() + "sluice-copy-\(UUID().uuidString)"
        var source: String { folder + "/source" }
        var copy: String { folder + "/copy" }

        init(_ files: [String: String]) throws {
            for (name, text) in files { try put(text, name) }
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        func put(_ text: String, _ name: String) throws {
            let path = "\(source)/\(name)"
            let parent = path[..<(path.utf8.lastIndex(of: UInt8(ascii: "/")) ?? path.endIndex)]
            // Not by URLs, which would make the names the same.
            var made = ""
            for part in parent.utf8.split(separator: UInt8(ascii: "/")) {
                made += "/" + String(decoding: part, as: UTF8.self)
                mkdir(made, 0o755)
            }
            let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
            defer { close(descriptor) }
            #expect(write(descriptor, text, text.utf8.count) == text.utf8.count)
        }

        func has(_ name: String) -> Bool { access("\(copy)/\(name)", F_OK) == 0 }
    }

    @Test("What is deleted, renamed or rewritten while it is copied leaves nothing in the copy")
    func changesMeanwhile() throws {
        let folders = try Folders(["gone": "1", "moved": "2", "busy": "3", "swapped": "4"])
        var bucket = try BucketCopy(from: folders.source, to: folders.copy)
        bucket.copied = { unlink(folders.source + "/gone") }
        #expect(try bucket.copy("gone") == .missing)
        bucket.copied = { rename(folders.source + "/moved", folders.source + "/there") }
        #expect(try bucket.copy("moved") == .missing)
        bucket.copied = {
            unlink(folders.source + "/swapped")
            mkdir(folders.source + "/swapped", 0o755)
        }
        #expect(try bucket.copy("swapped") == .missing)
        var text = "3"
        bucket.copied = {
            text += "+"
            try? folders.put(text, "busy")
        }
        #expect(try bucket.copy("busy") == .changing)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folders.copy).isEmpty)
        // A copy that was good is none any more when the object has gone.
        bucket.copied = {}
        guard case .copied = try bucket.copy("busy") else { throw CocoaError(.fileReadUnknown) }
        unlink(folders.source + "/busy")
        #expect(try bucket.copy("busy") == .missing && !folders.has("busy"))
    }

    @Test("Folders are told apart by their bytes, and have the mode of the originals")
    func folders() throws {
        let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}")
        let folders = try Folders(["\(composed)/one": "1", "\(decomposed)/two": "2", "private/three": "3"])
        chmod(folders.source + "/private", 0o700)
        chmod(folders.source, 0o750)
        var bucket = try BucketCopy(from: folders.source, to: folders.copy)
        for key in ["\(composed)/one", "\(decomposed)/two", "private/three"] {
            guard case .copied(1, _) = try bucket.copy(key) else { throw CocoaError(.fileReadUnknown) }
            #expect(folders.has(key))
        }
        var found = stat()
        #expect(stat(folders.copy + "/private", &found) == 0 && found.st_mode & 0o777 == 0o700)
        #expect(stat(folders.copy, &found) == 0 && found.st_mode & 0o777 == 0o750)
    }

    @Test("No link is followed, also in the middle of a key")
    func links() throws {
        let folders = try Folders(["d/one": "1"])
        mkdir(folders.folder + "/outside", 0o755)
        #expect(rename(folders.source + "/d", folders.folder + "/outside/d") == 0)
        #expect(symlink(folders.folder + "/outside/d", folders.source + "/d") == 0)
        var bucket = try BucketCopy(from: folders.source, to: folders.copy)
        #expect(try bucket.copy("d/one") == .missing)
        #expect(!folders.has("d"))
    }

    @Test("A copy without the number that the bucket is known by, or that is told to stop, fails")
    func fails() throws {
        let folders = try Folders([".sluice/id": "7\n", "one": "1"])
        var bucket = try BucketCopy(from: folders.source, to: folders.copy)
        try bucket.copyOwn(identity: "7")
        #expect(throws: FolderCopy.Fault.self) { try bucket.copyOwn(identity: "8") }
        unlink(folders.source + "/.sluice/id")
        #expect(throws: FolderCopy.Fault.self) { try bucket.copyOwn(identity: "7") }
        var stopped = try BucketCopy(from: folders.source, to: folders.copy) { true }
        #expect(throws: FolderCopy.Fault.self) { _ = try stopped.copy("one") }
        #expect(!folders.has("one"))
    }

    @Test("What is carried out while it is copied is in the copy once")
    func publications() throws {
        let staged = ".sluice/staging/1"
        let folders = try Folders([staged: "new", "key": "old", "other": "old"])
        func publication(_ key: String) -> Publication {
            Publication(
                kind: .replace(known: nil), bucket: "b", key: key, staged: staged, device: 0, inode: 0, size: 3,
                modified: 0, sample: 0)
        }
        var bucket = try BucketCopy(from: folders.source, to: folders.copy)
        guard case .copied = try bucket.copy(publication("other")) else { throw CocoaError(.fileReadUnknown) }
        #expect(folders.has(staged), "it is still to be done there")
        // After the staged file was copied, and while the key is, the host puts it there.
        var copies = 0
        bucket.copied = {
            copies += 1
            if copies == 2 { rename("\(folders.source)/\(staged)", "\(folders.source)/key") }
        }
        guard case .copied = try bucket.copy(publication("key")) else { throw CocoaError(.fileReadUnknown) }
        #expect(!folders.has(staged))
        #expect(FileManager.default.contents(atPath: folders.copy + "/key") == Data("new".utf8))
    }
}

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
}

import Foundation
import FunctionProtocol
import Journal
import ObjectStore
import SluiceRuntime
import Testing

@Suite("Hashes of files that manifests name")
struct ManifestDigestTests {
    private func record(_ key: String, in bucket: Bucket, sequencer: String) throws -> ObjectRecord {
        let stamp = try bucket.version(key).stamp
        return ObjectRecord(
            bucket: bucket.name, key: key, device: stamp.device, inode: stamp.inode, size: stamp.size,
            modified: stamp.modified, changed: stamp.changed, sample: 0, etag: stamp.etag, sequencer: sequencer,
            eventID: "")
    }

    @Test("an error of the disk says nothing of what a file says: it may pass")
    func unreadable() throws {
        // Of a folder nothing can be read, whoever asks.
        let descriptor = open("/", O_RDONLY)
        defer { close(descriptor) }
        let error = #expect(throws: ObjectStoreError.self) {
            _ = try FileChunks.read(descriptor, of: ObjectAddress(bucket: "b", key: "k")) { _ in true }
        }
        #expect(error?.code == .inputOutput && error?.isPermanent == false && error?.key == "k")
    }

    @Test("a file is read in turns, each from where the one before has come to; another version from its beginning")
    func turns() throws {
        let folder = TemporaryFolder(name: "digests")
        let bucket = try Bucket.open(name: "landing", path: folder.path + "/landing")
        try Data((0..<1_500_000).map { UInt8(truncatingIfNeeded: $0 / 1000) }).write(
            to: URL(filePath: "\(bucket.path)/f"))
        let first = try record("f", in: bucket, sequencer: "1")
        var all = Int64.max
        let wanted = try #require(try ManifestDigests().read(first, in: bucket, bytes: &all))
        #expect(all == .max - 1_500_000)

        let digests = ManifestDigests()
        var turns = 0
        var found: String?
        while found == nil, turns < 100 {
            var bytes: Int64 = 300_000
            found = try digests.read(first, in: bucket, bytes: &bytes)
            turns += 1
        }
        #expect(found == wanted && turns > 2 && turns < 10)
        #expect(digests.known(first) == wanted)

        // Read halfway, then replaced.
        let other = ManifestDigests()
        var bytes: Int64 = 300_000
        #expect(try other.read(first, in: bucket, bytes: &bytes) == nil)
        #expect(bytes <= 0)
        #expect(try other.read(first, in: bucket, bytes: &bytes) == nil)
        try Data("abc".utf8).write(to: URL(filePath: "\(bucket.path)/f"))
        let second = try record("f", in: bucket, sequencer: "2")
        #expect(
            try other.read(second, in: bucket, bytes: &all)
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }
}

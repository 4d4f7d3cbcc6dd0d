import FunctionProtocol
import HostAPI
import Journal
import ObjectStore

/// The buckets of a backup: exactly what the copied journal knows of, so that the copy is of one moment. What came
/// since is not in it, and what is no object (ignored, or still being written) is not either.
struct BucketBackup {
    private static let (page, toldKeys) = (500, 5)

    /// The copy, whose journal is there.
    let destination: String
    private let journal: CopiedJournal
    private let isStopped: @Sendable () -> Bool
    /// What outcomes publish that are decided and not carried out, by bucket.
    private var undecided: [String: [Publication]] = [:]

    /// Blocking, as everything here.
    init(destination: String, isStopped: @escaping @Sendable () -> Bool) throws(JournalError) {
        (self.destination, self.isStopped) = (destination, isStopped)
        journal = try CopiedJournal(dataFolder: destination)
        for body in try journal.decisions() + journal.values(prefix: Decision.parkedPrefix) {
            for publication in JSONText.decode(Decision.self, from: body)?.publications ?? [] {
                undecided[publication.bucket, default: []].append(publication)
            }
        }
    }

    func close() { journal.close() }

    /// Copies one bucket to `buckets/NAME` of the copy. One that is out of reach is none whose objects went.
    func copy(_ bucket: Bucket) throws -> BackupResult.Bucket {
        do {
            try Self.requireInPlace(bucket)
            let result = try copyObjects(bucket)
            try Self.requireInPlace(bucket)
            return result
        } catch let fault as FolderCopy.Fault {
            throw FolderCopy.Fault(message: "bucket \(bucket.name): \(fault.message)")
        }
    }

    private func copyObjects(_ bucket: Bucket) throws -> BackupResult.Bucket {
        var copy = try BucketCopy(
            of: bucket, to: "\(destination)/buckets/\(bucket.name)", isStopped: isStopped)
        var result = BackupResult.Bucket(name: bucket.name)
        try copy.copyOwn(identity: bucket.identity)
        // By the bytes of their keys. Once: what is at a key belongs to what was staged for it.
        var copied: [[UInt8]: BucketCopy.Outcome] = [:]
        for publication in undecided[bucket.name] ?? [] {
            copied[Array(publication.key.utf8)] = try copy.copy(publication)
        }
        var after: String?
        while true {
            let objects = try journal.objects(bucket: bucket.name, after: after, limit: Self.page)
            for object in objects {
                try note(object, copied[Array(object.key.utf8)] ?? copy.copy(object.key), in: &result)
            }
            guard objects.count == Self.page, let last = objects.last else { break }
            after = last.key
        }
        try copy.sync()
        return result
    }

    private static func requireInPlace(_ bucket: Bucket) throws(FolderCopy.Fault) {
        guard !bucket.isInPlace else { return }
        throw FolderCopy.Fault(
            message:
                "it is lost: its folder \(bucket.path) was moved, deleted or unmounted; bring it back, and make the "
                + "backup again")
    }

    private func note(_ object: ObjectRecord, _ outcome: BucketCopy.Outcome, in result: inout BackupResult.Bucket) {
        switch outcome {
        case .copied(let size, let modified):
            result.objects += 1
            result.bytes += size
            if size != object.size || modified != object.modified { result.replaced += 1 }
            return
        case .missing: result.missing += 1
        case .changing: result.changing += 1
        }
        if result.keys.count < Self.toldKeys { result.keys.append(object.key) }
    }
}

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
    /// Where outcomes put things that are decided and not carried out, by bucket: a file is where it was staged, or
    /// where it belongs.
    private var undecided: [String: [String]] = [:]

    /// Blocking, as everything here.
    init(destination: String) throws(JournalError) {
        self.destination = destination
        journal = try CopiedJournal(dataFolder: destination)
        for body in try journal.decisions() + journal.values(prefix: Decision.parkedPrefix) {
            for publication in JSONText.decode(Decision.self, from: body)?.publications ?? [] {
                undecided[publication.bucket, default: []] += [publication.staged, publication.key]
            }
        }
    }

    func close() { journal.close() }

    /// Copies one bucket to `buckets/NAME` of the copy.
    func copy(_ bucket: Bucket) throws -> BackupResult.Bucket {
        var copy = try BucketCopy(from: bucket.path, to: "\(destination)/buckets/\(bucket.name)")
        var result = BackupResult.Bucket(name: bucket.name)
        try copy.copyOwn()
        // First: what is carried out meanwhile is then found under the other of its names.
        for key in undecided[bucket.name] ?? [] { _ = try copy.copy(key) }
        var after: String?
        while true {
            let objects = try journal.objects(bucket: bucket.name, after: after, limit: Self.page)
            for object in objects { try note(object, copy.copy(object.key), in: &result) }
            guard objects.count == Self.page, let last = objects.last else { break }
            after = last.key
        }
        try copy.sync()
        return result
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

import FunctionProtocol
import Journal
import ObjectStore

/// What the journal knows of a bucket beside its objects.
struct BucketNote: Codable, Equatable, Sendable {
    /// What was there before this time, unchanged since, was adopted without events; nil: everything is announced.
    var adoptBefore: Int64?
    /// Its first scan is done.
    var adopted: Bool
    /// Its folder has `.sluice`; of data folders that have no `id` here yet.
    var isMarked: Bool?
    /// The number in its folder, by which it is known again (`Bucket.identity`).
    var id: String?
    /// The mark of the journal's copy with which it was scanned (`JournalCopy`); nil: the journal was none.
    var copy: String?
    /// Its folder when it was last looked through from the beginning.
    var folder: FolderStamp?

    /// Whether what is there may be a copy of what the journal knows: its files are known again by their times and
    /// content, whatever their inodes. `mark`: the journal's.
    func isCopied(in now: FolderStamp, mark: String?) -> Bool { copy != mark || folder.map { $0 != now } ?? false }

    static func name(of bucket: String) -> String { "bucket/\(bucket)" }

    /// Blocking.
    static func read(of bucket: String, _ journal: any JournalStore) throws -> BucketNote? {
        try journal.value(name: name(of: bucket)).flatMap { JSONText.decode(BucketNote.self, from: $0) }
    }

    /// Which folder a bucket's has to be. Blocking.
    static func knownFolder(of bucket: String, _ journal: any JournalStore) throws -> Bucket.KnownFolder {
        // Objects that have gone leave nothing to be lost, unless an outcome is on its way there.
        if try journal.objects(bucket: bucket, prefix: "", after: nil, limit: 1).isEmpty,
            try !isAwaited(bucket, journal)
        {
            return .nothing
        }
        let note = try read(of: bucket, journal)
        if let id = note?.id { return .id(id) }
        return note?.isMarked == true ? .marked : .objects
    }

    /// Whether an outcome that is decided, or kept by a dead letter, is to be published there. Blocking.
    static func isAwaited(_ bucket: String, _ journal: any JournalStore) throws -> Bool {
        let decided = try journal.recover().decisions.map(\.body)
        let kept = try journal.values(prefix: Decision.parkedPrefix).map(\.body)
        // What cannot be read may be there.
        return (decided + kept).contains {
            JSONText.decode(Decision.self, from: $0)?.buckets.contains(bucket) ?? true
        }
    }
}

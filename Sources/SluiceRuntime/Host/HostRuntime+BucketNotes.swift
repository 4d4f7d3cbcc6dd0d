import Journal
import ObjectStore
import UVLoop

/// What the journal keeps of each bucket (`BucketNote`).
extension HostRuntime {
    /// The notes of buckets that a deployment on its way meets for the first time. They belong into its own commit:
    /// that a folder is another one can be told only while the one before is open.
    func newNotes() async throws -> [ControlChange] {
        var changes: [ControlChange] = []
        for before in buckets.all {
            let bucket = reopened[before.name] ?? before
            let isNew = before.path != bucket.path && before.identity != bucket.identity
            let (note, stored, _) = try await compareNote(of: bucket, isNew: isNew)
            if isNew || stored == nil { changes.append(Self.keeping(note, of: bucket.name)) }
        }
        return changes
    }

    /// What the journal knows of a bucket, with the folder that it has now.
    func note(of bucket: Bucket) async throws -> (note: BucketNote, copy: String?) {
        let (note, stored, copy) = try await compareNote(of: bucket, isNew: false)
        if note != stored { try await keep(note, of: bucket.name) }
        return (note, copy)
    }

    /// A bucket's note as it has to be, as it is stored, and the mark of the journal's copy.
    private func compareNote(
        of bucket: Bucket, isNew: Bool
    ) async throws -> (note: BucketNote, stored: BucketNote?, copy: String?) {
        let (journal, name) = (journal, bucket.name)
        let (stored, copy, isMarked) = try await files.run {
            (try BucketNote.read(of: name, journal), try Self.copy(journal), bucket.isMarked)
        }
        let ignores = bucket.configuration.existing == .ignore
        let fresh = BucketNote(adoptBefore: ignores ? BucketWatcher.now : nil, adopted: false, copy: copy)
        var note = isNew ? fresh : stored ?? fresh
        note.isMarked = isMarked
        note.id = bucket.identity
        return (note, stored, copy)
    }

    private nonisolated static func keeping(_ note: BucketNote, of bucket: String) -> ControlChange {
        .putValue(name: BucketNote.name(of: bucket), body: JSONText.encode(note))
    }

    func keep(_ note: BucketNote, of bucket: String) async throws {
        var batch = Batch()
        batch.control.append(Self.keeping(note, of: bucket))
        _ = try await committer.commit(batch)
    }
}

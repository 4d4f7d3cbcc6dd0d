/// The attempt that stages files: unique over the life of the data folder (the journal's `AttemptID`).
package struct StagingAttempt: Codable, Sendable, Hashable, CustomStringConvertible {
    package var boot: Int64
    package var number: Int64

    package init(boot: Int64, number: Int64) {
        self.boot = boot
        self.number = number
    }

    /// The name of its staging folder: `<boot>-<n>`.
    package var description: String { "\(boot)-\(number)" }

    init?(folderName: String) {
        let parts = folderName.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let boot = Int64(parts[0]), let number = Int64(parts[1]), boot >= 0, number >= 0 else {
            return nil
        }
        self.init(boot: boot, number: number)
    }

    /// Relative to the bucket.
    var folder: String { "\(Bucket.ownFolder)/\(self)" }
}

/// A file in staging, on its way to be written.
package struct StagedFile: Codable, Sendable, Hashable {
    package var bucket: String
    package var attempt: StagingAttempt
    /// Running number within attempt and bucket.
    package var index: Int
    package var inode: UInt64

    /// Relative to the bucket, without the key's suffix, so that no `**/*.parquet` meets it.
    package var path: String { "\(attempt.folder)/\(index)" }
}

/// A staged file that is complete and durable: nobody writes to it, content and name are synced.
package struct SealedFile: Codable, Sendable, Hashable {
    package var file: StagedFile
    package var device: UInt64
    package var size: Int64
    /// mtime in nanoseconds since 1970.
    package var modified: Int64
    /// Sampled content hash.
    package var sample: UInt64

    /// The publication of this file under `key`. Without `overwrite` it fails with `KeyExists` when something is
    /// there. With it, it replaces `known` (what the journal knows under the key at the time of the decision, nil for
    /// nothing), and fails with `Conflict` when it finds anything else.
    package func publication(key: String, overwrite: Bool = false, known: ObjectVersion? = nil) -> Publication {
        Publication(
            kind: overwrite ? .replace(known: known) : .create, bucket: file.bucket, key: key, staged: file.path,
            device: device, inode: file.inode, size: size, modified: modified, sample: sample)
    }
}

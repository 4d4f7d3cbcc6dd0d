package import Journal
import ObjectStore

/// Compares the files of a manifest with what is there. Blocking.
package struct ManifestLook: Sendable {
    /// What is not as the manifest says, one sentence a file, in the order of the manifest.
    package var missing: [String] = []
    /// Files with the right size whose hash the manifest gives and nobody knows yet: whether they are as it says takes
    /// reading them.
    package var unread: [String] = []
    /// Something of `missing` could not be read for a reason that may pass: looking again may show it, whether or not
    /// anything comes.
    package var mayPass = false

    /// - Parameter reading: of files whose hash is asked for so many bytes are read, from where the look before has
    ///   come to. Only hashes that are known then are compared.
    package init(
        at manifest: OpenManifest, journal: any JournalStore, buckets: BucketSet, digests: ManifestDigests,
        reading: Int64
    ) {
        if manifest.isUnread == true {
            missing = ["\(manifest.id.bucket)/\(manifest.id.key): the manifest itself cannot be read yet"]
            return
        }
        var reading = reading
        for file in manifest.files {
            let name = "\(file.bucket)/\(file.key)"
            guard let bucket = buckets[file.bucket] else {
                missing.append("\(name): there is no bucket \(file.bucket)")
                continue
            }
            do {
                guard let object = try journal.object(bucket: file.bucket, key: file.key) else {
                    missing.append("\(name): has not arrived")
                    continue
                }
                if let size = file.size, object.size != size {
                    missing.append("\(name): has \(object.size) bytes instead of \(size)")
                    continue
                }
                guard let wanted = file.sha256 else { continue }
                guard let found = try digests.read(object, in: bucket, bytes: &reading) else {
                    unread.append(name)
                    continue
                }
                if found != wanted { missing.append("\(name): its SHA-256 is \(found) instead of \(wanted)") }
            } catch {
                if Self.mayPass(error, in: bucket) { mayPass = true }
                let reason = (error as? Manifest.Invalid)?.message ?? (error as? ObjectStoreError)?.message
                missing.append("\(name): \(reason ?? "\(error)")")
            }
        }
    }

    private static func mayPass(_ error: any Error, in bucket: Bucket) -> Bool {
        switch error {
        case let error as JournalError: error.isPassing
        // A bucket that is lost has none of its objects.
        case let error as ObjectStoreError: !error.isPermanent || error.code == .noSuchKey && !bucket.isInPlace
        default: false
        }
    }
}

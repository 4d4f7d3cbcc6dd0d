package import Journal
import ObjectStore

/// Compares the files of a manifest with what is there. Blocking.
package struct ManifestLook: Sendable {
    /// What is not as the manifest says, one sentence a file, in the order of the manifest.
    package var missing: [String] = []
    /// There are files with the right size whose hash the manifest gives and nobody knows yet: whether they are as it says
    /// takes reading them.
    package var isUnread = false

    /// - Parameter reading: files are read where their hash is asked for, which may take long. Otherwise only hashes that
    ///   are known already are compared.
    package init(
        at manifest: OpenManifest, journal: any JournalStore, buckets: BucketSet, digests: ManifestDigests,
        reading: Bool
    ) {
        if manifest.isUnread == true {
            missing = ["\(manifest.id.bucket)/\(manifest.id.key): the manifest itself cannot be read yet"]
            return
        }
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
                guard let found = reading ? try digests.read(object, in: bucket) : digests.known(object) else {
                    isUnread = true
                    continue
                }
                if found != wanted { missing.append("\(name): its SHA-256 is \(found) instead of \(wanted)") }
            } catch {
                let reason = (error as? Manifest.Invalid)?.message ?? (error as? ObjectStoreError)?.message
                missing.append("\(name): \(reason ?? "\(error)")")
            }
        }
    }
}

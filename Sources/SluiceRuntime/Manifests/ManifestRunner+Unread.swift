import FunctionProtocol
import Glibc
import Journal
import ObjectStore
import UVLoop

/// What could not be read: the log, or a manifest, because of a disk or a limit of the system that may be well again
/// soon.
extension ManifestRunner {
    /// Tries again in a second, whether anything comes or not.
    func readLater() {
        guard !isStopped, readTimer == nil else { return }
        readTimer = LoopTimer.after(.milliseconds(1000)) { [weak self] in
            self?.readTimer = nil
            Task { @LoopActor in
                await self?.readUnread()
                await self?.read()
                self?.look()
            }
        }
    }

    /// Looks again at a manifest of which a file could not be read: nobody tells when it can.
    func lookLater(_ manifest: OpenManifest) {
        unseen[manifest.id] = manifest.eventID
        guard !isStopped, lookTimer == nil else { return }
        lookTimer = LoopTimer.after(.milliseconds(5000)) { [weak self] in
            guard let self else { return }
            self.lookTimer = nil
            let unseen = self.unseen
            self.unseen = [:]
            for (id, eventID) in unseen { self.core.lookAgain(id, eventID: eventID) }
            self.look()
        }
    }

    /// Reads the manifests again that could not be read when they came.
    private func readUnread() async {
        guard hasUnreadManifests else { return }
        // One that is ending has its event on the way.
        let unread = core.open.map(\.manifest).filter { $0.isUnread == true && !core.isEnding($0.id) }
        hasUnreadManifests = false
        for manifest in unread {
            let (buckets, declared, id) = (buckets, declared, manifest.id)
            let read = await files.run { Self.files(of: id.bucket, id.key, buckets: buckets, declared: declared) }
            // Another version has come, or its time is over.
            guard !isStopped, core.manifest(id) == manifest, !core.isEnding(id) else { continue }
            var batch = Batch()
            var known = manifest
            switch read {
            case .success(let files):
                known.files = files
                known.isUnread = nil
                batch.control.append(.putValue(name: Self.name(id), body: JSONText.encode(known)))
            case .failure(let error) where Self.isFinal(error):
                batch.appends.append(event(of: manifest, missing: [Self.reason(error)]))
                batch.control.append(.removeValue(name: Self.name(id)))
            case .failure:
                hasUnreadManifests = true
                continue
            }
            do throws(JournalError) {
                _ = try await committer.commit(batch)
            } catch {
                hasUnreadManifests = true
                continue
            }
            guard core.manifest(id)?.eventID == manifest.eventID else { continue }
            guard !core.isEnding(id) else {
                // If its end cannot be put, it is waited for as it was.
                hasUnreadManifests = true
                continue
            }
            if known.isUnread == nil { open(known) } else { close(id, eventID: manifest.eventID) }
        }
        if hasUnreadManifests { readLater() }
    }

    /// Whether reading again cannot help: the manifest is none, or it is gone.
    nonisolated static func isFinal(_ error: any Error) -> Bool {
        error is Manifest.Invalid || (error as? ObjectStoreError)?.isPermanent == true
    }

    /// Why a manifest says nothing.
    nonisolated static func reason(_ error: any Error) -> String {
        (error as? Manifest.Invalid)?.message ?? "the manifest cannot be read: \(error)"
    }

    /// What a manifest lists. Blocking.
    ///
    /// - Parameter declared: the buckets of the app; one of them may be out of reach.
    nonisolated static func files(
        of name: String, _ key: String, buckets: BucketSet, declared: Set<String>
    ) -> Result<[Manifest.File], any Error> {
        Result {
            guard let bucket = buckets[name] else {
                throw Manifest.Invalid(message: "there is no bucket \(name)")
            }
            do {
                let manifest = try Manifest(content(of: key, in: bucket), bucket: name, key: key)
                try manifest.requirePossible { declared.contains($0) || buckets[$0] != nil }
                return manifest.files
            } catch let error as ObjectStoreError where error.code == .noSuchKey && !bucket.isInPlace {
                // A bucket that is lost has none of its objects.
                throw ObjectStoreError(
                    .inputOutput, "the folder of bucket \(name) is out of reach", bucket: name, key: key, cause: error)
            }
        }
    }

    private nonisolated static func content(of key: String, in bucket: Bucket) throws -> [UInt8] {
        let opened = try bucket.open(key)
        defer { Glibc.close(opened.descriptor) }
        guard opened.stamp.size <= Manifest.maximumBytes else {
            throw Manifest.Invalid(message: "the manifest is longer than \(Manifest.maximumBytes) bytes")
        }
        var content: [UInt8] = []
        let object = ObjectAddress(bucket: bucket.name, key: key)
        _ = try FileChunks.read(opened.descriptor, of: object) { chunk in
            content += chunk
            return true
        }
        return content
    }
}

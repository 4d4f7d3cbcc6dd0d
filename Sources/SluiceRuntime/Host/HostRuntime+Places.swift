import AppConfig
import CLinux
import Glibc
import Journal
import Logging
import ObjectStore
import UVLoop

/// Where buckets are that the app names a `path` for, when that is not where they are: in a backup that has them, and
/// in a data folder that was restored elsewhere.
extension HostRuntime {
    private static let placePrefix = "bucket-place/"

    /// A bucket's folder.
    func folder(of definition: BucketDefinition) -> String {
        guard let path = definition.path, places[definition.name] != path else { return ownFolder(of: definition.name) }
        return path
    }

    private func ownFolder(of bucket: String) -> String { "\(options.dataFolder)/buckets/\(bucket)" }

    /// Reads which buckets are in the data folder although their app names another, and notes those that a backup
    /// brought along. It stays so whatever becomes of the other folder, which is another host's, and also where the own
    /// one is out of reach, which is then told of when it is opened: until the app names a folder that differs, or the
    /// own one is moved there while no host runs.
    func loadPlaces(_ app: AppDefinition) async throws {
        let (journal, prefix, data) = (journal, Self.placePrefix, options.dataFolder)
        let brought = Set(BackupNote.read(in: data)?.buckets ?? [])
        var batch = Batch()
        for (name, body) in try await files.run({ try journal.values(prefix: prefix) }) {
            let (bucket, path) = (String(name.dropFirst(prefix.count)), String(decoding: body, as: UTF8.self))
            let (own, isNamed) = (ownFolder(of: bucket), app.bucket(named: bucket) != nil)
            if try await files.run({ try Self.hasLeft(bucket, own, for: isNamed ? path : nil, journal) }) {
                batch.control.append(.removeValue(name: name))
            } else {
                places[bucket] = path
            }
        }
        for definition in app.buckets where brought.contains(definition.name) && places[definition.name] == nil {
            guard let path = definition.path else { continue }
            places[definition.name] = path
            batch.control.append(.putValue(name: prefix + definition.name, body: Array(path.utf8)))
            log.notice(
                "a bucket is where its backup has it, and not at its path: another host may work there",
                metadata: [
                    "bucket": "\(definition.name)", "folder": "\(ownFolder(of: definition.name))", "path": "\(path)",
                ])
        }
        if !batch.isEmpty { _ = try await committer.commit(batch) }
    }

    /// Whether a bucket's own folder is now at `path`: the very same one, and not that of the host whose copy this is,
    /// which has the same number. Until the copy has been looked through, the journal knows of that one's folder only.
    /// - Parameter path: nil where the app has no such bucket any more.
    private nonisolated static func hasLeft(
        _ bucket: String, _ own: String, for path: String?, _ journal: any JournalStore
    ) throws -> Bool {
        var (found, there) = (stat(), stat())
        // Any other reason why it cannot be seen may pass.
        guard lstat(own, &found) != 0, errno == ENOENT else { return false }
        guard let path else { return true }
        guard stat(path, &there) == 0 else { return false }
        guard let note = try BucketNote.read(of: bucket, journal), note.copy == (try copy(journal)) else {
            return false
        }
        return note.folder == FolderStamp(device: UInt64(there.st_dev), inode: UInt64(there.st_ino))
            && (note.id == nil || Bucket.identity(at: path) == note.id)
    }

    /// The app as it is stored, with the buckets that cannot be opened where the app that is to be deployed has them:
    /// who restores a data folder elsewhere says so there. Nil: it has none of them elsewhere.
    func moved(_ app: AppDefinition, over deployment: Deployment) async -> AppDefinition? {
        guard let folder = folderToDeploy(over: deployment) else { return nil }
        let wanted = await files.run {
            try? AppLoader.load(folder: folder, deployed: DeployedPatterns(app)).definition.buckets
        }
        var (moved, isMoved) = (app, false)
        for (index, bucket) in app.buckets.enumerated() where buckets[bucket.name] == nil {
            guard let other = wanted?.first(where: { $0.name == bucket.name }), other.path != bucket.path else {
                continue
            }
            moved.buckets[index].path = other.path
            isMoved = true
        }
        return isMoved ? moved : nil
    }
}

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
    /// brought along. It stays so whatever becomes of the other folder, which is another host's, until the app names
    /// one that differs, or the folder is moved away while no host runs.
    func loadPlaces(_ app: AppDefinition) async throws {
        let (journal, prefix, data) = (journal, Self.placePrefix, options.dataFolder)
        let brought = Set(BackupNote.read(in: data)?.buckets ?? [])
        var batch = Batch()
        for (name, body) in try await files.run({ try journal.values(prefix: prefix) }) {
            let bucket = String(name.dropFirst(prefix.count))
            if await isKnown(ownFolder(of: bucket), as: bucket) {
                places[bucket] = String(decoding: body, as: UTF8.self)
            } else {
                batch.control.append(.removeValue(name: name))
            }
        }
        for definition in app.buckets where brought.contains(definition.name) && places[definition.name] == nil {
            guard let path = definition.path, await isKnown(ownFolder(of: definition.name), as: definition.name) else {
                continue
            }
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

    /// Whether a folder is there, and is not known to be another bucket's.
    private func isKnown(_ folder: String, as bucket: String) async -> Bool {
        let journal = journal
        return await files.run {
            var status = stat()
            guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return false }
            guard let id = try? BucketNote.read(of: bucket, journal)?.id else { return true }
            return Bucket.identity(at: folder) == id
        }
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

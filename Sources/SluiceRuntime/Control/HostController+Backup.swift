import CLinux
import Glibc
package import HostAPI
import Journal
import ObjectStore
import UVLoop

extension HostController {
    package func backup(_ request: BackupRequest) async throws -> BackupResult {
        guard request.destination.hasPrefix("/") else {
            throw APIError.invalidRequest("the destination must be an absolute path, not `\(request.destination)`")
        }
        guard let journal = journal as? SQLiteJournal else {
            throw APIError.unavailable("a journal in memory cannot be backed up")
        }
        let (destination, functions) = (request.destination, await host.functionsFolder)
        let origin = host.options.dataFolder
        let buckets = request.withBuckets == true ? await host.openBuckets : nil
        if let buckets { try Self.requireOutside(buckets, destination) }
        let turn = host.backups
        try turn.begin()
        defer { turn.end() }
        // It may take hours: the host's own threads are not for that.
        let thread = FileThreads(count: 1)
        if let refusal = thread.refusal { throw APIError.unavailable("no backup was made: \(refusal)") }
        defer { thread.stop() }
        do {
            return try await thread.run {
                try Self.requireEmpty(destination)
                var note = BackupNote(
                    origin: origin, made: .init(HostClock().wall), buckets: buckets?.map(\.name).sorted(),
                    incomplete: true)
                try note.leave(in: destination)
                try journal.backup(to: destination)
                // Versions are immutable, so that copying them after the journal misses none that it names.
                let modules = try FolderCopy.copy(functions, to: destination + "/functions")
                let copied = try buckets.map { try Self.copy($0, to: destination) { turn.isStopped } }
                note.incomplete = nil
                try note.leave(in: destination)
                var status = stat()
                stat(destination + "/journal/journal.sqlite", &status)
                return BackupResult(
                    destination: destination, journalBytes: Int64(status.st_size), modules: modules,
                    buckets: copied)
            }
        } catch let error as JournalError {
            throw APIError.invalidRequest("no backup was made: \(error.message)")
        } catch let error as FolderCopy.Fault {
            throw APIError.unavailable("the backup is not complete: \(error.message)")
        }
    }

    /// After the journal and the modules: what the copied journal names is copied, or told of.
    private static func copy(
        _ buckets: [Bucket], to destination: String, isStopped: @escaping @Sendable () -> Bool
    ) throws -> [BackupResult.Bucket] {
        let backup = try BucketBackup(destination: destination, isStopped: isStopped)
        defer { backup.close() }
        guard mkdir(destination + "/buckets", 0o755) == 0 || errno == EEXIST else {
            throw FolderCopy.Fault(
                message: "cannot make \(destination)/buckets: \(String(cString: strerror(errno)))")
        }
        return try buckets.sorted { $0.name < $1.name }.map { try backup.copy($0) }
    }

    /// A copy within a bucket would be objects of it.
    private static func requireOutside(_ buckets: [Bucket], _ destination: String) throws(APIError) {
        for bucket in buckets where bucket.contains(destination) {
            throw .invalidRequest(
                "no backup was made: \(destination) lies in bucket \(bucket.name)",
                hint: "choose a folder outside of all buckets")
        }
    }

    /// A folder that is there must be empty: what lies in it is somebody's, and would look like a part of the backup.
    private static func requireEmpty(_ destination: String) throws {
        guard let entries = opendir(destination) else {
            guard errno == ENOTDIR else { return }
            throw APIError.invalidRequest(
                "no backup was made: \(destination) is a file", hint: "give the name of a new folder")
        }
        defer { closedir(entries) }
        while let entry = readdir(entries) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name == "." || name == ".." else {
                throw APIError.invalidRequest(
                    "no backup was made: \(destination) is there and not empty",
                    hint: "give the name of a new folder, or remove what is in it")
            }
        }
    }
}

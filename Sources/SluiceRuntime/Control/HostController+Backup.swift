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
        do {
            return try await files.run {
                try Self.requireEmpty(destination)
                try journal.backup(to: destination)
                // Versions are immutable, so that copying them after the journal misses none that it names.
                let modules = try FolderCopy.copy(functions, to: destination + "/functions")
                BackupNote(origin: origin, made: .init(HostClock().wall)).leave(in: destination)
                var status = stat()
                stat(destination + "/journal/journal.sqlite", &status)
                return BackupResult(
                    destination: destination, journalBytes: Int64(status.st_size), modules: modules)
            }
        } catch let error as JournalError {
            throw APIError.invalidRequest("no backup was made: \(error.message)")
        } catch let error as FolderCopy.Fault {
            throw APIError.unavailable("the backup is not complete: \(error.message)")
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

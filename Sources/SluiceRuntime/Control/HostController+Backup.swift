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
        do {
            return try await files.run {
                try journal.backup(to: destination)
                // Versions are immutable, so that copying them after the journal misses none that it names.
                let modules = try FolderCopy.copy(functions, to: destination + "/functions")
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
}

import AppConfig
package import HostAPI
import Journal
import Logging
import UVLoop

extension HostController {
    package func dropTable(database: String, name: String, request: DropTableRequest) async throws -> DropTableResult {
        let names = try await read { try $0.tables(database: nil) }.map { "\($0.database).\($0.table)" }
        guard names.contains("\(database).\(name)") else {
            throw APIError.notFound(
                "table", "\(database).\(name)",
                hint: NearestName.hint(for: "\(database).\(name)", among: names, known: "the tables"))
        }
        do {
            return try await host.dropTable(database: database, name: name, deletingFiles: request.deleteFiles)
        } catch let error as JournalError {
            throw APIError.unavailable("the table cannot be dropped: \(error.message)")
        }
    }
}

extension HostRuntime {
    /// In the place of a function's name, in `invocations list`.
    nonisolated static let dropName = "catalog"

    /// Takes a table out of the catalog: the next file that is registered for it makes it anew, with types of its own.
    /// Its files stay, or go before it.
    func dropTable(database: String, name: String, deletingFiles: Bool) async throws -> DropTableResult {
        guard phase == .ready else { throw APIError.unavailable("the host is \(phase.rawValue)") }
        let journal = journal
        var result = DropTableResult(deleted: 0, left: 0, location: "")
        // A removal locks its object's name alone. It must not wait for one while the table is held: a call that
        // asks for both would be in its way, and it in that call's.
        var after: String?
        while deletingFiles {
            let from = after
            let (count, last, objects) = try await files.run {
                let page = try journal.tableFiles(database: database, table: name, after: from, limit: 500)
                return (
                    page.count, page.last?.key,
                    try page.compactMap { try journal.object(bucket: $0.bucket, key: $0.key) }
                )
            }
            for object in objects where await lifecycle.remove(object, by: Self.dropName) { result.deleted += 1 }
            guard count == 500 else { break }
            after = last
        }
        let lock: Set<String> = [Decision.lock(database: database, table: name)]
        await publisher.locks.acquire(lock)
        defer { publisher.locks.release(lock) }
        if let stored = try await files.run({ try journal.table(database: database, table: name) }) {
            result.left = stored.files
            result.location = CatalogReading.definition(stored)?.location ?? ""
        }
        var batch = Batch()
        batch.catalog.append(.removeTable(database: database, table: name))
        _ = try await committer.commit(batch)
        log.notice(
            "a table was dropped",
            metadata: ["table": "\(database).\(name)", "deleted": "\(result.deleted)", "left": "\(result.left)"])
        return result
    }
}

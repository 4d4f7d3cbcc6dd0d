package import FunctionProtocol
import EventModel
package import Journal
import ObjectStore

/// The catalog as handlers and the command line see it.
package enum CatalogReading {
    package static func definition(_ stored: StoredTable) -> TableDefinition? {
        JSONText.decode(TableDefinition.self, from: stored.body)
    }

    package static func table(_ stored: StoredTable) -> CatalogTable? {
        guard let definition = definition(stored) else { return nil }
        return CatalogTable(
            database: stored.database, name: stored.table, version: definition.version, columns: definition.columns,
            partitionKeys: definition.partitionKeys, location: definition.location,
            classification: definition.classification, properties: definition.properties, fileCount: stored.files,
            rowCount: stored.rows, byteCount: stored.bytes)
    }
}

/// What an outcome does to the catalog. Both calls are made under the tables' locks, so the answer of the first (before
/// commit 1) still holds for the second (commit 2).
enum CatalogWriting {
    /// Would every file be accepted? Blocking.
    static func check(_ requests: [RegisterFileRequest], journal: any JournalStore) throws {
        _ = try definitions(requests, journal: journal, time: "")
    }

    /// The changes for commit 2, with the sizes that the published files have. Blocking.
    static func changes(
        for decision: Decision, published: [PublishedObject], journal: any JournalStore
    ) throws -> [CatalogChange] {
        guard !decision.files.isEmpty else { return [] }
        let time = Timestamp(milliseconds: decision.started).description
        var changes: [CatalogChange] = []
        let tables = try definitions(decision.files, journal: journal, time: time)
        for (name, definition) in tables.sorted(by: { $0.key < $1.key }) {
            changes.append(
                .putTable(
                    database: name.database, table: name.table, version: definition.version,
                    body: JSONText.encode(definition)))
        }
        for request in decision.files {
            let object = published.first {
                ObjectAddress(bucket: $0.bucket, key: $0.key)
                    == ObjectAddress(bucket: request.file.bucket, key: request.file.key)
            }
            let known = object == nil ? try journal.object(bucket: request.file.bucket, key: request.file.key) : nil
            let version = tables[Name(request)]?.version ?? 1
            changes.append(
                .putFile(
                    CatalogFile(
                        database: request.database, table: request.table, bucket: request.file.bucket,
                        key: request.file.key, rows: request.rows,
                        bytes: object?.sighting?.stamp.size ?? known?.size ?? 0,
                        partition: request.partition, schemaVersion: version)))
        }
        return changes
    }

    private struct Name: Hashable, Comparable {
        var database: String
        var table: String

        init(_ request: RegisterFileRequest) {
            database = request.database
            table = request.table
        }

        static func < (lhs: Self, rhs: Self) -> Bool { (lhs.database, lhs.table) < (rhs.database, rhs.table) }
    }

    private static func definitions(
        _ requests: [RegisterFileRequest], journal: any JournalStore, time: String
    ) throws -> [Name: TableDefinition] {
        var tables: [Name: TableDefinition] = [:]
        for request in requests {
            let name = Name(request)
            let current =
                try tables[name]
                ?? journal.table(database: request.database, table: request.table).flatMap(CatalogReading.definition)
            do throws(TableDefinition.Refusal) {
                tables[name] = try TableDefinition.registering(request, into: current, at: time)
            } catch {
                switch error {
                case .conflict(let text): throw CallRefusal("CatalogConflict", text)
                case .mismatch(let text): throw CallRefusal("SchemaMismatch", text)
                }
            }
        }
        return tables
    }
}

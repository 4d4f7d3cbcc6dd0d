import Foundation
import GRDB

/// A journal that no host has open, such as a backup made just now, to be read and left as it is.
package final class CopiedJournal: Sendable {
    private let pool: DatabasePool
    private let path: String

    /// Blocking, as everything here.
    package init(dataFolder: String) throws(JournalError) {
        path = DataFolder(dataFolder).database
        do {
            try Connections.checkFormat(path)
            pool = try Connections.readers(path, count: 1)
        } catch {
            throw JournalError(storage: error, doing: "opening the copied journal", path: path)
        }
    }

    package func close() { try? pool.close() }

    /// In key order after `after`, as `JournalStore.objects`.
    package func objects(bucket: String, after: String?, limit: Int) throws(JournalError) -> [ObjectRecord] {
        let range = KeyRange(prefix: "", after: after)
        return try read { db in
            let rows = try Row.fetchAll(
                db,
                sql: "SELECT * FROM object WHERE bucket = ? AND \(range.condition("key")) ORDER BY key LIMIT \(limit)",
                arguments: StatementArguments([bucket] + range.arguments))
            return try rows.map { try ObjectRecord(row: $0) }
        }
    }

    /// The bodies of the outcomes that are decided and not carried out.
    package func decisions() throws(JournalError) -> [[UInt8]] {
        try read { db in
            try Row.fetchAll(db, sql: "SELECT body FROM decision ORDER BY sequence").map { try $0.bytes("body") }
        }
    }

    package func values(prefix: String) throws(JournalError) -> [[UInt8]] {
        let range = KeyRange(prefix: prefix, after: nil)
        return try read { db in
            try Row.fetchAll(
                db, sql: "SELECT body FROM value WHERE \(range.condition("name")) ORDER BY name",
                arguments: StatementArguments(range.arguments)
            ).map { try $0.bytes("body") }
        }
    }

    private func read<Value>(_ body: (Database) throws -> Value) throws(JournalError) -> Value {
        do { return try pool.read(body) } catch {
            throw JournalError(storage: error, doing: "reading the copied journal", path: path)
        }
    }
}

import Foundation
import GRDB

/// Control tables: rare, so GRDB's own statements do.
extension JournalWriter {
    func apply(_ change: ControlChange) throws(JournalError) {
        switch change {
        case .deploy(let ruleSet, let body):
            try ledger.deploy(ruleSet)
            try execute(
                "INSERT INTO deployment (rule_set, position, body) VALUES (?, ?, ?)",
                [ruleSet, ledger.head + 1, Data(body)])
        case .putSubscription(let record):
            _ = try ledger.put(record)
            // The writer stores its progress with the transaction.
            try execute(
                """
                INSERT INTO subscription (id, log, rule, target, state) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET state = excluded.state
                """, [record.id.value, record.log, record.rule, record.target, record.state])
            try execute("UPDATE meta SET value = ? WHERE name = 'last_subscription'", [ledger.lastSubscription])
        case .removeSubscription(let id):
            try ledger.remove(id)
            try execute("DELETE FROM subscription WHERE id = ?", [id.value])
            try execute("DELETE FROM progress WHERE subscription = ?", [id.value])
            try execute("DELETE FROM settled_block WHERE subscription = ?", [id.value])
            try execute("DELETE FROM trimmed_match WHERE subscription = ?", [id.value])
        case .putFunction(let record):
            try execute(
                "INSERT OR REPLACE INTO function (name, version, digest, created, body) VALUES (?, ?, ?, ?, ?)",
                [record.name, record.version, record.digest, record.created, Data(record.body)])
        case .putValue(let name, let body):
            try execute("INSERT OR REPLACE INTO value (name, body) VALUES (?, ?)", [name, Data(body)])
        case .removeValue(let name): try execute("DELETE FROM value WHERE name = ?", [name])
        }
    }

    func apply(_ change: CatalogChange) throws(JournalError) {
        switch change {
        case .putTable(let database, let table, let version, let body):
            let row: StatementArguments = [database, table, version, Data(body)]
            try execute("INSERT OR REPLACE INTO catalog_table (database, name, version, body) VALUES (?, ?, ?, ?)", row)
            try execute(
                "INSERT OR IGNORE INTO catalog_version (database, name, version, body) VALUES (?, ?, ?, ?)", row)
        case .removeTable(let database, let table):
            for name in ["catalog_table", "catalog_version", "catalog_file"] {
                try execute("DELETE FROM \(name) WHERE database = ? AND name = ?", [database, table])
            }
        case .putFile(let file):
            let partition = try attempt("writing a catalog file") { try JSONTexts.encode(file.partition) }
            try execute(
                """
                INSERT OR REPLACE INTO catalog_file (bucket, key, database, name, rows, bytes, schema_version,
                partition) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    file.bucket, file.key, file.database, file.table, file.rows, file.bytes, file.schemaVersion,
                    partition,
                ])
        case .removeFile(let bucket, let key):
            try execute(
                """
                DELETE FROM catalog_file WHERE bucket = ?1 AND key = ?2
                AND NOT EXISTS (SELECT 1 FROM object WHERE bucket = ?1 AND key = ?2)
                """, [bucket, key])
        }
    }

    private func execute(_ sql: String, _ arguments: StatementArguments) throws(JournalError) {
        try attempt("writing the control tables") {
            try db.cachedStatement(sql: sql).execute(arguments: arguments)
        }
    }
}

import Foundation
import GRDB

/// Columns of a journal file that may be damaged: GRDB's own subscripts stop the process where a value is not of the
/// type that is asked for.
extension Row {
    func stored<Value: DatabaseValueConvertible>(_ column: String) throws(MalformedBlob) -> Value {
        guard let value: Value = try storedIfPresent(column) else {
            throw MalformedBlob(what: "column \(column)", at: 0)
        }
        return value
    }

    /// Nil for NULL.
    func storedIfPresent<Value: DatabaseValueConvertible>(_ column: String) throws(MalformedBlob) -> Value? {
        guard let value = self[column] as DatabaseValue?, !value.isNull else { return nil }
        guard let converted = Value.fromDatabaseValue(value) else {
            throw MalformedBlob(what: "column \(column)", at: 0)
        }
        return converted
    }

    /// A blob column; empty for NULL.
    func bytes(_ column: String) throws(MalformedBlob) -> [UInt8] {
        guard let data: Data = try storedIfPresent(column) else { return [] }
        return [UInt8](data)
    }
}

extension PendingEntry {
    init(row: Row) throws {
        try self.init(
            delivery: Delivery(
                subscription: SubscriptionID(row.stored("subscription")), position: row.stored("position"),
                ordinal: row.stored("ordinal")),
            state: State(stored: row.stored("state")), eventID: row.stored("event_id"),
            ingested: row.stored("ingested"),
            attempts: row.stored("attempts"), due: row.stored("due"), history: row.bytes("history"),
            payload: row.bytes("payload"),
            lineage: row.bytes("lineage"), deadLetter: row.storedIfPresent("dead_letter"))
    }
}

extension DeadLetter {
    init(row: Row) throws {
        try self.init(
            id: row.stored("id"),
            delivery: Delivery(
                subscription: SubscriptionID(row.stored("subscription")), position: row.stored("position"),
                ordinal: row.stored("ordinal")),
            state: State(stored: row.stored("state")), target: row.stored("target"), rule: row.stored("rule"),
            eventID: row.stored("event_id"),
            ingested: row.stored("ingested"), died: row.stored("died"), code: row.stored("code"),
            message: row.stored("message"),
            condition: row.stored("condition"), fingerprint: row.stored("fingerprint"),
            attempts: row.stored("attempts"),
            history: row.bytes("history"), payload: row.bytes("payload"), lineage: row.bytes("lineage"),
            input: row.bytes("input"))
    }
}

extension ObjectRecord {
    init(row: Row) throws {
        try self.init(
            bucket: row.stored("bucket"), key: row.stored("key"),
            device: UInt64(bitPattern: row.stored("device") as Int64),
            inode: UInt64(bitPattern: row.stored("inode") as Int64), size: row.stored("size"),
            modified: row.stored("modified"),
            changed: row.stored("changed"), sample: UInt64(bitPattern: row.stored("sample") as Int64),
            etag: row.stored("etag"),
            sequencer: row.stored("sequencer"), eventID: row.stored("event_id"), arrived: row.stored("arrived"))
    }
}

extension InvocationRecord {
    init(row: Row) throws {
        try self.init(
            attempt: AttemptID(boot: row.stored("boot"), number: row.stored("number")), invocationID: row.stored("id"),
            subscription: (row.storedIfPresent("subscription") as Int64?).map { SubscriptionID($0) },
            function: row.stored("function"),
            version: row.stored("version"), eventIDs: JSONTexts.decode(row.stored("event_ids")),
            attemptNumber: row.stored("attempt"),
            started: row.stored("started"), durationMicroseconds: row.stored("duration"),
            outcome: row.stored("outcome"), code: row.stored("code"),
            message: row.stored("message"), coldStart: row.stored("cold_start"), details: row.bytes("details"),
            logFile: row.stored("log_file"),
            logOffset: row.stored("log_offset"), logLength: row.stored("log_length"))
    }
}

extension CatalogFile {
    init(row: Row) throws {
        try self.init(
            database: row.stored("database"), table: row.stored("name"), bucket: row.stored("bucket"),
            key: row.stored("key"), rows: row.stored("rows"),
            bytes: row.stored("bytes"), partition: JSONTexts.decode(row.stored("partition")),
            schemaVersion: row.stored("schema_version")
        )
    }
}

/// Lists of texts as JSON arrays: readable with any SQLite tool.
enum JSONTexts {
    static func encode(_ texts: [String]) throws -> String {
        String(decoding: try JSONEncoder().encode(texts), as: UTF8.self)
    }

    static func decode(_ text: String) throws -> [String] {
        do { return try JSONDecoder().decode([String].self, from: Data(text.utf8)) } catch {
            throw MalformedBlob(what: "list of texts", at: 0)
        }
    }
}

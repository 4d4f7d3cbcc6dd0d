import Foundation
import GRDB

extension Row {
    /// A blob column; empty for NULL.
    func bytes(_ column: String) -> [UInt8] { (self[column] as Data?).map { [UInt8]($0) } ?? [] }
}

extension PendingEntry {
    init(row: Row) throws {
        self.init(
            delivery: Delivery(
                subscription: SubscriptionID(row["subscription"]), position: row["position"], ordinal: row["ordinal"]),
            state: try State(stored: row["state"]), eventID: row["event_id"], ingested: row["ingested"],
            attempts: row["attempts"], due: row["due"], history: row.bytes("history"), payload: row.bytes("payload"),
            lineage: row.bytes("lineage"), deadLetter: row["dead_letter"])
    }
}

extension DeadLetter {
    init(row: Row) throws {
        self.init(
            id: row["id"],
            delivery: Delivery(
                subscription: SubscriptionID(row["subscription"]), position: row["position"], ordinal: row["ordinal"]),
            state: try State(stored: row["state"]), target: row["target"], rule: row["rule"], eventID: row["event_id"],
            ingested: row["ingested"], died: row["died"], code: row["code"], message: row["message"],
            condition: row["condition"], fingerprint: row["fingerprint"], attempts: row["attempts"],
            history: row.bytes("history"), payload: row.bytes("payload"), lineage: row.bytes("lineage"),
            input: row.bytes("input"))
    }
}

extension ObjectRecord {
    init(row: Row) {
        self.init(
            bucket: row["bucket"], key: row["key"], device: UInt64(bitPattern: row["device"] as Int64),
            inode: UInt64(bitPattern: row["inode"] as Int64), size: row["size"], modified: row["modified"],
            changed: row["changed"], sample: UInt64(bitPattern: row["sample"] as Int64), etag: row["etag"],
            sequencer: row["sequencer"], eventID: row["event_id"])
    }
}

extension InvocationRecord {
    init(row: Row) throws {
        self.init(
            attempt: AttemptID(boot: row["boot"], number: row["number"]), invocationID: row["id"],
            subscription: (row["subscription"] as Int64?).map { SubscriptionID($0) }, function: row["function"],
            version: row["version"], eventIDs: try JSONTexts.decode(row["event_ids"]), attemptNumber: row["attempt"],
            started: row["started"], durationMicroseconds: row["duration"], outcome: row["outcome"], code: row["code"],
            message: row["message"], coldStart: row["cold_start"], details: row.bytes("details"),
            logFile: row["log_file"],
            logOffset: row["log_offset"], logLength: row["log_length"])
    }
}

extension CatalogFile {
    init(row: Row) throws {
        self.init(
            database: row["database"], table: row["name"], bucket: row["bucket"], key: row["key"], rows: row["rows"],
            bytes: row["bytes"], partition: try JSONTexts.decode(row["partition"]), schemaVersion: row["schema_version"]
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

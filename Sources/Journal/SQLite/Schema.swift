import GRDB

/// The tables and their migrations. docs/journal-format.md explains each of them.
enum Schema {
    /// Kept in `PRAGMA user_version`; a journal with a higher one is refused.
    static let format: Int32 = 1
    /// "SLUJ" in `PRAGMA application_id`: tells `file(1)` and us whose database this is.
    static let application: Int32 = 0x534C_554A

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { try $0.execute(sql: first) }
        migrator.registerMigration("2") { try $0.execute(sql: second) }
        migrator.registerMigration("3") { try $0.execute(sql: third) }
        return migrator
    }

    /// The tables of one segment of the log.
    static func segmentTables(_ id: Int64) -> String {
        """
        CREATE TABLE log_\(id) (
            position INTEGER PRIMARY KEY, log INTEGER NOT NULL, ingested INTEGER NOT NULL, event_id TEXT NOT NULL,
            payload BLOB NOT NULL, lineage BLOB NOT NULL);
        CREATE TABLE match_\(id) (
            first INTEGER PRIMARY KEY, last INTEGER NOT NULL, ingested INTEGER NOT NULL, bytes INTEGER NOT NULL,
            decisions BLOB NOT NULL, hashes BLOB NOT NULL);
        """
    }

    private static let first = """
        CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        INSERT INTO meta VALUES ('boot', 0), ('clean', 1), ('last_subscription', 0), ('trimmed_records', 0);

        CREATE TABLE log (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE segment (
            id INTEGER PRIMARY KEY, first INTEGER NOT NULL UNIQUE, last INTEGER, bytes INTEGER NOT NULL DEFAULT 0,
            ingested INTEGER NOT NULL DEFAULT 0);
        CREATE TABLE segment_match (
            segment INTEGER NOT NULL, subscription INTEGER NOT NULL, first_ordinal INTEGER NOT NULL,
            count INTEGER NOT NULL, PRIMARY KEY (segment, subscription)) WITHOUT ROWID;
        CREATE TABLE trimmed_match (subscription INTEGER PRIMARY KEY, count INTEGER NOT NULL);
        INSERT INTO segment (id, first) VALUES (1, 1);
        \(segmentTables(1))

        CREATE TABLE deployment (rule_set INTEGER PRIMARY KEY, position INTEGER NOT NULL, body BLOB NOT NULL);
        CREATE TABLE subscription (
            id INTEGER PRIMARY KEY, log TEXT NOT NULL, rule TEXT NOT NULL, target TEXT NOT NULL, state TEXT NOT NULL,
            UNIQUE (log, rule, target));
        CREATE TABLE progress (
            subscription INTEGER PRIMARY KEY, floor INTEGER NOT NULL, anchor_ordinal INTEGER NOT NULL,
            anchor_position INTEGER NOT NULL, matched INTEGER NOT NULL, succeeded INTEGER NOT NULL,
            dropped INTEGER NOT NULL, superseded INTEGER NOT NULL, purged INTEGER NOT NULL, retrying INTEGER NOT NULL,
            parked INTEGER NOT NULL, redriven INTEGER NOT NULL, dead INTEGER NOT NULL, settled BLOB NOT NULL);
        CREATE TABLE settled_block (
            subscription INTEGER NOT NULL, block INTEGER NOT NULL, settled BLOB NOT NULL,
            PRIMARY KEY (subscription, block)) WITHOUT ROWID;
        CREATE TABLE deduplication (
            log INTEGER NOT NULL, id TEXT NOT NULL, position INTEGER NOT NULL, ingested INTEGER NOT NULL);
        CREATE UNIQUE INDEX deduplication_id ON deduplication (log, id);

        CREATE TABLE pending (
            subscription INTEGER NOT NULL, ordinal INTEGER NOT NULL, position INTEGER NOT NULL, state INTEGER NOT NULL,
            event_id TEXT NOT NULL, ingested INTEGER NOT NULL, attempts INTEGER NOT NULL, due INTEGER NOT NULL,
            dead_letter INTEGER, history BLOB NOT NULL, lineage BLOB NOT NULL, payload BLOB NOT NULL);
        CREATE UNIQUE INDEX pending_delivery ON pending (subscription, ordinal);
        CREATE TABLE dead_letter (
            id INTEGER PRIMARY KEY, subscription INTEGER NOT NULL, position INTEGER NOT NULL, ordinal INTEGER NOT NULL,
            state INTEGER NOT NULL, target TEXT NOT NULL, rule TEXT NOT NULL, event_id TEXT NOT NULL,
            ingested INTEGER NOT NULL, died INTEGER NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL,
            condition TEXT NOT NULL, fingerprint TEXT NOT NULL, attempts INTEGER NOT NULL, history BLOB NOT NULL,
            input BLOB NOT NULL, lineage BLOB NOT NULL, payload BLOB NOT NULL);
        CREATE INDEX dead_letter_dead ON dead_letter (state) WHERE state = 1;
        CREATE INDEX dead_letter_group ON dead_letter (target, code, fingerprint, died, state) WHERE state = 1;
        CREATE INDEX dead_letter_subscription ON dead_letter (subscription) WHERE state = 1;
        CREATE INDEX dead_letter_fingerprint ON dead_letter (fingerprint) WHERE state = 1;
        CREATE TABLE decision (
            sequence INTEGER PRIMARY KEY, boot INTEGER NOT NULL, number INTEGER NOT NULL, body BLOB NOT NULL);
        CREATE UNIQUE INDEX decision_attempt ON decision (boot, number);

        CREATE TABLE object (
            bucket TEXT NOT NULL, key TEXT NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,
            size INTEGER NOT NULL, modified INTEGER NOT NULL, changed INTEGER NOT NULL, sample INTEGER NOT NULL,
            etag TEXT NOT NULL, sequencer TEXT NOT NULL, event_id TEXT NOT NULL,
            PRIMARY KEY (bucket, key)) WITHOUT ROWID;
        CREATE TABLE invocation (
            boot INTEGER NOT NULL, number INTEGER NOT NULL, id TEXT NOT NULL, subscription INTEGER,
            function TEXT NOT NULL, version INTEGER NOT NULL, event_ids TEXT NOT NULL, attempt INTEGER NOT NULL,
            started INTEGER NOT NULL, duration INTEGER NOT NULL, outcome TEXT NOT NULL, code TEXT NOT NULL,
            message TEXT NOT NULL, cold_start INTEGER NOT NULL, log_file TEXT NOT NULL, log_offset INTEGER NOT NULL,
            log_length INTEGER NOT NULL, details BLOB NOT NULL);
        CREATE UNIQUE INDEX invocation_attempt ON invocation (boot, number);
        CREATE INDEX invocation_function ON invocation (function, boot, number);
        CREATE TABLE invocation_event (
            event_id TEXT NOT NULL, boot INTEGER NOT NULL, number INTEGER NOT NULL,
            PRIMARY KEY (event_id, boot, number)) WITHOUT ROWID;

        CREATE TABLE catalog_table (
            database TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL,
            PRIMARY KEY (database, name)) WITHOUT ROWID;
        CREATE TABLE catalog_version (
            database TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL,
            PRIMARY KEY (database, name, version)) WITHOUT ROWID;
        CREATE TABLE catalog_file (
            bucket TEXT NOT NULL, key TEXT NOT NULL, database TEXT NOT NULL, name TEXT NOT NULL, rows INTEGER NOT NULL,
            bytes INTEGER NOT NULL, schema_version INTEGER NOT NULL, partition TEXT NOT NULL,
            PRIMARY KEY (bucket, key)) WITHOUT ROWID;
        CREATE INDEX catalog_file_table ON catalog_file (database, name, key, bucket, schema_version, rows, bytes);
        CREATE TABLE function (
            name TEXT NOT NULL, version INTEGER NOT NULL, digest TEXT NOT NULL, created INTEGER NOT NULL,
            body BLOB NOT NULL, PRIMARY KEY (name, version)) WITHOUT ROWID;
        CREATE TABLE value (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
        PRAGMA user_version = \(format);
        PRAGMA application_id = \(application);
        """
}

extension Schema {
    /// Indexes alone: an older Sluice reads and keeps them, so the format stays.
    private static let second = """
        CREATE INDEX dead_letter_delivery ON dead_letter (subscription, ordinal);
        """

    /// An older Sluice names the columns that it writes, and leaves this one 0. So is what it wrote before: no row is
    /// rewritten for it, and `changed` tells until other stamps come.
    private static let third = """
        ALTER TABLE object ADD COLUMN arrived INTEGER NOT NULL DEFAULT 0;
        """
}

/// The stored numbers of states: never reuse one.
extension PendingEntry.State {
    var stored: Int64 {
        switch self {
        case .retrying: 1
        case .parked: 2
        case .redriven: 3
        }
    }

    init(stored: Int64) throws(MalformedBlob) {
        switch stored {
        case 1: self = .retrying
        case 2: self = .parked
        case 3: self = .redriven
        default: throw MalformedBlob(what: "state \(stored) of a pending entry", at: 0)
        }
    }
}

extension DeadLetter.State {
    var stored: Int64 {
        switch self {
        case .dead: 1
        case .redriving: 2
        case .redriven: 3
        case .purged: 4
        }
    }

    init(stored: Int64) throws(MalformedBlob) {
        switch stored {
        case 1: self = .dead
        case 2: self = .redriving
        case 3: self = .redriven
        case 4: self = .purged
        default: throw MalformedBlob(what: "state \(stored) of a dead letter", at: 0)
        }
    }
}

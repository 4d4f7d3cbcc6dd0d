/// How the effects of a replay in the shadow differ from those of the original run.
package struct ShadowReport: Codable, Sendable, Hashable {
    /// How many of one kind of effect stayed, came, went or changed.
    package struct Counts: Codable, Sendable, Hashable {
        package var same: Int64 = 0
        package var added: Int64 = 0
        package var missing: Int64 = 0
        package var changed: Int64 = 0
        /// The original's is not there any more to be compared with.
        package var unknown: Int64 = 0

        package init() {}

        package var differences: Int64 { added + missing + changed }

        package mutating func add(_ change: ShadowDifference.Change) {
            switch change {
            case .same: same += 1
            case .added: added += 1
            case .missing: missing += 1
            case .changed: changed += 1
            case .unknown: unknown += 1
            }
        }
    }

    /// Rows of changed CSV and Parquet objects.
    package struct Rows: Codable, Sendable, Hashable {
        package var added: Int64 = 0
        package var removed: Int64 = 0
        package var changed: Int64 = 0

        package init() {}
    }

    package var objects = Counts()
    package var rows = Rows()
    package var events = Counts()
    package var catalog = Counts()
    /// Deletions of objects.
    package var deletions = Counts()
    /// Runs that failed in the shadow: `added` where the original succeeded, `same` where it failed too, `missing` where
    /// only the original failed.
    package var failures = Counts()
    /// Runs whose event's object was replaced by a newer version since: nothing to compare.
    package var superseded: Int64 = 0
    /// What differs, in the order of the log, at most as many as were asked for.
    package var differences: [ShadowDifference] = []

    package init() {}

    /// Nothing differs, as far as it could be compared.
    package var isEqual: Bool {
        objects.differences + events.differences + catalog.differences + deletions.differences + failures.added
            + failures.missing == 0
    }
}

/// One difference between a run in the shadow and the original run.
package struct ShadowDifference: Codable, Sendable, Hashable {
    package enum Change: String, Codable, Sendable {
        case same, added, missing, changed, unknown
    }

    /// `object`, `delete`, `event`, `register`, `failure`
    package var kind: String
    package var change: Change
    /// `bucket/key`, the bus with source and detail-type, the table, the failure's code.
    package var subject: String
    /// More of it.
    package var note: String?
    /// The event that was replayed, and through which rule.
    package var event: String
    package var rule: String
    package var function: String
    /// Of a CSV or Parquet object that changed.
    package var rows: RowDifference?

    package init(
        kind: String, change: Change, subject: String, note: String? = nil, event: String, rule: String,
        function: String, rows: RowDifference? = nil
    ) {
        self.kind = kind
        self.change = change
        self.subject = subject
        self.note = note
        self.event = event
        self.rule = rule
        self.function = function
        self.rows = rows
    }
}

/// How the rows of one table differ from those of another: `sluice diff`.
package struct RowDifference: Codable, Sendable, Hashable {
    /// A row that is only in one of the two, or differs between them.
    package struct Example: Codable, Sendable, Hashable {
        /// `added`, `removed`, `changed`
        package var change: String
        /// Texts of the compared columns, nil for null; nil for a row that was added.
        package var before: [String?]?
        /// Nil for a row that was removed.
        package var after: [String?]?

        package init(change: String, before: [String?]? = nil, after: [String?]? = nil) {
            self.change = change
            self.before = before
            self.after = after
        }
    }

    package var rowsBefore: Int64
    package var rowsAfter: Int64
    package var added: Int64
    package var removed: Int64
    package var changed: Int64
    /// The columns that tell which row is which; empty: none was given and none could be found, and nothing is `changed`.
    package var keys: [String]
    /// What is compared: the columns of both.
    package var columns: [String]
    package var columnsAdded: [String]
    package var columnsRemoved: [String]
    /// Columns of both whose type differs, as `name: before -> after`.
    package var typesChanged: [String]
    package var examples: [Example]

    package init(
        rowsBefore: Int64 = 0, rowsAfter: Int64 = 0, added: Int64 = 0, removed: Int64 = 0, changed: Int64 = 0,
        keys: [String] = [], columns: [String] = [], columnsAdded: [String] = [], columnsRemoved: [String] = [],
        typesChanged: [String] = [], examples: [Example] = []
    ) {
        self.rowsBefore = rowsBefore
        self.rowsAfter = rowsAfter
        self.added = added
        self.removed = removed
        self.changed = changed
        self.keys = keys
        self.columns = columns
        self.columnsAdded = columnsAdded
        self.columnsRemoved = columnsRemoved
        self.typesChanged = typesChanged
        self.examples = examples
    }

    package var isEqual: Bool {
        added + removed + changed == 0 && columnsAdded.isEmpty && columnsRemoved.isEmpty && typesChanged.isEmpty
    }
}

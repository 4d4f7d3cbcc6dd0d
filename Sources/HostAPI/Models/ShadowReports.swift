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
    /// Runs that failed in the shadow: `added` where the original succeeded, `same` where it failed with the same code,
    /// `changed` with another one, `missing` where only the original failed.
    package var failures = Counts()
    /// Runs whose event's object was replaced by a newer version since: nothing to compare.
    package var superseded: Int64 = 0
    /// What differs, in the order of the log, at most as many as were asked for, and no more than fit into
    /// `differenceBytes`.
    package var differences: [ShadowDifference] = []
    /// What those hold, about.
    package private(set) var toldBytes: Int?

    package init() {}

    /// What all differences that are told may hold, about: the report is written again with each page.
    package static let differenceBytes = 1 << 20

    /// Nothing differs, as far as it could be compared.
    package var isEqual: Bool {
        objects.differences + events.differences + catalog.differences + deletions.differences + failures.differences
            == 0
    }

    /// How many differences there are that could be told.
    package var tellable: Int64 {
        [objects, events, catalog, deletions, failures].reduce(0) { $0 + $1.differences + $1.unknown }
    }

    /// Keeps a difference to be told in full, where there is room for one more.
    package mutating func tell(_ difference: ShadowDifference, examples: Int) {
        guard differences.count < examples else { return }
        let bytes = (toldBytes ?? 0) + difference.bytes
        guard bytes <= Self.differenceBytes else { return }
        toldBytes = bytes
        differences.append(difference)
    }
}

/// One difference between a run in the shadow and the original run.
package struct ShadowDifference: Codable, Sendable, Hashable {
    /// The run in the shadow against the original; `unknown`: the original can no longer be known.
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
    /// Of another small text that changed: the lines that went (`- `) and came (`+ `), behind where they begin
    /// (`@ 12`); of many the first.
    package var lines: [String]?

    package init(
        kind: String, change: Change, subject: String, note: String? = nil, event: String, rule: String,
        function: String, rows: RowDifference? = nil, lines: [String]? = nil
    ) {
        self.lines = lines
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

extension ShadowDifference {
    /// What a note, and an example of a row, may hold.
    package static let noteBytes = 2048

    /// What it holds, about.
    var bytes: Int {
        let texts = subject.utf8.count + (note?.utf8.count ?? 0) + event.utf8.count + rule.utf8.count
        let examples = rows?.examples.flatMap { ($0.before ?? []) + ($0.after ?? []) } ?? []
        let diff = (lines ?? []).reduce(0) { $0 + $1.utf8.count + 3 }
        return texts + diff + 200 + examples.reduce(0) { $0 + ($1?.utf8.count ?? 4) + 3 }
    }

    /// The same with long texts cut: handlers write what they like, and the report is kept.
    package func bounded() -> ShadowDifference {
        var bounded = self
        bounded.subject = Self.cut(subject, to: Self.noteBytes)
        bounded.note = note.map { Self.cut($0, to: Self.noteBytes) }
        guard let rows else { return bounded }
        bounded.rows?.examples = rows.examples.map { example in
            var example = example
            let cells = max(1, (example.before?.count ?? 0) + (example.after?.count ?? 0))
            let share = max(8, Self.noteBytes / cells)
            func cut(_ row: [String?]?) -> [String?]? {
                row.map { $0.prefix(Self.noteBytes / 8).map { $0.map { Self.cut($0, to: share) } } }
            }
            example.before = cut(example.before)
            example.after = cut(example.after)
            return example
        }
        return bounded
    }

    /// At most so many bytes of a text, whole characters of it.
    package static func cut(_ text: String, to bytes: Int) -> String {
        guard text.utf8.count > bytes else { return text }
        var kept = text.utf8.prefix(max(0, bytes - 3))
        // Not within a character.
        while let last = kept.indices.last, String(kept) == nil { kept = kept[..<last] }
        return (String(kept) ?? "") + "…"
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
    /// The columns that tell which row is which; empty: none was given and none could be found, and nothing is
    /// `changed`.
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

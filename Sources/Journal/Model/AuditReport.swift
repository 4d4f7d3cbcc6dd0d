/// What a recount of a journal came to, and what it covers.
package struct AuditReport: Sendable, Hashable {
    /// What does not add up; empty: all is well.
    package var findings: [String] = []
    /// What did not stand still for long enough to be compared in all detail.
    package var notes: [String] = []
    package var subscriptions = 0
    /// Records of the log that were recounted; what was trimmed is gone.
    package var records: Int64 = 0
    /// The last of them.
    package var head: Position = 0

    /// What is wrong with the database file as such, by SQLite's own check; empty: nothing, or it is kept in no file.
    package var damage: [String] = []
    /// The tables that this looked at, and how long it took; nil where there is no file.
    package var checked: (tables: Int, seconds: Double)? {
        get { checkedTables.map { ($0, checkedSeconds) } }
        set { (checkedTables, checkedSeconds) = (newValue?.tables, newValue?.seconds ?? 0) }
    }
    /// Those that were too large to be checked while others write: their rows were read, in pieces, and their indexes
    /// were not.
    package var readInPieces: [String] = []
    private var checkedTables: Int?
    private var checkedSeconds = 0.0

    package init() {}

    /// What it covers, in words.
    package var coverage: String {
        "\(records) \(records == 1 ? "record" : "records") of the log up to position \(head), \(subscriptions) "
            + (subscriptions == 1 ? "subscription" : "subscriptions")
    }
}

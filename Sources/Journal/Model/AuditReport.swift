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

    package init() {}

    /// What it covers, in words.
    package var coverage: String {
        "\(records) \(records == 1 ? "record" : "records") of the log up to position \(head), \(subscriptions) "
            + (subscriptions == 1 ? "subscription" : "subscriptions")
    }
}

/// PUT_RECORDS: the records are appended to their streams when the invocation succeeds. Reply `PutRecordsReply`.
package struct PutRecordsRequest: Codable, Sendable {
    /// A record to put.
    package struct Entry: Codable, Sendable, Hashable {
        package var stream: String
        package var partitionKey: String
        /// A decimal number below 2^128 that chooses the shard instead of the partition key's MD5.
        package var explicitHashKey: String?
        /// Base64.
        package var data: String

        package init(stream: String, partitionKey: String, explicitHashKey: String? = nil, data: String) {
            self.stream = stream
            self.partitionKey = partitionKey
            self.explicitHashKey = explicitHashKey
            self.data = data
        }
    }

    package var entries: [Entry]
    /// The record of a batch that they belong to, by index.
    package var record: Int?

    package init(entries: [Entry], record: Int? = nil) {
        self.entries = entries
        self.record = record
    }
}

/// Answer to PUT_RECORDS.
package struct PutRecordsReply: Codable, Sendable {
    /// Of the records in the journal, in their order: sequence numbers are given when the invocation commits.
    package var eventIDs: [String]

    package init(eventIDs: [String]) {
        self.eventIDs = eventIDs
    }
}

import Journal
import Testing

@Suite("Rows written in groups")
struct GroupedRowsTests {
    @Test("However many records a transaction has, each row is its record's", arguments: [1, 7, 8, 9, 16, 21])
    func rows(count: Int) async throws {
        let fixture = try Fixture(.sqlite)
        try await fixture.journal.subscribe(1)
        var batch = Batch()
        for index in 0..<count {
            // Texts that lie in the string itself and others; no lineage, and some.
            let id = index % 3 == 0 ? "e\(index)" : "an-id-that-is-too-long-to-lie-in-the-string-itself-\(index)"
            batch.appends.append(
                Append(
                    log: index % 4 == 1 ? "other" : "default", eventID: id, ingested: Int64(1_000 + index),
                    payload: Array(repeating: UInt8(index), count: index * 100),
                    subscriptions: index % 4 == 0 ? [SubscriptionID(1)] : [], ruleSet: 0,
                    lineage: index % 2 == 0 ? [] : [UInt8(index)]))
        }
        try await fixture.journal.commit(batch)
        try fixture.reopen()
        let records = try fixture.journal.records(log: nil, after: 0, limit: 100)
        #expect(records.map(\.position) == (0..<count).map { Int64($0) + 1 })
        #expect(records.map(\.eventID) == batch.appends.map(\.eventID))
        #expect(records.map(\.log) == batch.appends.map(\.log))
        #expect(records.map(\.ingested) == batch.appends.map(\.ingested))
        #expect(records.map(\.payload) == batch.appends.map(\.payload))
        #expect(records.map(\.lineage) == batch.appends.map(\.lineage))
        #expect(try fixture.journal.audit() == [])
    }
}

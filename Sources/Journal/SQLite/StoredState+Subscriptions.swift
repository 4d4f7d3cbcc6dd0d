import GRDB

/// Where subscriptions stand, as it is stored.
extension StoredState {
    /// All of them by id, or one: with its settled ordinals and its counters. What was matched since the last settlement
    /// is in the open segment.
    static func subscriptions(_ db: Database, only id: SubscriptionID? = nil) throws -> [SubscriptionCore] {
        let (which, arguments): (String, StatementArguments) =
            id.map { ("= ?", [$0.value]) } ?? ("IS NOT NULL", StatementArguments())
        let sql = """
            SELECT s.id, s.log, s.rule, s.target, s.state, p.* FROM subscription s
            JOIN progress p ON p.subscription = s.id WHERE s.id \(which) ORDER BY s.id
            """
        var cores: [SubscriptionCore] = []
        let rows = try Row.fetchCursor(db, sql: sql, arguments: arguments)
        while let row = try rows.next() {
            var core = SubscriptionCore(
                record: SubscriptionRecord(
                    id: SubscriptionID(row["id"]), log: row["log"], rule: row["rule"], target: row["target"],
                    state: row["state"]))
            core.settled = SettledSet(floor: row["floor"])
            core.anchorOrdinal = row["anchor_ordinal"]
            core.anchorPosition = row["anchor_position"]
            core.matched = row["matched"]
            core.succeeded = row["succeeded"]
            core.dropped = row["dropped"]
            core.superseded = row["superseded"]
            core.purged = row["purged"]
            core.retrying = row["retrying"]
            core.parked = row["parked"]
            core.redriven = row["redriven"]
            core.dead = row["dead"]
            let settled = row.bytes("settled")
            if !settled.isEmpty {
                core.settled.restore(try SettledSet.Block(decoding: settled), at: core.settled.floorBlock)
            }
            cores.append(core)
        }
        let index = Dictionary(uniqueKeysWithValues: cores.enumerated().map { ($1.record.id, $0) })
        let blocks = try Row.fetchAll(
            db, sql: "SELECT subscription, block, settled FROM settled_block WHERE subscription \(which)",
            arguments: arguments)
        for row in blocks {
            guard let position = index[SubscriptionID(row["subscription"])] else { continue }
            cores[position].settled.restore(try SettledSet.Block(decoding: row.bytes("settled")), at: row["block"])
            cores[position].storedBlocks.insert(row["block"])
        }
        return cores
    }
}

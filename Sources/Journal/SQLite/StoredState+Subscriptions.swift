import GRDB

/// Where subscriptions stand, as it is stored.
extension StoredState {
    /// All of them by id, or one: with its settled ordinals and its counters. What was matched since the last
    /// settlement is in the open segment.
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
            var core = try SubscriptionCore(
                record: SubscriptionRecord(
                    id: SubscriptionID(row.stored("id")), log: row.stored("log"), rule: row.stored("rule"),
                    target: row.stored("target"),
                    state: row.stored("state")))
            core.settled = try SettledSet(floor: row.stored("floor"))
            core.anchorOrdinal = try row.stored("anchor_ordinal")
            core.anchorPosition = try row.stored("anchor_position")
            core.matched = try row.stored("matched")
            core.succeeded = try row.stored("succeeded")
            core.dropped = try row.stored("dropped")
            core.superseded = try row.stored("superseded")
            core.purged = try row.stored("purged")
            core.retrying = try row.stored("retrying")
            core.parked = try row.stored("parked")
            core.redriven = try row.stored("redriven")
            core.dead = try row.stored("dead")
            let settled = try row.bytes("settled")
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
            guard let position = index[SubscriptionID(try row.stored("subscription"))] else { continue }
            try cores[position].settled.restore(
                SettledSet.Block(decoding: row.bytes("settled")), at: row.stored("block"))
            cores[position].storedBlocks.insert(try row.stored("block"))
        }
        return cores
    }
}

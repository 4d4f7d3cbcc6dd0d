import GRDB

/// Reading the pending set, the dead letters, and invocations.
extension SQLiteJournal {
    package func pending(
        _ subscription: SubscriptionID?, after ordinal: Int64, limit: Int, bytes: Int
    ) throws(JournalError) -> [PendingEntry] {
        try read("reading the pending set") { db in
            let only = subscription == nil ? "" : "subscription = \(subscription?.value ?? 0) AND "
            let sql = "SELECT * FROM pending WHERE \(only)ordinal > ? ORDER BY subscription, ordinal LIMIT ?"
            var page = PageOfBytes<PendingEntry>(bytes)
            let rows = try Row.fetchCursor(db, sql: sql, arguments: [ordinal, limit])
            while let row = try rows.next() {
                let entry = try PendingEntry(row: row)
                guard page.add(entry, bytes: entry.payload.count + entry.history.count) else { break }
            }
            return page.items
        }
    }

    package func deadLetters(_ filter: DeadLetterFilter) throws(JournalError) -> [DeadLetter] {
        guard !filter.states.isEmpty, filter.limit > 0 else { return [] }
        return try read("reading dead letters") { db in
            let rows = try HotStatement(
                cached: db, "SELECT \(DeadLetter.columns) FROM dead_letter \(filter.condition) ORDER BY id LIMIT ?")
            defer { rows.reset() }
            let last = filter.bind(to: rows)
            rows.bind(last + 1, filter.limit)
            var page = PageOfBytes<DeadLetter>(filter.bytes)
            while try rows.step() {
                let letter = try DeadLetter(hot: rows)
                guard page.add(letter, bytes: letter.payload.count + letter.history.count) else { break }
            }
            return page.items
        }
    }

    package func keptInputs(after id: Int64, limit: Int) throws(JournalError) -> [(id: Int64, input: [UInt8])] {
        try read("reading what dead letters keep") { db in
            let states = [DeadLetter.State.dead, .redriving].map { "state = \($0.stored)" }.joined(separator: " OR ")
            return try Row.fetchAll(
                db,
                sql: """
                    SELECT id, input FROM dead_letter
                    WHERE id > ? AND (\(states)) AND length(input) > 0 ORDER BY id LIMIT ?
                    """, arguments: [id, limit]
            ).map { row in (id: try row.stored("id") as Int64, input: try row.bytes("input")) }
        }
    }

    package func deadLetterCount(_ filter: DeadLetterFilter) throws(JournalError) -> (count: Int, lastID: Int64) {
        guard !filter.states.isEmpty else { return (0, 0) }
        return try read("counting dead letters") { db in
            let row = try HotStatement(
                cached: db,
                "SELECT count(*), coalesce(max(id), 0) FROM dead_letter \(filter.index) \(filter.condition)")
            defer { row.reset() }
            _ = filter.bind(to: row)
            return try row.step() ? (Int(row.int64(0)), row.int64(1)) : (0, 0)
        }
    }

    package func deadLetter(id: Int64) throws(JournalError) -> DeadLetter? {
        try read("reading a dead letter") { db in
            try Row.fetchOne(db, sql: "SELECT * FROM dead_letter WHERE id = ?", arguments: [id]).map {
                try DeadLetter(row: $0)
            }
        }
    }

    package func deadLetterGroups() throws(JournalError) -> [DeadLetterGroup] {
        try read("grouping dead letters") { db in
            let groups = try Row.fetchAll(
                db,
                sql: """
                    SELECT target, code, fingerprint, count(*) AS count, min(died) AS first, max(died) AS last
                    FROM dead_letter INDEXED BY dead_letter_group WHERE state = \(DeadLetter.State.dead.stored)
                    GROUP BY target, code, fingerprint ORDER BY target, code, fingerprint
                    """)
            return try groups.map { group in
                let (target, code, print): (String, String, String) = try (
                    group.stored("target"), group.stored("code"), group.stored("fingerprint")
                )
                let newest = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT id, message FROM dead_letter WHERE state = \(DeadLetter.State.dead.stored) AND target = ?
                        AND code = ? AND fingerprint = ? AND died = ? ORDER BY id DESC LIMIT 1
                        """, arguments: [target, code, print, try group.stored("last") as Int64])
                return try DeadLetterGroup(
                    target: target, code: code, fingerprint: print, message: newest?.stored("message") ?? "",
                    newest: newest?.stored("id") ?? 0, count: group.stored("count"),
                    first: group.stored("first"), last: group.stored("last"))
            }
        }
    }

    package func invocations(
        function: String?, before: AttemptID?, limit: Int
    ) throws(JournalError) -> [InvocationRecord] {
        var conditions = ["1"]
        var arguments: StatementArguments = []
        if let function {
            conditions.append("function = ?")
            arguments += [function]
        }
        if let before {
            conditions.append("(boot, number) < (?, ?)")
            arguments += [before.boot, before.number]
        }
        arguments += [limit]
        let sql = """
            SELECT * FROM invocation WHERE \(conditions.joined(separator: " AND "))
            ORDER BY boot DESC, number DESC LIMIT ?
            """
        return try read("reading invocations") { db in
            try Row.fetchAll(db, sql: sql, arguments: arguments).map { try InvocationRecord(row: $0) }
        }
    }

    package func invocation(_ attempt: AttemptID) throws(JournalError) -> InvocationRecord? {
        try read("reading an invocation") { db in
            try Row.fetchOne(
                db, sql: "SELECT * FROM invocation WHERE boot = ? AND number = ?",
                arguments: [attempt.boot, attempt.number]
            ).map { try InvocationRecord(row: $0) }
        }
    }

    package func invocations(eventID: String) throws(JournalError) -> [InvocationRecord] {
        try read("reading invocations") { db in
            let sql = """
                SELECT i.* FROM invocation_event e JOIN invocation i ON i.boot = e.boot AND i.number = e.number
                WHERE e.event_id = ? ORDER BY e.boot, e.number
                """
            return try Row.fetchAll(db, sql: sql, arguments: [eventID]).map { try InvocationRecord(row: $0) }
        }
    }
}

extension DeadLetterFilter {
    /// The indexes hold what is dead: the rest is history, and need not be found as fast. They are used only where the
    /// condition reads as theirs does.
    fileprivate var condition: String {
        var conditions = ["id > ?", "(" + states.map { "state = \($0.stored)" }.joined(separator: " OR ") + ")"]
        if subscription != nil { conditions.append("subscription = ?") }
        if ordinal != nil { conditions.append("ordinal = ?") }
        if target != nil { conditions.append("target = ?") }
        if fingerprint != nil { conditions.append("fingerprint = ?") }
        if code != nil { conditions.append("code = ?") }
        if diedFrom != nil { conditions.append("died >= ?") }
        if diedBefore != nil { conditions.append("died < ?") }
        return "WHERE " + conditions.joined(separator: " AND ")
    }

    /// For counting: what is asked of code and time alone is all in one index, and no letter is read for it.
    fileprivate var index: String {
        let isInIndex = states == [.dead] && subscription == nil && ordinal == nil && fingerprint == nil
        return isInIndex && (code != nil || diedFrom != nil || diedBefore != nil) ? "INDEXED BY dead_letter_group" : ""
    }

    /// Binds the values of `condition` in its order; the number of the last one.
    fileprivate func bind(to statement: HotStatement) -> Int32 {
        var index: Int32 = 1
        statement.bind(index, afterID)
        func add(_ value: Int64?) {
            guard let value else { return }
            index += 1
            statement.bind(index, value)
        }
        func add(_ value: String?) {
            guard let value else { return }
            index += 1
            statement.bind(index, value)
        }
        add(subscription?.value)
        add(ordinal)
        add(target)
        add(fingerprint)
        add(code)
        add(diedFrom)
        add(diedBefore)
        return index
    }
}

extension DeadLetter {
    fileprivate static let columns = """
        id, subscription, position, ordinal, state, target, rule, event_id, ingested, died, code, message, condition,
        fingerprint, attempts, history, input, lineage, payload
        """

    /// A row of `columns`, by place: a redrive reads tens of thousands a second.
    fileprivate init(hot row: HotStatement) throws {
        self.init(
            id: row.int64(0),
            delivery: Delivery(
                subscription: SubscriptionID(row.int64(1)), position: row.int64(2), ordinal: row.int64(3)),
            state: try State(stored: row.int64(4)), target: row.text(5), rule: row.text(6), eventID: row.text(7),
            ingested: row.int64(8), died: row.int64(9), code: row.text(10), message: row.text(11),
            condition: row.text(12), fingerprint: row.text(13), attempts: Int(row.int64(14)), history: row.blob(15),
            payload: row.blob(18), lineage: row.blob(17), input: row.blob(16))
    }
}

import GRDB

/// Reading the pending set, the dead letters, and invocations.
extension SQLiteJournal {
    package func pending(
        _ subscription: SubscriptionID?, after ordinal: Int64, limit: Int
    ) throws(JournalError) -> [PendingEntry] {
        try read("reading the pending set") { db in
            let only = subscription == nil ? "" : "subscription = \(subscription?.value ?? 0) AND "
            let sql = "SELECT * FROM pending WHERE \(only)ordinal > ? ORDER BY subscription, ordinal LIMIT ?"
            return try Row.fetchAll(db, sql: sql, arguments: [ordinal, limit]).map { try PendingEntry(row: $0) }
        }
    }

    package func deadLetters(_ filter: DeadLetterFilter) throws(JournalError) -> [DeadLetter] {
        guard !filter.states.isEmpty else { return [] }
        // The indexes hold what is dead: the rest is history, and need not be found as fast. They are used only where
        // the condition reads as theirs does.
        let states = filter.states.map { "state = \($0.stored)" }.joined(separator: " OR ")
        var conditions = ["id > ?", "(\(states))"]
        var arguments: StatementArguments = [filter.afterID]
        func add(_ condition: String, _ value: (any DatabaseValueConvertible)?) {
            guard let value else { return }
            conditions.append(condition)
            arguments += [value]
        }
        add("subscription = ?", filter.subscription?.value)
        add("target = ?", filter.target)
        add("fingerprint = ?", filter.fingerprint)
        add("code = ?", filter.code)
        add("died >= ?", filter.diedFrom)
        add("died < ?", filter.diedBefore)
        arguments += [filter.limit]
        let sql = "SELECT * FROM dead_letter WHERE \(conditions.joined(separator: " AND ")) ORDER BY id LIMIT ?"
        return try read("reading dead letters") { db in
            try Row.fetchAll(db, sql: sql, arguments: arguments).map { try DeadLetter(row: $0) }
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
                let (target, code, print): (String, String, String) = (
                    group["target"], group["code"], group["fingerprint"]
                )
                let message = try String.fetchOne(
                    db,
                    sql: """
                        SELECT message FROM dead_letter WHERE state = \(DeadLetter.State.dead.stored) AND target = ?
                        AND code = ? AND fingerprint = ? AND died = ? ORDER BY id DESC LIMIT 1
                        """, arguments: [target, code, print, group["last"] as Int64])
                return DeadLetterGroup(
                    target: target, code: code, fingerprint: print, message: message ?? "", count: group["count"],
                    first: group["first"], last: group["last"])
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

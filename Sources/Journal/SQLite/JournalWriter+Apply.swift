import GRDB
import Synchronization

/// One batch into the transaction in progress.
extension JournalWriter {
    func apply(_ submitted: Batch) throws(JournalError) -> Receipt {
        var batch = submitted
        // Before control: the rule set that counts is worked out from both.
        try batch.match(ruleSet: ledger.ruleSet, rematch: queue.hooks.withLock { $0.rematch })
        var receipt = Receipt(appended: [], deadLetters: [])
        if !batch.control.isEmpty {
            for change in batch.control { try apply(change) }
        }
        receipt.appended.reserveCapacity(batch.appends.count)
        // Where they lie: an element that is taken out is counted once more for each of its parts.
        try batch.appends.withUnsafeBufferPointer { (appends) throws(JournalError) in
            for index in appends.indices { receipt.appended.append(try apply(appends.baseAddress! + index)) }
        }
        try ledger.settle(batch.settlements)
        transaction.settlements += Int64(batch.settlements.count)
        for change in batch.pending { try apply(change) }
        for change in batch.deadLetters {
            if let id = try apply(change) { receipt.deadLetters.append(id) }
        }
        for change in batch.decisions { try apply(change) }
        for change in batch.objects { try apply(change) }
        for change in batch.catalog { try apply(change) }
        for record in batch.invocations { try apply(record) }
        try ledger.proveConservation()
        return receipt
    }

    // MARK: Appends

    private func apply(_ append: UnsafePointer<Append>) throws(JournalError) -> Receipt.Appended {
        let logID = try id(ofLog: append.pointee.log)
        let ingested = append.pointee.ingested
        if let id = append.pointee.deduplicationID, let known = try duplicate(logID, id, ingested) {
            return .duplicate(of: known)
        }
        let (position, deliveries) = try ledger.append(append.pointee.subscriptions)
        let payload =
            append.pointee.marks == nil ? append.pointee.payload : append.pointee.payload(at: position)
        let record = CommittedRecord(
            position: position, log: append.pointee.log, eventID: append.pointee.eventID, ingested: ingested,
            payload: payload, lineage: append.pointee.lineage, deliveries: deliveries)
        transaction.chunk.add(
            log: logID, subscriptions: append.pointee.subscriptions, deliveries: deliveries,
            idHash: EventIDHash.hash(record.eventID))
        transaction.payloadBytes += Int64(payload.count + record.lineage.count + record.eventID.utf8.count)
        transaction.newestIngested = max(transaction.newestIngested, ingested)
        transaction.records.append(record)
        transaction.logIDs.append(logID)
        return .at(position)
    }

    private func id(ofLog name: String) throws(JournalError) -> Int64 {
        // Neighbours mostly share the very string.
        if let lastLog, lastLog.name == name { return lastLog.id }
        if let known = logs[name] {
            lastLog = (name, known)
            return known
        }
        let id = try attempt("naming a log") {
            try db.execute(sql: "INSERT INTO log (name) VALUES (?)", arguments: [name])
            return db.lastInsertedRowID
        }
        logs[name] = id
        transaction.newLogs.append(name)
        return id
    }

    /// The record that a deduplication id stands for; otherwise the id stands for the next record from now on.
    private func duplicate(_ log: Int64, _ id: String, _ ingested: Milliseconds) throws(JournalError) -> Position? {
        try attempt("looking for a deduplication id") {
            let find = statements.findDuplicate
            find.bind(1, log)
            find.bind(2, id)
            if try find.step() {
                let (position, seen) = (find.int64(1), find.int64(2))
                find.reset()
                if Deduplication.isFresh(seen, at: ingested) { return position }
            }
            find.reset()
            let save = statements.saveDuplicate
            save.bind(1, log)
            save.bind(2, id)
            save.bind(3, ledger.head + 1)
            save.bind(4, ingested)
            try save.run()
            transaction.deduplicated += 1
            return nil
        }
    }

    // MARK: Pending set and dead letters

    private func apply(_ change: PendingChange) throws(JournalError) {
        switch change {
        case .put(let entry):
            try ledger.put(entry.delivery, from: try pendingState(entry.delivery), to: entry.state)
            try attempt("writing a pending delivery") {
                let put = statements.putPending
                put.bind(1, entry.delivery.subscription.value)
                put.bind(2, entry.delivery.ordinal)
                put.bind(3, entry.delivery.position)
                put.bind(4, entry.state.stored)
                put.bind(5, entry.eventID)
                put.bind(6, entry.ingested)
                put.bind(7, entry.attempts)
                put.bind(8, entry.due)
                put.bind(9, entry.deadLetter)
                put.bind(10, entry.history)
                put.bind(11, entry.lineage)
                try put.withBlob(12, entry.payload) { try put.run() }
            }
        case .finish(let delivery, let outcome):
            try ledger.finish(delivery, from: try pendingState(delivery), outcome)
            try attempt("finishing a pending delivery") {
                statements.removePending.bind(1, delivery.subscription.value)
                statements.removePending.bind(2, delivery.ordinal)
                try statements.removePending.run()
            }
        }
    }

    private func pendingState(_ delivery: Delivery) throws(JournalError) -> PendingEntry.State? {
        try attempt("reading a pending delivery") {
            let find = statements.pendingState
            find.bind(1, delivery.subscription.value)
            find.bind(2, delivery.ordinal)
            defer { find.reset() }
            return try find.step() ? try PendingEntry.State(stored: find.int64(0)) : nil
        }
    }

    private func apply(_ change: DeadLetterChange) throws(JournalError) -> Int64? {
        switch change {
        case .insert(var letter):
            letter.id = try ledger.insertDeadLetter(letter)
            try put(letter)
            return letter.id
        case .update(let letter):
            let (state, subscription) = try deadLetterState(letter.id)
            guard subscription == letter.delivery.subscription else {
                throw JournalError(.constraint, "Dead letter \(letter.id) cannot move to another subscription.")
            }
            try ledger.moveDeadLetter(subscription, from: state, to: letter.state)
            try put(letter)
        case .setState(let id, let state):
            let (old, subscription) = try deadLetterState(id)
            try ledger.moveDeadLetter(subscription, from: old, to: state)
            try attempt("changing a dead letter") {
                statements.setDeadLetterState.bind(1, state.stored)
                statements.setDeadLetterState.bind(2, id)
                try statements.setDeadLetterState.run()
            }
        }
        return nil
    }

    private func deadLetterState(_ id: Int64) throws(JournalError) -> (DeadLetter.State, SubscriptionID) {
        let found = try attempt("reading a dead letter") { () -> (DeadLetter.State, SubscriptionID)? in
            let find = statements.deadLetterState
            find.bind(1, id)
            defer { find.reset() }
            guard try find.step() else { return nil }
            return (try DeadLetter.State(stored: find.int64(0)), SubscriptionID(find.int64(1)))
        }
        guard let found else { throw .unknownDeadLetter(id) }
        return found
    }

    private func put(_ letter: DeadLetter) throws(JournalError) {
        try attempt("writing a dead letter") {
            let put = statements.putDeadLetter
            put.bind(1, letter.id)
            put.bind(2, letter.delivery.subscription.value)
            put.bind(3, letter.delivery.position)
            put.bind(4, letter.delivery.ordinal)
            put.bind(5, letter.state.stored)
            put.bind(6, letter.target)
            put.bind(7, letter.rule)
            put.bind(8, letter.eventID)
            put.bind(9, letter.ingested)
            put.bind(10, letter.died)
            put.bind(11, letter.code)
            put.bind(12, letter.message)
            put.bind(13, letter.condition)
            put.bind(14, letter.fingerprint)
            put.bind(15, letter.attempts)
            put.bind(16, letter.history)
            put.bind(17, letter.input)
            put.bind(18, letter.lineage)
            try put.withBlob(19, letter.payload) { try put.run() }
        }
    }

    // MARK: Decisions, objects, invocations

    private func apply(_ change: DecisionChange) throws(JournalError) {
        switch change {
        case .decide(let attempt, let body):
            try self.attempt("writing a decision") {
                statements.decide.bind(1, attempt.boot)
                statements.decide.bind(2, attempt.number)
                try statements.decide.withBlob(3, body) { try statements.decide.run() }
            }
        case .clear(let attempt):
            let isThere = try self.attempt("clearing a decision") {
                statements.decided.bind(1, attempt.boot)
                statements.decided.bind(2, attempt.number)
                defer { statements.decided.reset() }
                guard try statements.decided.step() else { return false }
                statements.clearDecision.bind(1, attempt.boot)
                statements.clearDecision.bind(2, attempt.number)
                try statements.clearDecision.run()
                return true
            }
            guard isThere else { throw .unknownDecision(attempt) }
        }
    }
}

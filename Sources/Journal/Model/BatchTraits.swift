extension Batch {
    /// Accepts work and finishes none: what is refused when the disk runs short, so that what is accepted already
    /// can still be settled.
    package var isProducer: Bool {
        !isUrgent && !appends.isEmpty && settlements.isEmpty && pending.isEmpty && deadLetters.isEmpty
            && decisions.isEmpty
    }

    /// What the batch costs in a transaction, in records. A settlement writes no row.
    package var weight: Int {
        appends.count + pending.count + deadLetters.count + decisions.count + objects.count + catalog.count
            + invocations.count + control.count + settlements.count / 16 + 1
    }

    /// Bytes it writes, about, for the limits of a transaction.
    package var byteCount: Int {
        var total = (objects.count + catalog.count) * 256 + settlements.count / 16
        for append in appends { total += append.payload.count + append.lineage.count + 64 }
        for case .put(let entry) in pending {
            total += entry.payload.count + entry.history.count + entry.lineage.count + 128
        }
        for case .insert(let letter) in deadLetters { total += letter.byteCount }
        for case .update(let letter) in deadLetters { total += letter.byteCount }
        for case .decide(_, let body) in decisions { total += body.count + 64 }
        for record in invocations { total += record.details.count + record.message.utf8.count + 256 }
        for case .putValue(let name, let body) in control { total += body.count + name.utf8.count }
        for case .putTable(_, _, _, let body) in catalog { total += 2 * body.count }
        return total
    }
}

extension DeadLetter {
    fileprivate var byteCount: Int {
        payload.count + history.count + lineage.count + input.count + message.utf8.count + 256
    }
}

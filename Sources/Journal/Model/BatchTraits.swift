extension Batch {
    /// Accepts work and finishes none: what is refused when the disk runs short, so that what is in the house already
    /// can still be settled.
    package var isProducer: Bool {
        !isUrgent && !appends.isEmpty && settlements.isEmpty && pending.isEmpty && deadLetters.isEmpty
            && decisions.isEmpty
    }

    /// What the batch costs in a transaction, in records. A settlement writes no row.
    var weight: Int {
        appends.count + pending.count + deadLetters.count + decisions.count + objects.count + catalog.count
            + invocations.count + control.count + settlements.count / 16 + 1
    }

    /// Bytes it appends, for the limits of a transaction.
    var byteCount: Int {
        var total = 0
        for append in appends { total += append.payload.count + append.lineage.count + 64 }
        return total
    }
}

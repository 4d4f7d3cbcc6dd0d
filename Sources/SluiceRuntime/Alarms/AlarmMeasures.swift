import AppConfig
package import Journal

/// What the control plane knows of its subscriptions at one moment, for alarms.
package struct AlarmMeasures: Sendable {
    package var subscriptions: [SubscriptionSettings]
    package var paused: Set<SubscriptionID>
    package var counts: [SubscriptionID: AttemptCounts]
    package var freeBytes: Int64

    package init(
        subscriptions: [SubscriptionSettings], paused: Set<SubscriptionID>, counts: [SubscriptionID: AttemptCounts],
        freeBytes: Int64
    ) {
        self.subscriptions = subscriptions
        self.paused = paused
        self.counts = counts
        self.freeBytes = freeBytes
    }
}

extension AlarmSample {
    /// The measures with the journal's counts. Blocking.
    package init(_ measures: AlarmMeasures, journal: any JournalStore, wall: Milliseconds) throws {
        let names = Dictionary(
            measures.subscriptions.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        targets = try journal.progress().map { progress in
            let (record, id) = (progress.subscription, progress.subscription.id)
            var target = Target(
                bus: record.log, rule: record.rule, target: record.target,
                function: names[id]?.function ?? record.target)
            target.dead = progress.dead
            target.waiting = progress.waiting + progress.retrying + progress.parked + progress.redriven
            target.unaccounted = progress.unaccounted
            target.isPaused = measures.paused.contains(id)
            target.counts = measures.counts[id] ?? AttemptCounts()
            if let oldest = try OldestDelivery.ingested(progress, journal) {
                target.oldestAgeSeconds = Double(max(0, wall - oldest)) / 1000
            }
            return target
        }
        freeMegabytes = measures.freeBytes < 0 ? nil : Double(measures.freeBytes >> 20)
    }
}

/// The age of what is not settled.
enum OldestDelivery {
    /// Entries of the pending set that are looked at in one reading, and in all where redriven ones are among them.
    private static let (page, most) = (100, 1000)

    /// When the oldest delivery of a subscription that is not settled was accepted, or redriven; nil for none.
    /// Blocking.
    static func ingested(_ progress: SubscriptionProgress, _ journal: any JournalStore) throws -> Milliseconds? {
        let id = progress.subscription.id
        var oldest: Milliseconds?
        if progress.waiting > 0 {
            oldest = try journal.waiting(id, after: progress.floorPosition, limit: 1).first?.ingested
        }
        guard progress.retrying + progress.parked + progress.redriven > 0 else { return oldest }
        // What may stand behind redriven ones that were not tried yet.
        var others = progress.retrying + progress.parked
        // One first: mostly nothing is redriven, and events are large.
        var (after, seen, limit): (Int64, Int, Int) = (-1, 0, 1)
        while true {
            let entries = try journal.pending(id, after: after, limit: limit, bytes: JournalPage.bytes)
            for entry in entries {
                oldest = min(oldest ?? .max, began(entry))
                // In the order of the log, which is that of age but for what was redriven, and that only later.
                if entry.deadLetter == nil { return oldest }
                if entry.state != .redriven { others -= 1 }
            }
            guard let last = entries.last else { return oldest }
            seen += entries.count
            guard seen < most else {
                // Rather too old than overlooked: what stands behind is no older than the last of them.
                return others > 0 ? min(oldest ?? .max, last.ingested) : oldest
            }
            (after, limit) = (last.delivery.ordinal, page)
        }
    }

    /// A redrive starts a delivery anew: how long it was dead says nothing of how long it waits.
    private static func began(_ entry: PendingEntry) -> Milliseconds {
        guard entry.deadLetter != nil else { return entry.ingested }
        // One that was tried since is due later than it was sent.
        if entry.state == .redriven { return max(entry.ingested, entry.due) }
        let first = JSONText.decode(DeliveryMemo.self, from: entry.history)?.attempts.first?.started
        return max(entry.ingested, first ?? entry.due)
    }
}

extension SubscriptionProgress {
    /// Matched less everything that the journal knows of it: conservation, always 0.
    package var unaccounted: Int64 {
        matched - succeeded - dropped - superseded - purged - waiting - retrying - parked - redriven - dead
    }
}

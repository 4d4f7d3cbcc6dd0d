extension WatcherLoop {
    /// What a look found, and why it was made.
    struct Found {
        let change: ObjectChange
        let cause: LookCause
    }

    /// False when the watcher has ended instead. What cannot be committed is looked at again after a pause: it may be
    /// out of date by then.
    func commit(_ batch: [Found]) -> Bool {
        defer { batchKeys.removeAll(keepingCapacity: true) }
        var batch = batch
        do {
            try announce(&batch)
        } catch {
            status.failure = "\(error)"
            publishStatus()
            if isEnding {
                // A bucket that is lost still tells what is known of it.
                queue.putBack(batch.map { ($0.change.key, $0.cause) })
                return false
            }
            let next = min(max(pause * 2, 10_000_000), 1_000_000_000)
            // The first scan must not wait for a disk that is full: what makes events is left to the next scan, and the
            // rest goes on.
            if !status.isReady, refusal != nil || next >= 1_000_000_000, batch.contains(where: \.change.makesEvent) {
                refusal = "\(error)"
                return commit(batch.filter { !$0.change.makesEvent })
            }
            queue.putBack(batch.map { ($0.change.key, $0.cause) })
            pause = next
            shared.stopping.wait(nanoseconds: pause)
            return !isEnding
        }
        if batch.isEmpty {
            // Nobody was asked: that says nothing of the sink, unless there is nothing left to ask it for.
            if queue.isEmpty { pause = 0 }
            return true
        }
        pause = 0
        status.failure = nil
        for found in batch {
            switch found.change {
            case .created: status.created += 1
            case .deleted: status.deleted += 1
            case .adopted: status.adopted += 1
            case .refreshed: break
            }
        }
        return true
    }

    /// Hands the batch to the sink, without what a publication has overtaken since it was looked at: that is looked at
    /// again.
    private func announce(_ batch: inout [Found]) throws {
        if batch.isEmpty { return }
        let keys = Set(batch.map { ByteKey($0.change.key) })
        try bucket.publications.announce(keys) { outdated in
            if !outdated.isEmpty {
                let isOutdated = { (found: Found) in outdated.contains(ByteKey(found.change.key)) }
                queue.putBack(batch.filter(isOutdated).map { ($0.change.key, $0.cause) })
                batch.removeAll(where: isOutdated)
                if batch.isEmpty { return }
            }
            CrashPoint.hit(.watchBeforeCommit)
            try shared.sink.commit(batch.map(\.change))
            // Of what was committed alone, and before a publication that waits may note anew.
            bucket.publications.forgetMoved(Set(batch.map { ByteKey($0.change.key) }))
            CrashPoint.hit(.watchCommitted)
        }
    }

    /// Once what was reported of a key is dealt with, what the host has moved there has shown. The others need not be
    /// quiet for that.
    func forgetMoved() {
        guard bucket.publications.beginForgetting() else { return }
        if let reader {
            guard reader.drain(), takeEvents() else { return }
        }
        bucket.publications.endForgetting { queue.cause($0) != nil || later.cause($0) != nil }
    }
}

import Synchronization

/// A disk that is full, or nearly.
extension JournalWriter {
    /// Refuses batches that only bring new work while the disk is short of space. Looks at most five times a second
    /// whether it still is.
    func refuseProducers(_ group: [Item], _ results: inout [Result<Receipt, JournalError>?]) {
        let now = ContinuousClock.now
        if lastRoomCheck.map({ now - $0 > .milliseconds(isShort ? 200 : 1_000) }) ?? true { checkRoom() }
        guard isShort else { return }
        for index in group.indices where group[index].batch.isProducer { results[index] = .failure(shortOfSpace) }
    }

    /// Measures the room, and makes the ballast again when there is enough.
    func checkRoom() {
        lastRoomCheck = .now
        guard let free = folder.freeBytes() else { return }
        // A little more than the limit to end it, so that it does not swing to and fro.
        let enough = minimumFree + minimumFree / 4
        if !isShort {
            setShort(free < minimumFree)
        } else if ballast.isThere || options.ballastBytes == 0 {
            setShort(free < max(enough, 1 << 20))
        } else if free >= options.ballastBytes + max(enough, 1 << 20) {
            ballast.make(reserve: minimumFree)
            setShort(!ballast.isThere)
        }
    }

    /// The disk is full: producers are refused, and the others get the ballast's room. False if that changes nothing.
    func giveUpBallast(_ group: [Item], _ results: inout [Result<Receipt, JournalError>?]) -> Bool {
        setShort(true)
        lastRoomCheck = .now
        var hasHelped = ballast.release()
        if hasHelped { atPoint(.ballastReleased) }
        for index in group.indices where results[index] == nil && group[index].batch.isProducer {
            results[index] = .failure(shortOfSpace)
            hasHelped = true
        }
        return hasHelped
    }

    /// Takes another limit into force, at once.
    func setMinimumFree(_ bytes: Int64) {
        guard minimumFree != bytes else { return }
        minimumFree = bytes
        checkRoom()
    }

    private func setShort(_ isShort: Bool) {
        self.isShort = isShort
        guard statistics.isRefusingProducers != isShort else { return }
        statistics.isRefusingProducers = isShort
        queue.published.withLock { $0.statistics.isRefusingProducers = isShort }
    }

    private var shortOfSpace: JournalError {
        JournalError(
            .diskFull,
            "The disk is short of space, so no new events are accepted; what was accepted is still processed. Free at "
                + "least \((minimumFree + (ballast.isThere ? 0 : options.ballastBytes)) >> 20) MB.",
            path: folder.root)
    }
}

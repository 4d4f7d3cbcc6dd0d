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

    /// Measures the room, and makes the ballast as soon as there is enough.
    func checkRoom() {
        lastRoomCheck = .now
        guard let free = folder.freeBytes() else { return }
        guard isShort else {
            // Where there was no room for it at the start.
            if !ballast.isThere, free >= enough { ballast.make(reserve: minimumFree) }
            return setShort(free < minimumFree)
        }
        guard free >= enough else { return setShort(true) }
        ballast.make(reserve: minimumFree)
        setShort(!ballast.isThere && options.ballastBytes > 0)
    }

    /// Bytes that must be free before producers are taken again: a little more than the limit below which they are
    /// refused, so that it does not swing to and fro, and room for the ballast where that was given up.
    private var enough: Int64 {
        max(minimumFree + minimumFree / 4, 1 << 20) + (ballast.isThere ? 0 : options.ballastBytes)
    }

    /// The disk is full: producers are refused, and the others get the ballast's room. False if that changes nothing.
    func giveUpBallast(_ group: [Item], _ results: inout [Result<Receipt, JournalError>?]) -> Bool {
        var hasHelped = ballast.release()
        setShort(true)
        lastRoomCheck = .now
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
        let wanted = isShort ? enough : 0
        guard statistics.freeBytesWanted != wanted else { return }
        statistics.freeBytesWanted = wanted
        queue.published.withLock { $0.statistics.freeBytesWanted = wanted }
    }

    private var shortOfSpace: JournalError {
        JournalError(
            .diskFull,
            "The disk is short of space, so no new events are accepted; what was accepted is still processed. Free at "
                + "least \((enough + (1 << 20) - 1) >> 20) MB.",
            path: folder.root)
    }
}

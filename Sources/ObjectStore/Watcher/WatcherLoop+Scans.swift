import Glibc

extension WatcherLoop {
    /// Asks for a folder to be compared with the index, and to be watched if it is there.
    func want(_ folder: String) {
        let key = ByteKey(folder)
        // One that waits and has not begun will see all there is.
        if wantedFolders.last == key || wantedFolders.count < 64 && wantedFolders.contains(key) { return }
        wantedFolders.append(key)
    }

    /// Goes on with the folders that events asked for, then with the scan of the whole bucket.
    func advanceScans() {
        startPollIfDue()
        if folderScans.isEmpty, !wantedFolders.isEmpty {
            // All at once: `mkdir -p` of a deep path asks for each of its folders.
            for folder in wantedFolders {
                if let scan = makeScan(.folder(folder.string)) { folderScans.append(scan) }
            }
            wantedFolders.removeAll()
        }
        if fullScan == nil, fullScanWanted {
            fullScanWanted = false
            watches.beginGeneration()
            refused.removeAll()
            unreadRoot = nil
            fullScan = makeScan(.bucket)
            if fullScan == nil { retryFullScan() }
        }
        var left = Self.scanBudget
        while left > 0, let scan = folderScans.first {
            let before = queue.count
            let progress = advance(scan, left)
            if progress != .more { folderScans.removeFirst() }
            if progress == .finished, !scan.hasEntered, case .folder(let path) = scan.extent {
                // Gone, and with it what had to be polled below.
                polled = polled.filter { entry, _ in
                    !entry.string.isSameBytes(as: path) && !entry.string.hasBytePrefix(path + "/")
                }
            }
            left -= 1 + queue.count - before
        }
        if left > 0, let scan = fullScan {
            switch advance(scan, left) {
            case .more: break
            case .finished: finishedFullScan = true
            case .failed:
                fullScan = nil
                retryFullScan()
            }
            status.scanned = scan.met
        }
    }

    enum Progress {
        case more, finished, failed
    }

    private func makeScan(_ extent: BucketScan.Extent) -> BucketScan? {
        do {
            return try BucketScan(
                extent, bucket: bucket, index: index,
                entered: { [unowned self] in watch($0, $1) },
                refused: { [unowned self] in refuse($0, $1) },
                unread: { [unowned self] in poll($0, "it could not be read: \($1)") })
        } catch {
            status.failure = "\(error)"
            return nil
        }
    }

    private func advance(_ scan: BucketScan, _ limit: Int) -> Progress {
        // What is in a folder that has just come has come too: it is not adopted.
        var cause: LookCause = scan.extent == .bucket ? .scanned : [.scanned, .linked]
        if isCopy { cause.insert(.copied) }
        do {
            return try scan.advance(limit: limit) { key in
                queue.add(key, isPolledKey(key) ? cause.union(.polled) : cause)
            } ? .more : .finished
        } catch {
            status.failure = "\(error)"
            if case .folder(let path) = scan.extent {
                // Not lost: looked through from time to time until it succeeds.
                poll(path, "it could not be read: \(error)")
            }
            return .failed
        }
    }

    /// Whether nothing but a scan tells of the key.
    private func isPolledKey(_ key: String) -> Bool {
        unwatched != nil || unwatchedRoot != nil || isBelowPolled(key)
    }

    private func retryFullScan() {
        polled[ByteKey("")] = status.failure ?? "the bucket could not be read"
        nextPoll = Clock.monotonic + bucket.configuration.pollInterval.nanoseconds
    }

    /// After the commit: what the scan found last is durable.
    func finishScans() {
        guard finishedFullScan, queue.isEmpty else { return }
        finishedFullScan = false
        fullScan = nil
        for watch in watches.dropOlderGenerations() { unwatch(watch) }
        polled[ByteKey("")] = unwatched ?? unwatchedRoot ?? unreadRoot
        if let reason = refusal {
            refusal = nil
            status.failure = reason
            retryFullScan()
            if !isRefusalTold {
                isRefusalTold = true
                publishStatus()
                shared.refused(reason)
            }
            return
        }
        // An overflow meanwhile: what happened then may be anywhere.
        if fullScanWanted { return }
        // Also what was polled before, if this scan was itself a poll of all.
        if !polled.isEmpty {
            nextPoll = min(nextPoll, Clock.monotonic + bucket.configuration.pollInterval.nanoseconds)
        }
        adoptBefore = nil
        isCopy = false
        if !status.isReady {
            status.isReady = true
            publishStatus()
            shared.ready(status)
        }
    }

    private func startPollIfDue() {
        guard !polled.isEmpty, Clock.monotonic >= nextPoll, fullScan == nil, folderScans.isEmpty else { return }
        nextPoll = .max
        if polled[ByteKey("")] != nil {
            fullScanWanted = true
        } else {
            for folder in polled.keys { want(folder.string) }
            nextPoll = Clock.monotonic + bucket.configuration.pollInterval.nanoseconds
        }
    }
}

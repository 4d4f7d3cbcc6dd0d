import FunctionProtocol
import Glibc
package import Journal
import Logging
import ObjectStore
import Synchronization
import UVLoop

extension ManifestRunner {
    /// Records between two notes of how far the log was read.
    private static let stride: Position = 5000

    /// Called on the journal's thread after each transaction.
    package nonisolated func recordsCommitted(_ records: [CommittedRecord]) {
        guard unread.withLock({ $0.isWanted }), let last = records.last(where: ManifestPage.mayTellOfObject) else {
            return
        }
        let isFirst = unread.withLock { unread in
            unread.last = max(unread.last, last.position)
            defer { unread.isTold = true }
            return !unread.isTold
        }
        guard isFirst else { return }
        Task { @LoopActor in
            self.unread.withLock { $0.isTold = false }
            await self.read()
            self.look()
        }
    }

    /// There is an object's record that nobody has read.
    package var hasUnread: Bool { rules.cursor < unread.withLock { $0.last } }

    /// Reads the log on to the last record that tells of an object: one reader at a time. The log itself is read in its
    /// order, so that nothing is missed between two lives.
    func read() async {
        guard !isReading else { return }
        isReading = true
        defer {
            isReading = false
            tellReaders()
        }
        while !isStopped, !rules.rules.isEmpty {
            guard hasUnread else { return }
            let (journal, rules, readFor, next) = (journal, rules, generation, appliedRuleSet + 1)
            let page = try? await files.run { try ManifestPage(of: journal, for: rules, before: next) }
            // Other rules are in force since, and perhaps an earlier position.
            if generation != readFor { continue }
            // A broken disk is not asked in a hot loop, nor is the log behind a deployment that is still to take force.
            guard let page else { return readLater() }
            for address in page.changed { core.changed(address) }
            for arrival in page.arrivals {
                guard await arrived(arrival), !isStopped else { return }
                if generation != readFor { break }
            }
            if generation != readFor { continue }
            self.rules.cursor = max(self.rules.cursor, page.end)
            if page.end - noted >= Self.stride {
                noted = page.end
                var batch = Batch()
                batch.control.append(self.rules.note)
                committer.enqueue(batch)
            }
            look()
            tellReaders()
        }
    }

    private func tellReaders() {
        let waits = readerWaits
        readerWaits = []
        for wake in waits { wake() }
    }

    /// Milliseconds that are waited for the reader: a disk may be full, or a manifest on one that does not answer.
    private static let readerPatience: Int64 = 2000

    /// Reads what is there by now, or waits for who is reading it. Gives up where the log cannot be read, or not now.
    func catchUp() async {
        let last = unread.withLock { $0.last }
        var (hasAsked, isOver) = (false, false)
        let patience = LoopTimer.after(.milliseconds(Self.readerPatience)) { [weak self] in
            isOver = true
            self?.tellReaders()
        }
        defer { patience.cancel() }
        while !isStopped, !isOver, !rules.rules.isEmpty, rules.cursor < last {
            if !isReading {
                if hasAsked { return }
                hasAsked = true
                Task { @LoopActor in await read() }
            }
            await withCheckedContinuation { continuation in readerWaits.append { continuation.resume() } }
        }
    }

    /// A manifest: waited for from the commit on that notes it, for every rule that takes it. False: the journal is
    /// closed; the next life reads it again.
    private func arrived(_ arrival: ManifestPage.Arrival) async -> Bool {
        let (input, buckets, time, readFor) = (arrival.input, buckets, arrival.ingested / 1000, generation)
        let declared = declared
        // Read once: all rules wait for the same files.
        let read = await files.run { Self.files(of: input.bucket, input.key, buckets: buckets, declared: declared) }
        // Read again for the rules that are in force since.
        guard generation == readFor else { return true }
        arriving = Set(arrival.rules.map(\.ruleName))
        defer { arriving = [] }
        var batch = Batch()
        for rule in arrival.rules {
            let id = ManifestID(bus: rule.bus, rule: rule.name, bucket: input.bucket, key: input.key)
            // Known, where it is read again for a pattern that has changed.
            if core.manifest(id)?.eventID == arrival.eventID { continue }
            var manifest = OpenManifest(
                id: id, eventID: arrival.eventID, files: [], arrived: time, deadline: time + (rule.limit ?? 0),
                lineage: arrival.lineage)
            // In memory before the commit is asked for: the end of an older version's wait must not come after it in
            // the journal.
            switch read {
            case .success(let files):
                manifest.files = files
                batch.control.append(.putValue(name: Self.name(id), body: JSONText.encode(manifest)))
                open(manifest)
            case .failure(let error) where !Self.isFinal(error):
                // It may be there: it is waited for like its files.
                manifest.isUnread = true
                batch.control.append(.putValue(name: Self.name(id), body: JSONText.encode(manifest)))
                open(manifest)
                hasUnreadManifests = true
                readLater()
            case .failure(let error):
                // It says nothing that could be waited for: told at once.
                batch.appends.append(event(of: manifest, missing: [Self.reason(error)]))
                batch.control.append(.removeValue(name: Self.name(id)))
                close(id)
            }
        }
        // One commit for all of them, with the note: none is left behind by a host that is lost.
        rules.cursor = arrival.position
        noted = arrival.position
        batch.control.append(rules.note)
        do {
            _ = try await committer.commit(batch)
        } catch {
            guard error.code != .closed else { return false }
            log.critical("the journal refused a manifest", metadata: ["error": "\(error)"])
        }
        return true
    }
}

import HostAPI
import Journal
import Logging
import ObjectStore
import UVLoop

/// Watching buckets, and their first scans.
extension HostRuntime {
    /// How far a bucket's first scan is.
    private enum FirstScan: Sendable {
        case done(BucketStatus)
        /// Everything was looked at, and the journal does not take what was found.
        case refused(String)
    }

    /// Watches all buckets that are not watched yet as they are open now; returns when each has been looked through
    /// once.
    func startWatching() async throws {
        let all = buckets.all
        for (index, bucket) in all.enumerated() where watchers[bucket.name]?.bucket !== bucket {
            // The host is being stopped: the watchers so far are stopped already.
            guard phase != .stopping else { return }
            if phase == .starting { try begin("looking through bucket \(bucket.name), \(index + 1) of \(all.count)") }
            try await watch(bucket)
        }
    }

    private func watch(_ bucket: Bucket) async throws {
        let (note, copy) = try await note(of: bucket)
        let (journal, announcer, before) = (journal, announcer, watchers[bucket.name])
        let isCopy = note.isCopied(in: bucket.folder, mark: copy)
        let scans = AsyncStream<FirstScan>.makeStream()
        let continuation = scans.continuation
        let watcher = try await files.run {
            before?.stop()
            return try BucketWatcher.start(
                bucket, index: JournalObjectIndex(journal: journal), sink: announcer,
                options: BucketWatcher.Options(
                    adoptBefore: note.adopted ? nil : note.adoptBefore, isCopy: isCopy,
                    ready: { status in
                        continuation.yield(.done(status))
                        continuation.finish()
                    }, refused: { continuation.yield(.refused($0)) }, ended: { continuation.finish() }))
        }
        watchers[bucket.name] = watcher
        if phase == .stopping { return files.perform { watcher.stop() } }
        unscanned.insert(bucket.name)
        let mustKeep = !note.adopted || isCopy || note.folder == nil
        for await scan in scans.stream {
            switch scan {
            case .done(let status): return try await firstScanEnded(bucket, status, copy, mustKeep: mustKeep)
            case .refused(let reason):
                let text =
                    "bucket \(bucket.name): what came or went while nobody watched it is not announced yet, because the "
                    + "journal does not take it; it is tried again every few seconds: \(reason)"
                log.error("\(text)")
                notes["scan \(bucket.name)"] = text
                // The host must come up all the same: it is the one who can say what is wrong.
                Task { @LoopActor in await awaitFirstScan(bucket, watcher, scans.stream, copy, mustKeep) }
                return
            }
        }
        // Stopped, or its folder is lost.
        endFirstScan(bucket.name)
    }

    /// A bucket has been looked through for the first time, or will not be: manifests wait for it no longer.
    func endFirstScan(_ name: String) {
        unscanned.remove(name)
        notes["scan \(name)"] = nil
        if unscanned.isEmpty, mayLook { manifests.beginLooking() }
    }

    /// Waits for the end of a first scan that the journal had refused.
    private func awaitFirstScan(
        _ bucket: Bucket, _ watcher: BucketWatcher, _ scans: AsyncStream<FirstScan>, _ copy: String?, _ mustKeep: Bool
    ) async {
        for await scan in scans {
            guard case .done(let status) = scan, watchers[bucket.name] === watcher else { continue }
            do {
                try await firstScanEnded(bucket, status, copy, mustKeep: mustKeep)
            } catch {
                log.error("a bucket's first scan could not be noted", metadata: ["error": "\(error)"])
            }
        }
        // One that was stopped makes room for another, which scans anew.
        if watchers[bucket.name] === watcher, watcher.status.isLost { endFirstScan(bucket.name) }
    }

    private func firstScanEnded(_ bucket: Bucket, _ status: BucketStatus, _ copy: String?, mustKeep: Bool) async throws
    {
        endFirstScan(bucket.name)
        guard mustKeep else { return }
        var (note, _) = try await note(of: bucket)
        note.adopted = true
        note.copy = copy
        note.folder = bucket.folder
        try await keep(note, of: bucket.name)
        if status.adopted > 0 {
            log.notice(
                """
                bucket \(bucket.name) had \(status.adopted) files before it was known; they start nothing. \
                `sluice buckets trigger \(bucket.name)` makes events for them
                """)
        }
    }
}

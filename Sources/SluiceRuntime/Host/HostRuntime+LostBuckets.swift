import AppConfig
import CLinux
import Glibc
import HostAPI
import Journal
import Logging
import ObjectStore
import UVLoop

/// Buckets whose folder was moved, deleted or unmounted while the host runs: said, and taken up again when it is back.
extension HostRuntime {
    private static let interval = Duration.seconds(2)

    func watchForLoss() {
        guard phase == .ready else { return }
        lossWatch = LoopTimer.after(Self.interval) { [weak self] in
            Task { @LoopActor in
                await self?.lookForLoss()
                self?.watchForLoss()
            }
        }
    }

    /// One warning for each bucket that is out of reach.
    var lossWarnings: [String] {
        watchers.filter { $0.value.status.isLost }.map { name, watcher in
            "bucket \(name) is lost: its folder \(watcher.bucket.path) was moved, deleted or unmounted. What happens there is "
                + "not seen; it is taken up again when the folder is back"
        }.sorted()
    }

    private func lookForLoss() async {
        // A folder that is open keeps quiet when it is removed or unmounted, and one that is polled reports nothing.
        let watched = watchers.values.filter { !$0.status.isLost }
        await files.run { for watcher in watched where !watcher.bucket.isInPlace { watcher.lose() } }
        for (name, watcher) in watchers where watcher.status.isLost {
            if lostBuckets.insert(name).inserted {
                log.error(
                    "a bucket is lost: its folder was moved, deleted or unmounted",
                    metadata: ["bucket": "\(name)", "folder": "\(watcher.bucket.path)"])
            }
            let path = watcher.bucket.path
            if await files.run({ Self.isFolder(path) }) {
                // If it is another one, opening it says so, and what can be done.
                await takeUpAgain(name, watcher)
            } else {
                notes["lost \(name)"] = nil
            }
        }
        lostBuckets.formIntersection(watchers.filter { $0.value.status.isLost }.keys)
    }

    private nonisolated static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Watches a bucket's folder anew: its first scan finds what happened meanwhile.
    private func takeUpAgain(_ name: String, _ watcher: BucketWatcher) async {
        let turn: Set<String> = ["deployment"]
        await deploying.acquire(turn)
        defer { deploying.release(turn) }
        // It may have been taken away, or the host be stopping, while others had their turn.
        guard phase == .ready, watchers[name] === watcher, let definition = deployment.app.bucket(named: name) else {
            return
        }
        let (data, old, journal, owner) = (options.dataFolder, watcher.bucket, journal, lockOwner)
        let others = buckets.all.filter { $0.name != name }
        do {
            let bucket = try await files.run {
                // Others may have had their turn for long: the folder is looked at again.
                try Bucket.open(
                    name: name, path: old.path, configuration: old.configuration, create: false,
                    known: try BucketNote.knownFolder(of: name, journal),
                    dataFolder: definition.path == nil ? nil : data, others: others, owner: owner,
                    succeeding: old)
            }
            warnOfLock(bucket)
            buckets.set(bucket)
            // If it fails the lost one stays where it is, so that this is tried again.
            try await startWatching()
            notes["lost \(name)"] = nil
            log.notice("a lost bucket is back", metadata: ["bucket": "\(name)", "folder": "\(old.path)"])
        } catch {
            // It is tried again; the reason is told once.
            let note = "bucket \(name) cannot be taken up again: \((error as? ObjectStoreError)?.message ?? "\(error)")"
            if notes.updateValue(note, forKey: "lost \(name)") != note { log.error("\(note)") }
        }
    }
}

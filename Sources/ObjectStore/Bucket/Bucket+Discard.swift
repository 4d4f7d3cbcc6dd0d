import Glibc

extension Bucket {
    /// Removes what `attempt` left in staging: after commit 2, or when the attempt failed. Replaced and deleted
    /// versions go with it. Best effort: what stays is removed by `cleanStaging` at the next start.
    package func discard(_ attempt: StagingAttempt) {
        CrashPoint.hit(.discardBegun)
        stages.forget(attempt)
        removeTree(attempt.folder)
        CrashPoint.hit(.discardFolderRemoved)
    }

    /// At start, after recovery: removes all staging but that of the attempts that are still decided, or kept by a dead
    /// letter `PublishFailed`. Returns the attempts it removed.
    @discardableResult
    package func cleanStaging(keeping: Set<StagingAttempt>) -> [StagingAttempt] {
        guard isOwn, let names = try? files.names(in: Self.ownFolder) else { return [] }
        var removed: [StagingAttempt] = []
        for name in names {
            if let attempt = StagingAttempt(folderName: name) {
                if keeping.contains(attempt) { continue }
                discard(attempt)
                removed.append(attempt)
            } else if name.hasPrefix("probe-") {
                try? files.removeFile("\(Self.ownFolder)/\(name)")
            }
        }
        return removed
    }

    /// The ids of the kept inputs.
    package func keptNames() -> [String] { (try? files.names(in: Self.keptFolder)) ?? [] }

    /// Removes kept inputs by their ids; `changedBefore` (nanoseconds since 1970) leaves younger ones alone.
    package func removeKept(_ names: [String], changedBefore limit: Int64 = .max) {
        guard isOwn else { return }
        for name in names {
            if limit < .max, let stamp = try? files.status("\(Self.keptFolder)/\(name)").stamp, stamp.changed >= limit {
                continue
            }
            try? files.removeFile("\(Self.keptFolder)/\(name)")
        }
    }

    private func removeTree(_ folder: String) {
        for name in (try? files.names(in: folder)) ?? [] {
            let path = "\(folder)/\(name)"
            if (try? files.status(path))?.kind == .folder {
                removeTree(path)
            } else {
                try? files.removeFile(path)
                CrashPoint.hit(.discardFileRemoved)
            }
        }
        try? files.removeFolder(folder)
    }
}

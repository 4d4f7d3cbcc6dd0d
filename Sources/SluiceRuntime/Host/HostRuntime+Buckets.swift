import AppConfig
import FunctionProtocol
import Glibc
import HostAPI
import Journal
import Logging
import ObjectStore
import UVLoop

extension HostRuntime {
    /// Opens the buckets of an app: the new ones, and those whose definition has changed, which take the others' place
    /// with `changeBuckets` once the app is in force. A bucket that cannot be opened is an error of the deployment.
    func open(_ app: AppDefinition) async -> [AppFinding] {
        var findings: [AppFinding] = []
        reopened = [:]
        for definition in app.buckets {
            let (name, configuration, data, journal) = (
                definition.name, definition.configuration, options.dataFolder, journal
            )
            let folder = folder(of: definition)
            let isOwn = definition.path != folder
            let (before, owner) = (buckets[name], lockOwner)
            if let before, before.path == folder, before.configuration == configuration { continue }
            // Those that go with this app have nothing decided on its way to them by the time that this one is in
            // force.
            let others = buckets.all.filter { $0.name != name && app.bucket(named: $0.name) != nil }
            do {
                let bucket = try await files.run { () throws -> Bucket in
                    if isOwn { mkdir("\(data)/buckets", 0o755) }
                    return try Bucket.open(
                        name: name, path: folder, configuration: configuration,
                        known: try BucketNote.knownFolder(of: name, journal),
                        dataFolder: isOwn ? nil : data, others: others, owner: owner,
                        patience: Self.lockPatience, succeeding: before)
                }
                if before == nil { buckets.set(bucket) } else { reopened[name] = bucket }
                if let reason = bucket.notWritableReason {
                    notes["bucket \(bucket.name)"] = "bucket \(bucket.name) cannot be written: \(reason.message)"
                }
                warnOfLock(bucket)
            } catch {
                var text = (error as? ObjectStoreError)?.message ?? "\(error)"
                let code = (error as? ObjectStoreError)?.code
                let isLost = code == .bucketLost
                if isLost, let before, before.path != folder {
                    text +=
                        ". To move a bucket, move its whole folder \(before.path) with its \(Bucket.ownFolder) there, and "
                        + "deploy again; a folder with other objects is another bucket and needs another name"
                }
                findings.append(
                    AppFinding(
                        isLost ? "BucketLost" : code == .bucketInUse ? "BucketInUse" : "BucketRefused",
                        "bucket \(name): \(text)", file: "sluice.yaml"))
            }
        }
        return findings
    }

    /// Milliseconds in which a host that ends lets go of its buckets, also one that was killed.
    private nonisolated static let lockPatience = 2000

    /// Who this host is, for those whom it keeps out of its buckets.
    var lockOwner: String {
        var name = [CChar](repeating: 0, count: 256)
        _ = gethostname(&name, name.count - 1)
        let machine = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return "the host of the data folder \(Self.absolute(options.dataFolder)), process \(getpid()) on \(machine)"
    }

    private nonisolated static func absolute(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    func warnOfLock(_ bucket: Bucket) {
        let name = "lock \(bucket.name)"
        let warning = bucket.lockWarning.map { "bucket \(bucket.name): \($0)" }
        if let warning, notes[name] != warning { log.warning("\(warning)") }
        notes[name] = warning
    }

    /// Opens the buckets of the app in force at a start. Without one of them what is decided would be given up, and
    /// whatever reads or writes there would die, so none may be missing, for whatever reason.
    func reopen(_ deployment: Deployment) async throws {
        try await loadPlaces(deployment.app)
        var findings = await open(deployment.app)
        if !findings.isEmpty, let moved = await moved(deployment.app, over: deployment) {
            findings = await open(moved)
        }
        guard !findings.isEmpty else { return }
        var advice =
            findings.contains { $0.code != "BucketLost" }
            ? "; mount its disk, or correct what is named, and start again. Nothing was changed" : ""
        if try await isUnscannedCopy(deployment.app) {
            advice +=
                ". This data folder is a copy, and needs buckets of its own: copy their folders, too (`sluice backup "
                + "--with-buckets` does), name where they are as `path` in the app's sluice.yaml, and start with --app"
        }
        throw HostStartError(message: "a bucket cannot be opened\(advice):", findings: findings)
    }

    /// Whether the journal is a copy of another one, and some bucket has not been looked through with it.
    private func isUnscannedCopy(_ app: AppDefinition) async throws -> Bool {
        let (journal, data, names) = (journal, options.dataFolder, app.buckets.map(\.name))
        return try await files.run {
            guard let mark = try Self.copy(journal) else { return false }
            if BackupNote.read(in: data) != nil { return true }
            return try names.contains { name in
                try BucketNote.read(of: name, journal).map { $0.copy != mark } ?? false
            }
        }
    }

    /// Lets go of what a deployment has opened that is refused.
    func closeReopened(notIn deployment: Deployment) async {
        reopened = [:]
        await closeBuckets(notIn: deployment.app)
    }

    /// Lets go of the buckets that the app in force no longer has.
    func closeBuckets(notIn app: AppDefinition) async {
        for bucket in buckets.all where app.bucket(named: bucket.name) == nil {
            buckets.remove(bucket.name)
            if let watcher = watchers.removeValue(forKey: bucket.name) { await files.run { watcher.stop() } }
            for note in ["bucket", "lock", "lost"] { notes["\(note) \(bucket.name)"] = nil }
            endFirstScan(bucket.name)
        }
    }

    /// The buckets that an app does not have any more, or in another folder, with what an outcome is told that comes
    /// too late.
    func leaving(_ app: AppDefinition) -> [String: Failure] {
        var leaving: [String: Failure] = [:]
        for bucket in buckets.all {
            let moved = reopened[bucket.name].map { $0.folder != bucket.folder } ?? false
            guard moved || app.bucket(named: bucket.name) == nil else { continue }
            leaving[bucket.name] = Publisher.isLeaving(bucket.name, isMoving: moved)
        }
        return leaving
    }

    /// Puts the buckets whose definition has changed into their place; `startWatching` then watches them instead. Each
    /// bucket's folder is written down, before anything is put there.
    func changeBuckets() async throws {
        for (name, bucket) in reopened {
            buckets.set(bucket)
            reopened[name] = nil
            log.notice("a bucket has changed", metadata: ["bucket": "\(name)", "folder": "\(bucket.path)"])
        }
        for bucket in buckets.all { _ = try await note(of: bucket) }
    }

    /// Whether some bucket or the journal is a copy, and they have not been compared yet: its objects may have other
    /// inodes than the journal knows, and are to be known again before anybody opens them.
    func mustScanFirst() async throws -> Bool {
        let (journal, buckets) = (journal, buckets.all)
        return try await files.run {
            let mark = try Self.copy(journal)
            return try buckets.contains { bucket in
                try BucketNote.read(of: bucket.name, journal)?.isCopied(in: bucket.folder, mark: mark) ?? false
            }
        }
    }

    nonisolated static func copy(_ journal: any JournalStore) throws -> String? {
        try journal.value(name: JournalCopy.mark).map { String(decoding: $0, as: UTF8.self) }
    }

    func watching(_ bucket: String) -> (mode: String, notes: [String]) {
        var found: [String] = []
        if let note = notes["bucket \(bucket)"] { found.append(note) }
        if let note = notes["lock \(bucket)"] { found.append(note) }
        guard let watcher = watchers[bucket] else { return ("off", found) }
        let status = watcher.status
        found += status.polled.map { "folder \($0.path.isEmpty ? "." : $0.path) is polled: \($0.reason)" }
        found += status.refused.prefix(20).map { "\($0.path) is no object: \($0.reason)" }
        if status.refusedCount > 20 { found.append("… and \(status.refusedCount - 20) more files that are no objects") }
        if status.isLost {
            found.append("the folder was moved, deleted or unmounted; it is watched again when it is back")
            if let note = notes["lost \(bucket)"] { found.append(note) }
        }
        if let failure = status.failure { found.append(failure) }
        if status.isLost { return ("lost", found) }
        let mode = status.polled.isEmpty ? "inotify" : status.watchedFolders == 0 ? "polling" : "mixed"
        return (mode, found)
    }
}

extension BucketDefinition {
    var configuration: BucketConfiguration {
        BucketConfiguration(
            existing: existing == .trigger ? .trigger : .ignore,
            ignore: IgnoreRules(IgnoreRules.defaults + ignore), quiet: .milliseconds(Int(quietSeconds * 1000)))
    }
}

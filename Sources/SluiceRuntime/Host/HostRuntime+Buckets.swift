import AppConfig
import FunctionProtocol
import Glibc
import HostAPI
import Journal
import Logging
import ObjectStore
import UVLoop

extension HostRuntime {
    /// Opens the buckets of an app: the new ones, and those whose definition has changed, which take the others' place with
    /// `changeBuckets` once the app is in force. A bucket that cannot be opened is an error of the deployment.
    func open(_ app: AppDefinition) async -> [AppFinding] {
        var findings: [AppFinding] = []
        reopened = [:]
        for definition in app.buckets {
            let (name, configuration, data, journal) = (
                definition.name, definition.configuration, options.dataFolder, journal
            )
            let folder = definition.path ?? "\(data)/buckets/\(name)"
            let before = buckets[name]
            if let before, before.path == folder, before.configuration == configuration { continue }
            // Those that go with this app have nothing decided on its way to them by the time that this one is in force.
            let others = buckets.all.filter { $0.name != name && app.bucket(named: $0.name) != nil }
            do {
                let bucket = try await files.run { () throws -> Bucket in
                    if definition.path == nil { mkdir("\(data)/buckets", 0o755) }
                    return try Bucket.open(
                        name: name, path: folder, configuration: configuration,
                        known: try BucketNote.knownFolder(of: name, journal),
                        dataFolder: definition.path == nil ? nil : data, others: others, succeeding: before)
                }
                if before == nil { buckets.set(bucket) } else { reopened[name] = bucket }
                if let reason = bucket.notWritableReason {
                    notes["bucket \(bucket.name)"] = "bucket \(bucket.name) cannot be written: \(reason.message)"
                }
            } catch {
                var text = (error as? ObjectStoreError)?.message ?? "\(error)"
                let isLost = (error as? ObjectStoreError)?.code == .bucketLost
                if isLost, let before, before.path != folder {
                    text +=
                        ". To move a bucket, move its whole folder \(before.path) with its \(Bucket.ownFolder) there, and "
                        + "deploy again; a folder with other objects is another bucket and needs another name"
                }
                findings.append(
                    AppFinding(
                        isLost ? "BucketLost" : "BucketRefused", "bucket \(name): \(text)", file: "sluice.yaml"))
            }
        }
        return findings
    }

    /// Opens the buckets of the app in force at a start. Without one of them what is decided would be given up, and whatever
    /// reads or writes there would die, so none may be missing, for whatever reason.
    func reopen(_ app: AppDefinition) async throws {
        let findings = await open(app)
        guard !findings.isEmpty else { return }
        let advice =
            findings.contains { $0.code != "BucketLost" }
            ? "; mount its disk, or correct what is named, and start again. Nothing was changed" : ""
        throw HostStartError(message: "a bucket cannot be opened\(advice):", findings: findings)
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
            for note in ["bucket", "lost"] { notes["\(note) \(bucket.name)"] = nil }
            endFirstScan(bucket.name)
        }
    }

    /// The buckets that an app does not have any more, or in another folder, with what an outcome is told that comes too late.
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

    /// Whether some bucket or the journal is a copy, and they have not been compared yet: its objects may have other inodes than
    /// the journal knows, and are to be known again before anybody opens them.
    func mustScanFirst() async throws -> Bool {
        let (journal, buckets) = (journal, buckets.all)
        return try await files.run {
            let mark = try Self.copy(journal)
            return try buckets.contains { bucket in
                try BucketNote.read(of: bucket.name, journal)?.isCopied(in: bucket.folder, mark: mark) ?? false
            }
        }
    }

    private nonisolated static func copy(_ journal: any JournalStore) throws -> String? {
        try journal.value(name: JournalCopy.mark).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The notes of buckets that a deployment on its way meets for the first time. They belong into its own commit: that a
    /// folder is another one can be told only while the one before is open.
    func newNotes() async throws -> [ControlChange] {
        var changes: [ControlChange] = []
        for before in buckets.all {
            let bucket = reopened[before.name] ?? before
            let isNew = before.path != bucket.path && before.identity != bucket.identity
            let (note, stored, _) = try await compareNote(of: bucket, isNew: isNew)
            if isNew || stored == nil { changes.append(Self.keeping(note, of: bucket.name)) }
        }
        return changes
    }

    /// What the journal knows of a bucket, with the folder that it has now.
    private func note(of bucket: Bucket) async throws -> (note: BucketNote, copy: String?) {
        let (note, stored, copy) = try await compareNote(of: bucket, isNew: false)
        if note != stored { try await keep(note, of: bucket.name) }
        return (note, copy)
    }

    /// A bucket's note as it has to be, as it is stored, and the mark of the journal's copy.
    private func compareNote(
        of bucket: Bucket, isNew: Bool
    ) async throws -> (note: BucketNote, stored: BucketNote?, copy: String?) {
        let (journal, name) = (journal, bucket.name)
        let (stored, copy, isMarked) = try await files.run {
            (try BucketNote.read(of: name, journal), try Self.copy(journal), bucket.isMarked)
        }
        let ignores = bucket.configuration.existing == .ignore
        let fresh = BucketNote(adoptBefore: ignores ? BucketWatcher.now : nil, adopted: false, copy: copy)
        var note = isNew ? fresh : stored ?? fresh
        note.isMarked = isMarked
        note.id = bucket.identity
        return (note, stored, copy)
    }

    private nonisolated static func keeping(_ note: BucketNote, of bucket: String) -> ControlChange {
        .putValue(name: BucketNote.name(of: bucket), body: JSONText.encode(note))
    }

    private func keep(_ note: BucketNote, of bucket: String) async throws {
        var batch = Batch()
        batch.control.append(Self.keeping(note, of: bucket))
        _ = try await committer.commit(batch)
    }

    /// How far a bucket's first scan is.
    private enum FirstScan: Sendable {
        case done(BucketStatus)
        /// Everything was looked at, and the journal does not take what was found.
        case refused(String)
    }

    /// Watches all buckets that are not watched yet as they are open now; returns when each has been looked through once.
    func startWatching() async throws {
        for bucket in buckets.all where watchers[bucket.name]?.bucket !== bucket {
            // The host is being stopped: the watchers so far are stopped already.
            guard phase != .stopping else { return }
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
    private func endFirstScan(_ name: String) {
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

    func watching(_ bucket: String) -> (mode: String, notes: [String]) {
        var found: [String] = []
        if let note = notes["bucket \(bucket)"] { found.append(note) }
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

    /// Makes events for what a bucket already has beneath `prefix`, in pages, at most `rate` a second.
    func backfill(bucket: String, prefix: String, rate: Double?) {
        backfills += 1
        Task { @LoopActor in
            defer { backfills -= 1 }
            var after: String?
            while phase != .stopping {
                let (journal, announcer, from) = (journal, announcer, after)
                let limit = RequestedRate.page(at: rate, most: 500)
                do {
                    let page = try await files.run { () throws -> [ObjectRecord] in
                        let page = try journal.objects(bucket: bucket, prefix: prefix, after: from, limit: limit)
                        if !page.isEmpty { try announcer.announceAgain(page) }
                        return page
                    }
                    guard page.count == limit, let last = page.last else { return }
                    after = last.key
                } catch {
                    log.error(
                        "a backfill stopped",
                        metadata: ["bucket": "\(bucket)", "after": "\(after ?? "")", "error": "\(error)"])
                    return
                }
                if let rate {
                    await LoopPause.sleep(
                        milliseconds: RequestedRate.milliseconds(of: limit, at: rate), while: { phase != .stopping })
                }
            }
        }
    }
}

extension BucketDefinition {
    var configuration: BucketConfiguration {
        BucketConfiguration(
            existing: existing == .trigger ? .trigger : .ignore,
            ignore: IgnoreRules(IgnoreRules.defaults + ignore), quiet: .milliseconds(Int(quietSeconds * 1000)))
    }
}

import AppConfig
import Glibc
import HostAPI
import Journal
import Logging
import ObjectStore
import UVLoop

extension HostRuntime {
    /// Opens the buckets of an app and, when the host is up, watches the new ones. A bucket that cannot be opened is an
    /// error of the deployment.
    func open(_ app: AppDefinition) async -> [AppFinding] {
        var findings: [AppFinding] = []
        for definition in app.buckets where buckets[definition.name] == nil {
            let (data, others, journal) = (options.dataFolder, buckets.all, journal)
            do {
                let bucket = try await files.run { () throws -> Bucket in
                    let folder = definition.path ?? "\(data)/buckets/\(definition.name)"
                    if definition.path == nil { mkdir("\(data)/buckets", 0o755) }
                    return try Bucket.open(
                        name: definition.name, path: folder, configuration: definition.configuration,
                        known: try Self.knownFolder(of: definition.name, journal),
                        dataFolder: definition.path == nil ? nil : data, others: others)
                }
                buckets.set(bucket)
                if let reason = bucket.notWritableReason {
                    notes["bucket \(bucket.name)"] = "bucket \(bucket.name) cannot be written: \(reason.message)"
                }
            } catch {
                let text = (error as? ObjectStoreError)?.message ?? "\(error)"
                let isLost = (error as? ObjectStoreError)?.code == .bucketLost
                findings.append(
                    AppFinding(
                        isLost ? "BucketLost" : "BucketRefused", "bucket \(definition.name): \(text)",
                        file: "sluice.yaml"))
            }
        }
        return findings
    }

    /// Lets go of the buckets that the app in force no longer has.
    func closeBuckets(notIn app: AppDefinition) async {
        for bucket in buckets.all where app.bucket(named: bucket.name) == nil {
            if let watcher = watchers.removeValue(forKey: bucket.name) { await files.run { watcher.stop() } }
            buckets.remove(bucket.name)
        }
    }

    /// What the journal knows of a bucket beside its objects.
    private struct BucketNote: Codable, Equatable {
        /// What was there before this time, unchanged since, was adopted without events; nil: everything is announced.
        var adoptBefore: Int64?
        /// Its first scan is done.
        var adopted: Bool
        /// Its folder has `.sluice`, by which it is known again.
        var isMarked: Bool?
        /// The mark of the journal's copy with which it was scanned (`JournalCopy`); nil: the journal was none.
        var copy: String?

        static func name(of bucket: String) -> String { "bucket/\(bucket)" }
    }

    /// Blocking.
    private nonisolated static func knownFolder(
        of bucket: String, _ journal: any JournalStore
    ) throws -> Bucket.KnownFolder {
        guard try !journal.objects(bucket: bucket, prefix: "", after: nil, limit: 1).isEmpty else { return .nothing }
        let note = try journal.value(name: BucketNote.name(of: bucket))
            .flatMap { JSONText.decode(BucketNote.self, from: $0) }
        return note?.isMarked == true ? .marked : .objects
    }

    /// Whether the journal is a copy with which some bucket has not been scanned yet: its objects may have other inodes than
    /// the journal knows, and are to be known again before anybody opens them.
    func mustScanFirst() async throws -> Bool {
        let (journal, names) = (journal, buckets.all.map(\.name))
        return try await files.run {
            guard let copy = try Self.copy(journal) else { return false }
            return try names.contains { name in
                let note = try journal.value(name: BucketNote.name(of: name))
                    .flatMap { JSONText.decode(BucketNote.self, from: $0) }
                return note.map { $0.copy != copy } ?? false
            }
        }
    }

    private nonisolated static func copy(_ journal: any JournalStore) throws -> String? {
        try journal.value(name: JournalCopy.mark).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Starts the watchers of all buckets that have none; returns when each has scanned its bucket once.
    func startWatching() async throws {
        for bucket in buckets.all where watchers[bucket.name] == nil {
            let (journal, announcer, name) = (journal, announcer, BucketNote.name(of: bucket.name))
            let (body, copy, isMarked) = try await files.run {
                (try journal.value(name: name), try Self.copy(journal), bucket.isMarked)
            }
            let stored = body.flatMap { JSONText.decode(BucketNote.self, from: $0) }
            let ignores = bucket.configuration.existing == .ignore
            var note =
                stored ?? BucketNote(adoptBefore: ignores ? BucketWatcher.now : nil, adopted: false, copy: copy)
            let isCopy = note.copy != copy
            note.isMarked = isMarked
            if note != stored { try await keep(note, as: name) }
            let before = note.adopted ? nil : note.adoptBefore
            let scan = AsyncStream<BucketStatus>.makeStream()
            let watcher = try await files.run {
                try BucketWatcher.start(
                    bucket, index: JournalObjectIndex(journal: journal), sink: announcer,
                    options: BucketWatcher.Options(
                        adoptBefore: before, isCopy: isCopy,
                        ready: { status in
                            scan.continuation.yield(status)
                            scan.continuation.finish()
                        }))
            }
            watchers[bucket.name] = watcher
            for await status in scan.stream {
                guard !note.adopted || isCopy else { break }
                note.adopted = true
                note.copy = copy
                try await keep(note, as: name)
                if status.adopted > 0 {
                    log.notice(
                        """
                        bucket \(bucket.name) had \(status.adopted) files before it was known; they start nothing. \
                        `sluice buckets trigger \(bucket.name)` makes events for them
                        """)
                }
            }
        }
    }

    private func keep(_ note: BucketNote, as name: String) async throws {
        var batch = Batch()
        batch.control.append(.putValue(name: name, body: JSONText.encode(note)))
        _ = try await committer.commit(batch)
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

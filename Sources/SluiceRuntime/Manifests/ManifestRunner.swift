import AppConfig
import Crypto
import EventModel
import EventPatterns
import FunctionJSON
import FunctionProtocol
import Glibc
package import Journal
package import Logging
import ObjectStore
import Synchronization
package import UVLoop

/// Waits for the files that manifests name, and puts one event when they are all there, or when their time is over.
///
/// A manifest that is waited for is a journal value, written with the position of the log up to which manifests were
/// looked for; its end and its event are one commit. What is there is never remembered, but looked up: the object index
/// outlives the host.
@LoopActor
package final class ManifestRunner {
    private struct Rule: Sendable {
        var name: String
        var bus: String
        var pattern: EventPattern
        var limit: Int64
    }

    nonisolated static let prefix = "manifest/open/"
    nonisolated static let cursorName = "manifest/cursor"
    /// Records between two notes of how far the log was read.
    private static let stride: Position = 5000
    private static let longestSleep: Int64 = 10_000

    private let journal: any JournalStore
    private let committer: Committer
    private let files: FileThreads
    let clock: HostClock
    let announcer: ObjectAnnouncer
    private let buckets: BucketSet
    private let log: Logger
    private var core = ManifestCore()
    private var rules: [Rule] = []
    private var cursor: Position = 0
    private var noted: Position = 0
    private var timer: LoopTimer?
    private var isStopped = false
    private var isReading = false
    private var isRunning = false
    private nonisolated let mailbox = Mailbox()
    /// Whether any rule waits for manifests: read on the journal's thread.
    private nonisolated let isWanted = Mutex(false)

    package init(
        journal: any JournalStore, committer: Committer, files: FileThreads, clock: HostClock,
        announcer: ObjectAnnouncer, buckets: BucketSet, log: Logger
    ) {
        self.journal = journal
        self.committer = committer
        self.files = files
        self.clock = clock
        self.announcer = announcer
        self.buckets = buckets
        self.log = log
    }

    // MARK: Life

    /// Takes the manifest rules of a deployment into force.
    package func apply(_ deployment: Deployment) async throws {
        let wanted = deployment.app.rules.filter(\.enabled).compactMap { rule -> Rule? in
            guard let manifest = rule.manifest,
                let pattern = try? EventPattern(parsing: manifest.pattern, dialect: .extended)
            else { return nil }
            return Rule(
                name: rule.name, bus: rule.bus, pattern: pattern, limit: Int64(manifest.timeLimitSeconds))
        }
        isWanted.withLock { $0 = !wanted.isEmpty }
        let journal = journal
        let (stored, position, head) = try await files.run { () throws -> ([(String, [UInt8])], [UInt8]?, Position) in
            (
                try journal.values(prefix: Self.prefix).map { ($0.name, $0.body) },
                try journal.value(name: Self.cursorName),
                try journal.lastRecords(log: nil, limit: 1).last?.position ?? 0
            )
        }
        var batch = Batch()
        rules = wanted
        for (name, body) in stored {
            guard var manifest = JSONText.decode(OpenManifest.self, from: body),
                let rule = wanted.first(where: { $0.name == manifest.id.rule && $0.bus == manifest.id.bus })
            else {
                batch.control.append(.removeValue(name: name))
                if let manifest = JSONText.decode(OpenManifest.self, from: body) { core.close(manifest.id) }
                continue
            }
            // A clock that jumped must not make it wait for ever.
            manifest.deadline = min(manifest.deadline, clock.wall / 1000 + rule.limit)
            if !core.isOpen(manifest.id) { core.open(manifest) }
        }
        if wanted.isEmpty {
            if position != nil { batch.control.append(.removeValue(name: Self.cursorName)) }
            cursor = 0
        } else if cursor == 0 {
            // What came before the first rule is nobody's manifest.
            cursor = position.flatMap { Position(String(decoding: $0, as: UTF8.self)) } ?? head
            noted = cursor
            if position == nil { batch.control.append(Self.note(cursor)) }
        }
        if !batch.isEmpty { _ = try await committer.commit(batch) }
        isRunning = !wanted.isEmpty
        await read()
        look()
    }

    package func stop() {
        isStopped = true
        timer?.cancel()
        timer = nil
    }

    /// What is waited for.
    package var open: [(manifest: OpenManifest, missing: [String]?)] { core.open }

    private static func note(_ position: Position) -> ControlChange {
        .putValue(name: cursorName, body: Array("\(position)".utf8))
    }

    private nonisolated static func name(_ id: ManifestID) -> String {
        prefix + EventIdentity.hash(id.bus, id.rule, id.bucket, id.key)
    }

    // MARK: Records

    /// Called on the journal's thread after each transaction.
    package nonisolated func recordsCommitted(_ records: [CommittedRecord]) {
        guard isWanted.withLock({ $0 }), mailbox.put(records.filter { $0.log == "default" }) else { return }
        Task { @LoopActor in
            guard self.isRunning else { return }
            await self.read()
            self.look()
        }
    }

    /// Reads the log on from where it was read: one reader at a time. The mailbox only tells that there is more, and
    /// what has changed; the log itself is read in its order, so that nothing is missed between two lives.
    private func read() async {
        guard !isReading, isRunning else { return }
        isReading = true
        defer { isReading = false }
        while !isStopped {
            let notices = mailbox.take()
            for record in notices { notice(record) }
            let (journal, after) = (journal, cursor)
            guard
                let page = try? await files.run({ try journal.records(log: "default", after: after, limit: 500) })
            else { return }
            for record in page {
                guard !isStopped else { return }
                if let input = EventReading.objectInput(of: record.payload) {
                    for rule in rules where (try? rule.pattern.matches(record.payload)) == true {
                        await arrived(record, input, rule)
                    }
                }
                cursor = record.position
            }
            if cursor - noted >= Self.stride {
                noted = cursor
                var batch = Batch()
                batch.control.append(Self.note(cursor))
                committer.enqueue(batch)
            }
            guard page.isEmpty else { continue }
            // What was committed while the page was read has left its notice here.
            let rest = mailbox.take()
            for record in rest { notice(record) }
            if rest.isEmpty { return }
        }
    }

    /// An object came or went: who waits for it is looked at.
    private func notice(_ record: CommittedRecord) {
        guard let root = try? JSONDocument(parsing: record.payload).root,
            root["source"]?.string == ObjectCreated.source,
            let bucket = root["detail"]?["bucket"]?["name"]?.string,
            let key = root["detail"]?["object"]?["key"]?.string
        else { return }
        core.changed(ObjectAddress(bucket: bucket, key: key))
    }

    /// A manifest: waited for from the commit on that notes it.
    private func arrived(_ record: CommittedRecord, _ input: ObjectInput, _ rule: Rule) async {
        let id = ManifestID(bus: rule.bus, rule: rule.name, bucket: input.bucket, key: input.key)
        let buckets = buckets
        let arrived = record.ingested / 1000
        var manifest = OpenManifest(
            id: id, eventID: record.eventID, files: [], arrived: arrived, deadline: arrived + rule.limit,
            lineage: String(decoding: record.lineage, as: UTF8.self))
        var batch = Batch()
        batch.control.append(Self.note(record.position))
        do {
            manifest.files = try await files.run {
                try Manifest(
                    Self.content(of: input, buckets: buckets), bucket: input.bucket, key: input.key
                ).files
            }
            batch.control.append(.putValue(name: Self.name(id), body: JSONText.encode(manifest)))
        } catch {
            // It says nothing that could be waited for: told at once.
            let reason = (error as? Manifest.Invalid)?.message ?? "the manifest cannot be read: \(error)"
            batch.appends.append(event(of: manifest, missing: [reason]))
            batch.control.append(.removeValue(name: Self.name(id)))
        }
        // Before the commit is asked for: the end of an older version's wait must not come after it in the journal.
        if manifest.files.isEmpty { core.close(id) } else { core.open(manifest) }
        noted = record.position
        _ = try? await committer.commit(batch)
    }

    private nonisolated static func content(of input: ObjectInput, buckets: BucketSet) throws -> [UInt8] {
        guard let bucket = buckets[input.bucket] else {
            throw Manifest.Invalid(message: "there is no bucket \(input.bucket)")
        }
        let opened = try bucket.open(input.key)
        defer { close(opened.descriptor) }
        guard opened.stamp.size <= Manifest.mostBytes else {
            throw Manifest.Invalid(message: "the manifest is longer than \(Manifest.mostBytes) bytes")
        }
        var content: [UInt8] = []
        try FileDigest.chunks(of: opened.descriptor) { content += $0 }
        return content
    }

    // MARK: Looking

    private func look() {
        timer?.cancel()
        timer = nil
        guard !isStopped else { return }
        for manifest in core.looks(now: clock.wall / 1000) {
            Task { @LoopActor in await look(at: manifest) }
        }
        guard let deadline = core.nextDeadline else { return }
        let delay = min(max(1, deadline * 1000 - clock.wall), Self.longestSleep)
        timer = LoopTimer.after(.milliseconds(delay)) { [weak self] in
            self?.timer = nil
            self?.look()
        }
    }

    private func look(at manifest: OpenManifest) async {
        let (journal, buckets) = (journal, buckets)
        let missing = await files.run { ManifestLook.missing(manifest, journal: journal, buckets: buckets) }
        let look = ManifestCore.Look(id: manifest.id, eventID: manifest.eventID, missing: missing)
        if let (manifest, ending) = core.looked(look, now: clock.wall / 1000) {
            var batch = Batch()
            switch ending {
            case .complete: batch.appends.append(event(of: manifest, missing: []))
            case .incomplete(let missing): batch.appends.append(event(of: manifest, missing: missing))
            }
            batch.control.append(.removeValue(name: Self.name(manifest.id)))
            do {
                _ = try await committer.commit(batch)
                core.close(manifest.id, eventID: manifest.eventID)
            } catch {
                guard error.code != .closed else { return }
                log.error("a manifest's end could not be put", metadata: ["error": "\(error)"])
                core.retry(manifest.id, eventID: manifest.eventID)
            }
        }
        self.look()
    }
}

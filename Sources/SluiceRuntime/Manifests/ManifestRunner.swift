import AppConfig
import EventPatterns
import FunctionJSON
import FunctionProtocol
package import Journal
package import Logging
import Synchronization
package import UVLoop

/// Waits for the files that manifests name, and puts one event when they are all there, or when their time is over.
///
/// A manifest that is waited for is a journal value, written with the position of the log up to which manifests were
/// looked for; its end and its event are one commit. What is there is never remembered, but looked up: the object index
/// outlives the host.
@LoopActor
package final class ManifestRunner {
    nonisolated static let prefix = "manifest/open/"
    private static let longestSleep: Int64 = 10_000
    /// Bytes of a manifest's files that are read before the next manifest has its turn.
    private nonisolated static let hashedAtATime: Int64 = 256 << 20
    /// What may still be read once a manifest's time is over, for a dead letter that says all that is wrong.
    static let hashingSeconds: Int64 = 600

    /// What is known of the log without reading it.
    struct Unread {
        /// Whether any rule waits for manifests.
        var isWanted = false
        /// The last record that tells of an object.
        var last: Position = 0
        /// Somebody is on the way to read.
        var isTold = false
    }

    let journal: any JournalStore
    let committer: Committer
    let files: FileThreads
    let clock: HostClock
    let announcer: ObjectAnnouncer
    let buckets: BucketSet
    let log: Logger
    var core = ManifestCore()
    var rules = ManifestRules()
    /// Counts deployments: what was read for another one's rules is read again.
    var generation = 0
    /// The buckets of the deployment in force.
    var declared: Set<String> = []
    /// The deployment whose rules these are.
    var appliedRuleSet: Int64 = 0
    var noted: Position = 0
    var isReading = false
    /// Who waits for the reader to come further, or to end.
    var readerWaits: [() -> Void] = []
    /// The rules of a manifest that was read and is not in the journal yet.
    var arriving: Set<ManifestRuleName> = []
    private(set) var isStopped = false
    private(set) var isLooking = false
    private var timer: LoopTimer?
    /// Manifests whose ends the journal has refused.
    private var refused: Set<ManifestID> = []
    /// Until a read that failed is tried again.
    var readTimer: LoopTimer?
    /// Some manifest could not be read.
    var hasUnreadManifests = false
    /// Manifests of which a file could not be read, with their events; and until they are looked at again.
    var unseen: [ManifestID: String] = [:]
    var lookTimer: LoopTimer?
    private let digests = ManifestDigests()
    /// Hashing reads whole files: one thread of its own, so that the host's others never wait for it.
    private let hashing = FileThreads(count: 1)
    /// Why there is no thread for it.
    var threadRefusal: String? { hashing.refusal }
    nonisolated let unread = Mutex(Unread())

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

    /// What the journal has for a deployment.
    private struct Found: Sendable {
        /// The position before the first record that the deployment counts for.
        var begin: Position
        var last: Position
        /// As an earlier life left it.
        var open: [(name: String, body: [UInt8])] = []
        var rules: ManifestRules?
    }

    /// Takes the manifest rules of a deployment into force: new ones from the position on at which it committed. The
    /// first time, what an earlier life waited for is waited for again; nothing is looked at before `beginLooking`.
    /// - Parameter waits: until the log has been read up to here, manifests on their buckets included.
    package func apply(_ deployment: Deployment, waits: Bool = true) async throws {
        let (journal, isFirst, ruleSet) = (journal, generation == 0, deployment.ruleSet)
        let wanted = ManifestRule.all(in: deployment)
        // What comes from here on is told; what came before is asked for.
        unread.withLock { $0.isWanted = !wanted.isEmpty }
        let found = try await files.run { () throws -> Found in
            let last = try journal.lastRecords(log: "default", limit: 1).last?.position ?? 0
            var found = Found(begin: try journal.position(ofRuleSet: ruleSet).map { $0 - 1 } ?? last, last: last)
            guard isFirst else { return found }
            found.open = try journal.values(prefix: Self.prefix).map { ($0.name, $0.body) }
            found.rules = ManifestRules(
                cursor: try journal.value(name: ManifestRules.cursorName),
                rules: try journal.value(name: ManifestRules.rulesName), wanted: wanted)
            return found
        }
        var batch = Batch()
        generation += 1
        appliedRuleSet = ruleSet
        declared = Set(deployment.app.buckets.map(\.name))
        if let known = found.rules { rules = known }
        rules.apply(wanted, begin: found.begin, last: found.last)
        noted = rules.cursor
        batch.control += rules.changes
        for (name, body) in found.open {
            guard let manifest = JSONText.decode(OpenManifest.self, from: body) else {
                batch.control.append(.removeValue(name: name))
                continue
            }
            core.open(manifest)
            if manifest.isUnread == true { hasUnreadManifests = true }
        }
        if hasUnreadManifests { readLater() }
        for (manifest, _) in core.open {
            // A rule's targets hear of what it waits for also when it takes nothing any more (`RuleSet`).
            guard let rule = wanted.first(where: { $0.name == manifest.id.rule && $0.bus == manifest.id.bus }) else {
                log.error(
                    "a manifest is waited for no longer: its rule is gone, and there is no target to tell",
                    metadata: [
                        "rule": "\(manifest.id.rule)", "manifest": "\(manifest.id.bucket)/\(manifest.id.key)",
                        "event": "\(manifest.eventID)",
                    ])
                batch.control.append(.removeValue(name: Self.name(manifest.id)))
                close(manifest.id)
                continue
            }
            // A clock that jumped must not make it wait for ever.
            core.limit(manifest.id, to: clock.wall / 1000 + (rule.limit ?? manifest.deadline - manifest.arrived))
            // Where the reader of the log goes on further ahead, it does not tell what changed before.
            core.lookAgain(manifest.id, eventID: manifest.eventID)
        }
        unread.withLock { $0.last = max($0.last, found.last) }
        _ = try await committer.commit(batch)
        if waits { await read() } else { Task { @LoopActor in await read() } }
        look()
    }

    /// The buckets have been scanned, what the index says counts from now on: a file that came while the host was down
    /// is not missing.
    package func beginLooking() {
        isLooking = true
        look()
    }

    package func stop() {
        isStopped = true
        timer?.cancel()
        timer = nil
        readTimer?.cancel()
        lookTimer?.cancel()
        digests.stop()
        hashing.stop()
    }

    /// What is waited for.
    package var open: [(manifest: OpenManifest, missing: [String]?)] { core.open }

    nonisolated static func name(_ id: ManifestID) -> String {
        prefix + EventIdentity.hash(id.bus, id.rule, id.bucket, id.key)
    }

    /// Nothing is waited for any more, or something else: what was found out of its files goes with it.
    func close(_ id: ManifestID, eventID: String? = nil) {
        guard let closed = core.close(id, eventID: eventID) else { return }
        refused.remove(id)
        forget(closed)
    }

    func open(_ manifest: OpenManifest) {
        if let replaced = core.open(manifest) { forget(replaced) }
    }

    func forget(_ manifest: OpenManifest) {
        digests.forget(
            manifest.files.filter { $0.sha256 != nil }.map { ObjectAddress(bucket: $0.bucket, key: $0.key) }
                .filter { !core.waits(for: $0) })
    }

    // MARK: Looking

    func look() {
        timer?.cancel()
        timer = nil
        guard !isStopped, isLooking else { return }
        let now = clock.wall / 1000
        for manifest in core.looks(now: now) {
            Task { @LoopActor in await look(at: manifest, since: now) }
        }
        guard let deadline = core.nextDeadline else { return }
        let delay = min(max(1, deadline * 1000 - clock.wall), Self.longestSleep)
        timer = LoopTimer.after(.milliseconds(delay)) { [weak self] in
            self?.timer = nil
            self?.look()
        }
    }

    /// Compares all files of a manifest with what is there; nil: the host stops.
    /// - Parameters:
    ///   - isLast: what is there is read also where something else is missing.
    ///   - limit: for how long files are read, in wall-clock seconds.
    func look(at manifest: OpenManifest, reading isLast: Bool, until limit: Int64) async -> ManifestLook? {
        let (journal, buckets, digests) = (journal, buckets, digests)
        var look = await files.run {
            ManifestLook(at: manifest, journal: journal, buckets: buckets, digests: digests, reading: 0)
        }
        while !look.unread.isEmpty, look.missing.isEmpty || isLast, clock.wall / 1000 < limit {
            guard !isStopped else { return nil }
            // In turns: one file of any length must not hold up everybody else's.
            look = await hashing.run {
                ManifestLook(
                    at: manifest, journal: journal, buckets: buckets, digests: digests, reading: Self.hashedAtATime)
            }
        }
        guard !isStopped else { return nil }
        // Without a look into it, because others are missing, a file is not to blame.
        if look.missing.isEmpty || isLast {
            look.missing += look.unread.map { "\($0): is too long to be read in time for its SHA-256" }
        }
        return look
    }

    private func look(at manifest: OpenManifest, since began: Int64) async {
        // Hashing 200 files each time one more of them comes would read them 200 times. At the end of its time
        // everything is read that is there: the dead letter is to say all that is wrong.
        let isLast = began >= manifest.deadline
        let limit = isLast ? began + Self.hashingSeconds : manifest.deadline
        guard let look = await look(at: manifest, reading: isLast, until: limit) else { return }
        let answer = ManifestCore.Look(id: manifest.id, eventID: manifest.eventID, missing: look.missing)
        // What has not been read at the deadline was not looked at for the last time.
        if let (manifest, ending) = core.looked(answer, now: began) {
            await end(manifest, ending)
        } else if look.mayPass {
            lookLater(manifest)
        }
        self.look()
    }

    private func end(_ manifest: OpenManifest, _ ending: ManifestCore.Ending) async {
        var batch = Batch()
        switch ending {
        case .complete: batch.appends.append(event(of: manifest, missing: []))
        case .incomplete(let missing): batch.appends.append(event(of: manifest, missing: missing))
        }
        batch.control.append(.removeValue(name: Self.name(manifest.id)))
        do {
            // A disk that takes no new work is not waited for with what was found out now: until it does, files may
            // come or go.
            _ = try await committer.commit(batch, refusal: .withdraws)
            close(manifest.id, eventID: manifest.eventID)
            refused.remove(manifest.id)
        } catch {
            guard error.code != .closed else { return }
            if refused.insert(manifest.id).inserted {
                log.error(
                    "a manifest's end cannot be put; tried again every second",
                    metadata: ["manifest": "\(manifest.id.bucket)/\(manifest.id.key)", "error": "\(error)"])
            }
            await LoopPause.sleep(milliseconds: 1000, while: { !isStopped })
            core.retry(manifest.id, eventID: manifest.eventID)
        }
    }
}

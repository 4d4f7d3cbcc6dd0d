package import AppConfig
import FunctionProtocol
import HostAPI
package import Journal
package import Logging
import ObjectStore
package import UVLoop

/// Removes expired objects, by the same two commits by which handlers remove them: decided → moved away → settled, with
/// an `Object Deleted` of reason `Lifecycle Expiration`. A crash anywhere is finished by recovery.
@LoopActor
package final class LifecycleRunner {
    /// What a pass found for one rule.
    package struct Report: Sendable, Hashable {
        package var bucket: String
        package var rule: LifecycleRule
        package var expired: Int64 = 0
        package var bytes: Int64 = 0
        /// Expired, and kept because something waiting, running or dead is about it.
        package var needed: Int64 = 0
        package var removed: Int64 = 0
        /// The first keys that go, or would go.
        package var keys: [String] = []
    }

    /// The journal refuses to write what a pass would remove.
    package struct Refused: Error {
        package var message: String
    }

    /// Objects that go with one decision.
    private static let page = 50
    private static let shownKeys = 20

    private let journal: any JournalStore
    private let files: FileThreads
    private let clock: HostClock
    private let buckets: BucketSet
    private let publisher: Publisher
    private let committer: Committer
    private let log: Logger
    /// A new attempt id.
    private let nextAttempt: @LoopActor () -> AttemptID
    private var isRunning = false
    private var isStopped = false
    /// Why the journal has refused the last decision.
    private var refusal: String?
    /// Removed since the host started, by bucket.
    package private(set) var removed: [String: Int64] = [:]

    package init(
        journal: any JournalStore, files: FileThreads, clock: HostClock, buckets: BucketSet, publisher: Publisher,
        committer: Committer, log: Logger, nextAttempt: @escaping @LoopActor () -> AttemptID
    ) {
        self.journal = journal
        self.files = files
        self.clock = clock
        self.buckets = buckets
        self.publisher = publisher
        self.committer = committer
        self.log = log
        self.nextAttempt = nextAttempt
    }

    package func stop() { isStopped = true }

    /// One pass over the buckets with rules (or over one of them). Nil where another pass is under way.
    package func run(_ app: AppDefinition, bucket only: String? = nil, dryRun: Bool) async throws -> [Report]? {
        guard !isRunning else { return nil }
        isRunning = true
        defer { isRunning = false }
        var reports: [Report] = []
        for definition in app.buckets where only == nil || only == definition.name {
            let rules = (definition.lifecycle ?? []).filter(\.enabled)
            guard !rules.isEmpty, let bucket = buckets[definition.name] else { continue }
            reports += try await run(rules, in: bucket, dryRun: dryRun)
        }
        return reports
    }

    private func run(_ rules: [LifecycleRule], in bucket: Bucket, dryRun: Bool) async throws -> [Report] {
        var reports = Dictionary(uniqueKeysWithValues: rules.map { ($0.id, Report(bucket: bucket.name, rule: $0)) })
        var needed: NeededObjects?
        var after: String?
        while !isStopped {
            let (journal, name, from, now) = (journal, bucket.name, after, clock.wall)
            let page = try await files.run { try journal.objects(bucket: name, prefix: "", after: from, limit: 500) }
            let expired = page.compactMap { object in
                LifecyclePlan.expired(object, by: rules, now: now).map { (object: object, rule: $0) }
            }
            if needed == nil, !expired.isEmpty {
                needed = try await files.run { try NeededObjects(journal: journal) }
            }
            var going: [(object: ObjectRecord, rule: LifecycleRule)] = []
            for (object, rule) in expired {
                reports[rule.id]?.expired += 1
                let bytes = reports[rule.id]?.bytes ?? 0
                reports[rule.id]?.bytes = bytes.addingClamped(object.size)
                if needed?.addresses.contains(ObjectAddress(bucket: object.bucket, key: object.key)) == true {
                    reports[rule.id]?.needed += 1
                    continue
                }
                if let count = reports[rule.id]?.keys.count, count < Self.shownKeys {
                    reports[rule.id]?.keys.append(object.key)
                }
                going.append((object, rule))
            }
            if !dryRun {
                var rest = going[...]
                while !rest.isEmpty, !isStopped {
                    let part = Array(rest.prefix(Self.page))
                    rest = rest.dropFirst(part.count)
                    for gone in await remove(part, from: bucket) {
                        reports[gone.rule.id]?.removed += 1
                        removed[bucket.name, default: 0] += 1
                    }
                    // It would refuse the others, too, and whoever asked is to hear of it.
                    if let refusal { throw Refused(message: refusal) }
                }
            }
            guard page.count == 500, let last = page.last else { break }
            after = last.key
        }
        for report in reports.values where report.removed > 0 {
            log.notice(
                "expired objects were removed",
                metadata: [
                    "bucket": "\(report.bucket)", "rule": "\(report.rule.id)", "removed": "\(report.removed)",
                    "kept": "\(report.needed)",
                ])
        }
        return rules.compactMap { reports[$0.id] }
    }

    /// Removes a few objects together; one that has changed meanwhile spoils it, and then each goes by itself.
    private func remove(
        _ part: [(object: ObjectRecord, rule: LifecycleRule)], from bucket: Bucket
    ) async -> [(object: ObjectRecord, rule: LifecycleRule)] {
        // What refused others before says nothing of these.
        refusal = nil
        // What was replaced or announced again since the look at it is left to the next pass.
        let journal = journal
        let objects = part.map(\.object)
        let same = await files.run {
            objects.map { object in
                (try? journal.object(bucket: object.bucket, key: object.key)) == object
                    && (try? bucket.confirm(object.key, is: ObjectVersion(stamp: object.stamp, sample: object.sample)))
                        != nil
            }
        }
        let current = zip(part, same).filter(\.1).map(\.0)
        guard !current.isEmpty else { return [] }
        guard let removed = await decide(current.map(\.object), bucket, by: Self.name, because: Self.reason) else {
            return []
        }
        if removed { return current }
        guard current.count > 1 else { return [] }
        var gone: [(object: ObjectRecord, rule: LifecycleRule)] = []
        for one in current where !isStopped {
            guard let removed = await decide([one.object], bucket, by: Self.name, because: Self.reason) else { break }
            if removed { gone.append(one) }
        }
        return gone
    }

    /// False: one of them has changed, and all are where they were. Nil: nothing can be removed now.
    private func decide(
        _ objects: [ObjectRecord], _ bucket: Bucket, by name: String, because reason: String?
    ) async -> Bool? {
        refusal = nil
        let attempt = nextAttempt()
        let publications = objects.map {
            bucket.deletion(
                attempt.staging, key: $0.key, known: ObjectVersion(stamp: $0.stamp, sample: $0.sample))
        }
        let decision = Decision(
            attempt: attempt, staging: attempt.staging, parked: nil, invocationID: "\(name)-\(attempt)",
            function: name, version: 0, rule: "", subscription: nil, attemptNumber: 1, eventIDs: [],
            started: clock.wall, durationMicroseconds: 0, coldStart: false, output: "", logFile: "", logOffset: 0,
            logLength: 0, settled: [], lineage: Lineage(), publications: publications, outbox: [], files: [],
            deletionReason: reason)
        switch await publisher.carryOut(decision) {
        case .committed, .nothing: return true
        case .withdrawn(_, let withdrawal):
            guard (try? await committer.commit(withdrawal.changes)) != nil else { return nil }
            publisher.finish(withdrawal)
            return false
        case .failed(let failure):
            if failure.code == "JournalUnavailable" { refusal = failure.message }
            log.error("objects cannot be removed", metadata: ["by": "\(name)", "reason": "\(failure.message)"])
            return nil
        case .refused(let reason):
            log.error("objects cannot be removed", metadata: ["by": "\(name)", "reason": "\(reason)"])
            return nil
        case .superseded, .closed: return nil
        }
    }

    /// Removes an object in the version that is given, as if a handler had asked for it. False: it has changed, or it
    /// cannot be removed now.
    func remove(_ object: ObjectRecord, by name: String) async -> Bool {
        guard !isStopped, let bucket = buckets[object.bucket] else { return false }
        return await decide([object], bucket, by: name, because: nil) == true
    }

    /// In the place of a function's name, in `invocations list`.
    package nonisolated static let name = "lifecycle"
    private static let reason = "Lifecycle Expiration"
}

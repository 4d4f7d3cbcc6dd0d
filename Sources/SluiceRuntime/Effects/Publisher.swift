package import FunctionProtocol
package import HostAPI
package import Journal
package import Logging
package import ObjectStore
package import UVLoop

/// Makes an attempt's effects visible, all or nothing (docs/architecture.md, "Publication"):
/// seal the staged files → commit 1, *decided* → rename them into place → commit 2, *settled* and announced.
/// Without objects the two commits are one.
@LoopActor
package final class Publisher {
    /// What came of a publication.
    package enum Result: Sendable {
        /// There was nothing to publish: the caller settles.
        case nothing
        /// Done and settled; what was published, a line each.
        case committed([EffectInfo])
        /// A newer version of an input has its own event; the attempt knows of which. Nothing was decided.
        case superseded
        /// Nothing is visible, nothing was decided.
        case failed(Failure)
        /// It was decided, could not be put into place and was taken back. Its end belongs into the commit that records
        /// the failure; then call `finish`.
        case withdrawn(Failure, Withdrawal)
        /// The journal is closing; the next host goes on.
        case closed
        /// The outcome contradicts the journal: a defect. It stays decided for a repair.
        case refused(String)
    }

    let buckets: BucketSet
    let journal: any JournalStore
    let committer: Committer
    let files: FileThreads
    let clock: HostClock
    let announcer: ObjectAnnouncer
    let log: Logger
    let locks = NameLocks()
    /// Decisions between their two commits.
    package private(set) var publishing = 0
    /// The buses, streams and buckets into which they put something, and how many of them.
    var filling: [String: Int] = [:]
    /// Those that a deployment waits for.
    package var awaited: Set<String> = []
    /// Buckets that a deployment on its way takes away or moves to another folder, and what an outcome is told that
    /// would put something there.
    package var leaving: [String: Failure] = [:]

    package init(
        buckets: BucketSet, journal: any JournalStore, committer: Committer, files: FileThreads, clock: HostClock,
        announcer: ObjectAnnouncer, log: Logger
    ) {
        self.buckets = buckets
        self.journal = journal
        self.committer = committer
        self.files = files
        self.clock = clock
        self.announcer = announcer
        self.log = log
    }

    /// Publishes what the works at the indices `succeeded` have asked for, and settles those works. `telling`: the
    /// events of their outcomes, which come with the settlement.
    func publish(
        _ context: AttemptContext, _ report: AttemptReport, succeeded: Set<Int>,
        telling told: [(bus: String, event: OutcomeEvent)], logs: LogReference
    ) async -> Result {
        let operations = context.effects.committed(succeeded: succeeded, records: context.attempt.works.count)
        guard !operations.isEmpty else { return .nothing }
        return await holding(Self.names(of: operations)) {
            await publish(operations, of: context, report, succeeded: succeeded, telling: told, logs: logs)
        }
    }

    private func publish(
        _ operations: [EffectSet.Effect], of context: AttemptContext, _ report: AttemptReport, succeeded: Set<Int>,
        telling told: [(bus: String, event: OutcomeEvent)], logs: LogReference
    ) async -> Result {
        CrashPoint.hit(.runtimeAnswered)
        let plan = plan(of: operations, context)
        let (buckets, journal) = (buckets, journal)
        let prepared: PublicationPlan.Prepared
        do {
            prepared = try await files.run { try plan.prepare(buckets: buckets, journal: journal) }
        } catch {
            return failure(of: context, error).map { .failed($0) } ?? .superseded
        }
        if let failure = lostPlace(of: context.effects) { return .failed(failure) }
        let decision = Self.decision(context, report, succeeded: succeeded, prepared, telling: told, logs)
        if let failure = missingPlace(of: decision) { return .failed(failure) }
        return await carryOut(decision, isDecided: false)
    }

    private func plan(of operations: [EffectSet.Effect], _ context: AttemptContext) -> PublicationPlan {
        PublicationPlan(
            context.effects, operations,
            inputs: context.isInvokedByHand || context.inputs.isEmpty
                ? []
                : context.attempt.works.indices.map { index in
                    PublicationPlan.Input(
                        object: context.inputs[index],
                        letter: context.attempt.works[index].deadLetter ?? context.shadow?.deadLetter)
                },
            attempt: context.id.staging, quota: context.version.stagingBytes)
    }

    /// Why an attempt's effects cannot be published; nil: what it worked on has been replaced.
    private func failure(of context: AttemptContext, _ error: any Error) -> Failure? {
        if let replaced = error as? PublicationPlan.Replaced {
            context.supersededWorks.formUnion(replaced.works)
            return nil
        }
        if let lost = lostPlace(of: context.effects) { return lost }
        if let refusal = error as? CallRefusal { return refusal.failure }
        if let error = error as? ObjectStoreError {
            return Failure(
                code: error.code.description, message: error.message, retry: error.isPermanent ? nil : true)
        }
        return Failure(code: "StagingFailed", message: "\(error)")
    }

    /// Why what an attempt asks for would not be published, as things are now; nothing is changed by it.
    func refusals(of operations: [EffectSet.Effect], _ context: AttemptContext) async -> ShadowRefusals {
        let (plan, buckets, journal) = (plan(of: operations, context), buckets, journal)
        let found = await files.run { plan.check(buckets: buckets, journal: journal) }
        var refusals = ShadowRefusals(taken: found.taken)
        if let error = found.other {
            refusals.other = failure(of: context, error)
        } else {
            refusals.other = lostPlace(of: context.effects) ?? missingPlace(of: operations.map(\.operation))
        }
        return refusals
    }

    /// Takes a kept outcome up again: from the rename on, without its handler. It stays kept if this fails before
    /// anything is decided.
    func resume(_ kept: Decision, as context: AttemptContext, name: String) async -> Result {
        var decision = kept
        decision.attempt = context.id
        decision.parked = name
        decision.subscription = context.settings?.id
        decision.settled = context.attempt.works.map {
            Decision.Settled(
                delivery: $0.delivery, isPending: $0.source != .log, deadLetter: $0.deadLetter, dropped: false)
        }
        let resumed = decision
        return await holding(resumed.locks) {
            // The tables may have moved on while the outcome was kept.
            let (journal, requests) = (journal, resumed.files)
            do {
                try await files.run { try CatalogWriting.check(requests, journal: journal) }
            } catch let refusal as CallRefusal {
                return .failed(refusal.failure)
            } catch {
                return .failed(Failure(code: "JournalUnavailable", message: "\(error)"))
            }
            if let failure = missingPlace(of: resumed) { return .failed(failure) }
            return await carryOut(resumed, isDecided: false)
        }
    }

    /// Decides and carries out what no attempt has asked for: the host's own removals. A journal that refuses the
    /// decision is not waited for: nothing has been done, and it fails with `JournalUnavailable`.
    func carryOut(_ decision: Decision) async -> Result {
        await holding(decision.locks) {
            if let failure = missingPlace(of: decision) { return .failed(failure) }
            return await carryOut(decision, isDecided: false, refusal: .withdraws)
        }
    }

    /// Finishes what an earlier life had decided, before anything is dispatched or scanned.
    package func recover(_ decision: Decision) async -> Result {
        await carryOut(decision, isDecided: true)
    }

    /// Commit 1 (unless it is there already), the renames, commit 2.
    private func carryOut(
        _ decision: Decision, isDecided: Bool, refusal: Committer.Refusal = .waits
    ) async -> Result {
        publishing += 1
        let places = decision.logs.union(decision.buckets.map(Self.place(ofBucket:)))
        fill(places)
        defer {
            publishing -= 1
            filled(places)
        }
        do {
            if !isDecided, !decision.publications.isEmpty {
                var batch = Batch()
                batch.decisions.append(.decide(decision.attempt, body: await decision.encoded(on: files)))
                _ = try await committer.commit(batch, refusal: refusal)
                CrashPoint.hit(.runtimeDecided)
            }
        } catch {
            guard error.code == .closed else {
                // Nothing is decided. Who is told nothing would keep the delivery in memory, unsettled, until a
                // restart.
                return .failed(
                    Failure(code: "JournalUnavailable", message: "the journal refused the outcome: \(error)"))
            }
            return .closed
        }
        let done: [PublishedObject]
        switch await rename(decision, recovering: isDecided) {
        case .success(let objects): done = objects
        case .failure(let error): return await withdraw(decision, because: error)
        }
        CrashPoint.hit(.runtimePublished)
        do {
            let changes = try await catalogChanges(of: decision, published: done)
            let batch = announcer.settlement(of: decision, published: done, catalog: changes)
            _ = try await committer.commit(batch)
        } catch let error as JournalError where error.code == .closed {
            return .closed
        } catch {
            // Only a contradiction between decision and journal comes here; the decided row stays for a repair.
            log.critical("commit 2 was refused", metadata: ["attempt": "\(decision.attempt)", "error": "\(error)"])
            return .refused("\(error)")
        }
        CrashPoint.hit(.runtimeSettled)
        forget(decision)
        discardStaging(decision.staging, buckets: decision.buckets)
        return .committed(decision.effectList)
    }

    /// What the catalog is told. The files are in place: a journal that cannot be read now is asked until it can.
    private func catalogChanges(of decision: Decision, published: [PublishedObject]) async throws -> [CatalogChange] {
        let journal = journal
        while true {
            do {
                return try await files.run {
                    try CatalogWriting.changes(for: decision, published: published, journal: journal)
                }
            } catch let error as JournalError {
                guard error.isPassing else { throw error }
                log.error(
                    "the catalog cannot be read; tried again every second",
                    metadata: ["attempt": "\(decision.attempt)", "error": "\(error)"])
                await LoopPause.sleep(milliseconds: 1000)
            }
        }
    }

    /// Renames everything into place, in order; what fails for a reason that may pass is tried again.
    private func rename(_ decision: Decision, recovering: Bool) async
        -> Swift.Result<[PublishedObject], ObjectStoreError>
    {
        var done: [PublishedObject] = []
        for publication in decision.publications {
            guard let bucket = buckets[publication.bucket] else {
                return .failure(
                    ObjectStoreError(
                        .publishFailed, "there is no bucket \(publication.bucket) any more", bucket: publication.bucket)
                )
            }
            var delay = 50
            while true {
                do {
                    let sighting = try await files.run { try bucket.publish(publication, recovering: recovering) }
                    done.append(PublishedObject(bucket: publication.bucket, key: publication.key, sighting: sighting))
                    break
                } catch let error as ObjectStoreError where !error.isPermanent && delay < 5000 {
                    await LoopPause.sleep(milliseconds: delay)
                    delay *= 4
                } catch let error as ObjectStoreError {
                    return .failure(error)
                } catch {
                    return .failure(ObjectStoreError(.publishFailed, "\(error)", bucket: publication.bucket))
                }
            }
        }
        return .success(done)
    }

    /// Does something while nobody else may decide about the names. What is withdrawn keeps them until its failure is
    /// recorded: a crash before that makes recovery rename again, over what somebody else would have published.
    private func holding(_ names: Set<String>, _ body: () async -> Result) async -> Result {
        await locks.acquire(names)
        let result = await body()
        guard case .withdrawn(let failure, var withdrawal) = result else {
            locks.release(names)
            return result
        }
        withdrawal.names = names
        return .withdrawn(failure, withdrawal)
    }
}

/// A publication that is done: what is there now, nil for a deletion.
package struct PublishedObject: Sendable {
    package var bucket: String
    package var key: String
    package var sighting: ObjectSighting?
}

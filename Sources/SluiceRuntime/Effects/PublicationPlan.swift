package import FunctionProtocol
package import Journal
package import ObjectStore

/// From the effects of a finished attempt to the list of publications: the checks before commit 1. Blocking; run on a
/// file thread under the name locks.
package struct PublicationPlan: Sendable {
    struct Prepared: Sendable {
        var publications: [Publication] = []
        /// Whose each publication is: see `EffectSet.Effect.record`.
        var owners: [Int?] = []
        var events: [(entry: PutEventsRequest.Entry, id: String, record: Int?)] = []
        var records: [(entry: PutRecordsRequest.Entry, id: String, shard: Int, record: Int?)] = []
        var files: [RegisterFileRequest] = []
    }

    /// Newer versions of the objects that these works are about have their own events.
    package struct Replaced: Error {
        package var works: Set<Int>
    }

    /// What a work is about.
    package struct Input: Sendable {
        package var object: ObjectInput?
        /// Its dead letter, which may have kept the object.
        package var letter: Int64?

        package init(object: ObjectInput?, letter: Int64?) {
            self.object = object
            self.letter = letter
        }

        /// A newer version than the event's has an event of its own, and the work has nothing else to go by.
        func isReplaced(by known: ObjectRecord, _ journal: any JournalStore) throws(JournalError) -> Bool {
            // An event of somebody's own, without a sequencer, is about no version that another could replace.
            guard let object, object.address == ObjectAddress(bucket: known.bucket, key: known.key),
                !known.eventID.isEmpty, !object.sequencer.isEmpty, object.sequencer != known.sequencer
            else { return false }
            guard let letter, let row = try journal.deadLetter(id: letter) else { return true }
            // A redrive has what its letter kept; an edited event may be about another object than that, as it is now.
            let input = JSONText.decode(KeptObject.self, from: row.input)
            return input?.object.address == object.address && input?.kept == nil
        }
    }

    /// What `check` has found.
    package struct Refusals: Sendable {
        /// Keys that are taken, in the order of the puts. Whoever compares with a run that put them asks on.
        package var taken: [(key: ObjectAddress, failure: Failure)] = []
        /// What comes behind them, or before.
        package var other: (any Error)?
    }

    private let operations: [EffectSet.Effect]
    private let stages: [Int: StagedFile]
    private let reads: [ObjectAddress: ObjectVersion]
    private let generated: Set<ObjectAddress>
    private let inputs: [Input]
    private let attempt: StagingAttempt
    private let quota: Int64

    /// `quota`: bytes that may be published, over all buckets.
    package init(
        _ effects: EffectSet, _ operations: [EffectSet.Effect], inputs: [Input], attempt: StagingAttempt,
        quota: Int64
    ) {
        self.attempt = attempt
        self.quota = quota
        self.operations = operations
        stages = effects.stages
        reads = effects.reads
        generated = effects.generated
        self.inputs = inputs
    }

    func prepare(buckets: BucketSet, journal: any JournalStore) throws -> Prepared {
        try checkReads(buckets: buckets, journal: journal)
        var prepared = Prepared()
        let sealed = try seal(buckets: buckets)
        CrashPoint.hit(.runtimeSealed)
        for effect in operations {
            switch effect.operation {
            case .put(let stage, let to, let overwrite):
                guard let file = sealed[stage], let bucket = buckets[to.bucket] else {
                    throw CallRefusal("StagingFailed", "stage \(stage) is gone")
                }
                prepared.publications.append(
                    try put(file, to, overwrite: overwrite || generated.contains(to), bucket: bucket, journal: journal))
                prepared.owners.append(effect.record)
            case .delete(let address, let known):
                guard let bucket = buckets[address.bucket] else { continue }
                prepared.publications.append(bucket.deletion(attempt, key: address.key, known: known))
                prepared.owners.append(effect.record)
            case .event(let entry, let id):
                prepared.events.append((entry, id, effect.record))
            case .record(let entry, let id, let shard):
                prepared.records.append((entry, id, shard, effect.record))
            case .register(let request):
                prepared.files.append(request)
            }
        }
        try CatalogWriting.check(prepared.files, journal: journal)
        return prepared
    }

    /// The same questions in the same order, with nothing made durable: `prepare` throws the first of these.
    package func check(buckets: BucketSet, journal: any JournalStore) -> Refusals {
        var found = Refusals()
        do { try check(buckets: buckets, journal: journal, taken: &found.taken) } catch { found.other = error }
        return found
    }

    private func check(
        buckets: BucketSet, journal: any JournalStore, taken: inout [(key: ObjectAddress, failure: Failure)]
    ) throws {
        try checkReads(buckets: buckets, journal: journal)
        var left = quota
        for (name, files) in try stagedFiles() {
            guard let bucket = buckets[name] else { throw CallRefusal("NoSuchBucket", "there is no bucket \(name)") }
            left -= try bucket.size(ofStaged: files.map(\.file), quota: left)
        }
        var requests: [RegisterFileRequest] = []
        for effect in operations {
            switch effect.operation {
            case .put(_, let to, let overwrite):
                guard let bucket = buckets[to.bucket] else { continue }
                do {
                    try checkFree(to, overwrite: overwrite || generated.contains(to), bucket: bucket)
                } catch let refusal as CallRefusal {
                    taken.append((to, refusal.failure))
                }
            case .register(let request): requests.append(request)
            case .delete, .event, .record: continue
            }
        }
        try CatalogWriting.check(requests, journal: journal)
    }

    /// What was read must still be what is there.
    private func checkReads(buckets: BucketSet, journal: any JournalStore) throws {
        for (address, version) in reads {
            guard let bucket = buckets[address.bucket] else { continue }
            do {
                try bucket.confirm(address.key, is: version)
            } catch {
                let known = try journal.object(bucket: address.bucket, key: address.key)
                if let known {
                    let replaced = try inputs.indices.filter { try inputs[$0].isReplaced(by: known, journal) }
                    if !replaced.isEmpty { throw Replaced(works: Set(replaced)) }
                }
                throw CallRefusal("ObjectChanged", "while it was being processed: \(error.message)", retry: true)
            }
        }
    }

    /// Makes the staged files durable: no later than here does power loss stop mattering.
    private func seal(buckets: BucketSet) throws -> [Int: SealedFile] {
        let byBucket = try stagedFiles()
        var sealed: [Int: SealedFile] = [:]
        var left = quota
        for (name, files) in byBucket {
            guard let bucket = buckets[name] else { throw CallRefusal("NoSuchBucket", "there is no bucket \(name)") }
            for (one, result) in zip(files, try bucket.seal(files.map(\.file), quota: left)) {
                sealed[one.stage] = result
                left -= result.size
            }
        }
        return sealed
    }

    private func stagedFiles() throws -> [String: [(stage: Int, file: StagedFile)]] {
        var byBucket: [String: [(stage: Int, file: StagedFile)]] = [:]
        for case .put(let stage, let to, _) in operations.map(\.operation) {
            guard let file = stages[stage] else { throw CallRefusal("StagingFailed", "stage \(stage) is gone") }
            byBucket[to.bucket, default: []].append((stage, file))
        }
        return byBucket
    }

    private func checkFree(_ to: ObjectAddress, overwrite: Bool, bucket: Bucket) throws {
        guard !overwrite, (try? bucket.stat(to.key)) != nil else { return }
        throw CallRefusal(
            "KeyExists",
            "\(to.bucket)/\(to.key) exists already; put with overwrite: true to replace it, or let generateKey make "
                + "a key of its own")
    }

    private func put(
        _ file: SealedFile, _ to: ObjectAddress, overwrite: Bool, bucket: Bucket, journal: any JournalStore
    ) throws -> Publication {
        try checkFree(to, overwrite: overwrite, bucket: bucket)
        let known = try journal.object(bucket: to.bucket, key: to.key)
        return file.publication(
            key: to.key, overwrite: overwrite, known: known.map { ObjectVersion(stamp: $0.stamp, sample: $0.sample) })
    }
}

import EventModel
import Glibc
import FunctionProtocol
import Journal
import ObjectStore
import UVLoop

extension EffectCalls {
    /// Opens an object for reading. The input of the event is opened in the version that the event names, from the
    /// bucket or, for a redrive, from what its dead letter kept; for an invocation by hand in the version that is
    /// there. What a stream's record names is opened as it is there; where that version is gone, a redrive has what
    /// its dead letter kept.
    func open(_ request: ObjectRequest, for context: AttemptContext) async throws -> WorkerReply {
        let bucket = try bucket(request.bucket, writing: false, for: context)
        let address = ObjectAddress(bucket: request.bucket, key: request.key)
        let meant = context.isInvokedByHand ? nil : context.work(about: address, record: request.record)
        let carried = meant == nil ? context.letter(carrying: address, record: request.record) : nil
        let (journal, before) = (journal, context.effects.reads[address])
        let shadowed = context.shadow?.deadLetter
        let opened = try await files.run { () throws -> Opened in
            let known = try journal.object(bucket: request.bucket, key: request.key)
            if let (_, work, asked) = meant, known?.isVersion(of: asked, event: work.eventID) != true {
                // The bucket no longer has the version that the event is about.
                let letter = shadowed ?? work.deadLetter
                if let letter, let row = try journal.deadLetter(id: letter) {
                    let input = JSONText.decode(KeptObject.self, from: row.input)
                    // An event that was edited may name another object: what was kept is none of its bytes, and what is
                    // there is what was meant.
                    if input?.object.address == address, let kept = input?.kept {
                        return .kept(try bucket.openKept(kept))
                    }
                }
                let input = PublicationPlan.Input(object: asked, letter: letter)
                if let known, try input.isReplaced(by: known, journal) { return .superseded }
            }
            if let carried, known?.isVersion(of: carried.input, event: carried.work.eventID) != true,
                let row = try journal.deadLetter(id: carried.id),
                let input = JSONText.decode(KeptObject.self, from: row.input), input.object.address == address,
                let kept = input.kept
            {
                return .kept(try bucket.openKept(kept))
            }
            let expected = meant == nil ? nil : known.map { ObjectVersion(stamp: $0.stamp, sample: $0.sample) }
            if let version = before ?? expected {
                let object = try bucket.open(request.key, expecting: version)
                return .object(object, version, sequencer: known?.sequencer ?? "")
            }
            let version = try bucket.version(request.key)
            let object = try bucket.open(request.key, expecting: version)
            return .object(object, version, sequencer: known?.sequencer ?? "")
        }
        switch opened {
        case .object(let object, let version, let sequencer):
            context.effects.reads[address] = version
            return reply(object, address, etag: object.stamp.etag, sequencer: sequencer)
        case .kept(let object):
            return reply(object, address, etag: object.stamp.etag, sequencer: "")
        case .superseded:
            if let meant { context.supersededWorks.insert(meant.index) }
            throw CallRefusal(
                "ObjectChanged",
                "\(request.bucket)/\(request.key) was replaced after the event; the newer version has an event of its own",
                retry: true)
        }
    }

    private enum Opened: Sendable {
        case object(OpenedObject, ObjectVersion, sequencer: String)
        case kept(OpenedObject)
        case superseded
    }

    private func reply(
        _ object: OpenedObject, _ address: ObjectAddress, etag: String, sequencer: String
    ) -> WorkerReply {
        Self.reply(
            ObjectDescription(
                bucket: address.bucket, key: address.key, size: object.stamp.size, etag: etag, sequencer: sequencer,
                lastModified: Timestamp(nanosecondsSinceEpoch: object.stamp.modified).description),
            descriptor: object.descriptor)
    }

    func head(_ request: ObjectRequest, for context: AttemptContext) async throws -> WorkerReply {
        let bucket = try bucket(request.bucket, writing: false, for: context)
        let journal = journal
        let description = try await files.run { () throws -> ObjectDescription in
            let stamp = try bucket.stat(request.key)
            let known = try journal.object(bucket: request.bucket, key: request.key)
            return ObjectDescription(
                bucket: request.bucket, key: request.key, size: stamp.size, etag: stamp.etag,
                sequencer: known?.sequencer ?? "",
                lastModified: Timestamp(nanosecondsSinceEpoch: stamp.modified).description)
        }
        return Self.reply(description)
    }

    func list(_ request: ListRequest, for context: AttemptContext) async throws -> WorkerReply {
        _ = try bucket(request.bucket, writing: false, for: context)
        let journal = journal
        let limit = max(1, min(1000, request.limit))
        let records = try await files.run {
            try journal.objects(bucket: request.bucket, prefix: request.prefix, after: request.after, limit: limit)
        }
        let objects = records.map { record in
            ObjectDescription(
                bucket: record.bucket, key: record.key, size: record.size, etag: record.etag,
                sequencer: record.sequencer, lastModified: Timestamp(nanosecondsSinceEpoch: record.modified).description
            )
        }
        return Self.reply(ListReply(objects: objects, next: records.count == limit ? objects.last?.key : nil))
    }

    func createStage(_ request: StageRequest, for context: AttemptContext) async throws -> WorkerReply {
        let bucket = try bucket(request.bucket, writing: true, for: context)
        let attempt = context.id.staging
        // Looking at every file for every file would be quadratic; one file can never pass the quota by itself.
        let count = context.effects.lastStage
        let quota = count < 16 || count % 16 == 0 ? stagingQuota(of: context, for: bucket) : nil
        let (staged, descriptor) = try await files.run { try bucket.createStage(attempt, quota: quota?.left()) }
        let number = context.effects.stage(staged, in: bucket)
        return Self.reply(StageReply(stage: number), descriptor: descriptor)
    }

    /// What the attempt may still stage in `bucket`, given what it has staged in others.
    private struct StagingQuota: Sendable {
        let bytes: Int64
        let attempt: StagingAttempt
        let others: [Bucket]

        /// Blocking.
        func left() -> Int64 {
            others.reduce(bytes) { $0.addingClamped(-$1.stagedBytes(attempt)) }
        }
    }

    private func stagingQuota(of context: AttemptContext, for bucket: Bucket) -> StagingQuota {
        let names = Set(context.effects.buckets.keys).subtracting([bucket.name])
        return StagingQuota(
            bytes: context.version.stagingBytes, attempt: context.id.staging, others: names.compactMap { buckets[$0] })
    }

    func putStaged(_ request: PutStagedRequest, for context: AttemptContext) throws -> WorkerReply {
        guard let staged = context.effects.stages[request.stage], let key = request.key else {
            throw CallRefusal("InvalidRequest", "stage \(request.stage) does not exist or has no key")
        }
        let address = ObjectAddress(bucket: staged.bucket, key: key)
        try check(destination: address, for: context)
        guard !context.effects.isPut(request.stage) else {
            throw CallRefusal("InvalidRequest", "stage \(request.stage) has been put already")
        }
        context.effects.add(
            .init(
                record: request.record,
                operation: .put(stage: request.stage, to: address, overwrite: request.overwrite)))
        return Self.done
    }

    func discardStage(_ request: PutStagedRequest, for context: AttemptContext) async throws -> WorkerReply {
        guard let staged = context.effects.stages[request.stage], !context.effects.isPut(request.stage) else {
            throw CallRefusal("InvalidRequest", "stage \(request.stage) does not exist or has been put")
        }
        context.effects.stages[request.stage] = nil
        if let bucket = buckets[staged.bucket] { await files.run { bucket.discardStage(staged) } }
        return Self.done
    }

    func transfer(_ request: TransferRequest, move: Bool, for context: AttemptContext) async throws -> WorkerReply {
        let source = try bucket(request.source.bucket, writing: move, for: context)
        _ = try bucket(request.source.bucket, writing: false, for: context)
        let destination = try bucket(request.destination.bucket, writing: true, for: context)
        try check(destination: request.destination, for: context)
        if move { try check(destination: request.source, for: context) }
        let attempt = context.id.staging
        let quota = stagingQuota(of: context, for: destination)
        let (staged, version) = try await files.run { () throws -> (StagedFile, ObjectVersion) in
            let version = try source.version(request.source.key)
            let object = try source.open(request.source.key, expecting: version)
            defer { close(object.descriptor) }
            return (
                try destination.stageCopy(attempt, from: object.descriptor, quota: quota.left()), version
            )
        }
        let number = context.effects.stage(staged, in: destination)
        context.effects.reads[request.source] = version
        context.effects.add(
            .init(
                record: request.record,
                operation: .put(stage: number, to: request.destination, overwrite: request.overwrite)))
        if move {
            context.effects.add(
                .init(record: request.record, operation: .delete(request.source, known: version)))
        }
        return Self.done
    }

    func delete(_ request: ObjectRequest, for context: AttemptContext) async throws -> WorkerReply {
        let bucket = try bucket(request.bucket, writing: true, for: context)
        let address = ObjectAddress(bucket: request.bucket, key: request.key)
        try check(destination: address, for: context)
        // As in S3, deleting what is not there succeeds.
        let version = try await files.run { () throws -> ObjectVersion? in
            do throws(ObjectStoreError) {
                return try bucket.version(request.key)
            } catch {
                guard error.code == .noSuchKey else { throw error }
                return nil
            }
        }
        if let version {
            context.effects.add(.init(record: request.record, operation: .delete(address, known: version)))
        }
        return Self.done
    }

    /// A key that this attempt may change, and has not changed yet.
    private func check(destination: ObjectAddress, for context: AttemptContext) throws {
        _ = try bucket(destination.bucket, writing: true, for: context)
        try ObjectKey.validate(destination.key, bucket: destination.bucket)
        guard !context.effects.touches(destination) else {
            throw CallRefusal(
                "InvalidRequest", "this invocation has already put or deleted \(destination.bucket)/\(destination.key)")
        }
    }
}

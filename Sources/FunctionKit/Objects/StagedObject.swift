import FunctionProtocol

/// A staged file whose key is told once it is written: for outputs of which many are open at the same time, and whose
/// names depend on all of them.
package final class StagedObject: Sendable {
    private let objects: Context.Objects
    private let bucket: String
    private let staged: Descriptor
    private let stage: Int

    fileprivate init(objects: Context.Objects, bucket: String, staged: Descriptor, stage: Int) {
        self.objects = objects
        self.bucket = bucket
        self.staged = staged
        self.stage = stage
    }

    /// The open descriptor, until `close`.
    package var descriptor: Int32 {
        get throws { try staged.get("a staged file of \(bucket)") }
    }

    /// Nothing more is written. The host accepts a staged file only when nobody can write to it any more.
    package func close() { staged.close() }

    /// Puts the file under a key when the invocation succeeds.
    package func put(as key: String, overwrite: Bool = false) throws {
        close()
        let request = PutStagedRequest(stage: stage, key: key, overwrite: overwrite, record: objects.context.record)
        _ = try objects.scope.call(.putStaged, request, reply: EmptyReply.self)
    }

    /// Gives the file up, whatever the host says: a stage that stays is discarded with the attempt.
    package func discard() {
        close()
        let request = PutStagedRequest(stage: stage, key: nil, record: objects.context.record)
        _ = try? objects.scope.call(.discardStage, request, reply: EmptyReply.self)
    }
}

extension Context.Objects {
    /// Begins a file of a bucket. Put or discard it.
    package func stage(_ bucket: String) throws -> StagedObject {
        let (reply, descriptor) = try scope.callForDescriptor(
            .createStage, StageRequest(bucket: bucket, record: context.record), reply: StageReply.self)
        return StagedObject(objects: self, bucket: bucket, staged: descriptor, stage: reply.stage)
    }
}

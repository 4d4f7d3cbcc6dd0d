import FunctionProtocol

extension Context {
    /// The buckets that the function's grants name. Reading sees what is there now; writing, copying, moving and
    /// deleting is staged, and happens when the invocation succeeds, all of it or none.
    ///
    /// Everything throws `HostRefusal`: `NoSuchBucket`, `AccessDenied` (a grant is missing), `NoSuchKey`, `InvalidKey`.
    public struct Objects: Sendable {
        let context: Context
        var scope: InvocationScope { context.scope }

        /// Opens an object. It joins the invocation's read set: should the version that the event speaks of be gone,
        /// the attempt ends with `ObjectChanged`, or counts as superseded.
        public func get(_ bucket: String, _ key: String) async throws -> ObjectData {
            let request = ObjectRequest(bucket: bucket, key: key, record: context.record)
            let (reply, descriptor) = try scope.callForDescriptor(
                .openObject, request, reply: ObjectDescription.self)
            return ObjectData(info: try ObjectInfo(reply), descriptor: descriptor)
        }

        /// What is known of an object, without opening it.
        public func head(_ bucket: String, _ key: String) async throws -> ObjectInfo {
            let request = ObjectRequest(bucket: bucket, key: key, record: context.record)
            return try ObjectInfo(try scope.call(.headObject, request, reply: ObjectDescription.self))
        }

        /// The objects whose keys begin with `prefix`, in key order. Pages are fetched as the loop goes on.
        public func list(_ bucket: String, prefix: String = "", after: String? = nil) -> ObjectList {
            ObjectList(pages: ObjectPages(scope: scope, bucket: bucket, prefix: prefix, after: after))
        }

        /// Puts an object from memory. Without `overwrite` an existing object fails the attempt with `KeyExists`.
        public func put(_ bucket: String, _ key: String, _ bytes: [UInt8], overwrite: Bool = false) async throws {
            try await put(bucket, key, overwrite: overwrite) { try $0.write(bytes) }
        }

        /// Puts a text as UTF-8.
        public func put(_ bucket: String, _ key: String, _ text: String, overwrite: Bool = false) async throws {
            try await put(bucket, key, overwrite: overwrite) { try $0.write(text) }
        }

        /// Puts an object from a stream: what `body` writes. If `body` throws, nothing is put and the error goes on.
        public func put<Result>(
            _ bucket: String, _ key: String, overwrite: Bool = false,
            _ body: (ObjectWriter) async throws -> Result
        ) async throws -> Result {
            let (reply, descriptor) = try scope.callForDescriptor(
                .createStage, StageRequest(bucket: bucket, record: context.record), reply: StageReply.self)
            let writer = ObjectWriter(
                location: ObjectLocation(bucket: bucket, key: key), staged: descriptor, stage: reply.stage)
            let result: Result
            do {
                result = try await body(writer)
            } catch {
                descriptor.close()
                let discard = PutStagedRequest(stage: reply.stage, key: nil, record: context.record)
                // The body's error is the one to report; a stage that stays is discarded with the attempt.
                _ = try? scope.call(.discardStage, discard, reply: EmptyReply.self)
                throw error
            }
            // The host accepts a staged file only when nobody can write to it any more.
            descriptor.close()
            let put = PutStagedRequest(stage: reply.stage, key: key, overwrite: overwrite, record: context.record)
            _ = try scope.call(.putStaged, put, reply: EmptyReply.self)
            return result
        }

        /// A key `<prefix><hash><suffix>` for an output of this event: a later attempt, a redrive or a replay of the
        /// same event gets the same keys in the same order, and so replaces its own output instead of doubling it.
        public func generateKey(_ bucket: String, prefix: String, suffix: String = "") async throws -> String {
            let request = GenerateKeyRequest(bucket: bucket, prefix: prefix, suffix: suffix, record: context.record)
            return try scope.call(.generateKey, request, reply: GeneratedKey.self).key
        }

        /// Copies an object.
        public func copy(
            from source: ObjectLocation, to destination: ObjectLocation, overwrite: Bool = false
        ) async throws {
            try transfer(.copyObject, source, destination, overwrite)
        }

        /// Moves an object: a copy, and the source is deleted with it.
        public func move(
            from source: ObjectLocation, to destination: ObjectLocation, overwrite: Bool = false
        ) async throws {
            try transfer(.moveObject, source, destination, overwrite)
        }

        private func transfer(
            _ operation: HostOperation, _ source: ObjectLocation, _ destination: ObjectLocation, _ overwrite: Bool
        ) throws {
            let request = TransferRequest(
                source: ObjectAddress(source), destination: ObjectAddress(destination), overwrite: overwrite,
                record: context.record)
            _ = try scope.call(operation, request, reply: EmptyReply.self)
        }

        /// Deletes an object.
        public func delete(_ bucket: String, _ key: String) async throws {
            let request = ObjectRequest(bucket: bucket, key: key, record: context.record)
            _ = try scope.call(.deleteObject, request, reply: EmptyReply.self)
        }
    }
}

import FunctionJSON
import FunctionProtocol

extension Context {
    /// Puts records into streams. They are appended when the invocation (in a batch: the record) succeeds, and never
    /// otherwise.
    ///
    /// ```swift
    /// struct Sessions: BatchHandler {
    ///     func handle(_ records: [Record<StreamRecord>], context: Context) async throws -> [RecordResult] {
    ///         await records.results { record in
    ///             let click = try record.event.decode(Click.self)
    ///             guard click.isFirstOfItsSession else { return }
    ///             try await record.context.streams.put(
    ///                 json: Session(user: click.user, began: click.time), partitionKey: click.user, to: "sessions")
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// Everything throws `HostRefusal`: `NoSuchStream`, `AccessDenied` (`grants: {streams: [sessions]}` is missing),
    /// `InvalidRecord` (what Kinesis would refuse too: a partition key that is empty or has more than 256 characters,
    /// more than a mebibyte of data, more than 500 records in a call).
    public struct Streams: Sendable {
        let context: Context

        /// Puts bytes as they are. Returns the event id under which the host keeps the record; it gets its sequence
        /// number when it is appended.
        ///
        /// Records of one `partitionKey` keep their order. `explicitHashKey`, a decimal number below 2^128, chooses the
        /// shard in place of the partition key's MD5.
        @discardableResult
        public func put(
            _ data: [UInt8], partitionKey: String, to stream: String, explicitHashKey: String? = nil
        ) async throws -> String {
            let entry = Entry(data, partitionKey: partitionKey, explicitHashKey: explicitHashKey)
            return try await put([entry], to: stream).first ?? ""
        }

        /// Puts a text as UTF-8, without quotes around it.
        @discardableResult
        public func put(
            _ text: String, partitionKey: String, to stream: String, explicitHashKey: String? = nil
        ) async throws -> String {
            try await put(Array(text.utf8), partitionKey: partitionKey, to: stream, explicitHashKey: explicitHashKey)
        }

        /// Puts a value of any encodable type as JSON.
        @discardableResult
        public func put(
            json value: some Encodable, partitionKey: String, to stream: String, explicitHashKey: String? = nil
        ) async throws -> String {
            let data = try TapeEncoder().encode(value)
            return try await put(data, partitionKey: partitionKey, to: stream, explicitHashKey: explicitHashKey)
        }

        /// Puts up to 500 records in one call. Returns their event ids, in order.
        @discardableResult
        public func put(_ entries: [Entry], to stream: String) async throws -> [String] {
            let request = PutRecordsRequest(entries: entries.map { $0.wire(stream) }, record: context.record)
            let reply = try context.scope.call(.putRecords, request, reply: PutRecordsReply.self)
            guard reply.eventIDs.count == entries.count else {
                throw HostRefusal(
                    code: .malformedReply,
                    message: "the host answered \(reply.eventIDs.count) ids to \(entries.count) records")
            }
            return reply.eventIDs
        }
    }
}

extension Context.Streams {
    /// A record to put.
    public struct Entry: Sendable, Hashable {
        public var data: [UInt8]
        /// 1 to 256 characters; records of one key keep their order.
        public var partitionKey: String
        /// A decimal number below 2^128 that chooses the shard in place of the partition key's MD5.
        public var explicitHashKey: String?

        /// Bytes as they are.
        public init(_ data: [UInt8], partitionKey: String, explicitHashKey: String? = nil) {
            self.data = data
            self.partitionKey = partitionKey
            self.explicitHashKey = explicitHashKey
        }

        /// A text as UTF-8.
        public init(_ text: String, partitionKey: String, explicitHashKey: String? = nil) {
            self.init(Array(text.utf8), partitionKey: partitionKey, explicitHashKey: explicitHashKey)
        }

        /// A value of any encodable type as JSON.
        public init(json value: some Encodable, partitionKey: String, explicitHashKey: String? = nil) throws {
            self.init(
                try TapeEncoder().encode(value), partitionKey: partitionKey, explicitHashKey: explicitHashKey)
        }

        func wire(_ stream: String) -> PutRecordsRequest.Entry {
            PutRecordsRequest.Entry(
                stream: stream, partitionKey: partitionKey, explicitHashKey: explicitHashKey,
                data: String(decoding: Base64.encode(data), as: UTF8.self))
        }
    }
}

extension StreamRecord {
    /// The data, which is JSON, as a type. Throws `HandlerError` with code `InvalidRecord`, which is permanent and
    /// names the record and what does not fit.
    public func decode<T: Decodable>(_ type: T.Type = T.self) throws -> T {
        do {
            return try TapeDecoder().decode(type, from: data)
        } catch let error as DecodingError {
            throw HandlerError(
                code: "InvalidRecord",
                message: "the data of record \(sequenceNumber) of stream \(streamName), partition key "
                    + "\"\(partitionKey)\", is no \(type): \(error.readableMessage)",
                retry: false)
        }
    }
}

import FunctionJSON

/// A handler with types: the event is decoded into `Input`, the returned value is encoded as JSON.
///
/// ```swift
/// struct Count: Handler {
///     func handle(_ event: Event<ObjectCreated>, context: Context) async throws -> Int64 {
///         try await context.objects.get(event.detail.bucket.name, event.detail.object.key).info.size
///     }
/// }
/// ```
///
/// Returning commits what was asked of `context` (objects, events, catalog) all at once; throwing discards it. An event
/// that does not decode is the permanent error `InvalidEvent`, and `handle` is not called.
public protocol Handler: FunctionHandler {
    /// `Event<ObjectCreated>`, `Event<YourDetail>`, `S3Notification`, or any other decodable type.
    associatedtype Input: Decodable & Sendable
    /// Any encodable type, or `Void`.
    associatedtype Output

    /// One event. Runs on the worker's serving thread until it first suspends; may use any Swift concurrency. The same
    /// event may come again (a retry, a redrive): `context.invocationID` stays the same.
    func handle(_ event: Input, context: Context) async throws -> Output
}

extension Handler {
    public func warmUp(_ sample: [UInt8]) { _ = try? TapeDecoder().decode(Input.self, from: sample) }
}

extension Handler where Output: Encodable {
    public func respond(to payload: [UInt8], context: Context) async throws -> FunctionResponse {
        let output = try await handle(try decodeEvent(Input.self, from: payload), context: context)
        return .output(try TapeEncoder().encode(output))
    }
}

extension Handler where Output == Void {
    public func respond(to payload: [UInt8], context: Context) async throws -> FunctionResponse {
        try await handle(try decodeEvent(Input.self, from: payload), context: context)
        return .output([])
    }
}

/// The event, or the permanent error `InvalidEvent`.
func decodeEvent<T: Decodable>(_ type: T.Type, from payload: [UInt8]) throws -> T {
    do {
        return try TapeDecoder().decode(type, from: payload)
    } catch let error as DecodingError {
        throw HandlerError(
            code: "InvalidEvent", message: "the event is no \(type): \(error.readableMessage)", retry: false)
    }
}

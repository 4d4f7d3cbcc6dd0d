import FunctionJSON

/// A handler from a closure, of any of the three kinds; for short functions and for tests.
///
/// ```swift
/// Function.module(abi) {
///     ClosureHandler { (event: Event<ObjectCreated>, context: Context) in
///         context.logger.info("created", metadata: ["key": "\(event.detail.object.key)"])
///     }
/// }
/// ```
public struct ClosureHandler: FunctionHandler {
    private let body: @Sendable ([UInt8], Context) async throws -> FunctionResponse
    private let warm: @Sendable ([UInt8]) -> Void

    /// Typed, with an output.
    public init<Input: Decodable & Sendable, Output: Encodable & Sendable>(
        _ handle: @escaping @Sendable (Input, Context) async throws -> Output
    ) {
        body = { payload, context in
            let output = try await handle(try decodeEvent(Input.self, from: payload), context)
            return .output(try TapeEncoder().encode(output))
        }
        warm = { _ = try? TapeDecoder().decode(Input.self, from: $0) }
    }

    /// Typed, without an output.
    public init<Input: Decodable & Sendable>(_ handle: @escaping @Sendable (Input, Context) async throws -> Void) {
        body = { payload, context in
            try await handle(try decodeEvent(Input.self, from: payload), context)
            return .output([])
        }
        warm = { _ = try? TapeDecoder().decode(Input.self, from: $0) }
    }

    /// Bytes in, bytes out.
    public init(bytes handle: @escaping @Sendable ([UInt8], Context) async throws -> [UInt8]) {
        body = { payload, context in .output(try await handle(payload, context)) }
        warm = { _ in }
    }

    public func warmUp(_ sample: [UInt8]) { warm(sample) }

    public func respond(to payload: [UInt8], context: Context) async throws -> FunctionResponse {
        try await body(payload, context)
    }
}

/// A batch handler from a closure.
public struct BatchClosureHandler<Input: Decodable & Sendable>: BatchHandler {
    private let body: @Sendable ([Record<Input>], Context) async throws -> [RecordResult]

    public init(_ handle: @escaping @Sendable ([Record<Input>], Context) async throws -> [RecordResult]) {
        body = handle
    }

    public func handle(_ records: [Record<Input>], context: Context) async throws -> [RecordResult] {
        try await body(records, context)
    }
}

/// The one core that every kind of handler is adapted down to: bytes in, bytes out. Conform to `Handler`,
/// `BytesHandler` or `BatchHandler` instead; they implement `respond` and leave you the rest.
///
/// The life of a handler: made and `prepare`d once per zygote; the zygote forks the workers; `start` runs once in each
/// worker; then events come, one at a time; `stop` runs when a worker ends in peace, and is skipped when it is killed.
public protocol FunctionHandler: Sendable {
    /// Once per zygote, before it forks: read files, build tables, parse the configuration. Runs under the init
    /// timeout, and must leave neither threads nor open descriptors behind, for they do not survive a fork (that is why
    /// it is synchronous); connections belong into `start`. Throwing makes the function unusable until it is deployed
    /// anew, with this error as the reason.
    mutating func prepare(_ setup: FunctionSetup) throws

    /// Once per worker, after the fork: open connections, start background tasks. Throwing ends the worker.
    mutating func start(_ setup: FunctionSetup) async throws

    /// Before a worker ends in peace. Never relied on: a worker may be killed at any time.
    func stop() async

    /// Whether the payload is an array of events and the answer has one result for each.
    static var takesBatches: Bool { get }

    /// Exercises the decoder with a sample, so that the first event finds it warm. Never runs the handler.
    func warmUp(_ sample: [UInt8])

    /// One invocation.
    func respond(to payload: [UInt8], context: Context) async throws -> FunctionResponse
}

extension FunctionHandler {
    public mutating func prepare(_ setup: FunctionSetup) throws {}
    public mutating func start(_ setup: FunctionSetup) async throws {}
    public func stop() async {}
    public static var takesBatches: Bool { false }
    public func warmUp(_ sample: [UInt8]) {}
}

/// What an invocation gives back.
public struct FunctionResponse: Sendable {
    enum Kind { case output, batch }
    let kind: Kind
    let body: [UInt8]

    /// The handler's output: any bytes, JSON by custom, kept with the invocation.
    public static func output(_ bytes: [UInt8]) -> FunctionResponse { FunctionResponse(kind: .output, body: bytes) }
}

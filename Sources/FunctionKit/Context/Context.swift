import FunctionProtocol
import Glibc

/// What a handler has beside its event: who it is, how long it may take, and everything it can do.
///
/// A value; pass it on freely, also to child tasks, but do not use it after the handler has returned: asking for
/// effects then fails with `InvocationEnded`.
public struct Context: Sendable {
    let scope: InvocationScope
    /// The record of a batch to which effects belong.
    let record: Int?

    package init(scope: InvocationScope, record: Int? = nil) {
        self.scope = scope
        self.record = record
    }

    func ofRecord(_ index: Int?) -> Context { Context(scope: scope, record: index) }

    /// Unique to this attempt; in every log line of it.
    public var requestID: String { scope.requestID }
    /// The same for every attempt of a delivery: the idempotency key to hand to systems outside. In a batch each
    /// record's context has its own, whatever batch the record comes in; that of the batch's context stands for just
    /// these records.
    public var invocationID: String { scope.invocationID(of: record) }
    /// From 1.
    public var attempt: Int { scope.attempt }
    public var functionName: String { scope.settings.function }
    public var functionVersion: Int { scope.settings.version }
    /// The `environment` of function.yaml.
    public var environment: [String: String] { scope.settings.environment }
    /// Lines appear in the function's log with the request id.
    public var logger: Logger { scope.logger }

    /// When the host kills the worker.
    public var deadline: ContinuousClock.Instant { ContinuousClock.now + remainingTime }

    /// Until the host kills the worker; negative when that is due.
    public var remainingTime: Duration {
        .nanoseconds(Int64(bitPattern: scope.deadlineNanoseconds &- monotonicNanoseconds()))
    }

    /// The `configuration` of function.yaml as a type. Throws `HandlerError` with code `InvalidConfiguration`.
    /// - Parameter refusesUnknownKeys: whether a key that the type does not ask for does not fit either.
    public func configuration<T: Decodable>(as type: T.Type = T.self, refusesUnknownKeys: Bool = false) throws -> T {
        try scope.settings.decodedConfiguration(as: type, refusesUnknownKeys: refusesUnknownKeys)
    }

    /// Buckets: read at once, written when the invocation succeeds.
    public var objects: Objects { Objects(context: self) }
    /// Buses: appended to when the invocation succeeds.
    public var events: Events { Events(context: self) }
    /// Streams: appended to when the invocation succeeds.
    public var streams: Streams { Streams(context: self) }
    /// Tables: files are added when the invocation succeeds.
    public var catalog: Catalog { Catalog(context: self) }
}

/// Nanoseconds of CLOCK_MONOTONIC, the clock of deadlines between host and worker.
package func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

extension Timestamp {
    /// The wall clock.
    public static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(nanosecondsSinceEpoch: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}

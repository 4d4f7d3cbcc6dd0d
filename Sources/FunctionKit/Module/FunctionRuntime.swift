package import CFunctionABI
import FunctionJSON
import FunctionProtocol
import Glibc
import Synchronization

/// One function within a process: its handler, its settings, and the worker's services once it was started.
package final class FunctionRuntime: Sendable {
    private struct State {
        var handler: (any FunctionHandler)?
        var settings: FunctionConfiguration?
        var services: HostServices?
        var logger: Logger?
    }

    private let make: @Sendable (FunctionSetup) throws -> any FunctionHandler
    private let state = Mutex(State())

    package init(_ make: @escaping @Sendable (FunctionSetup) throws -> any FunctionHandler) { self.make = make }

    /// How an invocation ended: one of SLUICE_OUTCOME_* and its body.
    package struct Outcome: Sendable {
        package var status: UInt32
        package var body: [UInt8]

        static func failure(_ error: any Error) -> Outcome {
            let failure = Failure(reporting: error)
            let body = try? TapeEncoder().encode(failure)
            return Outcome(
                status: SLUICE_OUTCOME_ERROR, body: body ?? Array(#"{"code":"Unknown","message":""}"#.utf8))
        }
    }

    /// Makes and prepares the handler. Nil when it went well.
    package func prepare(configuration: [UInt8]) -> Outcome? {
        defer { fflush(nil) }
        do {
            let settings = try decodeSettings(configuration)
            let level = Logger.Level(rawValue: settings.logLevel) ?? .info
            let logger = Logger(level: level) { level, line in
                var text = "\(level.rawValue): \(line)\n"
                text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
            }
            let setup = FunctionSetup(settings: settings, logger: logger)
            var handler = try make(setup)
            try handler.prepare(setup)
            handler.warmUp(warmUpSample)
            // Touches what the concurrency runtime makes on first use. Never suspends, so no thread is started.
            let warmed = handler
            runBlocking { _ = warmed }
            state.withLock {
                $0.handler = warmed
                $0.settings = settings
            }
            return nil
        } catch {
            return .failure(error)
        }
    }

    private func decodeSettings(_ bytes: [UInt8]) throws -> FunctionConfiguration {
        do {
            return try TapeDecoder().decode(FunctionConfiguration.self, from: bytes)
        } catch let error as DecodingError {
            throw HandlerError(
                code: "MalformedConfiguration",
                message: "the host's description of the function cannot be read: \(error.readableMessage); "
                    + "host and FunctionKit do not fit together",
                retry: false)
        }
    }

    /// Starts the handler in its worker. Nil when it went well.
    package func start(_ services: HostServices) -> Outcome? {
        defer { fflush(nil) }
        let (prepared, settings) = state.withLock { ($0.handler, $0.settings) }
        guard let prepared, let settings else { return .failure(Self.notPrepared) }
        let level = Logger.Level(rawValue: settings.logLevel) ?? .info
        let logger = Logger(level: level) { services.log($0, $1) }
        let setup = FunctionSetup(settings: settings, logger: logger)
        let result: Result<any FunctionHandler, any Error> = runBlocking {
            var handler = prepared
            do {
                try await handler.start(setup)
                return .success(handler)
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let handler):
            state.withLock {
                $0.handler = handler
                $0.services = services
                $0.logger = logger
            }
            return nil
        case .failure(let error): return .failure(error)
        }
    }

    /// What the runtime needs of a `sluice_invocation`, copied.
    package struct Invocation: Sendable {
        package var requestID: String
        package var invocationIDs: [UInt8]
        package var attempt: Int
        /// Of CLOCK_MONOTONIC.
        package var deadlineNanoseconds: UInt64
        /// SLUICE_INVOCATION_*
        package var flags: UInt32
        package var payload: [UInt8]

        package init(_ invocation: sluice_invocation) {
            requestID = String(decoding: invocation.request_id.buffer, as: UTF8.self)
            invocationIDs = Array(invocation.invocation_id.buffer)
            attempt = Int(invocation.attempt)
            deadlineNanoseconds = invocation.deadline_ns
            flags = invocation.flags
            payload = Array(invocation.payload.buffer)
        }
    }

    /// One invocation, from decoding to the flushed output. Blocks until the handler is done.
    package func invoke(_ invocation: Invocation) -> Outcome {
        let current = state.withLock { $0 }
        guard let handler = current.handler, let settings = current.settings else { return .failure(Self.notPrepared) }
        if invocation.flags & SLUICE_INVOCATION_WARM_UP != 0 {
            handler.warmUp(invocation.payload)
            return Outcome(status: SLUICE_OUTCOME_SUCCESS, body: [])
        }
        guard let services = current.services, let logger = current.logger else {
            return .failure(Self.notStarted)
        }
        let scope = InvocationScope(
            requestID: invocation.requestID, invocationIDs: invocation.invocationIDs, attempt: invocation.attempt,
            deadlineNanoseconds: invocation.deadlineNanoseconds, settings: settings, logger: logger, services: services)
        let payload = invocation.payload
        let outcome = runBlocking {
            do {
                let response = try await handler.respond(to: payload, context: Context(scope: scope))
                let isBatch = response.kind == .batch
                return Outcome(status: isBatch ? SLUICE_OUTCOME_BATCH : SLUICE_OUTCOME_SUCCESS, body: response.body)
            } catch {
                return .failure(error)
            }
        }
        scope.close()
        // What was printed belongs to this attempt, and would be lost if the worker were killed before the next.
        fflush(nil)
        return outcome
    }

    package func stop() {
        guard let handler = state.withLock({ $0.handler }) else { return }
        runBlocking { await handler.stop() }
        fflush(nil)
    }

    private static let notPrepared = HandlerError(
        code: "NotPrepared", message: "the worker used the function before it was prepared", retry: true)
    private static let notStarted = HandlerError(
        code: "NotStarted", message: "the worker sent an event before the function was started", retry: true)
}

extension sluice_bytes {
    /// The bytes, borrowed.
    package var buffer: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: data, count: data == nil ? 0 : count) }
}

/// An event for the warm-up, of the kind that is most common.
private let warmUpSample = Array(
    """
    {"version":"0","id":"17793124-05d4-b198-2fde-7ededc63b103","detail-type":"Object Created","source":"aws.s3",\
    "account":"000000000000","time":"2021-11-12T00:00:00Z","region":"local","resources":["arn:aws:s3:::landing-zone"],\
    "detail":{"version":"0","bucket":{"name":"landing-zone"},"object":{"key":"database/table/file.csv","size":5,\
    "etag":"b1946ac92492d2347c6235b4d2611184","sequencer":"617f08299329d189"},"request-id":"N4N7GDK58NMKJ12R",\
    "requester":"000000000000","reason":"PutObject"}}
    """.utf8)

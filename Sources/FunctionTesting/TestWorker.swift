import CFunctionABI
public import FunctionKit
import FunctionProtocol
import Glibc
import Synchronization

/// A handler that is prepared and started, for several invocations one after the other: what it keeps between them
/// (a cache, a connection) it keeps here too. `TestHost.invoke` makes one for a single invocation.
public final class TestWorker: Sendable {
    private let host: TestHost
    private let runtime: FunctionRuntime
    private let table: ServiceTable

    init(host: TestHost, make: @escaping @Sendable (FunctionSetup) throws -> any FunctionHandler) {
        self.host = host
        runtime = FunctionRuntime(make)
        table = ServiceTable(host: host)
    }

    /// Prepares and starts the handler; nil when that went well.
    func start() async -> TestInvocation.Failure? {
        let settings = host.settings
        let (runtime, table) = (self.runtime, self.table)
        return await onOwnThread {
            let description = FunctionConfiguration(
                function: settings.functionName, version: settings.functionVersion,
                timeoutMilliseconds: Int(settings.timeout / .milliseconds(1)), memoryMegabytes: settings.memorySize,
                environment: settings.environment, configuration: settings.configuration.description,
                logLevel: settings.logLevel.rawValue)
            let bytes = (try? TapeEncoder().encode(description)) ?? []
            return (runtime.prepare(configuration: bytes) ?? runtime.start(HostServices(table.pointer)))
                .map { TestInvocation.Failure(body: $0.body) }
        }
    }

    /// Handles an event, as JSON of any encodable type.
    public func invoke(_ event: some Encodable, attempt: Int = 1) async throws -> TestInvocation {
        await invoke(payload: try TapeEncoder().encode(event), attempt: attempt)
    }

    /// Handles a batch of events.
    public func invoke(batch events: [some Encodable], attempt: Int = 1) async throws -> TestInvocation {
        await invoke(payload: try TapeEncoder().encode(events), isBatch: true, attempt: attempt)
    }

    /// Handles a payload as it is.
    public func invoke(payload: [UInt8], isBatch: Bool = false, attempt: Int = 1) async -> TestInvocation {
        let serial = host.state.withLock { state in
            state.serial += 1
            return state.serial
        }
        let timeout = UInt64(max(0, host.settings.timeout / .nanoseconds(1)))
        let (runtime, table) = (self.runtime, self.table)
        return await onOwnThread {
            let records = isBatch ? elements(of: payload) : []
            table.begin(payload: payload, records: records)
            let requestID = Array("1-\(serial)".utf8)
            let invocationID = Array(invocationIDs(of: payload, records: records).utf8)
            let outcome = requestID.withUnsafeBufferPointer { requestID in
                invocationID.withUnsafeBufferPointer { invocationID in
                    payload.withUnsafeBufferPointer { payload in
                        runtime.invoke(
                            FunctionRuntime.Invocation(
                                sluice_invocation(
                                    deadline_ns: monotonicNanoseconds() &+ timeout, attempt: UInt32(attempt),
                                    flags: isBatch ? SLUICE_INVOCATION_BATCH : 0, request_id: requestID.borrowed,
                                    invocation_id: invocationID.borrowed, payload: payload.borrowed)))
                    }
                }
            }
            return table.end(TestInvocation.Outcome(status: outcome.status, body: outcome.body))
        }
    }

    /// Ends the handler in peace.
    public func stop() async {
        let runtime = self.runtime
        await onOwnThread { runtime.stop() }
    }
}

extension TestHost {
    /// Prepares and starts a handler. Throws its failure as a `HandlerError`.
    public func start<H: FunctionHandler>(_ handler: H) async throws -> TestWorker {
        try await start { (_: FunctionSetup) in handler }
    }

    /// Makes a handler from the setup, as an entry target may, prepares and starts it.
    public func start<H: FunctionHandler>(
        _ make: @escaping @Sendable (FunctionSetup) throws -> H
    ) async throws -> TestWorker {
        let worker = TestWorker(host: self) { try make($0) }
        if let failure = await worker.start() {
            throw HandlerError(code: failure.code, message: failure.message, retry: failure.retry)
        }
        return worker
    }

    /// Runs a handler on one event, as JSON of any encodable type, from preparing to stopping.
    public func invoke<H: FunctionHandler>(_ handler: H, _ event: some Encodable) async throws -> TestInvocation {
        await invoke(handler, payload: try TapeEncoder().encode(event))
    }

    /// Runs a handler on the `Object Created` event of an object.
    public func invoke<H: FunctionHandler>(
        _ handler: H, objectCreated bucket: String, _ key: String
    ) async -> TestInvocation {
        guard let payload = try? TapeEncoder().encode(objectCreatedEvent(bucket, key)) else {
            return TestInvocation(outcome: .success(output: []), effects: [], logs: [])
        }
        return await invoke(handler, payload: payload)
    }

    /// Runs a handler on a batch of events.
    public func invoke<H: FunctionHandler>(_ handler: H, batch events: [some Encodable]) async throws -> TestInvocation
    {
        await invoke(handler, payload: try TapeEncoder().encode(events), isBatch: true)
    }

    /// Runs a handler on a payload as it is.
    public func invoke<H: FunctionHandler>(
        _ handler: H, payload: [UInt8], isBatch: Bool = false
    ) async -> TestInvocation {
        let worker = TestWorker(host: self) { _ in handler }
        if let failure = await worker.start() {
            return TestInvocation(outcome: .failure(failure), effects: [], logs: [])
        }
        let result = await worker.invoke(payload: payload, isBatch: isBatch)
        await worker.stop()
        return result
    }
}

extension UnsafeBufferPointer<UInt8> {
    fileprivate var borrowed: sluice_bytes { sluice_bytes(data: baseAddress, count: count) }
}

/// Runs a blocking body on a thread of its own, as a worker does: blocking the threads that run tests could keep a
/// handler's tasks from ever running.
private func onOwnThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
        let job = Unmanaged.passRetained(ThreadJob { continuation.resume(returning: body()) })
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<ThreadJob>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, job.toOpaque())
        guard status == 0 else {
            job.takeRetainedValue().run()
            return
        }
        pthread_detach(thread)
    }
}

private final class ThreadJob: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// The texts of a JSON array's elements; none of anything else.
private func elements(of payload: [UInt8]) -> [[UInt8]] {
    guard let root = try? JSONDocument(parsing: payload).root, root.kind == .array else { return [] }
    return root.elements.map { Array($0.sourceBytes) }
}

/// The same payload is the same delivery, whatever the attempt; and so is the same record, whatever the batch.
private func invocationIDs(of payload: [UInt8], records: [[UInt8]]) -> String {
    func id(of bytes: [UInt8]) -> String { EventID.derived(from: Array(fingerprint(bytes).utf8)) }
    guard records.count != 1 else { return id(of: records[0]) }
    return ([payload] + records).map(id(of:)).joined(separator: "\n")
}

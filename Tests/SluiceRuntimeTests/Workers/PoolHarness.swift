import FunctionProtocol
import Glibc
import Logging
import SluiceRuntime
import Testing
import UVLoop

/// A worker pool on a temporary data folder, with a delegate that waits for reports.
@LoopActor
final class PoolHarness: WorkerPoolDelegate {
    let folder = TemporaryFolder(name: "pool")
    let files = FileThreads(count: 1)
    private(set) var pool: WorkerPool!
    let version: WorkerVersion
    private var lastID: UInt64 = 0
    private var reports: [UInt64: AttemptReport] = [:]
    private var waiters: [UInt64: CheckedContinuation<AttemptReport, Never>] = [:]
    private var startWaiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    private(set) var started: Set<UInt64> = []
    /// Reports that came for an attempt that had one already.
    private(set) var surplus = 0
    /// Called within the pool's own call, as the dispatcher is.
    var finished: (UInt64) -> Void = { _ in }
    var answerCall: (WorkerCall) -> Void = { $0.reply(.success(Array("{}".utf8), descriptor: nil)) }

    static var worker: String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, 4095)
        let own = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return own.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/sluice-worker"
    }

    init(
        _ function: Result<FunctionInC, any Error> = FunctionInC.ordinary, path: String? = nil, memory: Int = 256,
        initTimeout: Double = 20, keptWarm: Int = 4, environment: [String: String] = [:]
    ) throws {
        version = WorkerVersion(
            modulePath: try path ?? function.get().path,
            configuration: FunctionConfiguration(
                function: "InC", version: 1, timeoutMilliseconds: 10_000, memoryMegabytes: memory,
                environment: environment),
            initTimeout: initTimeout, keptWarm: keptWarm)
        pool = WorkerPool(
            executable: Self.worker, dataFolder: folder.path, files: files, delegate: self, log: Logger(label: "test"))
    }

    /// Starts an attempt and returns its number.
    func start(_ payload: String, timeout: Double = 30, batch: Bool = false) -> UInt64 {
        lastID += 1
        pool.start(
            AttemptRequest(
                id: lastID, requestID: "1-\(lastID)", invocationID: "i-\(lastID)", attempt: 2,
                payload: HandlerPayload(Array(payload.utf8)), batch: batch, timeout: timeout),
            on: version)
        return lastID
    }

    func report(of id: UInt64) async -> AttemptReport {
        if let report = reports[id] { return report }
        return await withCheckedContinuation { waiters[id] = $0 }
    }

    func hasStarted(_ id: UInt64) async {
        if started.contains(id) { return }
        await withCheckedContinuation { startWaiters[id] = $0 }
    }

    func run(_ payload: String, timeout: Double = 30, batch: Bool = false) async -> AttemptReport {
        await report(of: start(payload, timeout: timeout, batch: batch))
    }

    /// Runs and expects a success; its text.
    func text(_ payload: String) async -> String {
        let report = await run(payload)
        guard case .success(let bytes) = report.outcome else { return "no success: \(report.outcome)" }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Runs and expects a failure.
    func failure(_ payload: String, timeout: Double = 30) async -> Failure {
        let report = await run(payload, timeout: timeout)
        guard case .failure(let failure) = report.outcome else {
            return Failure(code: "none", message: "\(report.outcome)")
        }
        return failure
    }

    func attemptStarted(_ id: UInt64) {
        started.insert(id)
        startWaiters.removeValue(forKey: id)?.resume()
    }

    func attemptCalled(_ id: UInt64, _ call: WorkerCall) { answerCall(call) }

    func attemptFinished(_ id: UInt64, _ report: AttemptReport) {
        if reports[id] != nil { surplus += 1 }
        reports[id] = report
        finished(id)
        waiters.removeValue(forKey: id)?.resume(returning: report)
    }

    /// Ends the pool. Nothing of it may be left.
    func close() async {
        await pool.shutdown()
        #expect(surplus == 0)
        files.stop()
    }
}

/// Runs a test on a pool, and ends the pool.
@LoopActor
func withPool(
    _ function: Result<FunctionInC, any Error> = FunctionInC.ordinary, path: String? = nil, memory: Int = 256,
    initTimeout: Double = 20, keptWarm: Int = 4, environment: [String: String] = [:],
    _ body: @LoopActor (PoolHarness) async throws -> Void
) async throws {
    let harness = try PoolHarness(
        function, path: path, memory: memory, initTimeout: initTimeout, keptWarm: keptWarm, environment: environment)
    do {
        try await body(harness)
    } catch {
        await harness.close()
        throw error
    }
    await harness.close()
}

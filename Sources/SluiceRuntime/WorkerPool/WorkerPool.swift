import CFunctionABI
import FunctionProtocol
import Glibc
package import Logging
package import UVLoop

/// The workers of all function versions. Who runs how many at once is the dispatcher's business; here every request gets
/// an idle worker or a new one.
@LoopActor
package final class WorkerPool {
    private struct Version {
        var zygote: Zygote?
        var idle: [WorkerProcess] = []
        var workers: [UInt64: WorkerProcess] = [:]
        /// Requests for which a worker is being made, oldest first.
        var waiting: [(request: AttemptRequest, since: Int64)] = []
        var isRetired = false
    }

    private static let idleSeconds = 300

    private let spawner: ProcessSpawner
    private let dataFolder: String
    private let files: FileThreads
    private unowned let delegate: any WorkerPoolDelegate
    private let log: Logger
    private let clock = HostClock()
    private var versions: [WorkerVersion: Version] = [:]
    private var attempts: [UInt64: WorkerProcess] = [:]
    private var lastWorker: UInt64 = 0
    private var isStopping = false
    private let roster: WorkerRoster

    /// Kills what an earlier host may have left running, then is ready for requests.
    package init(
        executable: String, dataFolder: String, files: FileThreads, delegate: any WorkerPoolDelegate, log: Logger
    ) {
        spawner = ProcessSpawner(executable: executable)
        self.dataFolder = dataFolder
        self.files = files
        self.delegate = delegate
        self.log = log
        roster = WorkerRoster(dataFolder: dataFolder, files: files)
    }

    // MARK: Versions

    /// Loads a version ahead of its first request.
    package func prepare(_ version: WorkerVersion) {
        guard !isStopping else { return }
        versions[version, default: Version()].isRetired = false
        if versions[version]?.zygote == nil { versions[version]?.zygote = makeZygote(version) }
    }

    /// Loads a version and says why it cannot run; nil: it can.
    package func check(_ version: WorkerVersion) async -> String? {
        prepare(version)
        guard let zygote = versions[version]?.zygote else { return "it cannot be loaded" }
        await zygote.settled()
        if case .failed(let failure) = zygote.phase {
            versions[version]?.zygote = nil
            return failure.message
        }
        return nil
    }

    /// No new requests will come for this version: its workers end as they become idle.
    package func retire(_ version: WorkerVersion) {
        versions[version]?.isRetired = true
        for worker in versions[version]?.idle ?? [] { worker.retire() }
        versions[version]?.idle = []
        dropIfUnused(version)
    }

    /// Why the version cannot run at the moment; nil if it can.
    package func trouble(of version: WorkerVersion) -> String? {
        if case .failed(let failure)? = versions[version]?.zygote?.phase { return failure.message }
        return nil
    }

    package func counts(of version: WorkerVersion) -> (busy: Int, idle: Int) {
        let state = versions[version]
        let idle = state?.idle.count ?? 0
        return ((state?.workers.count ?? 0) - idle, idle)
    }

    // MARK: Attempts

    /// Runs a request on an idle worker, or on a new one. The delegate hears `attemptFinished` exactly once.
    package func start(_ request: AttemptRequest, on version: WorkerVersion) {
        prepare(version)
        let since = clock.nanoseconds
        if let worker = versions[version]?.idle.popLast() {
            attempts[request.id] = worker
            worker.run(request, coldStart: false, requested: since)
            return
        }
        versions[version]?.waiting.append((request, since))
        Task { @LoopActor in await makeWorker(version) }
    }

    /// Ends an attempt: its worker is killed, and it fails with `reason` as its code.
    package func cancel(id: UInt64, reason: String) {
        let failure = Failure(code: reason, message: "the attempt was ended by the host", retry: nil)
        if let worker = attempts[id] { return worker.kill(failure) }
        for version in versions.keys {
            guard let index = versions[version]?.waiting.firstIndex(where: { $0.request.id == id }) else { continue }
            versions[version]?.waiting.remove(at: index)
            finish(id, failure)
        }
    }

    /// Ends every worker; running attempts are killed.
    package func shutdown() async {
        isStopping = true
        for state in versions.values {
            for worker in state.workers.values { worker.kill(nil) }
            state.zygote?.close()
        }
        versions = [:]
        spawner.stop()
        roster.clear()
    }

    // MARK: Making workers

    private func makeZygote(_ version: WorkerVersion) -> Zygote {
        Zygote(
            version: version, spawner: spawner, environment: environment(version), load: loadBody(version),
            exited: { [weak self] number, status in self?.versions[version]?.workers[number]?.exited(status) },
            ended: { [weak self] in
                guard let self, let zygote = self.versions[version]?.zygote else { return }
                // A zygote that was lost is made anew with the next request; one that failed to load stays as the reason.
                if case .failed(let failure) = zygote.phase {
                    self.failWaiting(version, failure)
                } else {
                    self.versions[version]?.zygote = nil
                }
            })
    }

    private func makeWorker(_ version: WorkerVersion) async {
        guard let zygote = versions[version]?.zygote else { return }
        await zygote.settled()
        switch zygote.phase {
        case .failed(let failure):
            // Asked again at the next request: what was missing may be there then.
            versions[version]?.zygote = nil
            failWaiting(version, failure)
        case .ready(let manifest):
            do {
                if manifest.canFork { try fork(version, zygote) } else { try await spawn(version) }
            } catch {
                failWaiting(version, Failure(code: "WorkerUnavailable", message: "no worker could be made: \(error)"))
            }
        case .starting, .ended:
            failWaiting(version, Failure(code: "WorkerUnavailable", message: "the zygote has ended"))
        }
    }

    private func fork(_ version: WorkerVersion, _ zygote: Zygote) throws {
        let connections = try ProcessSpawner.Connections()
        let worker = try makeProcess(version, connections.host)
        roster.add(zygote.pid)
        zygote.fork(worker.number, descriptors: connections.worker) { [weak self] result in
            switch result {
            case .success(let process):
                worker.attach(pid: process.pid, pidfd: process.pidfd)
                self?.roster.add(process.pid)
            case .failure(let failure):
                self?.failWaiting(version, failure)
                worker.retire()
            }
        }
    }

    /// A version that cannot fork: each worker loads the module itself.
    private func spawn(_ version: WorkerVersion) async throws {
        let process = try await spawner.start(mode: "--worker", environment: environment(version))
        let worker = try makeProcess(version, [process.control, process.stdout, process.stderr, process.crash])
        worker.attach(pid: process.pid, pidfd: PidFD.open(process.pid))
        roster.add(process.pid)
        worker.load(loadBody(version))
        let spawner = spawner
        Task { @LoopActor in worker.exited(await spawner.end(of: process.pid)) }
    }

    private func makeProcess(_ version: WorkerVersion, _ connections: [Int32]) throws -> WorkerProcess {
        lastWorker += 1
        let worker = try WorkerProcess(
            number: lastWorker, version: version, files: files, connections: connections,
            events: WorkerProcess.Events(
                ready: { [weak self] in self?.ready($0) },
                started: { [weak self] in self?.delegate.attemptStarted($0) },
                called: { [weak self] in self?.delegate.attemptCalled($0, $1) },
                finished: { [weak self] in self?.finished($0, $1, $2) },
                ended: { [weak self] in self?.ended($0) }))
        versions[version]?.workers[worker.number] = worker
        return worker
    }

    // MARK: What workers tell

    private func ready(_ worker: WorkerProcess) {
        guard versions[worker.version]?.waiting.isEmpty == false else { return keep(worker) }
        guard let next = versions[worker.version]?.waiting.removeFirst() else { return }
        attempts[next.request.id] = worker
        worker.run(next.request, coldStart: true, requested: next.since)
    }

    private func finished(_ worker: WorkerProcess, _ id: UInt64, _ report: AttemptReport) {
        attempts[id] = nil
        delegate.attemptFinished(id, report)
        if versions[worker.version]?.workers[worker.number] != nil, worker.isReady, !worker.isBusy { keep(worker) }
    }

    /// Takes the next waiting request, or waits for one, not for ever.
    private func keep(_ worker: WorkerProcess) {
        let version = worker.version
        if let next = versions[version]?.waiting.first {
            versions[version]?.waiting.removeFirst()
            attempts[next.request.id] = worker
            return worker.run(next.request, coldStart: false, requested: next.since)
        }
        guard versions[version]?.isRetired == false, (versions[version]?.idle.count ?? 0) < version.keptWarm else {
            return worker.retire()
        }
        versions[version]?.idle.append(worker)
        worker.idleTimer = LoopTimer.after(.seconds(Self.idleSeconds)) { [weak self, weak worker] in
            guard let self, let worker, let index = self.versions[version]?.idle.firstIndex(where: { $0 === worker })
            else { return }
            self.versions[version]?.idle.remove(at: index)
            worker.retire()
        }
    }

    private func ended(_ worker: WorkerProcess) {
        let version = worker.version
        versions[version]?.workers[worker.number] = nil
        versions[version]?.idle.removeAll { $0 === worker }
        roster.remove(worker.pid)
        if !worker.isReady {
            // It never came up: whoever waits for it hears why.
            failWaiting(version, worker.ending)
        }
        dropIfUnused(version)
    }

    private func failWaiting(_ version: WorkerVersion, _ failure: Failure) {
        guard versions[version]?.waiting.isEmpty == false, let next = versions[version]?.waiting.removeFirst() else { return }
        finish(next.request.id, failure)
    }

    private func finish(_ id: UInt64, _ failure: Failure) {
        delegate.attemptFinished(id, AttemptReport(outcome: .failure(failure)))
    }

    private func dropIfUnused(_ version: WorkerVersion) {
        guard let state = versions[version], state.isRetired, state.workers.isEmpty, state.waiting.isEmpty else { return }
        state.zygote?.close()
        versions[version] = nil
    }

    // MARK: What a process is started with

    private func environment(_ version: WorkerVersion) -> [String: String] {
        var variables = version.configuration.environment
        for name in ["PATH", "HOME", "LANG", "TZ", "LD_LIBRARY_PATH"] where variables[name] == nil {
            if let value = getenv(name) { variables[name] = String(cString: value) }
        }
        variables["TMPDIR"] = scratch(version)
        // Swift's own backtracer would exec a helper; the worker writes a report of its own.
        variables["SWIFT_BACKTRACE"] = "enable=no"
        return variables
    }

    private func scratch(_ version: WorkerVersion) -> String {
        "\(dataFolder)/run/scratch/\(version.configuration.function)"
    }

    private func loadBody(_ version: WorkerVersion) -> [UInt8] {
        let module = Array(version.modulePath.utf8)
        let folder = Array(scratch(version).utf8)
        let configuration = JSONText.encode(version.configuration)
        Folders.make(scratch(version))
        let sizes = sluice_wire_load(
            memory_bytes: UInt64(version.configuration.memoryMegabytes) << 20, file_bytes: 1 << 40, descriptors: 1024,
            module_count: UInt32(module.count), scratch_count: UInt32(folder.count),
            configuration_count: UInt32(configuration.count))
        var body: [UInt8] = []
        withUnsafeBytes(of: sizes) { body.append(contentsOf: $0) }
        return body + module + folder + configuration
    }
}

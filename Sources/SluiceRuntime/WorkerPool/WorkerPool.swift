package import FunctionProtocol
package import Logging
package import UVLoop

/// The workers of all function versions. Who runs how many at once is the dispatcher's business; here every request
/// gets an idle worker or a new one.
@LoopActor
package final class WorkerPool {
    struct Version {
        var zygote: Zygote?
        var idle: [WorkerProcess] = []
        var workers: [UInt64: WorkerProcess] = [:]
        /// Requests for which a worker is being made, oldest first.
        var waiting: [(request: AttemptRequest, since: Int64)] = []
        /// Workers being made. No more than requests wait: a worker that becomes free may take the request of one that
        /// is on its way, which then serves the next.
        var making = 0
        var isRetired = false
    }

    private static let idleSeconds = 300

    let spawner: ProcessSpawner
    /// Why there is no thread that starts processes.
    package var threadRefusal: String? { spawner.threadRefusal }
    let dataFolder: String
    let files: FileThreads
    let symbolizer = Symbolizer()
    unowned let delegate: any WorkerPoolDelegate
    private let log: Logger
    private let clock = HostClock()
    var versions: [WorkerVersion: Version] = [:]
    private var attempts: [UInt64: WorkerProcess] = [:]
    var lastWorker: UInt64 = 0
    var isStopping = false
    let roster: WorkerRoster
    /// Called when the last worker has ended.
    private var stopped: (() -> Void)?

    /// `executable` is sluice-worker. Before the first pool of a host's life `WorkerRoster.killLeftovers` has run.
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
        ensureZygote(version)
    }

    func ensureZygote(_ version: WorkerVersion) {
        if versions[version]?.zygote == nil { versions[version, default: Version()].zygote = makeZygote(version) }
    }

    /// Loads a version and tells what it is, or why it cannot run.
    package func check(_ version: WorkerVersion) async throws(Failure) -> ModuleManifest {
        prepare(version)
        guard let zygote = versions[version]?.zygote else {
            throw Failure(code: "WorkerUnavailable", message: "it cannot be loaded while the host stops")
        }
        await zygote.settled()
        switch zygote.phase {
        case .ready(let manifest):
            return manifest
        case .failed(let failure):
            if versions[version]?.zygote === zygote { versions[version]?.zygote = nil }
            throw failure
        case .starting, .ended:
            throw Failure(code: "WorkerUnavailable", message: "its process ended while it was being loaded")
        }
    }

    /// No new requests will come for this version: its workers end as they become idle.
    package func retire(_ version: WorkerVersion) {
        versions[version]?.isRetired = true
        for worker in versions[version]?.idle ?? [] { worker.retire() }
        versions[version]?.idle = []
        dropIfUnused(version)
    }

    /// Any process of the version is there: its zygote, or a worker.
    package func isLoaded(_ version: WorkerVersion) -> Bool { versions[version] != nil }

    /// Ends the idle workers of a version: the next request needs a new one.
    package func endIdle(_ version: WorkerVersion) {
        let idle = versions[version]?.idle ?? []
        versions[version]?.idle = []
        for worker in idle { worker.retire() }
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

    /// The pids of a version's workers, for tests and `doctor`.
    package func processes(of version: WorkerVersion) -> [Int32] {
        versions[version]?.workers.values.map(\.pid).filter { $0 > 0 } ?? []
    }

    // MARK: Attempts

    /// Runs a request on an idle worker, or on a new one. The delegate hears `attemptFinished` exactly once.
    package func start(_ request: AttemptRequest, on version: WorkerVersion) {
        guard !isStopping else {
            LoopActor.submit { [weak self] in
                self?.finish(request.id, Failure(code: "HostStopping", message: "the host is stopping"))
            }
            return
        }
        ensureZygote(version)
        let since = clock.nanoseconds
        while let last = versions[version]?.idle.last, !last.isFree {
            // It has died a moment ago, and its end is about to be noticed.
            versions[version]?.idle.removeLast()
        }
        if let worker = versions[version]?.idle.popLast() {
            attempts[request.id] = worker
            worker.run(request, coldStart: false, requested: since)
            return
        }
        versions[version]?.waiting.append((request, since))
        guard let state = versions[version], state.making < state.waiting.count else { return }
        versions[version]?.making += 1
        Task { @LoopActor in
            if await !makeWorker(version) { versions[version]?.making -= 1 }
        }
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

    /// Ends every worker; running attempts are killed and fail with `HostStopping`. Returns when none is left.
    package func shutdown() async {
        isStopping = true
        symbolizer.stop()
        let stopping = Failure(code: "HostStopping", message: "the host is stopping")
        for version in versions.keys {
            while versions[version]?.waiting.isEmpty == false { failWaiting(version, stopping) }
            for worker in versions[version]?.workers.values.map({ $0 }) ?? [] {
                worker.kill(stopping)
                // Nobody waits for a zygote to answer any more.
                if worker.isAwaited { worker.zygote?.giveUp() }
            }
        }
        if versions.values.contains(where: { !$0.workers.isEmpty }) {
            await withCheckedContinuation { continuation in stopped = { continuation.resume() } }
        }
        for state in versions.values { state.zygote?.close() }
        versions = [:]
        spawner.stop()
        roster.clear()
    }

    // MARK: What workers tell

    func ready(_ worker: WorkerProcess) {
        versions[worker.version]?.making -= 1
        guard versions[worker.version]?.waiting.isEmpty == false else { return keep(worker) }
        guard let next = versions[worker.version]?.waiting.removeFirst() else { return }
        attempts[next.request.id] = worker
        worker.run(next.request, coldStart: true, requested: next.since)
    }

    func finished(_ worker: WorkerProcess, _ id: UInt64, _ report: AttemptReport) {
        attempts[id] = nil
        // Before the delegate hears of it: it starts the next attempt at once, which otherwise would fork a worker.
        if versions[worker.version]?.workers[worker.number] != nil, worker.isFree { keep(worker) }
        delegate.attemptFinished(id, report)
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

    func ended(_ worker: WorkerProcess) {
        let version = worker.version
        versions[version]?.workers[worker.number] = nil
        versions[version]?.idle.removeAll { $0 === worker }
        roster.remove(worker.pid)
        removeScratch(of: worker)
        if !worker.isReady {
            versions[version]?.making -= 1
            // It never came up: those who wait for it get the reason.
            failWaiting(version, worker.ending)
        }
        dropIfUnused(version)
        if let stopped, !versions.values.contains(where: { !$0.workers.isEmpty }) {
            self.stopped = nil
            stopped()
        }
    }

    func failWaiting(_ version: WorkerVersion, _ failure: Failure) {
        guard versions[version]?.waiting.isEmpty == false, let next = versions[version]?.waiting.removeFirst() else {
            return
        }
        finish(next.request.id, failure)
    }

    private func finish(_ id: UInt64, _ failure: Failure) {
        delegate.attemptFinished(id, AttemptReport(outcome: .failure(failure)))
    }

    private func dropIfUnused(_ version: WorkerVersion) {
        guard let state = versions[version], state.isRetired, state.workers.isEmpty, state.waiting.isEmpty else {
            return
        }
        state.zygote?.close()
        versions[version] = nil
    }
}

import CFunctionABI
import FunctionProtocol
import Glibc
import UVLoop

/// How workers are made: forked from a zygote that has loaded the module, or started anew where it cannot fork.
extension WorkerPool {
    func makeZygote(_ version: WorkerVersion) -> Zygote {
        Zygote(
            version: version, spawner: spawner, environment: environment(version), load: loadBody(version),
            exited: { [weak self] number, status in self?.versions[version]?.workers[number]?.exited(status) },
            ended: { [weak self] zygote in
                guard let self else { return }
                for worker in self.versions[version]?.workers.values.map({ $0 }) ?? [] where worker.zygote === zygote {
                    worker.zygoteEnded()
                }
                guard self.versions[version]?.zygote === zygote else { return }
                // A zygote that was lost is made anew with the next request; one that failed to load stays as the
                // reason.
                if case .failed(let failure) = zygote.phase {
                    self.failWaiting(version, failure)
                } else {
                    self.versions[version]?.zygote = nil
                }
            })
    }

    /// False if none is on its way, and will never be heard of.
    func makeWorker(_ version: WorkerVersion) async -> Bool {
        guard versions[version] != nil else { return false }
        // The zygote this request counted on may be gone by now.
        if versions[version]?.waiting.isEmpty == false { ensureZygote(version) }
        guard let zygote = versions[version]?.zygote else { return false }
        await zygote.settled()
        guard !isStopping else { return false }
        switch zygote.phase {
        case .failed(let failure):
            // Asked again at the next request: what was missing may be there then. Another's zygote stays.
            if versions[version]?.zygote === zygote { versions[version]?.zygote = nil }
            failWaiting(version, failure)
        case .ready(let manifest):
            do {
                if manifest.canFork {
                    try fork(version, zygote)
                } else {
                    // The zygote has told what it was there for.
                    zygote.endProcess()
                    try await spawn(version)
                }
                return true
            } catch {
                failWaiting(version, Failure(code: "WorkerUnavailable", message: "no worker could be made: \(error)"))
            }
        case .starting, .ended:
            failWaiting(version, Failure(code: "WorkerUnavailable", message: "the zygote has ended"))
        }
        return false
    }

    func fork(_ version: WorkerVersion, _ zygote: Zygote) throws {
        let connections = try ProcessSpawner.Connections()
        let worker: WorkerProcess
        do {
            worker = try makeProcess(version, zygote, connections.host)
        } catch {
            for descriptor in connections.worker { close(descriptor) }
            throw error
        }
        roster.add(zygote.pid)
        zygote.fork(worker.number, descriptors: connections.worker) { [weak self] result in
            switch result {
            case .success(let process):
                worker.attach(pid: process.pid, pidfd: process.pidfd)
                self?.roster.add(process.pid)
            case .failure(let failure):
                worker.abandon(failure)
            }
        }
    }

    /// A version that cannot fork: each worker loads the module itself.
    func spawn(_ version: WorkerVersion) async throws {
        let process = try await spawner.start(mode: "--worker", environment: environment(version))
        let worker: WorkerProcess
        do {
            worker = try makeProcess(version, nil, process.connections)
        } catch {
            ProcessHandle(pid: process.pid, descriptor: process.pidfd, isChild: true) { _ in }.kill()
            throw error
        }
        worker.attach(pid: process.pid, pidfd: process.pidfd)
        roster.add(process.pid)
        worker.load(loadBody(version))
    }

    func makeProcess(
        _ version: WorkerVersion, _ zygote: Zygote?, _ connections: [Int32]
    ) throws -> WorkerProcess {
        lastWorker += 1
        let worker = try WorkerProcess(
            number: lastWorker, version: version, zygote: zygote, symbolizer: symbolizer, connections: connections,
            events: WorkerProcess.Events(
                ready: { [weak self] in self?.ready($0) },
                started: { [weak self] in self?.delegate.attemptStarted($0) },
                called: { [weak self] in self?.delegate.attemptCalled($0, $1) },
                finished: { [weak self] in self?.finished($0, $1, $2) },
                ended: { [weak self] in self?.ended($0) }))
        versions[version]?.workers[worker.number] = worker
        return worker
    }

    // MARK: What a process is started with

    func environment(_ version: WorkerVersion) -> [String: String] {
        var variables = version.configuration.environment
        for name in ["PATH", "HOME", "LANG", "TZ", "LD_LIBRARY_PATH"] where variables[name] == nil {
            if let value = getenv(name) { variables[name] = String(cString: value) }
        }
        variables["TMPDIR"] = scratch(version)
        // Swift's own backtracer would exec a helper; the worker writes a report of its own.
        variables["SWIFT_BACKTRACE"] = "enable=no"
        return variables
    }

    func scratch(_ version: WorkerVersion) -> String {
        "\(dataFolder)/run/scratch/\(version.configuration.function)"
    }

    /// The folder that the worker made for itself (confine.c).
    func removeScratch(of worker: WorkerProcess) {
        guard worker.pid > 0 else { return }
        let path = "\(scratch(worker.version))/worker-\(worker.pid)"
        files.perform { Folders.remove(path) }
    }

    func loadBody(_ version: WorkerVersion) -> [UInt8] {
        let module = Array(version.modulePath.utf8)
        let folder = Array(scratch(version).utf8)
        let configuration = JSONText.encode(version.configuration)
        Folders.make(scratch(version))
        let sizes = sluice_wire_load(
            memory_bytes: UInt64(version.configuration.memoryMegabytes) << 20, file_bytes: UInt64(version.stagingBytes),
            descriptors: 1024,
            module_count: UInt32(module.count), scratch_count: UInt32(folder.count),
            configuration_count: UInt32(configuration.count))
        var body: [UInt8] = []
        withUnsafeBytes(of: sizes) { body.append(contentsOf: $0) }
        return body + module + folder + configuration
    }
}

import CFunctionABI
import CLinux
import FunctionJSON
import FunctionProtocol
import Glibc
import Logging
import UVLoop

/// One function version loaded once: forks workers on request. A version that cannot fork has its workers started one
/// by one instead, each loading the module itself.
@LoopActor
final class Zygote {
    enum Phase {
        case starting
        case ready(ModuleManifest)
        /// Why it cannot run.
        case failed(Failure)
        case ended
    }

    private(set) var phase = Phase.starting
    private(set) var pid: pid_t = 0
    private var process: ProcessHandle?
    private var isClosed = false
    private var crashText: [UInt8] = []
    private let version: WorkerVersion
    private let spawner: ProcessSpawner
    private let environment: [String: String]
    private let load: [UInt8]
    private var socket: FrameSocket?
    private var pipes: [PipeReader] = []
    private var forks: [UInt64: (Result<(pid: pid_t, pidfd: Int32), Failure>) -> Void] = [:]
    private var waiting: [() -> Void] = []
    private var timer: LoopTimer?
    /// A worker of this zygote has ended with this wait status.
    private let exited: @LoopActor (_ worker: UInt64, _ status: Int32) -> Void
    private let ended: @LoopActor (Zygote) -> Void
    private var spoken: [UInt8] = []

    init(
        version: WorkerVersion, spawner: ProcessSpawner, environment: [String: String], load: [UInt8],
        exited: @escaping @LoopActor (UInt64, Int32) -> Void, ended: @escaping @LoopActor (Zygote) -> Void
    ) {
        self.version = version
        self.spawner = spawner
        self.environment = environment
        self.load = load
        self.exited = exited
        self.ended = ended
        Task { @LoopActor in await start() }
    }

    /// Returns once it is ready or has failed.
    func settled() async {
        guard case .starting = phase else { return }
        await withCheckedContinuation { continuation in waiting.append { continuation.resume() } }
    }

    /// Forks a worker whose ends are `descriptors` (they become the zygote's).
    func fork(
        _ id: UInt64, descriptors: [Int32],
        completion: @escaping (Result<(pid: pid_t, pidfd: Int32), Failure>) -> Void
    ) {
        guard case .ready = phase, let socket else {
            for descriptor in descriptors { Glibc.close(descriptor) }
            return completion(.failure(Failure(code: "WorkerUnavailable", message: "the zygote has ended")))
        }
        forks[id] = completion
        socket.send(
            Frame.bytes(type: UInt32(SLUICE_FRAME_FORK), id: id, hasDescriptors: true), descriptors: descriptors)
    }

    /// Ends the process and keeps what it told: for a version whose workers are not forked.
    func endProcess() {
        guard !isClosed, case .ready = phase else { return }
        isClosed = true
        socket?.close()
        for pipe in pipes { pipe.close() }
        process?.kill()
    }

    /// Ends a process that does not answer, and with it its workers.
    func giveUp() {
        guard !isClosed else { return }
        close()
        ended(self)
    }

    var isAlive: Bool { !isClosed }

    /// Ends the process.
    func close() {
        isClosed = true
        timer?.cancel()
        socket?.close()
        socket = nil
        for pipe in pipes { pipe.close() }
        if case .failed = phase {} else { phase = .ended }
        settle()
        let unanswered = forks
        forks = [:]
        for (_, completion) in unanswered {
            completion(.failure(Failure(code: "WorkerUnavailable", message: "the zygote has ended")))
        }
        process?.kill()
    }

    private func start() async {
        do {
            let process = try await spawner.start(mode: "--zygote", environment: environment)
            pid = process.pid
            self.process = ProcessHandle(pid: process.pid, descriptor: process.pidfd, isChild: true) { [weak self] _ in
                self?.processEnded()
            }
            if isClosed {
                for descriptor in process.connections { Glibc.close(descriptor) }
                self.process?.kill()
                return
            }
            socket = try FrameSocket(
                descriptor: process.control, receive: { [weak self] in self?.receive($0) },
                ended: {})
            for descriptor in [process.stdout, process.stderr] {
                pipes.append(
                    try PipeReader(descriptor: descriptor) { [weak self] chunk in
                        guard let self, self.spoken.count < 8192 else { return }
                        self.spoken += chunk
                    })
            }
            pipes.append(
                try PipeReader(descriptor: process.crash) { [weak self] chunk in
                    guard let self, self.crashText.count < Int(SLUICE_CRASH_MAX_REPORT) else { return }
                    self.crashText += chunk
                })
            socket?.send(Frame.bytes(type: UInt32(SLUICE_FRAME_LOAD), body: load))
            timer = LoopTimer.after(.milliseconds(Int(version.initTimeout * 1000))) { [weak self] in
                guard let self, case .starting = self.phase else { return }
                self.fail(
                    Failure(
                        code: "InitTimedOut",
                        message: "loading \(self.version.name) took longer than \(self.version.initTimeout) s",
                        retry: nil))
            }
        } catch let failure as ProcessSpawner.Failure {
            fail(Failure(code: "WorkerUnavailable", message: failure.message))
        } catch {
            fail(Failure(code: "WorkerUnavailable", message: "\(error)"))
        }
    }

    private func receive(_ frame: Frame) {
        switch UInt32(frame.header.type) {
        case SLUICE_FRAME_LOADED:
            timer?.cancel()
            if frame.header.code == 0, let manifest = try? TapeDecoder().decode(ModuleManifest.self, from: frame.body) {
                phase = .ready(manifest)
                settle()
            } else {
                let failure = try? TapeDecoder().decode(Failure.self, from: frame.body)
                fail(failure ?? Failure(code: "InitFailed", message: "the module cannot be loaded"))
            }
        case SLUICE_FRAME_FORKED:
            guard let completion = forks.removeValue(forKey: frame.header.id) else { break }
            if frame.header.code == 0, let pidfd = frame.descriptors.first {
                completion(.success((pid_t(bitPattern: frame.header.sequence), pidfd)))
                return
            }
            let reason = String(cString: strerror(Int32(bitPattern: frame.header.code)))
            completion(.failure(Failure(code: "WorkerUnavailable", message: "no worker could be forked: \(reason)")))
        case SLUICE_FRAME_EXITED:
            exited(frame.header.id, Int32(bitPattern: frame.header.code))
        default:
            break
        }
        for descriptor in frame.descriptors { Glibc.close(descriptor) }
    }

    private func processEnded() {
        // What it still said, a refusal for one, comes before its end.
        socket?.drain()
        for pipe in pipes { pipe.drain() }
        if isClosed { return }
        if case .starting = phase { return fail(startFailure()) }
        close()
        ended(self)
    }

    private func startFailure() -> Failure {
        let text = String(decoding: spoken.suffix(2000), as: UTF8.self)
        let said = text.isEmpty ? "" : "; it said: \(text)"
        guard let report = CrashReport(crashText) else {
            return Failure(code: "InitFailed", message: "the process ended while loading \(version.name)" + said)
        }
        let crash = report.failure(memoryMegabytes: version.configuration.memoryMegabytes)
        return Failure(code: "InitFailed", message: "\(version.name) failed in prepare(): \(crash.message)" + said)
    }

    private func fail(_ failure: Failure) {
        guard !isClosed else { return }
        phase = .failed(failure)
        close()
        ended(self)
    }

    private func settle() {
        let waiters = waiting
        waiting = []
        for waiter in waiters { waiter() }
    }
}

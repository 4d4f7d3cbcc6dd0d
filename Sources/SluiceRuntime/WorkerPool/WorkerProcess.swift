import CFunctionABI
import FunctionProtocol
import Glibc
import UVLoop

/// One worker: a process with its socket and pipes, and the attempt it runs.
///
/// The attempt's report is given when the process has answered, or when it has *ended*: a killed attempt counts as over
/// only once nothing of it can write any more. A process has ended when its pidfd says so and its wait status is known
/// (or can never be, its zygote being gone).
@LoopActor
final class WorkerProcess {
    /// What the pool hears of it.
    struct Events {
        var ready: @LoopActor (WorkerProcess) -> Void
        var started: @LoopActor (UInt64) -> Void
        var called: @LoopActor (UInt64, WorkerCall) -> Void
        var finished: @LoopActor (WorkerProcess, UInt64, AttemptReport) -> Void
        /// It is gone; nothing comes after this.
        var ended: @LoopActor (WorkerProcess) -> Void
    }

    struct Running {
        var request: AttemptRequest
        /// When it was asked for; from STARTED on, when it began. Monotonic nanoseconds.
        var began: Int64
        var coldStart: Bool
        var logs = LogCapture()
        var timer: LoopTimer?
        var isStarted = false
        /// Why it was killed.
        var verdict: Failure?
    }

    /// Time that an idle worker has for `stop()` before it is killed.
    private static let retireSeconds = 2
    /// Time that a zygote has to tell how a worker has ended: it may hang, or be stopped by a debugger.
    private static let statusSeconds = 5

    let number: UInt64
    let version: WorkerVersion
    /// Who forked it; nil: it was spawned by the host.
    let zygote: Zygote?
    let clock = HostClock()
    let symbolizer: Symbolizer
    let events: Events
    var socket: FrameSocket?
    var stdout: PipeReader?
    var stderr: PipeReader?
    var crash: PipeReader?
    var crashText: [UInt8] = []
    private var process: ProcessHandle?
    private(set) var pid: pid_t = 0
    var running: Running?
    private var isKilled = false
    /// The process has ended, or never was.
    var isGone = false
    var isStatusLost = false
    var isClosed = false
    var status: Int32?
    /// Why it did not come up.
    var startFailure: Failure?
    private(set) var isReady = false
    var startTimer: LoopTimer?
    var idleTimer: LoopTimer?

    /// Owns `connections` (socket, stdout, stderr, crash pipe), also when it throws.
    init(
        number: UInt64, version: WorkerVersion, zygote: Zygote?, symbolizer: Symbolizer, connections: [Int32],
        events: Events
    ) throws {
        self.number = number
        self.version = version
        self.zygote = zygote
        self.symbolizer = symbolizer
        self.events = events
        var unused = connections[...]
        do {
            stdout = try PipeReader(descriptor: connections[1]) { [weak self] in self?.output($0, .stdout) }
            stderr = try PipeReader(descriptor: connections[2]) { [weak self] in self?.output($0, .stderr) }
            crash = try PipeReader(descriptor: connections[3]) { [weak self] in self?.noteCrash($0) }
            unused = connections[..<1]
            socket = try FrameSocket(
                descriptor: connections[0], receive: { [weak self] in self?.receive($0) },
                ended: { [weak self] in self?.socketEnded() })
        } catch {
            for reader in [stdout, stderr, crash] { reader?.close() }
            if stdout == nil || crash != nil { for descriptor in unused { Glibc.close(descriptor) } }
            throw error
        }
        startTimer = LoopTimer.after(.milliseconds(Int(version.initTimeout * 1000))) { [weak self] in
            self?.startTimedOut()
        }
    }

    var isBusy: Bool { running != nil }

    /// It can take an event now.
    var isFree: Bool { isReady && running == nil && !isKilled && !isGone && socket?.isOpen == true }

    // MARK: Its process

    /// The process behind it is known now. `pidfd` becomes this worker's.
    func attach(pid: pid_t, pidfd: Int32) {
        self.pid = pid
        process = ProcessHandle(pid: pid, descriptor: pidfd, isChild: zygote == nil) { [weak self] status in
            guard let self else { return }
            self.isGone = true
            if self.zygote == nil {
                self.status = status
                self.isStatusLost = true
            } else if self.status == nil, !self.isStatusLost {
                _ = LoopTimer.after(.seconds(Self.statusSeconds)) { [weak self] in self?.statusIsLost() }
            }
            self.finishIfEnded()
        }
        if isKilled { process?.kill() }
    }

    /// No process could be made for it.
    func abandon(_ failure: Failure) {
        startFailure = startFailure ?? failure
        isGone = true
        isStatusLost = true
        finishIfEnded()
    }

    /// For a worker that loads its module itself.
    func load(_ body: [UInt8]) {
        socket?.send(Frame.bytes(type: UInt32(SLUICE_FRAME_LOAD), body: body))
    }

    /// Its wait status, from the zygote that reaped it.
    func exited(_ status: Int32) {
        guard UInt32(bitPattern: status) != SLUICE_STATUS_UNKNOWN else { return statusIsLost() }
        self.status = status
        finishIfEnded()
    }

    private func statusIsLost() {
        isStatusLost = true
        finishIfEnded()
    }

    /// The zygote has ended, and takes its workers along: nobody will tell the wait status.
    func zygoteEnded() {
        process?.kill()
        statusIsLost()
    }

    /// Its zygote has been asked for it, and has not answered.
    var isAwaited: Bool { process == nil && !isGone }

    /// Ends the process now; a running attempt fails with `failure`.
    func kill(_ failure: Failure?) {
        if running != nil, running?.verdict == nil { running?.verdict = failure }
        isKilled = true
        process?.kill()
    }

    /// Ends an idle worker in peace.
    func retire() {
        idleTimer?.cancel()
        socket?.close()
        idleTimer = LoopTimer.after(.seconds(Self.retireSeconds)) { [weak self] in self?.kill(nil) }
    }

    private func startTimedOut() {
        guard !isReady else { return }
        startFailure = Failure(
            code: "InitTimedOut", message: "a worker of \(version.name) was not ready within \(version.initTimeout) s")
        kill(nil)
        // Without its process there is nothing to kill: a zygote that does not answer is of no use.
        if isAwaited { zygote?.giveUp() }
    }

    // MARK: Attempts

    func run(_ request: AttemptRequest, coldStart: Bool, requested: Int64) {
        idleTimer?.cancel()
        running = Running(request: request, began: requested, coldStart: coldStart)
        socket?.send(Frame.invoke(request))
        // A worker that never begins (it was stopped, say) is noticed too.
        running?.timer = LoopTimer.after(.milliseconds(Int(version.initTimeout * 1000))) { [weak self] in
            guard let self, self.running?.request.id == request.id else { return }
            self.kill(
                Failure(
                    code: "WorkerUnavailable",
                    message: "the worker did not take the event within \(self.version.initTimeout) s and was killed"))
        }
    }

    private func receive(_ frame: Frame) {
        let header = frame.header
        let type = UInt32(header.type)
        // A handler's calls carry none that is used.
        for descriptor in frame.descriptors { Glibc.close(descriptor) }
        if type == SLUICE_FRAME_READY { return becameReady(header.code, frame.body) }
        // An answer for an attempt that was killed or given up is ignored.
        guard let attempt = running, attempt.request.id == header.id, attempt.verdict == nil else { return }
        switch type {
        case SLUICE_FRAME_STARTED:
            running?.timer?.cancel()
            running?.timer = LoopTimer.after(.milliseconds(Int(attempt.request.timeout * 1000))) { [weak self] in
                self?.timedOut(header.id)
            }
            running?.began = clock.nanoseconds
            running?.isStarted = true
            events.started(header.id)
        case SLUICE_FRAME_CALL:
            let call = WorkerCall(operation: header.code, body: frame.body) { [weak self] reply in
                self?.answer(reply, id: header.id, sequence: header.sequence)
            }
            events.called(header.id, call)
        case SLUICE_FRAME_LOG:
            running?.logs.add(level: header.code, line: frame.body, at: clock.wall)
        case SLUICE_FRAME_RESULT:
            finish(AttemptReport.Outcome(code: header.code, body: frame.body), peakKilobytes: Int(header.sequence))
        default:
            kill(Failure(code: "ProtocolError", message: "the worker sent a frame of unknown type \(type)"))
        }
    }

    private func becameReady(_ code: UInt32, _ body: [UInt8]) {
        guard !isReady, !isKilled else { return }
        startTimer?.cancel()
        if code == 0 {
            isReady = true
            events.ready(self)
        } else {
            startFailure =
                JSONText.decode(Failure.self, from: body)?.bounded
                ?? Failure(code: "InitFailed", message: "start() failed")
            kill(nil)
        }
    }

    private func answer(_ reply: WorkerReply, id: UInt64, sequence: UInt32) {
        // The attempt may have ended since, or been killed.
        guard let socket, socket.isOpen, running?.request.id == id, running?.verdict == nil else {
            return reply.discard()
        }
        switch reply {
        case .success(let body, let descriptor):
            socket.send(
                Frame.bytes(
                    type: UInt32(SLUICE_FRAME_REPLY), id: id, sequence: sequence, body: body,
                    hasDescriptors: descriptor != nil),
                descriptors: descriptor.map { [$0] } ?? [])
        case .failure(let failure):
            socket.send(
                Frame.bytes(
                    type: UInt32(SLUICE_FRAME_REPLY), id: id, code: 1, sequence: sequence,
                    body: JSONText.encode(failure)))
        }
    }

    private func output(_ chunk: ArraySlice<UInt8>, _ stream: WorkerLogLine.Stream) {
        running?.logs.add(chunk, from: stream, at: clock.wall)
    }

    private func noteCrash(_ chunk: ArraySlice<UInt8>) {
        // The worker writes one report; what a handler writes there by mistake must not grow.
        if crashText.count < Int(SLUICE_CRASH_MAX_REPORT) { crashText += chunk }
    }

    private func timedOut(_ id: UInt64) {
        guard let attempt = running, attempt.request.id == id else { return }
        kill(
            Failure(
                code: "TimedOut",
                message:
                    "the handler did not finish within \(attempt.request.timeout) s and was killed; raise timeout in "
                    + "function.yaml if it needs longer"))
    }

    /// The attempt is over; what it wrote is read to the end first.
    func finish(
        _ outcome: AttemptReport.Outcome, peakKilobytes: Int = 0, backtrace: [String] = [], at ended: Int64? = nil
    ) {
        stdout?.drain()
        stderr?.drain()
        guard var attempt = running else { return }
        attempt.timer?.cancel()
        attempt.logs.finish(at: clock.wall)
        running = nil
        let lines = attempt.logs.lines
        var report = AttemptReport(
            outcome: outcome.named(by: lines).placed(in: backtrace, module: version.modulePath))
        report.durationMicroseconds = ((ended ?? clock.nanoseconds) - attempt.began) / 1000
        report.coldStart = attempt.coldStart
        report.logs = backtrace.isEmpty ? lines : StackTraceBlock.removed(from: lines)
        report.backtrace = backtrace
        report.peakKilobytes = peakKilobytes
        events.finished(self, attempt.request.id, report)
    }
}

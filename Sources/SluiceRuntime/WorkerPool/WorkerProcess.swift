import CFunctionABI
import CLinux
import FunctionJSON
import FunctionProtocol
import Glibc
import UVLoop

/// One worker: a process with its socket and pipes, and the attempt it runs.
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

    private struct Running {
        var request: AttemptRequest
        var began: Int64
        var coldStart: Bool
        var logs = LogCapture()
        var timer: LoopTimer?
        /// Why it was killed.
        var verdict: Failure?
    }

    let number: UInt64
    let version: WorkerVersion
    private let clock = HostClock()
    private let files: FileThreads
    private let events: Events
    private var socket: FrameSocket?
    private var stdout: PipeReader?
    private var stderr: PipeReader?
    private var crash: PipeReader?
    private var crashText: [UInt8] = []
    private(set) var pid: pid_t = 0
    private var pidfd: Int32 = -1
    private var running: Running?
    private var isKilled = false
    private var isEnded = false
    private var status: Int32?
    private var startFailure: Failure?
    private(set) var isReady = false
    /// Set while it waits for its first READY.
    var waitsFor: AttemptRequest?
    var idleTimer: LoopTimer?

    init(
        number: UInt64, version: WorkerVersion, files: FileThreads, connections: [Int32], events: Events
    ) throws {
        self.number = number
        self.version = version
        self.files = files
        self.events = events
        for descriptor in connections.dropFirst() { Zygote.makeNonBlocking(descriptor) }
        stdout = try PipeReader(descriptor: connections[1]) { [weak self] in self?.output($0, .stdout) }
        stderr = try PipeReader(descriptor: connections[2]) { [weak self] in self?.output($0, .stderr) }
        crash = try PipeReader(descriptor: connections[3]) { [weak self] in self?.crashText += $0 }
        socket = try FrameSocket(
            descriptor: connections[0], receive: { [weak self] in self?.receive($0) },
            ended: { [weak self] in self?.socketEnded() })
    }

    var isBusy: Bool { running != nil }

    /// The process behind it is known now. `pidfd` becomes this worker's.
    func attach(pid: pid_t, pidfd: Int32) {
        self.pid = pid
        self.pidfd = pidfd
        if isKilled { signal() }
    }

    /// For a worker that loads its module itself.
    func load(_ body: [UInt8]) {
        socket?.send(Frame.bytes(type: UInt32(SLUICE_FRAME_LOAD), body: body))
    }

    func run(_ request: AttemptRequest, coldStart: Bool, requested: Int64) {
        idleTimer?.cancel()
        running = Running(request: request, began: requested, coldStart: coldStart)
        let identifier = Array(request.requestID.utf8)
        let invocation = Array(request.invocationID.utf8)
        let sizes = sluice_wire_invoke(
            timeout_ns: UInt64(request.timeout * 1_000_000_000), attempt: UInt32(request.attempt),
            request_id_count: UInt32(identifier.count), invocation_id_count: UInt32(invocation.count),
            payload_count: UInt32(request.payload.count))
        var body: [UInt8] = []
        body.reserveCapacity(64 + identifier.count + invocation.count + request.payload.count)
        withUnsafeBytes(of: sizes) { body.append(contentsOf: $0) }
        body += identifier
        body += invocation
        body += request.payload
        let flags = request.batch ? SLUICE_INVOCATION_BATCH : 0
        socket?.send(Frame.bytes(type: SLUICE_FRAME_INVOKE, id: request.id, code: flags, body: body))
        // A worker that never begins (it was stopped, say) is noticed too.
        running?.timer = LoopTimer.after(.milliseconds(Int((request.timeout + version.initTimeout) * 1000))) {
            [weak self] in self?.timedOut(request.id)
        }
    }

    /// Ends the process now; a running attempt fails with `failure`.
    func kill(_ failure: Failure?) {
        if running != nil, running?.verdict == nil { running?.verdict = failure }
        isKilled = true
        signal()
    }

    /// Ends an idle worker in peace.
    func retire() {
        idleTimer?.cancel()
        socket?.close()
        socketEnded()
    }

    /// Its wait status, from whoever reaped it.
    func exited(_ status: Int32) {
        self.status = status
        finishIfComplete()
    }

    private func signal() {
        guard pidfd >= 0 else { return }
        _ = clinux_pidfd_send_signal(pidfd, SIGKILL)
        // Its own session: what it started goes with it.
        if pid > 1 { Glibc.kill(-pid, SIGKILL) }
    }

    private func receive(_ frame: Frame) {
        let header = frame.header
        let type = UInt32(header.type)
        var unused = frame.descriptors[...]
        defer { for descriptor in unused { Glibc.close(descriptor) } }
        if type == SLUICE_FRAME_READY {
            if header.code == 0 {
                isReady = true
                events.ready(self)
            } else {
                startFailure =
                    (try? TapeDecoder().decode(Failure.self, from: frame.body))
                    ?? Failure(code: "InitFailed", message: "start failed")
                kill(nil)
            }
            return
        }
        // An answer for an attempt that was killed or given up is ignored.
        guard let attempt = running, attempt.request.id == header.id, attempt.verdict == nil else { return }
        switch type {
        case SLUICE_FRAME_STARTED:
            running?.timer?.cancel()
            let limit = attempt.request.timeout
            running?.timer = LoopTimer.after(.milliseconds(Int(limit * 1000))) { [weak self] in
                self?.timedOut(header.id)
            }
            running?.began = clock.nanoseconds
            events.started(header.id)
        case SLUICE_FRAME_CALL:
            unused = []
            for descriptor in frame.descriptors { Glibc.close(descriptor) }
            let call = WorkerCall(operation: header.code, body: frame.body) { [weak self] reply in
                self?.answer(reply, id: header.id, sequence: header.sequence)
            }
            events.called(header.id, call)
        case SLUICE_FRAME_LOG:
            running?.logs.add(level: header.code, line: frame.body, at: clock.wall)
        case SLUICE_FRAME_RESULT:
            finish(result(header.code, frame.body))
        default:
            break
        }
    }

    private func answer(_ reply: WorkerReply, id: UInt64, sequence: UInt32) {
        guard running?.request.id == id else { return reply.discard() }
        switch reply {
        case .success(let body, let descriptor):
            socket?.send(
                Frame.bytes(
                    type: SLUICE_FRAME_REPLY, id: id, sequence: sequence, body: body, hasDescriptors: descriptor != nil),
                descriptors: descriptor.map { [$0] } ?? [])
        case .failure(let failure):
            socket?.send(
                Frame.bytes(
                    type: SLUICE_FRAME_REPLY, id: id, code: 1, sequence: sequence, body: JSONText.encode(failure)))
        }
    }

    private func result(_ code: UInt32, _ body: [UInt8]) -> AttemptReport.Outcome {
        switch code {
        case SLUICE_OUTCOME_SUCCESS:
            return .success(body)
        case SLUICE_OUTCOME_BATCH:
            if let answer = try? TapeDecoder().decode(BatchAnswer.self, from: body) { return .batch(answer) }
            return .failure(Failure(code: "MalformedAnswer", message: "the batch's answer cannot be read", retry: nil))
        default:
            return .failure(
                (try? TapeDecoder().decode(Failure.self, from: body))
                    ?? Failure(code: "HandlerFailed", message: String(decoding: body.prefix(2000), as: UTF8.self)))
        }
    }

    private func output(_ chunk: ArraySlice<UInt8>, _ stream: WorkerLogLine.Stream) {
        running?.logs.add(chunk, from: stream, at: clock.wall)
    }

    private func timedOut(_ id: UInt64) {
        guard let attempt = running, attempt.request.id == id else { return }
        kill(
            Failure(
                code: "TimedOut",
                message: "the handler did not finish within \(attempt.request.timeout) s and was killed; raise timeout in "
                    + "function.yaml if it needs longer"))
    }

    /// The attempt is over; what it wrote is read to the end first.
    private func finish(_ outcome: AttemptReport.Outcome, backtrace: [String] = []) {
        guard var attempt = running else { return }
        attempt.timer?.cancel()
        stdout?.drain()
        stderr?.drain()
        attempt = running ?? attempt
        attempt.logs.finish(at: clock.wall)
        running = nil
        var report = AttemptReport(outcome: outcome)
        report.durationMicroseconds = (clock.nanoseconds - attempt.began) / 1000
        report.coldStart = attempt.coldStart
        report.logs = attempt.logs.lines
        report.backtrace = backtrace
        events.finished(self, attempt.request.id, report)
    }

    private func socketEnded() {
        socket?.close()
        socket = nil
        stdout?.drain()
        stderr?.drain()
        crash?.drain()
        isEnded = true
        // The wait status comes over another socket a moment later; without a zygote it may never come.
        if running != nil || waitsFor != nil, status == nil {
            _ = LoopTimer.after(.milliseconds(1000)) { [weak self] in
                guard let self, self.status == nil else { return }
                self.exited(SIGKILL)
            }
        }
        finishIfComplete()
    }

    private func finishIfComplete() {
        guard isEnded else { return }
        if (running != nil || waitsFor != nil), status == nil { return }
        isEnded = false
        stdout?.drain()
        stderr?.drain()
        crash?.drain()
        if pidfd >= 0 { Glibc.close(pidfd) }
        pidfd = -1
        if let attempt = running, attempt.verdict == nil, let report = CrashReport(crashText) {
            let (code, message) = report.describe(memory: version.configuration.memoryMegabytes)
            let files = files
            Task { @LoopActor in
                let frames = await files.run { Symbolizer.backtrace(of: report) }
                finish(.failure(Failure(code: code, message: message)), backtrace: frames)
                closeAll()
            }
            return
        }
        if let attempt = running { finish(.failure(attempt.verdict ?? ending)) }
        closeAll()
    }

    /// Why the process ended, by its wait status.
    var ending: Failure {
        if let startFailure { return startFailure }
        guard let status else { return Failure(code: "Killed", message: "the worker is gone") }
        let signal = status & 0x7f
        if signal == 0 {
            let code = (status >> 8) & 0xff
            return Failure(
                code: "HandlerExited",
                message: "the handler ended its process with exit(\(code)); return or throw instead")
        }
        if signal == SIGKILL {
            return Failure(
                code: "Killed", message: "the worker was killed from outside (kill -9, or the kernel short of memory)")
        }
        return Failure(code: "WorkerCrashed", message: "the handler crashed: \(CrashReport.name(of: signal))")
    }

    private func closeAll() {
        stdout?.close()
        stderr?.close()
        crash?.close()
        events.ended(self)
    }
}

extension WorkerReply {
    /// Nobody wants it any more.
    func discard() {
        if case .success(_, let descriptor?) = self { Glibc.close(descriptor) }
    }
}

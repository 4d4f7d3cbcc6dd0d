import FunctionProtocol
import Glibc
import UVLoop

/// How a worker ends, and what is said of it.
extension WorkerProcess {
    /// As a rule its process ends at the same time. One that goes on without its socket is of no use.
    func socketEnded() {
        guard !isGone else { return }
        _ = LoopTimer.after(.seconds(1)) { [weak self] in
            guard let self, !self.isGone else { return }
            self.kill(
                Failure(code: "ProtocolError", message: "the worker closed its connection, or broke the protocol"))
        }
    }

    func finishIfEnded() {
        guard isGone, status != nil || isStatusLost, !isClosed else { return }
        isClosed = true
        // A result may have been sent before the end; it is read, with everything else, before the verdict.
        socket?.drain()
        crash?.drain()
        let report = CrashReport(crashText)
        guard let attempt = running, attempt.verdict == nil, let report, !report.frames.isEmpty else {
            if let attempt = running { finish(.failure(attempt.verdict ?? ending)) }
            return closeAll()
        }
        // Where in the source it was is no part of the attempt.
        let ended = clock.nanoseconds
        var failure = report.failure(memoryMegabytes: version.configuration.memoryMegabytes)
        Task { @LoopActor in
            let trace = await symbolizer.trace(of: report)
            if let trap = trace.trap, failure.message.contains(CrashReport.trap) {
                failure.message = "the handler crashed: \(trap)"
            }
            finish(.failure(failure.bounded), backtrace: trace.frames, at: ended)
            closeAll()
        }
    }

    /// Why the process ended, by what it said of it and its wait status.
    var ending: Failure {
        if let startFailure { return startFailure }
        if isReady, running?.isStarted == false, crashText.isEmpty {
            return Failure(code: "WorkerUnavailable", message: "the worker ended before it took the event")
        }
        if let report = CrashReport(crashText) {
            return report.failure(memoryMegabytes: version.configuration.memoryMegabytes)
        }
        guard let status else {
            let isAlone = zygote.map { $0.isAlive } ?? true
            if isAlone { return Failure(code: "Killed", message: "the worker has ended, and nobody can tell how") }
            return Failure(
                code: FailureClass.zygoteLost,
                message: "the worker was killed together with the process that it was forked from")
        }
        let signal = status & 0x7f
        if signal == 0 {
            let code = (status >> 8) & 0xff
            return isReady
                ? Failure(
                    code: "HandlerExited",
                    message: "the handler ended its process with exit(\(code)); return or throw instead")
                : Failure(code: "InitFailed", message: "the function ended its process with exit(\(code)) in start()")
        }
        if signal == SIGKILL {
            return Failure(
                code: "Killed", message: "the worker was killed from outside (kill -9, or the kernel short of memory)")
        }
        return Failure(code: "WorkerCrashed", message: "the handler crashed: \(CrashReport.name(of: signal))")
    }

    func closeAll() {
        startTimer?.cancel()
        idleTimer?.cancel()
        socket?.close()
        for reader in [stdout, stderr, crash] { reader?.close() }
        events.ended(self)
    }
}

import CLinux
package import FunctionProtocol
import Glibc
import Synchronization

/// Runs programs that read what the host should not read itself, and takes what they print. They are ended when they
/// take too long, and when the host stops.
package final class ProgramRunner: Sendable {
    /// What a run may take.
    package struct Limits: Sendable {
        /// From its start to its end.
        package var seconds: Int64
        /// Of what it prints.
        package var outputBytes: Int
        /// Of address space; nil: the host's own limit. The processor's time is limited with it, to `seconds`: where
        /// the host is killed, nobody else would end what does not end.
        package var memoryBytes: UInt?

        package init(seconds: Int64, outputBytes: Int, memoryBytes: UInt? = nil) {
            self.seconds = seconds
            self.outputBytes = outputBytes
            self.memoryBytes = memoryBytes
        }
    }

    private struct State {
        var running: Set<pid_t> = []
        var isStopped = false
    }

    private let state = Mutex(State())

    /// Opens a descriptor of a process, by which its end is waited for; below 0: it cannot be.
    private let openProcess: @Sendable (Int32) -> Int32

    package init(openProcess: @escaping @Sendable (Int32) -> Int32 = { clinux_pidfd_open($0) }) {
        self.openProcess = openProcess
    }

    /// Ends what runs, and lets nothing start any more.
    package func stop() {
        state.withLock { state in
            state.isStopped = true
            for process in state.running { kill(process, SIGKILL) }
        }
    }

    /// What the program printed, and its wait status. Blocking.
    /// - Parameters:
    ///   - environment: `NAME=value`; nil: the host's own.
    ///   - takesErrors: whether what it prints as errors is part of the answer; otherwise it is dropped.
    /// - Returns: `NoProgram`, `NoPipe`, `NoProcess` where it did not run; `TimedOut`, `OutputTooLarge` where it was
    ///   killed.
    package func run(
        _ program: String, _ arguments: [String], environment: [String]? = nil, takesErrors: Bool, limits: Limits
    ) -> Result<(output: [UInt8], status: Int32), Failure> {
        guard access(program, X_OK) == 0 else {
            return .failure(Failure(code: "NoProgram", message: "there is no \(program)"))
        }
        var ends: [Int32] = [0, 0]
        guard clinux_pipe(&ends) == 0 else {
            return .failure(Failure(code: "NoPipe", message: String(cString: strerror(errno))))
        }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        if takesErrors {
            posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        } else {
            posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        }
        let words = ([program] + arguments).map { strdup($0) } + [nil]
        let variables = (environment ?? []).map { strdup($0) } + [nil]
        defer { for word in words + variables { free(word) } }
        var process: pid_t = 0
        // Under the lock: a stop meanwhile either sees the process or keeps it from being made.
        let fault = state.withLock { state -> Int32 in
            guard !state.isStopped else { return ECANCELED }
            let fault =
                environment == nil
                ? posix_spawn(&process, program, &actions, nil, words, environ)
                : posix_spawn(&process, program, &actions, nil, words, variables)
            if fault == 0 {
                state.running.insert(process)
                if let bytes = limits.memoryBytes {
                    clinux_limit_child(process, UInt64(bytes), UInt64(limits.seconds))
                }
            }
            return fault
        }
        close(ends[1])
        guard fault == 0 else {
            return .failure(Failure(code: "NoProcess", message: String(cString: strerror(fault))))
        }
        let deadline = ContinuousClock.now + .seconds(limits.seconds)
        var output = Self.read(ends[0], limits, until: deadline)
        // It may close what it prints to, and go on.
        if case .success = output, !Self.ends(process, before: deadline, openProcess: openProcess) {
            output = .failure(Self.timedOut(limits))
        }
        if case .failure = output { kill(process, SIGKILL) }
        // The number is the process's until it is reaped: taken from the list before, nobody else's can be killed.
        _ = state.withLock { $0.running.remove(process) }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return output.map { ($0, status) }
    }

    private static func timedOut(_ limits: Limits) -> Failure {
        Failure(code: "TimedOut", message: "it took more than \(limits.seconds) s")
    }

    /// Waits for a child's end, and leaves it to be reaped.
    private static func ends(
        _ process: pid_t, before deadline: ContinuousClock.Instant, openProcess: (pid_t) -> Int32
    ) -> Bool {
        let descriptor = openProcess(process)
        // Descriptors may have run out, which is not the program's fault: then it is asked for again and again.
        guard descriptor >= 0 else { return isEnded(process, before: deadline) }
        defer { close(descriptor) }
        while true {
            let left = (deadline - .now) / .milliseconds(1)
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&poller, 1, left > 0 ? Int32(left) + 1 : 0)
            if ready < 0, errno == EINTR { continue }
            return ready > 0
        }
    }

    private static func isEnded(_ process: pid_t, before deadline: ContinuousClock.Instant) -> Bool {
        while true {
            var info = siginfo_t()
            let answer = waitid(P_PID, id_t(process), &info, WEXITED | WNOHANG | WNOWAIT)
            // It is 0 as long as there is nothing to tell.
            if answer == 0, info.si_signo == SIGCHLD { return true }
            if answer < 0, errno != EINTR { return false }
            guard ContinuousClock.now < deadline else { return false }
            usleep(10_000)
        }
    }

    /// All that comes.
    private static func read(
        _ descriptor: Int32, _ limits: Limits, until deadline: ContinuousClock.Instant
    ) -> Result<[UInt8], Failure> {
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let left = (deadline - .now) / .milliseconds(1)
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = left > 0 ? poll(&poller, 1, Int32(left) + 1) : 0
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else {
                return .failure(timedOut(limits))
            }
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return .success(output) }
            guard output.count + count <= limits.outputBytes else {
                return .failure(
                    Failure(code: "OutputTooLarge", message: "it printed more than \(limits.outputBytes) bytes"))
            }
            output += buffer[..<count]
        }
    }
}

import CLinux
import Glibc
import Journal
import Synchronization

/// One run of a program: its input written, its output read, its end waited for or brought about. Blocking; on a thread
/// of its own.
package final class CommandRun: Sendable {
    package enum Ending: Sendable, Hashable {
        case exited(Int32)
        case signalled(Int32)
        case timedOut
        case cancelled
        /// It could not be started.
        case notStarted(String)
    }

    package struct Outcome: Sendable {
        package var ending: Ending
        package var lines: [WorkerLogLine]
        /// At most 64 KiB of its standard output.
        package var output: [UInt8]
    }

    private static let maximumOutput = 64 << 10

    private let program: String
    private let arguments: [String]
    private let environment: [String: String]
    private let input: [UInt8]
    private let timeout: Double
    private let clock: HostClock
    private let state = Mutex((pid: pid_t(0), isCancelled: false))
    /// Told of the process once it is there, and when it is gone.
    private let started: @Sendable (pid_t) -> Void
    private let ended: @Sendable (pid_t) -> Void

    package init(
        program: String, arguments: [String], environment: [String: String], input: [UInt8], timeout: Double,
        clock: HostClock, started: @escaping @Sendable (Int32) -> Void, ended: @escaping @Sendable (Int32) -> Void
    ) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
        self.input = input
        self.timeout = timeout
        self.clock = clock
        self.started = started
        self.ended = ended
    }

    /// Kills it with everything it has started.
    package func cancel() {
        state.withLock { state in
            state.isCancelled = true
            // Not reaped before the lock is had: the number is still its own.
            if state.pid > 0 { kill(-state.pid, SIGKILL) }
        }
    }

    package func run() -> Outcome {
        var ends: [Int32] = []
        defer { for end in ends where end >= 0 { close(end) } }
        func pipe() -> (read: Int32, write: Int32)? {
            var pair: [Int32] = [-1, -1]
            guard clinux_pipe(&pair) == 0 else { return nil }
            ends += pair
            return (pair[0], pair[1])
        }
        guard let stdin = pipe(), let stdout = pipe(), let stderr = pipe() else {
            return failed("no pipe: \(String(cString: strerror(errno)))")
        }
        var copies: [Int32] = []
        for end in [stdin.read, stdout.write, stderr.write] {
            let copy = clinux_duplicate(end, 16)
            guard copy >= 0 else {
                for copy in copies { close(copy) }
                return failed("no descriptor left: \(String(cString: strerror(errno)))")
            }
            copies.append(copy)
        }
        var pid: pid_t = 0
        let words = ([program] + arguments).map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for word in words + variables { free(word) } }
        let status = clinux_spawn(&pid, program, words, variables, copies, 3)
        for copy in copies { close(copy) }
        guard status == 0 else { return failed(String(cString: strerror(status))) }
        started(pid)
        defer { ended(pid) }
        // Ours are the other ends; the program's must be closed here, or its end would not show.
        for end in [stdin.read, stdout.write, stderr.write] {
            close(end)
            ends.removeAll { $0 == end }
        }
        state.withLock { state in
            state.pid = pid
            if state.isCancelled { kill(-pid, SIGKILL) }
        }
        var exchange = Exchange(
            stdin: stdin.write, stdout: stdout.read, stderr: stderr.read, pidfd: clinux_pidfd_open(pid), input: input)
        ends.removeAll { $0 == stdin.write }
        defer { exchange.close() }
        let deadline = clock.now + Int64(timeout * 1000)
        var isLate = false
        // What it started in the background may hold its output open: its own end counts.
        while !exchange.hasEnded {
            let left = isLate ? 5000 : deadline - clock.now
            if left <= 0, !isLate {
                isLate = true
                kill(-pid, SIGKILL)
                continue
            }
            exchange.step(milliseconds: Int32(clamping: min(left, 1000)), now: clock.wall)
        }
        var code: Int32 = 0
        let (isCancelled, isReaped) = state.withLock { state in
            // Nothing of its group outlives it.
            kill(-pid, SIGKILL)
            let reaped = waitpid(pid, &code, 0)
            state.pid = 0
            return (state.isCancelled, reaped == pid)
        }
        exchange.drain(now: clock.wall)
        exchange.capture.finish(at: clock.wall)
        let signal = code & 0x7F
        let ending: Ending =
            if isCancelled {
                .cancelled
            } else if isLate {
                .timedOut
            } else if !isReaped {
                .notStarted("it ran, but nobody can tell how it ended")
            } else {
                signal == 0 ? .exited((code >> 8) & 0xFF) : .signalled(signal)
            }
        return Outcome(ending: ending, lines: exchange.capture.lines, output: exchange.output)
    }

    private func failed(_ reason: String) -> Outcome {
        Outcome(ending: .notStarted(reason), lines: [], output: [])
    }

    /// The pipes of a run.
    private struct Exchange {
        var stdin: Int32
        let stdout: Int32
        let stderr: Int32
        let pidfd: Int32
        let input: [UInt8]
        var written = 0
        var capture = LogCapture()
        var output: [UInt8] = []
        var hasEnded = false

        init(stdin: Int32, stdout: Int32, stderr: Int32, pidfd: Int32, input: [UInt8]) {
            self.stdin = stdin
            self.stdout = stdout
            self.stderr = stderr
            self.pidfd = pidfd
            self.input = input
            for end in [stdin, stdout, stderr] { _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK) }
            if pidfd < 0 { hasEnded = true }
        }

        mutating func step(milliseconds: Int32, now: Milliseconds) {
            var polls = [
                pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0),
                pollfd(fd: stdout, events: Int16(POLLIN), revents: 0),
                pollfd(fd: stderr, events: Int16(POLLIN), revents: 0),
                pollfd(fd: stdin, events: Int16(POLLOUT), revents: 0),
            ]
            guard poll(&polls, nfds_t(polls.count), milliseconds) > 0 else { return }
            if polls[3].revents != 0 { feed() }
            let isQuiet = polls[1].revents & Int16(POLLIN) == 0 && polls[2].revents & Int16(POLLIN) == 0
            if polls[1].revents != 0 { take(stdout, .stdout, now) }
            if polls[2].revents != 0 { take(stderr, .stderr, now) }
            if polls[0].revents != 0 {
                hasEnded = true
            } else if isQuiet, polls[1].revents != 0 || polls[2].revents != 0 {
                // Closed pipes are always ready: only the end is worth waiting for now.
                var end = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
                poll(&end, 1, min(milliseconds, 50))
            }
        }

        private mutating func feed() {
            while written < input.count {
                let count = input[written...].withUnsafeBytes { write(stdin, $0.baseAddress, $0.count) }
                if count < 0, errno == EAGAIN { return }
                // EPIPE: it does not want to know.
                guard count > 0 else { break }
                written += count
            }
            Glibc.close(stdin)
            stdin = -1
        }

        @discardableResult
        private mutating func take(_ end: Int32, _ stream: WorkerLogLine.Stream, _ now: Milliseconds) -> Bool {
            var buffer = [UInt8](repeating: 0, count: 32 << 10)
            let count = read(end, &buffer, buffer.count)
            guard count > 0 else { return false }
            if stream == .stdout, output.count < CommandRun.maximumOutput {
                output += buffer[..<min(count, CommandRun.maximumOutput - output.count)]
            }
            capture.add(buffer[..<count], from: stream, at: now)
            return true
        }

        /// What it wrote at last.
        mutating func drain(now: Milliseconds) {
            for (end, stream) in [(stdout, WorkerLogLine.Stream.stdout), (stderr, .stderr)] {
                var rounds = 0
                while rounds < 64, take(end, stream, now) { rounds += 1 }
            }
        }

        func close() {
            if stdin >= 0 { Glibc.close(stdin) }
            if pidfd >= 0 { Glibc.close(pidfd) }
        }
    }
}

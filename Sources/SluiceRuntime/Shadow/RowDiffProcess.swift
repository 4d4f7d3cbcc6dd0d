import CLinux
import FunctionJSON
package import FunctionProtocol
import Glibc
package import HostAPI
import Synchronization

/// Compares the rows of two files in processes of their own (`sluice diff`): what handlers write is nothing that the
/// host should parse.
package final class RowDiffProcess: Sendable {
    private struct State {
        var running: Set<pid_t> = []
        var isStopped = false
    }

    /// Milliseconds that one comparison may take.
    private static let limit: Int32 = 120_000
    private let state = Mutex(State())
    private let program: String

    package init(program: String? = nil) {
        self.program = program ?? ProgramFolder.path + "sluice"
    }

    /// Ends what runs, and lets nothing start any more.
    package func stop() {
        state.withLock { state in
            state.isStopped = true
            for process in state.running { kill(process, SIGKILL) }
        }
    }

    /// By the key's suffix, `csv` or `parquet`; nil for what has no rows.
    static func format(of key: String) -> String? {
        let name = key.lowercased()
        if name.hasSuffix(".parquet") { return "parquet" }
        for suffix in [".csv", ".tsv", ".csv.gz", ".tsv.gz", ".csv.zst", ".tsv.zst"] where name.hasSuffix(suffix) {
            return "csv"
        }
        return nil
    }

    /// Blocking.
    package func run(
        before: String, after: String, format: String, keys: [String], examples: Int
    ) -> Result<RowDifference, Failure> {
        var arguments = [
            program, "diff", before, after, "--json", "--format", format, "--examples", "\(examples)",
        ]
        for key in keys { arguments += ["--key", key] }
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
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        let words = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        // Under the lock: a stop meanwhile either sees the process or keeps it from being made.
        let fault = state.withLock { state -> Int32 in
            guard !state.isStopped else { return ECANCELED }
            let fault = posix_spawn(&process, program, &actions, nil, words, environ)
            if fault == 0 { state.running.insert(process) }
            return fault
        }
        close(ends[1])
        guard fault == 0 else {
            return .failure(Failure(code: "NoProcess", message: String(cString: strerror(fault))))
        }
        let output = Self.read(ends[0], of: process)
        // The number is the process's until it is reaped: taken from the list before, nobody else's can be killed.
        _ = state.withLock { $0.running.remove(process) }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        let text = String(decoding: output, as: UTF8.self)
        // Differences are no failure of the comparison, but of the wish that there be none.
        guard let difference = JSONText.decode(RowDifference.self, from: output) else {
            let line = text.split(separator: "\n").first.map(String.init) ?? "no answer"
            return .failure(Failure(code: "DiffFailed", message: line))
        }
        return .success(difference)
    }

    private static func read(_ descriptor: Int32, of process: pid_t) -> [UInt8] {
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&poller, 1, limit)
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else {
                kill(process, SIGKILL)
                return Array("it took too long\n".utf8)
            }
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return output }
            output += buffer[..<count]
        }
    }
}

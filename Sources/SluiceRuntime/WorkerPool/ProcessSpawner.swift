import CLinux
import Glibc

/// Starts `sluice-worker` processes, from one thread that lives as long as the host: a worker's death with its parent
/// follows the thread that started it.
final class ProcessSpawner: Sendable {
    struct Failure: Error {
        var message: String
    }

    /// A started process. Its descriptors are the receiver's.
    struct Started: Sendable {
        var pid: pid_t
        var pidfd: Int32
        var control: Int32
        var stdout: Int32
        var stderr: Int32
        var crash: Int32

        var connections: [Int32] { [control, stdout, stderr, crash] }
    }

    /// The four ends of a worker's connections: one side the host's, the other the worker's.
    struct Connections {
        var host: [Int32]
        var worker: [Int32]

        /// Socket, stdout, stderr, crash pipe; all close-on-exec.
        init() throws(Failure) {
            host = []
            worker = []
            var pair: [Int32] = [-1, -1]
            guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
                throw Failure(message: "no socket pair: \(String(cString: strerror(errno)))")
            }
            host.append(pair[0])
            worker.append(pair[1])
            for _ in 0..<3 {
                guard clinux_pipe(&pair) == 0 else {
                    let reason = String(cString: strerror(errno))
                    for descriptor in host + worker { close(descriptor) }
                    throw Failure(message: "no pipe: \(reason)")
                }
                host.append(pair[0])
                worker.append(pair[1])
            }
        }
    }

    private let executable: String
    private let thread = FileThreads(count: 1)
    /// Why there is no thread for it.
    var threadRefusal: String? { thread.refusal }

    init(executable: String) {
        self.executable = executable
    }

    /// Starts a zygote or a worker of its own (`mode` as sluice_zygote.h has it).
    func start(mode: String, environment: [String: String]) async throws -> Started {
        try await thread.run { [executable] in
            let connections = try Connections()
            defer { for descriptor in connections.worker { close(descriptor) } }
            do {
                let pid = try Self.spawn(
                    [executable, mode, "\(getpid())"], environment: environment, worker: connections.worker)
                return Started(
                    pid: pid, pidfd: clinux_pidfd_open(pid), control: connections.host[0], stdout: connections.host[1],
                    stderr: connections.host[2],
                    crash: connections.host[3])
            } catch {
                for descriptor in connections.host { close(descriptor) }
                throw error
            }
        }
    }

    /// Ends the thread, and with it every process that it started.
    func stop() {
        thread.stop()
    }

    private static func spawn(_ arguments: [String], environment: [String: String], worker: [Int32]) throws -> pid_t {
        // 0 to 4 as sluice_zygote.h has them; each source above all targets, so that none is overwritten.
        var sources: [Int32] = []
        defer { for descriptor in sources { close(descriptor) } }
        let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(null) }
        for descriptor in [null, worker[1], worker[2], worker[0], worker[3]] {
            let copy = clinux_duplicate(descriptor, 16)
            guard copy >= 0 else { throw Failure(message: "no descriptor left: \(String(cString: strerror(errno)))") }
            sources.append(copy)
        }
        var pid: pid_t = 0
        let words = arguments.map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for word in words + variables { free(word) } }
        let status = clinux_spawn(&pid, arguments[0], words, variables, sources, Int32(sources.count))
        guard status == 0 else {
            throw Failure(message: "\(arguments[0]) cannot be started: \(String(cString: strerror(status)))")
        }
        return pid
    }
}

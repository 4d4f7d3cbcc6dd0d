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
        var control: Int32
        var stdout: Int32
        var stderr: Int32
        var crash: Int32
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

    /// POSIX_SPAWN_SETSID of <spawn.h>, which Swift does not see without _GNU_SOURCE.
    private static let newSession: Int16 = 0x80

    private let executable: String
    private let thread = FileThreads(count: 1)

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
                    pid: pid, control: connections.host[0], stdout: connections.host[1], stderr: connections.host[2],
                    crash: connections.host[3])
            } catch {
                for descriptor in connections.host { close(descriptor) }
                throw error
            }
        }
    }

    /// Takes note of the end of a process that was killed.
    func reap(_ pid: pid_t) {
        thread.perform {
            var status: Int32 = 0
            waitpid(pid, &status, 0)
        }
    }

    /// Waits for the end of a process and tells its wait status.
    func end(of pid: pid_t) async -> Int32 {
        await thread.run {
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            return status
        }
    }

    func stop() {
        thread.stop()
    }

    private static func spawn(_ arguments: [String], environment: [String: String], worker: [Int32]) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        // Through numbers above all targets first, so that no source is overwritten before it was copied.
        for (index, descriptor) in worker.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, 200 + Int32(index))
        }
        for (index, target) in [3, 1, 2, 4].enumerated() {
            posix_spawn_file_actions_adddup2(&actions, 200 + Int32(index), Int32(target))
            posix_spawn_file_actions_addclose(&actions, 200 + Int32(index))
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Self.newSession)
        var pid: pid_t = 0
        let words = arguments.map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for word in words + variables { free(word) } }
        let status = posix_spawn(&pid, arguments[0], &actions, &attributes, words, variables)
        guard status == 0 else {
            throw Failure(message: "\(arguments[0]) cannot be started: \(String(cString: strerror(status)))")
        }
        return pid
    }
}

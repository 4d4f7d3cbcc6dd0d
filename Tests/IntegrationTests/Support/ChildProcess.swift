import Dispatch
import Foundation
import Synchronization

/// A process that a test started: its own pid, waited for once, its output read to the end.
final class ChildProcess: Sendable {
    enum Ending: Sendable, Hashable, CustomStringConvertible {
        case exited(Int32)
        case killed(Int32)

        var description: String {
            switch self {
            case .exited(let status): "exit status \(status)"
            case .killed(let signal): "signal \(signal)"
            }
        }
    }

    struct CannotStart: Error {
        var program: String
        var error: Int32
    }

    let pid: pid_t
    private let state = Mutex(State())

    private struct State {
        var ending: Ending?
        var waiting: [CheckedContinuation<Ending, Never>] = []
    }

    /// Starts `program` with `environment` in place of the test's own; stdout and stderr go to the descriptors.
    init(_ program: String, _ arguments: [String], environment: [String: String], output: Int32, errors: Int32) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        var argv: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var started: pid_t = 0
        let error = posix_spawn(&started, program, &actions, nil, &argv, &envp)
        guard error == 0 else { throw CannotStart(program: program, error: error) }
        pid = started
        Thread.detachNewThread { [self] in reap() }
    }

    var isRunning: Bool { state.withLock { $0.ending == nil } }

    /// Sends a signal, unless the process has ended: its number is not another's as long as nobody has waited for it.
    func send(_ signal: Int32) {
        state.withLock { state in
            if state.ending == nil { kill(pid, signal) }
        }
    }

    /// Waits for the end.
    func ended() async -> Ending {
        await withCheckedContinuation { continuation in
            let ending = state.withLock { state -> Ending? in
                if state.ending == nil { state.waiting.append(continuation) }
                return state.ending
            }
            if let ending { continuation.resume(returning: ending) }
        }
    }

    private func reap() {
        // Looked at first, and reaped under the lock, so that `send` never meets a number that is free again.
        var info = siginfo_t()
        while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
        let (ending, waiting) = state.withLock { state in
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
            let signal = status & 0x7F
            let ending: Ending = signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal)
            state.ending = ending
            defer { state.waiting = [] }
            return (ending, state.waiting)
        }
        for continuation in waiting { continuation.resume(returning: ending) }
    }
}

/// Runs work that blocks on a thread of its own: Swift's pool has as many threads as the machine has cores.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: body()) }
    }
}

/// A program's output and end.
struct ProgramResult: Sendable {
    var ending: ChildProcess.Ending
    var output: String
    var errors: String
}

/// Runs a program to its end.
func run(_ program: String, _ arguments: [String], environment: [String: String] = [:]) async throws -> ProgramResult {
    let folder = temporaryFolder("run")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (out, err) = (folder + "/out", folder + "/err")
    let output = open(out, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    let errors = open(err, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    defer {
        close(output)
        close(errors)
    }
    let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let child = try ChildProcess(program, arguments, environment: variables, output: output, errors: errors)
    let ending = await child.ended()
    return ProgramResult(ending: ending, output: text(of: out), errors: text(of: err))
}

/// A new folder for one test.
func temporaryFolder(_ name: String) -> String {
    let path = NSTemporaryDirectory() + "sluice-\(name)-\(UUID().uuidString.prefix(8))"
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
}

/// A file's text; empty if there is none.
func text(of path: String) -> String {
    String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
}

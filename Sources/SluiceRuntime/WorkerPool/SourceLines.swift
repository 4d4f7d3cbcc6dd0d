import CLinux
import FunctionProtocol
import Glibc
import Synchronization

/// Places in the source for addresses of modules, by `llvm-symbolizer`, which comes with Swift: a module that `deploy
/// --build` has made has its debug information. A process of its own, for the files are named by the worker, and what
/// is in them is anybody's. Without the program, or for a module without such information, there are no places.
/// Blocking, one at a time.
final class SourceLines: Sendable {
    /// A file as it was when it was read.
    private struct Module: Hashable {
        var path: String
        var inode: UInt
        var size: Int
        var seconds: Int
        var nanoseconds: Int
    }

    private struct State {
        var known: [Module: [UInt64: [SourceFrame]]] = [:]
        var count = 0
        /// Those that took too long, or were too much.
        var givenUp: Set<Module> = []
    }

    /// For one module; of a few megabytes that a backtrace's places take.
    private static let limits = ProgramRunner.Limits(seconds: 10, outputBytes: 4 << 20, memoryBytes: 4 << 30)
    /// Addresses that are remembered: a function that crashes does so at few places, thousands of times.
    private static let limit = 4096

    private let runner: ProgramRunner
    private let program: String?
    private let state = Mutex(State())

    init(runner: ProgramRunner, program: String? = SourceLines.installed()) {
        self.runner = runner
        self.program = program
    }

    /// What the addresses, as the file counts them, lie in: the innermost function first, after it those that it was
    /// inlined into.
    func frames(in path: String, _ addresses: [UInt64]) -> [UInt64: [SourceFrame]] {
        guard let program, let module = Self.module(path) else { return [:] }
        return state.withLock { state in
            var known = state.known[module] ?? [:]
            let asked = addresses.filter { known[$0] == nil }
            if !asked.isEmpty, !state.givenUp.contains(module) {
                // An empty environment: nothing is asked of servers for debug information.
                switch runner.run(
                    program, ["--output-style=JSON", "--obj=\(path)"] + asked.map { "0x" + String($0, radix: 16) },
                    environment: [], takesErrors: false, limits: Self.limits)
                {
                case .success(let (output, status)) where status == 0:
                    let found = SourceFrame.frames(of: output)
                    for address in asked { known[address] = found[address] ?? [] }
                    if state.count + asked.count > Self.limit { (state.known, state.count) = ([:], 0) }
                    state.known[module] = known
                    state.count += asked.count
                case .failure(let failure) where failure.code == "TimedOut" || failure.code == "OutputTooLarge":
                    // What it did to it once it would do again.
                    if state.givenUp.count >= Self.limit { state.givenUp = [] }
                    state.givenUp.insert(module)
                default: break
                }
            }
            return known.filter { addresses.contains($0.key) }
        }
    }

    /// A regular file of a size that a module may have.
    private static func module(_ path: String) -> Module? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size < 1 << 30 else { return nil }
        return Module(
            path: path, inode: UInt(status.st_ino), size: status.st_size, seconds: status.st_mtim.tv_sec,
            nanoseconds: status.st_mtim.tv_nsec)
    }

    /// Beside the `swift` of PATH, else wherever PATH has it.
    static func installed() -> String? {
        let folders = getenv("PATH").map { String(cString: $0).split(separator: ":").map(String.init) } ?? []
        let beside = folders.compactMap { folder -> String? in
            guard let real = realpath("\(folder)/swift", nil) else { return nil }
            defer { free(real) }
            return String(cString: real).split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 }
        }
        return (beside + folders).map { $0 + "/llvm-symbolizer" }.first { access($0, X_OK) == 0 }
    }
}

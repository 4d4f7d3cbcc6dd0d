import Glibc

/// A host in a process of its own, which a benchmark may kill.
final class HostProcess {
    private let process: pid_t
    private let output: CInt
    private var isOver = false

    /// Starts `sluice up` and waits for its line `ready …`.
    init(data: String, app: String) throws(Failure) {
        let arguments = [Paths.programFolder + "sluice", "up", "--data", data, "--app", app, "--log-level", "error"]
        (process, output) = try Subprocess.start(arguments, named: "a host")
        guard isReady() else { throw Failure("the host ended before it was ready", hint: "its messages are above") }
    }

    deinit {
        kill()
        close(output)
    }

    /// Reads what it says until it is ready; false where it ends before.
    private func isReady() -> Bool {
        var said: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1024)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(output, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            said += buffer[..<count]
            let lines = said.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
            if lines.contains(where: { $0.starts(with: "ready ".utf8) }) { return true }
        }
    }

    /// SIGKILL: it gets no chance to put anything in order.
    func kill() { end(SIGKILL) }

    /// SIGTERM, and waits until it has stopped.
    func stop() { end(SIGTERM) }

    private func end(_ signal: CInt) {
        guard !isOver else { return }
        isOver = true
        Glibc.kill(process, signal)
        var status: CInt = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
    }
}

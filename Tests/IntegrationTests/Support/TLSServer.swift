import Foundation

/// A server whose certificate is signed by an authority of its own, which no system knows; it says 200 to everything.
final class TLSServer: Sendable {
    let port: Int
    /// The authority's certificate.
    let authority: String
    private let folder: String
    private let process: ChildProcess

    init() async throws {
        folder = temporaryFolder("tls")
        authority = folder + "/ca.pem"
        for arguments in [
            "-subj /CN=Sluice-Test-CA -keyout ca.key -out ca.pem -addext basicConstraints=critical,CA:TRUE",
            "-subj /CN=127.0.0.1 -keyout server.key -out server.pem -CA ca.pem -CAkey ca.key "
                + "-addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=CA:FALSE",
        ] {
            let words = "req -x509 -newkey rsa:2048 -nodes -days 2 " + arguments
            let result = try await run(
                "/usr/bin/env", ["-C", folder, "openssl"] + words.split(separator: " ").map(String.init))
            guard result.ending == .exited(0) else { throw HostProcess.Failure(description: "openssl: \(result)") }
        }
        var pipe: [Int32] = [0, 0]
        guard Glibc.pipe(&pipe) == 0 else { throw HostProcess.Failure(description: "no pipe: \(errno)") }
        for end in pipe { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let reading = FileHandle(fileDescriptor: pipe[0], closeOnDealloc: true)
        defer { close(pipe[1]) }
        process = try ChildProcess(
            ParquetReaders.python,
            [
                TestApp.packageRoot + "/Tests/Tools/tls_hook.py", folder + "/server.pem", folder + "/server.key",
                folder + "/log",
            ], environment: ProcessInfo.processInfo.environment, output: pipe[1], errors: 2)
        let line = await blocking { String(decoding: reading.availableData, as: UTF8.self) }
        guard let port = Int(line.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw HostProcess.Failure(description: "the TLS server said `\(line)`")
        }
        self.port = port
    }

    /// The bodies of the requests that came through.
    var bodies: [String] { text(of: folder + "/log").split(separator: "\n").map(String.init) }

    func stop() async {
        process.send(SIGKILL)
        _ = await process.ended()
        try? FileManager.default.removeItem(atPath: folder)
    }
}

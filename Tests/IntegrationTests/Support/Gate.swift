import Foundation

/// Holds `Faulty` where a test wants it: a named pipe that its mode `wait` reads until the test lets go of it.
final class Gate: Sendable {
    let path: String

    /// In the host's data folder, with which it goes.
    init(_ host: HostProcess) throws {
        path = "\(host.data)/gate-\(UUID().uuidString.prefix(8))"
        guard mkfifo(path, 0o644) == 0 else { throw HostProcess.Failure(description: "no pipe \(path): \(errno)") }
    }

    /// The event that makes `Faulty` wait here.
    var request: FaultyRequest { FaultyRequest("wait", key: path) }

    /// Waits until a handler waits here. It goes on when what is returned is opened.
    func reached(_ host: HostProcess) async throws -> Held {
        try await host.wait(for: "a handler at the gate") {
            // Without a reader at the other end this fails with ENXIO.
            let pipe = Glibc.open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
            return pipe >= 0 ? Held(pipe: pipe) : nil
        }
    }

    /// Nobody will wait here any more: an ordinary, empty file.
    func abolish() throws {
        try FileManager.default.removeItem(atPath: path)
        try Data().write(to: URL(filePath: path))
    }

    /// A handler that waits.
    struct Held: Sendable {
        fileprivate var pipe: Int32

        func open() { close(pipe) }
    }
}

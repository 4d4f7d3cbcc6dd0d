import Foundation
import Testing

/// A host without root's privileges, for whom permissions mean something. A test that is not root's needs nothing for
/// it; root's starts the host as somebody else, with programs and folders which that one may read.
enum Unprivileged {
    /// `nobody`.
    private static let user: uid_t = 65534

    static var isNeeded: Bool { geteuid() == 0 }

    static func with(_ app: TestApp, _ body: (HostProcess) async throws -> Void) async throws {
        guard isNeeded else { return try await HostProcess.with(app, body) }
        // The build may lie in a folder that only root may enter.
        let programs = temporaryFolder("programs")
        defer { try? FileManager.default.removeItem(atPath: programs) }
        for name in ["sluice", "sluice-worker", "libFaulty.so"] {
            let (from, to) = ("\(TestApp.programs)/\(name)", "\(programs)/\(name)")
            if link(from, to) != 0 { try FileManager.default.copyItem(atPath: from, toPath: to) }
        }
        try app.edit("Functions/Faulty/function.yaml") {
            $0.replacingOccurrences(of: TestApp.programs + "/", with: programs + "/")
        }
        let host = HostProcess(
            app,
            command: [
                "/usr/bin/setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups", "\(programs)/sluice",
            ])
        do {
            try give(host.data)
            for name in ["journal", "buckets"] {
                try? FileManager.default.createDirectory(
                    atPath: "\(host.data)/\(name)", withIntermediateDirectories: true)
                try give("\(host.data)/\(name)")
            }
            try await host.start()
            try await body(host)
            try await host.expectGoodOrder()
        } catch {
            await host.remove()
            throw error
        }
        await host.remove()
    }

    /// Makes a file or folder the host's.
    static func give(_ path: String) throws {
        guard isNeeded else { return }
        guard chown(path, user, user) == 0 else {
            throw HostProcess.Failure(description: "chown \(path): \(errno)")
        }
    }
}

extension HostProcess {
    /// Moves an object into the bucket that belongs to the host's user and has this mode.
    func move(_ text: String, to bucket: String, _ key: String, mode: mode_t) throws {
        let beside = "\(data)/test-\(UUID().uuidString)"
        try Data(text.utf8).write(to: URL(filePath: beside))
        try Unprivileged.give(beside)
        guard chmod(beside, mode) == 0, rename(beside, "\(self.bucket(bucket))/\(key)") == 0 else {
            throw Failure(description: "\(beside) → \(bucket)/\(key): \(errno)")
        }
    }
}

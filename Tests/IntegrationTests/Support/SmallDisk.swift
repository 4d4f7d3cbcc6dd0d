import Foundation

/// A file system of a few megabytes of its own. Root mounts it; for anybody else a process in a user namespace of its
/// own does, and its path leads through that process. Where neither is possible the test fails: it must not look as if
/// a full disk had been tried.
final class SmallDisk: Sendable {
    /// What is below it goes with the disk.
    let path: String
    private let folder: String
    private let holder: ChildProcess?

    struct NotPermitted: Error, CustomStringConvertible {
        var description: String
    }

    init(megabytes: Int) async throws {
        folder = temporaryFolder("disk")
        let options = ["-t", "tmpfs", "-o", "size=\(megabytes)m,mode=0755", "tmpfs", folder]
        let mounted = try await run("/bin/mount", options)
        if mounted.ending == .exited(0) {
            path = folder
            holder = nil
            return
        }
        // The disk is there as long as somebody lives in the namespace; not for ever, should the test be killed.
        let script = "mount \(options.joined(separator: " ")) && echo mounted && exec sleep 900"
        var pipe: [Int32] = [0, 0]
        guard Glibc.pipe(&pipe) == 0 else { throw NotPermitted(description: "no pipe: \(errno)") }
        for end in pipe { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let holder = try ChildProcess(
            "/usr/bin/unshare", ["--map-root-user", "--mount", "--kill-child", "/bin/sh", "-c", script],
            environment: ProcessInfo.processInfo.environment, output: pipe[1], errors: pipe[1])
        close(pipe[1])
        let output = pipe[0]
        let said = await blocking { () -> String in
            var buffer = [UInt8](repeating: 0, count: 1000)
            let count = read(output, &buffer, buffer.count)
            close(output)
            return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        }
        guard said.hasPrefix("mounted") else {
            holder.send(SIGKILL)
            _ = await holder.ended()
            try? FileManager.default.removeItem(atPath: folder)
            throw NotPermitted(
                description: """
                    A full disk cannot be tried here: a small tmpfs can be mounted neither directly (\(mounted.errors)) \
                    nor in a user namespace (\(said)). Run the tests as root, or where unprivileged user namespaces \
                    are allowed.
                    """)
        }
        self.holder = holder
        path = "/proc/\(holder.pid)/root\(folder)"
    }

    /// Takes room until no more than `left` bytes are free.
    func fill(_ name: String, leaving left: Int) throws {
        let file = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw HostProcess.Failure(description: "open \(path)/\(name): \(errno)") }
        defer { close(file) }
        var size: Int64 = 0
        var step: Int64 = 4 << 20
        // The host may write and remove meanwhile: ever smaller steps find the end.
        while step >= 4096 {
            while free - step >= Int64(left), posix_fallocate(file, off_t(size), off_t(step)) == 0 { size += step }
            step /= 2
        }
    }

    var free: Int64 {
        var info = statvfs()
        guard statvfs(path, &info) == 0 else { return 0 }
        return Int64(info.f_bavail) * Int64(info.f_frsize)
    }

    func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: "\(path)/\(name)")
    }

    /// Takes the disk away, with all that is on it.
    func unmount() async {
        if let holder {
            holder.send(SIGKILL)
            _ = await holder.ended()
        } else {
            _ = try? await run("/bin/umount", ["-l", folder])
        }
        try? FileManager.default.removeItem(atPath: folder)
    }
}

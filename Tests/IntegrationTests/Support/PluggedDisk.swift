import Foundation
import Glibc

/// An ext4 of its own whose power can be cut: what was not synced is gone then, and what is asked of it fails, until it
/// is plugged in again.
final class PluggedDisk: Sendable {
    let path: String
    private let image: String

    struct NotPossible: Error, CustomStringConvertible {
        var description: String
    }

    init(megabytes: Int) async throws {
        path = temporaryFolder("plugged")
        image = path + ".image"
        for (program, arguments) in [
            ("/usr/bin/truncate", ["-s", "\(megabytes)M", image]), ("/sbin/mkfs.ext4", ["-q", "-b", "4096", image]),
        ] {
            guard FileManager.default.isExecutableFile(atPath: program),
                try await run(program, arguments).ending == .exited(0)
            else {
                removeFiles()
                throw NotPossible(description: "\(program) \(arguments)")
            }
        }
        try await plugIn()
    }

    /// Whether there can be one: root makes and mounts it, where the kernel has a loop device.
    static func isPossible() async -> Bool {
        guard let disk = try? await PluggedDisk(megabytes: 16) else { return false }
        defer { disk.removeFiles() }
        guard disk.cutPower() else { return false }
        return (try? await disk.unmount()) != nil
    }

    func plugIn() async throws {
        let mounted = try await run("/bin/mount", ["-o", "loop", image, path])
        guard mounted.ending == .exited(0) else {
            removeFiles()
            throw NotPossible(description: "mount: \(mounted.errors)")
        }
    }

    /// ext4's own means for such tests: it stops at once and writes nothing more, not even its journal.
    @discardableResult
    func cutPower() -> Bool {
        // Of a C function with variable arguments, which Swift cannot call, as one with three.
        typealias Control = @convention(c) (Int32, UInt, UnsafeMutableRawPointer) -> Int32
        guard let symbol = dlsym(nil, "ioctl") else { return false }
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(folder) }
        // FS_IOC_SHUTDOWN with FS_SHUTDOWN_FLAGS_NOLOGFLUSH.
        var flags: UInt32 = 2
        return unsafeBitCast(symbol, to: Control.self)(folder, 0x8004_587D, &flags) == 0
    }

    /// After the end of all who use it. Without power its pages go with it.
    func unmount() async throws {
        for _ in 0..<500 {
            if try await run("/bin/umount", [path]).ending == .exited(0) { return }
            // The last of a killed host's workers.
            try await Task.sleep(for: .milliseconds(20))
        }
        throw NotPossible(description: "\(path) stays in use")
    }

    func remove() async {
        _ = try? await run("/bin/umount", ["-l", path])
        removeFiles()
    }

    private func removeFiles() {
        try? FileManager.default.removeItem(atPath: path)
        try? FileManager.default.removeItem(atPath: image)
    }
}

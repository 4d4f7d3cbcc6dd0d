import Foundation
import Glibc

/// A small file system of our own, gone with the object.
final class SmallDisk {
    enum Kind {
        /// A tmpfs.
        case memory
        /// On a loop device: there checkpoints write past the kernel's cache.
        case ext4
    }

    let path: String
    private let image: String?

    struct NotMounted: Error {}

    private static let permitted: [Kind: Bool] = [
        .memory: (try? SmallDisk(.memory, megabytes: 1)) != nil, .ext4: (try? SmallDisk(.ext4, megabytes: 1)) != nil,
    ]

    static func isPermitted(_ kind: Kind) -> Bool { permitted[kind] == true }

    init(_ kind: Kind, megabytes: Int) throws {
        path = try temporaryFolder()
        var isMounted = false
        switch kind {
        case .memory:
            image = nil
            isMounted = try run("/bin/mount", "-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", path) == 0
        case .ext4:
            // What the file system itself takes is given to it, and what that leaves too much is taken again.
            let file = path + ".image"
            image = file
            // There may be no such program.
            isMounted =
                (try? run("/usr/bin/truncate", "-s", "\(megabytes + 16)M", file) == 0
                    && run("/sbin/mkfs.ext4", "-q", "-m", "0", "-b", "4096", file) == 0
                    && run("/bin/mount", "-o", "loop", file, path) == 0) ?? false
        }
        guard isMounted else {
            removeFiles()
            throw NotMounted()
        }
        if kind == .ext4 { try fill("rest-of-the-image", leaving: megabytes << 20) }
    }

    func fill(_ name: String, megabytes: Int) throws {
        try Data(count: megabytes << 20).write(to: URL(fileURLWithPath: path + "/" + name))
    }

    /// Takes room until no more than `left` bytes are free.
    func fill(_ name: String, leaving left: Int) throws {
        let file = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(file) }
        var size = 0
        while free > left {
            let step = max(4096, (free - left) / 2)
            guard posix_fallocate(file, off_t(size), off_t(step)) == 0 else { return }
            size += step
        }
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }

    private var free: Int {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return 0 }
        return Int(status.f_bavail) * Int(status.f_frsize)
    }

    private func removeFiles() {
        try? FileManager.default.removeItem(atPath: path)
        if let image { try? FileManager.default.removeItem(atPath: image) }
    }

    deinit {
        _ = try? run("/bin/umount", "-l", path)
        removeFiles()
    }
}

import Glibc

/// The process that holds a data folder, as commands find it where nobody answers them.
package struct FolderHolder: Sendable, Hashable {
    package var process: String
    /// What its start is at; nil if it is not starting.
    package var step: String?
    /// Stopped by a signal (SIGSTOP, Ctrl-Z) or by a debugger.
    package var isStopped: Bool

    /// Nil where nobody holds the folder.
    package init?(dataFolder: String) {
        let lock = open("\(dataFolder)/lock", O_RDONLY | O_CLOEXEC)
        guard lock >= 0 else { return nil }
        defer { close(lock) }
        // A host that starts at this very moment tries again for two seconds.
        guard flock(lock, LOCK_SH | LOCK_NB) != 0 else {
            flock(lock, LOCK_UN)
            return nil
        }
        guard errno == EWOULDBLOCK, let owner = Self.lines(of: "\(dataFolder)/lock").first, Int32(owner) != nil else {
            return nil
        }
        process = owner
        // What a host has left that was killed while it started is of another process.
        let start = Self.lines(of: "\(dataFolder)/starting")
        step = start.count > 1 && start[0] == owner ? start[1] : nil
        let status = Self.lines(of: "/proc/\(owner)/stat").first ?? ""
        // The name before it, in brackets, may hold anything.
        let state = status.lastIndex(of: ")").flatMap { status[$0...].dropFirst(2).first }
        isStopped = state == "T" || state == "t"
    }

    private static func lines(of path: String) -> [String] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(file, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: "\n").map(String.init)
    }
}

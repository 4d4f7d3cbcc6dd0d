import CLinux
import Glibc
import Synchronization

/// The processes a host has started, in `run/workers` with their start times: what the next host kills before it reads
/// any staging, should this one die and its workers outlive it by a moment.
package final class WorkerRoster: Sendable {
    private struct State {
        var pids: Set<pid_t> = []
        /// In the file, those of ended processes too.
        var lines = 0
        /// Only one at a time writes the file: what is appended while it is made anew would be lost.
        var isWriting = false
        var waiting: [pid_t] = []
    }

    private let path: String
    private let files: FileThreads
    private let state = Mutex(State())

    package init(dataFolder: String, files: FileThreads) {
        path = dataFolder + "/run/workers"
        self.files = files
        Folders.make(dataFolder + "/run")
    }

    package func add(_ pid: Int32) {
        guard pid > 0 else { return }
        let begins = state.withLock { state -> Bool in
            guard state.pids.insert(pid).inserted else { return false }
            state.waiting.append(pid)
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if begins { files.perform { [self] in write() } }
    }

    package func remove(_ pid: Int32) {
        state.withLock { _ = $0.pids.remove(pid) }
    }

    /// Writes what waits, until nothing does. Blocking.
    private func write() {
        while true {
            let next = state.withLock { state -> (pids: [pid_t], isAnew: Bool)? in
                guard !state.waiting.isEmpty else {
                    state.isWriting = false
                    return nil
                }
                let waiting = state.waiting
                state.waiting = []
                // A host that lives long starts many: of a file twice as long as need be most names are of the dead.
                let isAnew = state.lines + waiting.count > max(64, 2 * state.pids.count)
                return (isAnew ? state.pids.sorted() : waiting, isAnew)
            }
            guard let next else { return }
            var text = ""
            var count = 0
            for pid in next.pids {
                guard let started = Self.startTime(of: pid) else { continue }
                text += "\(pid) \(started)\n"
                count += 1
            }
            let isWritten = next.isAnew ? replace(with: text) : append(text)
            let lines = count
            state.withLock { state in
                if isWritten { state.lines = next.isAnew ? lines : state.lines + lines }
            }
        }
    }

    private func append(_ text: String) -> Bool {
        Self.write(text, to: path, flags: O_APPEND)
    }

    /// Through a second file: a reader finds the old one or the new one.
    private func replace(with text: String) -> Bool {
        guard Self.write(text, to: path + ".new", flags: O_TRUNC) else { return append(text) }
        return rename(path + ".new", path) == 0
    }

    private static func write(_ text: String, to path: String, flags: Int32) -> Bool {
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0o644)
        guard file >= 0 else { return false }
        defer { close(file) }
        let bytes = Array(text.utf8)
        return Glibc.write(file, bytes, bytes.count) == bytes.count
    }

    package func clear() {
        unlink(path)
    }

    /// Kills what the file names, if it is still that process, and removes the workers' own folders. Returns how many
    /// were killed, when they have ended. Blocking; before anything else of a start.
    @discardableResult
    package static func killLeftovers(dataFolder: String) -> Int {
        let path = dataFolder + "/run/workers"
        var killed: [Int32] = []
        for line in String(decoding: contents(of: path), as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 2, let pid = pid_t(words[0]), pid > 1 else { continue }
            // The pidfd first: from here on the number is known to be that of the process looked at.
            let descriptor = clinux_pidfd_open(pid)
            guard descriptor >= 0 else { continue }
            guard startTime(of: pid) == String(words[1]), clinux_pidfd_send_signal(descriptor, SIGKILL) == 0 else {
                close(descriptor)
                continue
            }
            kill(-pid, SIGKILL)
            killed.append(descriptor)
        }
        for descriptor in killed {
            // A process that hangs in the kernel must not hold up the host for ever.
            var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            poll(&wait, 1, 5000)
            close(descriptor)
        }
        unlink(path)
        Folders.remove(dataFolder + "/run/scratch")
        return killed.count
    }

    private static func contents(of path: String) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(file, &buffer, buffer.count)
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
        }
    }

    /// Field 22 of /proc/<pid>/stat: with the pid it names a process over the life of the machine.
    private static func startTime(of pid: pid_t) -> String? {
        let file = open("/proc/\(pid)/stat", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = read(file, &buffer, buffer.count)
        // The name in parentheses may hold anything: what counts is behind the last one.
        let text = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 19 ? String(fields[19]) : nil
    }
}

/// Folders of the data folder.
enum Folders {
    /// Makes a folder and its parents; what is there stays.
    static func make(_ path: String) {
        var whole = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            whole += whole.isEmpty && part.isEmpty ? "/" : (whole.isEmpty || whole == "/" ? String(part) : "/" + part)
            if whole != "/", !whole.isEmpty { mkdir(whole, 0o755) }
        }
    }

    /// Removes a folder with all that is in it, through no symbolic link. What cannot be removed stays. Blocking.
    static func remove(_ path: String) {
        remove(path, at: AT_FDCWD, depth: 0)
    }

    private static func remove(_ name: String, at parent: Int32, depth: Int) {
        let descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            unlinkat(parent, name, 0)
            return
        }
        if depth < 200, let folder = fdopendir(descriptor) {
            while let entry = readdir(folder) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
                    String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != ".", name != ".." { remove(name, at: dirfd(folder), depth: depth + 1) }
            }
            closedir(folder)
        } else {
            close(descriptor)
        }
        unlinkat(parent, name, AT_REMOVEDIR)
    }
}

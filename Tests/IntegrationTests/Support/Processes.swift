import Foundation

extension HostProcess {
    /// The zygotes and workers of this host.
    var descendants: [pid_t] { zygotes + zygotes.flatMap { children(of: $0) } }

    /// Processes that the host has started: one for each function version.
    var zygotes: [pid_t] { children(of: pid) }

    /// Processes that run handlers.
    var workers: [pid_t] { zygotes.flatMap { children(of: $0) } }
}

/// The running processes whose parent is `parent`.
func children(of parent: pid_t) -> [pid_t] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { pid_t($0) }.filter { pid in
        let fields = statusFields(pid)
        return fields.count > 1 && fields[0] != "Z" && pid_t(fields[1]) == parent
    }.sorted()
}

/// Whether a process runs; a zombie does not.
func isAlive(_ pid: pid_t) -> Bool {
    guard let state = statusFields(pid).first else { return false }
    return state != "Z" && state != "X"
}

/// The fields of /proc/<pid>/stat after the name: state, parent, …
private func statusFields(_ pid: pid_t) -> [Substring] {
    let line = text(of: "/proc/\(pid)/stat")
    guard let end = line.lastIndex(of: ")") else { return [] }
    return line[line.index(after: end)...].split(separator: " ")
}

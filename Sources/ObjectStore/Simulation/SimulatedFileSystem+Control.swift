import Synchronization

/// What a test does to the file system: stops it, lets it forget, makes calls fail, and writes as other programs would.
extension SimulatedFileSystem {
    /// How many operations were asked for since the start or the last crash.
    package var operations: Int { state.withLock { $0.operations } }

    /// The n-th operation from now (1: the next) and all after it fail, as for a process that is no more.
    package func stop(at operation: Int?) {
        state.withLock {
            $0.operations = 0
            $0.stopAt = operation
            $0.stopped = false
        }
    }

    /// Whether `stop(at:)` has struck.
    package var hasStopped: Bool { state.withLock { $0.stopped } }

    /// Ends the life of the process, or of the machine, and lets the next one begin.
    package func crash(_ crash: Crash) {
        state.withLock { state in
            state.stopAt = nil
            state.stopped = false
            state.operations = 0
            if crash == .powerLoss { state.openRenames = [] }
            for inode in Array(state.nodes.keys) {
                if crash == .kill { continue }
                guard var node = state.nodes[inode] else { continue }
                node.entries = node.durableEntries
                node.content = node.durableContent
                state.nodes[inode] = node
            }
        }
    }

    /// The next `times` calls named so (`rename`, `fsync`, …) on `path` fail with `errno`.
    package func fail(_ call: String, _ path: String, errno: Int32, times: Int = 1) {
        state.withLock { $0.faults.append((call, path, errno, times)) }
    }

    /// From now on a file that somebody else removes leaves its inode number to the next one, as ext4 does.
    package func reuseInodes() { state.withLock { $0.freedInodes = [] } }

    /// Writes a file as somebody else would: folders are made, an existing file is rewritten in place. `durable`: and
    /// synced it.
    package func write(_ path: String, _ content: [UInt8], durable: Bool = false) {
        state.withLock { Self.write(path, content, durable: durable, &$0) }
    }

    /// Replaces a file by a new one of the same name, as `rm` and `cp` do, and syncs it.
    package func replace(_ path: String, _ content: [UInt8]) {
        state.withLock { Self.replace(path, content, &$0) }
    }

    /// Somebody else replaces the file `path` just before the next `call` on it, or on `other` (for a rename, that is
    /// its target).
    package func replace(_ path: String, _ content: [UInt8], before call: String, on other: String? = nil) {
        state.withLock { $0.interference = (call, other ?? path, path, content) }
    }

    /// The replacement that was asked for has happened, or none was.
    package var interferenceIsOver: Bool { state.withLock { $0.interference == nil } }

    private static func write(_ path: String, _ content: [UInt8], durable: Bool, _ state: inout State) {
        var inode: UInt64 = 1
        let parts = path.split(separator: "/").map(String.init)
        for (depth, part) in parts.enumerated() {
            let folder = inode
            inode = child(part, of: folder, depth == parts.count - 1 ? .regular : .folder, &state)
            if durable { keep(part, in: folder, &state) }
        }
        guard var file = state.nodes[inode] else { return }
        state.clock += 1
        file.content = content
        if durable { file.durableContent = content }
        file.modified = state.clock
        file.changed = state.clock
        state.nodes[inode] = file
    }

    static func replace(_ path: String, _ content: [UInt8], _ state: inout State) {
        if let (folder, name) = place(path, state) {
            let gone = state.nodes[folder]?.entries.removeValue(forKey: name)
            if let gone, !state.nodes.values.contains(where: { $0.entries.values.contains(gone) }) {
                state.freedInodes?.append(gone)
            }
        }
        write(path, content, durable: true, &state)
    }

    package func content(_ path: String) -> [UInt8]? {
        state.withLock { state in Self.find(path, state).flatMap { state.nodes[$0]?.content } }
    }

    /// All paths of files, sorted.
    package var paths: [String] {
        state.withLock { state in
            func below(_ inode: UInt64, _ path: String) -> [String] {
                (state.nodes[inode]?.entries ?? [:]).flatMap { name, child -> [String] in
                    let full = path.isEmpty ? name : "\(path)/\(name)"
                    return state.nodes[child]?.kind == .folder ? below(child, full) : [full]
                }
            }
            return below(1, "").sorted()
        }
    }
}

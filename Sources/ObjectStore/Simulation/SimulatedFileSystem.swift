import Glibc
import Synchronization

/// A file system in memory that forgets, at a power loss, every file, name and folder that was not synced. It can also
/// stop at the n-th operation, or fail chosen ones.
///
/// Each folder forgets for itself, so after a rename a file may have both names, or none: stricter than POSIX and than
/// any real file system, and what survives it needs no luck. With `atomicRenames` syncing either folder of a rename
/// keeps both sides of it, as every journaling file system does; nothing else is kept that was not asked for.
package final class SimulatedFileSystem: FileSystem {
    /// What ends the run.
    package enum Crash: Sendable, CaseIterable {
        /// The process dies; the kernel still has everything.
        case kill
        /// What was not synced is gone.
        case powerLoss
    }

    struct Node {
        var kind: FileStatus.Kind
        var content: [UInt8] = []
        /// Content at the last fsync; an unsynced file comes back empty.
        var durableContent: [UInt8] = []
        var entries: [String: UInt64] = [:]
        var durableEntries: [String: UInt64] = [:]
        var modified: Int64
        var changed: Int64
    }

    struct State {
        var nodes: [UInt64: Node]
        var nextInode: UInt64 = 2
        /// Numbers of files that are gone, to be given to the next ones; nil: no number is used twice.
        var freedInodes: [UInt64]?
        var clock: Int64 = 1_000_000_000
        var operations = 0
        var stopAt: Int?
        var stopped = false
        var interference: (call: String, on: String, path: String, content: [UInt8])?
        /// Both sides of renames between folders that no sync has covered.
        var openRenames: [(UInt64, String, UInt64, String)] = []
        var faults: [(call: String, path: String, errno: Int32, left: Int)] = []
    }

    let state: Mutex<State>
    private let atomicRenames: Bool

    package init(atomicRenames: Bool = false) {
        self.atomicRenames = atomicRenames
        state = Mutex(State(nodes: [1: Node(kind: .folder, modified: 0, changed: 0)]))
    }

    // MARK: FileSystem

    package func status(_ path: String) throws(SystemError) -> FileStatus {
        try run("stat", path) { state throws(SystemError) in
            let inode = try Self.require(path, "stat", state)
            guard let node = state.nodes[inode] else { throw SystemError(ENOENT, "stat", path) }
            let links = state.nodes.values.reduce(0) { $0 + $1.entries.values.count { $0 == inode } }
            return FileStatus(
                kind: node.kind,
                stamp: ObjectStamp(
                    device: 1, inode: inode, size: Int64(node.content.count), modified: node.modified,
                    changed: node.changed),
                links: links)
        }
    }

    /// The descriptor is -1: contents are written by `write`.
    package func createFile(_ path: String, mode: UInt32) throws(SystemError) -> Int32 {
        try make(path, .regular, "create")
        return -1
    }

    package func openFile(_ path: String) throws(SystemError) -> Int32 {
        throw SystemError(EOPNOTSUPP, "open", path)
    }

    package func setMode(_ path: String, _ mode: UInt32) throws(SystemError) {
        try run("chmod", path) { state throws(SystemError) in
            let inode = try Self.require(path, "chmod", state)
            state.nodes[inode]?.changed = state.clock
        }
    }

    package func syncFile(_ path: String) throws(SystemError) {
        try run("fsync", path) { state throws(SystemError) in
            let inode = try Self.require(path, "fsync", state)
            guard var node = state.nodes[inode] else { return }
            node.durableContent = node.content
            state.nodes[inode] = node
        }
    }

    package func syncFolder(_ path: String) throws(SystemError) {
        try run("fsync", path) { state throws(SystemError) in
            let inode = try Self.require(path, "fsync", state)
            guard var node = state.nodes[inode], node.kind == .folder else {
                throw SystemError(ENOTDIR, "fsync", path)
            }
            node.durableEntries = node.entries
            state.nodes[inode] = node
            if self.atomicRenames {
                for (from, old, to, new) in state.openRenames where from == inode || to == inode {
                    Self.keep(old, in: from, &state)
                    Self.keep(new, in: to, &state)
                }
                state.openRenames.removeAll { $0.0 == inode || $0.2 == inode }
            }
        }
    }

    static func keep(_ name: String, in folder: UInt64, _ state: inout State) {
        guard var node = state.nodes[folder] else { return }
        node.durableEntries[name] = node.entries[name]
        state.nodes[folder] = node
    }

    package func makeFolder(_ path: String, mode: UInt32) throws(SystemError) {
        try make(path, .folder, "mkdir")
    }

    package func rename(_ from: String, to: String, _ how: RenameKind) throws(SystemError) {
        try run("rename", to) { state throws(SystemError) in
            let source = try Self.require(from, "rename", state)
            guard let (fromFolder, fromName) = Self.place(from, state), let (toFolder, toName) = Self.place(to, state)
            else { throw SystemError(ENOENT, "rename", to) }
            let target = state.nodes[toFolder]?.entries[toName]
            switch how {
            case .noReplace:
                if target != nil { throw SystemError(EEXIST, "rename", to) }
                state.nodes[fromFolder]?.entries[fromName] = nil
            case .exchange:
                guard let target else { throw SystemError(ENOENT, "rename", to) }
                state.nodes[fromFolder]?.entries[fromName] = target
                state.nodes[target]?.changed = state.clock
            }
            state.nodes[toFolder]?.entries[toName] = source
            state.nodes[source]?.changed = state.clock
            state.openRenames.append((fromFolder, fromName, toFolder, toName))
        }
    }

    package func removeFile(_ path: String) throws(SystemError) {
        try remove(path, "unlink") { $0.kind != .folder ? nil : EISDIR }
    }

    package func removeFolder(_ path: String) throws(SystemError) {
        try remove(path, "rmdir") { $0.kind != .folder ? ENOTDIR : $0.entries.isEmpty ? nil : ENOTEMPTY }
    }

    package func names(in folder: String) throws(SystemError) -> [String] {
        try run("list", folder) { state throws(SystemError) in
            (state.nodes[try Self.require(folder, "list", state)]?.entries.keys.sorted()) ?? []
        }
    }

    package func sample(_ path: String) throws(SystemError) -> UInt64 {
        try run("read", path) { state throws(SystemError) in
            SampledHash.hash(state.nodes[try Self.require(path, "read", state)]?.content ?? [])
        }
    }

    package func writers(_ path: String) throws(SystemError) -> WriterState {
        try run("lease", path) { state throws(SystemError) -> WriterState in
            // Files have no other writers here than the program under test, which has closed them by now.
            _ = try Self.require(path, "lease", state)
            return .none
        }
    }

    // MARK: Inside

    private func run<Result: Sendable>(
        _ call: String, _ path: String, _ body: (inout State) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        try state.withLock { (state: inout State) throws(SystemError) -> Result in
            state.operations += 1
            if let stopAt = state.stopAt, state.operations >= stopAt { state.stopped = true }
            if state.stopped { throw SystemError(EIO, call, path) }
            if let fault = state.faults.firstIndex(where: { $0.call == call && $0.path == path && $0.left > 0 }) {
                state.faults[fault].left -= 1
                throw SystemError(state.faults[fault].errno, call, path)
            }
            if let (wanted, awaited, place, content) = state.interference, wanted == call, awaited == path {
                state.interference = nil
                Self.replace(place, content, &state)
            }
            state.clock += 1
            return try body(&state)
        }
    }

    private func make(_ path: String, _ kind: FileStatus.Kind, _ call: String) throws(SystemError) {
        try run(call, path) { state throws(SystemError) in
            guard let (folder, name) = Self.place(path, state) else { throw SystemError(ENOENT, call, path) }
            if state.nodes[folder]?.kind != .folder { throw SystemError(ENOTDIR, call, path) }
            if state.nodes[folder]?.entries[name] != nil { throw SystemError(EEXIST, call, path) }
            _ = Self.child(name, of: folder, kind, &state)
        }
    }

    private func remove(
        _ path: String, _ call: String, _ refusal: @Sendable (Node) -> Int32?
    ) throws(SystemError) {
        try run(call, path) { state throws(SystemError) in
            let inode = try Self.require(path, call, state)
            if let node = state.nodes[inode], let errno = refusal(node) { throw SystemError(errno, call, path) }
            guard let (folder, name) = Self.place(path, state) else { throw SystemError(ENOENT, call, path) }
            state.nodes[folder]?.entries[name] = nil
        }
    }

    /// Finds the entry, or makes it.
    static func child(
        _ name: String, of folder: UInt64, _ kind: FileStatus.Kind, _ state: inout State
    ) -> UInt64 {
        if let inode = state.nodes[folder]?.entries[name] { return inode }
        let reused = state.freedInodes?.popLast()
        if reused == nil { state.nextInode += 1 }
        let inode = reused ?? state.nextInode
        state.nodes[inode] = Node(kind: kind, modified: state.clock, changed: state.clock)
        state.nodes[folder]?.entries[name] = inode
        return inode
    }

    static func find(_ path: String, _ state: State) -> UInt64? {
        var inode: UInt64 = 1
        for part in path.split(separator: "/") {
            guard let next = state.nodes[inode]?.entries[String(part)] else { return nil }
            inode = next
        }
        return inode
    }

    static func place(_ path: String, _ state: State) -> (folder: UInt64, name: String)? {
        guard let folder = find(ObjectKey.folder(of: path), state) else { return nil }
        return (folder, ObjectKey.name(of: path))
    }

    static func require(_ path: String, _ call: String, _ state: State) throws(SystemError) -> UInt64 {
        guard let inode = find(path, state) else { throw SystemError(ENOENT, call, path) }
        return inode
    }
}

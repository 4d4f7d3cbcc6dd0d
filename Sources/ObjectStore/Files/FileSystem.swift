/// The file operations that staging and publication rest on, below one bucket's root. Paths are relative to it, `""` is
/// the root itself, and no symbolic link is ever followed.
///
/// Small so that `SimulatedFileSystem` can stand in for it and forget, at a simulated power loss, whatever was not
/// synced. All calls block.
package protocol FileSystem: Sendable {
    /// What is at `path` itself.
    func status(_ path: String) throws(SystemError) -> FileStatus
    /// Makes an empty file that did not exist (EEXIST otherwise), open for reading and writing.
    func createFile(_ path: String, mode: UInt32) throws(SystemError) -> Int32
    /// Opens a regular file for reading.
    func openFile(_ path: String) throws(SystemError) -> Int32
    func setMode(_ path: String, _ mode: UInt32) throws(SystemError)
    /// Makes the content of a file durable; not its name.
    func syncFile(_ path: String) throws(SystemError)
    /// Makes the names in a folder durable.
    func syncFolder(_ path: String) throws(SystemError)
    /// EEXIST when something is there.
    func makeFolder(_ path: String, mode: UInt32) throws(SystemError)
    func rename(_ from: String, to: String, _ how: RenameKind) throws(SystemError)
    func removeFile(_ path: String) throws(SystemError)
    /// ENOTEMPTY when something is in it.
    func removeFolder(_ path: String) throws(SystemError)
    func names(in folder: String) throws(SystemError) -> [String]
    /// The sampled content hash, see `SampledHash`.
    func sample(_ path: String) throws(SystemError) -> UInt64
    func writers(_ path: String) throws(SystemError) -> WriterState
}

/// What a rename may meet at its target.
package enum RenameKind: Sendable {
    /// Fails with EEXIST when the target exists (`RENAME_NOREPLACE`).
    case noReplace
    /// Both exist and change places (`RENAME_EXCHANGE`); ENOENT when one is missing.
    case exchange
}

/// Whether somebody has a file open for writing, as a read lease tells.
package enum WriterState: Sendable {
    case none
    case open
    /// Leases are not to be had here: another user's file, or a file system without them.
    case unknown
}

/// What `stat` says of a file.
package struct FileStatus: Sendable, Hashable {
    /// Only regular files can be objects.
    package enum Kind: Sendable {
        case regular, folder, symbolicLink, other
    }

    package var kind: Kind
    package var stamp: ObjectStamp
    package var links: Int

    package init(kind: Kind, stamp: ObjectStamp, links: Int) {
        self.kind = kind
        self.stamp = stamp
        self.links = links
    }
}

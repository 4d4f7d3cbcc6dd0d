/// One step of making an attempt's outputs visible, as commit 1 stores it: everything that is needed to do it, to do it
/// again after a crash, and to undo it.
package struct Publication: Codable, Sendable, Hashable {
    /// What happens to the key, and what it must hold before.
    package enum Kind: Codable, Sendable, Hashable {
        /// The key must be free.
        case create
        /// The key is free, or holds exactly this version.
        case replace(known: ObjectVersion?)
        /// The key's version goes, if it is this one.
        case delete(known: ObjectVersion)
    }

    package var kind: Kind
    package var bucket: String
    package var key: String
    /// Where the new file waits, relative to the bucket; for a deletion where the old one is put. After a replacement
    /// the replaced file is there, until `discard`.
    package var staged: String
    /// Of the staged file; of the known version for a deletion.
    package var device: UInt64
    package var inode: UInt64
    package var size: Int64
    package var modified: Int64
    package var sample: UInt64

    package init(
        kind: Kind, bucket: String, key: String, staged: String, device: UInt64, inode: UInt64, size: Int64,
        modified: Int64, sample: UInt64
    ) {
        self.kind = kind
        self.bucket = bucket
        self.key = key
        self.staged = staged
        self.device = device
        self.inode = inode
        self.size = size
        self.modified = modified
        self.sample = sample
    }

    /// `stamp` has the file that this publishes, unchanged since it was sealed: a rename and a link leave these alone.
    func isOurs(_ stamp: ObjectStamp) -> Bool {
        stamp.inode == inode && stamp.size == size && stamp.modified == modified
    }

    /// Of the staged file.
    var stamp: ObjectStamp {
        ObjectStamp(device: device, inode: inode, size: size, modified: modified, changed: 0)
    }

    /// Of the staged file.
    var version: ObjectVersion { ObjectVersion(stamp: stamp, sample: sample) }

    var isDeletion: Bool {
        if case .delete = kind { true } else { false }
    }
}

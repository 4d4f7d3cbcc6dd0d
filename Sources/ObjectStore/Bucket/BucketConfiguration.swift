/// How one bucket is watched.
package struct BucketConfiguration: Sendable, Hashable {
    /// What becomes of files that are there when the journal first meets the bucket.
    package enum Existing: String, Codable, Sendable {
        /// They are taken into the index without events; how many is reported.
        case ignore
        /// They get events like files that arrive.
        case trigger
    }

    package var existing: Existing
    package var ignore: IgnoreRules
    /// How long a found file must have been left alone before it counts as complete, where leases cannot tell, or
    /// nothing but a scan tells of it.
    package var quiet: Duration
    /// How often a folder that cannot be watched is looked through.
    package var pollInterval: Duration

    package init(
        existing: Existing = .ignore, ignore: IgnoreRules = IgnoreRules(), quiet: Duration = .seconds(2),
        pollInterval: Duration = .seconds(5)
    ) {
        self.existing = existing
        self.ignore = ignore
        self.quiet = quiet
        self.pollInterval = pollInterval
    }
}

/// What kind of file system a bucket is on, as far as it matters here.
package struct FileSystemKind: Sendable, Hashable {
    package var name: String
    /// inotify reports what happens there. Not over a network or FUSE, where others change files unseen.
    package var reportsChanges: Bool

    /// From statfs(2)'s magic number (linux/magic.h and the file systems' sources).
    init(magic: Int64) {
        let unseen: [Int64: String] = [
            0x6969: "NFS", 0x517b: "SMB", 0xff53_4d42: "CIFS", 0xfe53_4d42: "SMB2", 0x6573_5546: "FUSE",
            0x0102_1997: "9p", 0x00c3_6400: "Ceph", 0x5346_414f: "AFS", 0x6b41_4653: "AFS", 0x7375_7245: "Coda",
            0x786f_4256: "vboxsf", 0x0bd0_0bd0: "Lustre", 0x4750_4653: "GPFS",
        ]
        if let name = unseen[magic] {
            self.init(name: name, reportsChanges: false)
            return
        }
        let seen: [Int64: String] = [
            0xef53: "ext4", 0x5846_5342: "XFS", 0x9123_683e: "btrfs", 0x0102_1994: "tmpfs", 0x794c_7630: "overlayfs",
            0x2fc1_2fc1: "ZFS", 0xf2f5_2010: "F2FS", 0xca45_1a4e: "bcachefs",
        ]
        self.init(name: seen[magic] ?? "type 0x" + String(magic, radix: 16), reportsChanges: true)
    }

    init(name: String, reportsChanges: Bool) {
        self.name = name
        self.reportsChanges = reportsChanges
    }
}

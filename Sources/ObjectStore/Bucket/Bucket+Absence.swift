/// Why a key that the index does not have is no object, or none yet.
package enum Absence: Sendable, Hashable {
    /// It cannot be a key: words that complete "the key …".
    case noKey(String)
    /// There is nothing at its place.
    case nothing
    case folder
    /// One of the bucket's patterns of names that it overlooks.
    case ignored
    /// What it is instead of a regular file.
    case refused(String)
    /// Somebody has the file open for writing.
    case beingWritten
    /// It has been changed within the bucket's `quiet` time. Where no change is reported (a network disk), it is taken
    /// up when it has been left alone for that long.
    case changedLately(quiet: Duration)
    /// It is there and complete, as far as can be told: it is about to be taken up.
    case pending
}

extension Bucket {
    /// Looks at the place of a key that the index does not have. Reads; changes nothing.
    package func absence(of key: String) -> Absence {
        if let flaw = ObjectKey.flaw(in: key) { return .noKey(flaw) }
        guard let status = try? files.status(key) else { return .nothing }
        switch status.kind {
        case .folder: return .folder
        case .symbolicLink, .other: return .refused(RefusedReason.of(status.kind))
        case .regular: break
        }
        if configuration.ignore.ignores(key: key) { return .ignored }
        guard let number = try? files.openFile(key) else { return .pending }
        let file = Descriptor(number)
        if FileLease.writers(file.number) == .open { return .beingWritten }
        let (quiet, stamp, now) = (configuration.quiet, status.stamp, Clock.files)
        // As the watcher sees it: mtime can be set to anything, also to the future. And without a quiet time nothing is
        // too young, also a ctime that is ahead of the clock: kernels since 6.13 stamp some changes more finely than
        // that clock ticks.
        let changed = stamp.modified <= now ? max(stamp.changed, stamp.modified) : stamp.changed
        guard quiet > .zero, now - changed < quiet.nanoseconds else { return .pending }
        return .changedLately(quiet: quiet)
    }
}

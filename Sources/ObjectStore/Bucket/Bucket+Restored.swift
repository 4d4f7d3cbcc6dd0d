extension Bucket {
    /// The publication with the stamps that its files have now. A bucket that was restored from a backup has other
    /// inodes than those that were written down, and perhaps times in whole seconds: a file with the size, the time and
    /// the content is the one that is meant.
    func restored(_ publication: Publication) throws(SystemError) -> Publication {
        guard !publication.isDeletion else { return publication }
        let (staged, target) = (try existing(publication.staged), try existing(publication.key))
        if staged.map({ publication.isOurs($0.stamp) }) == true || target.map({ publication.isOurs($0.stamp) }) == true
        {
            return publication
        }
        var restored = publication
        let (ours, other, otherPath): (FileStatus, FileStatus?, String)
        if let staged, try isCopy(staged, publication.staged, of: publication.version) {
            (ours, other, otherPath) = (staged, target, publication.key)
        } else if let target, try isCopy(target, publication.key, of: publication.version) {
            (ours, other, otherPath) = (target, staged, publication.staged)
        } else {
            return publication
        }
        restored.device = ours.stamp.device
        restored.inode = ours.stamp.inode
        restored.modified = ours.stamp.modified
        // Then what it replaces was restored, too.
        if case .replace(var known?) = publication.kind, let other, try isCopy(other, otherPath, of: known) {
            known.stamp.inode = other.stamp.inode
            known.stamp.modified = other.stamp.modified
            restored.kind = .replace(known: known)
        }
        publications.add(publication, as: restored)
        return restored
    }

    /// Whether the file at `path` is a version, or a copy of it with its time; without a sample nobody can tell a copy.
    func isCopy(_ found: FileStatus, _ path: String, of version: ObjectVersion) throws(SystemError) -> Bool {
        if found.stamp.isSameContentByStamp(as: version.stamp) { return true }
        guard version.sample != 0, found.kind == .regular, found.stamp.isCopy(of: version.stamp) else { return false }
        return try files.sample(path) == version.sample
    }
}

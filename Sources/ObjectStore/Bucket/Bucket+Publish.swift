import Glibc

extension Bucket {
    /// The publication that deletes `key`, if it still is the version `known` when it comes to it.
    package func deletion(_ attempt: StagingAttempt, key: String, known: ObjectVersion) -> Publication {
        Publication(
            kind: .delete(known: known), bucket: name, key: key,
            staged: "\(attempt.folder)/\(nextStage(of: attempt))", device: known.stamp.device,
            inode: known.stamp.inode, size: known.stamp.size, modified: known.stamp.modified, sample: known.sample)
    }

    /// Makes one publication visible and durable (docs/architecture.md, Publication). Doing it again is harmless and
    /// ends alike, so a try that failed or was cut off is repeated by calling it again; `recovering` says that an
    /// earlier life of the host may have done it already, in which case a file that is nowhere was published and has
    /// been taken away since.
    ///
    /// Returns the published version for the index, nil for a deletion. A version whose `changed` is 0 is no longer
    /// what is under the key: the watcher reports what is.
    ///
    /// Throws permanent errors (`KeyExists`, `Conflict`, `PublishFailed`, `InvalidKey`, …), after which the key is as
    /// it was, and transient ones (`NoSpace`, `ReadOnly`, `AccessDenied`, `InputOutput`), see `isPermanent`.
    ///
    /// The publication is entered in `publications`; take it out when commit 2 is durable, or after `undo`.
    package func publish(_ publication: Publication, recovering: Bool = false) throws(ObjectStoreError)
        -> ObjectSighting?
    {
        try ObjectKey.validate(publication.key, bucket: name)
        publications.add(publication)
        CrashPoint.hit(.publishBegun)
        let given = publication
        do throws(SystemError) {
            let publication = try restored(given)
            if case .delete(let known) = publication.kind {
                try delete(publication, known)
                return nil
            }
            try place(publication, recovering: recovering)
            try syncFolder(ObjectKey.folder(of: publication.key))
            CrashPoint.hit(.publishFolderSynced)
            return try sighting(of: publication)
        } catch {
            throw publishFailure(error, publication)
        }
    }

    /// Brings the new file under its key, or finds that it is there.
    private func place(_ publication: Publication, recovering: Bool) throws(SystemError) {
        let staged = try existing(publication.staged)
        let target = try existing(publication.key)
        if let staged, publication.isOurs(staged.stamp) {
            if target?.stamp.inode == publication.inode {
                // One name was made durable before the other was forgotten: a power loss between two folders.
                try files.removeFile(publication.staged)
                return try makeParents(of: publication.key)
            }
            try makeParents(of: publication.key)
            switch publication.kind {
            case .create:
                try files.rename(publication.staged, to: publication.key, .noReplace)
                CrashPoint.hit(.publishRenamed)
            case .replace(let known): try replace(publication, known)
            case .delete: break
            }
            return
        }
        // Renamed by an earlier try.
        if let staged, case .replace(let known) = publication.kind {
            // What it replaced lies in staging, perhaps not yet looked at.
            try verifyDisplaced(publication, known, staged)
        } else if target?.stamp.inode != publication.inode {
            guard recovering else { throw SystemError(EIDRM, Self.vanishedMark, publication.staged) }
            // A user's newer file that an undo took away, and was cut off before it put it back.
            if staged != nil {
                try returnFile(publication)
                CrashPoint.hit(.publishPutBack)
            }
        }
        // The earlier try may have been cut off between making the folders and syncing them.
        if target != nil { try makeParents(of: publication.key) }
    }

    private func replace(_ publication: Publication, _ known: ObjectVersion?) throws(SystemError) {
        // The key may come and go meanwhile; after a hundred times in a row it is a conflict.
        for _ in 0..<100 {
            guard let target = try existing(publication.key) else {
                do throws(SystemError) {
                    try files.rename(publication.staged, to: publication.key, .noReplace)
                    CrashPoint.hit(.publishRenamed)
                    return
                } catch {
                    if error.errno == EEXIST { continue }
                    throw error
                }
            }
            if target.kind == .folder { throw SystemError(EISDIR, "rename", publication.key) }
            // Looked at before as well: in most conflicts nothing then moves at all.
            guard try isKnown(target, known, publication.key) else {
                throw SystemError(EBUSY, Self.conflictMark, publication.key)
            }
            do throws(SystemError) {
                try files.rename(publication.staged, to: publication.key, .exchange)
            } catch {
                if error.errno == ENOENT { continue }
                throw error
            }
            CrashPoint.hit(.publishExchanged)
            return try verifyDisplaced(publication, known, try files.status(publication.staged))
        }
        throw SystemError(EBUSY, Self.conflictMark, publication.key)
    }

    /// After an exchange: what came out must be the version the journal knows; anything else is a user's newer file and
    /// goes back.
    private func verifyDisplaced(
        _ publication: Publication, _ known: ObjectVersion?, _ displaced: FileStatus
    ) throws(SystemError) {
        if try isKnown(displaced, known, publication.staged) { return }
        if let target = try existing(publication.key), publication.isOurs(target.stamp) {
            publications.noteRestored(key: publication.key, displaced.stamp)
            try putBack(publication, displaced, for: publication.stamp)
        } else {
            // Ours is gone again; the user's file goes back unless an even newer one is there, which then stands.
            try returnFile(publication)
        }
        CrashPoint.hit(.publishPutBack)
        try files.syncFolder(ObjectKey.folder(of: publication.key))
        try files.syncFolder(ObjectKey.folder(of: publication.staged))
        throw SystemError(EBUSY, Self.conflictMark, publication.key)
    }

    /// Whether the file at `path` is the known version and nobody is writing to it. A rename changes ctime, so content
    /// is compared by inode, size, mtime and the sampled hash.
    private func isKnown(_ found: FileStatus, _ known: ObjectVersion?, _ path: String) throws(SystemError) -> Bool {
        guard let known, found.kind == .regular, found.stamp.inode == known.stamp.inode,
            found.stamp.size == known.stamp.size
        else { return false }
        if try hasWriter(path) { return false }
        if known.sample == 0 { return found.stamp.modified == known.stamp.modified }
        return try files.sample(path) == known.sample
    }

    private func delete(_ publication: Publication, _ known: ObjectVersion) throws(SystemError) {
        if let moved = try existing(publication.staged) {
            // Done by an earlier try, perhaps not yet looked at.
            if try existing(publication.key)?.stamp.inode == moved.stamp.inode {
                // Both names, after a power loss between two folders.
                try files.removeFile(publication.key)
            }
            try verifyDeleted(publication, known, moved)
        } else if let target = try existing(publication.key) {
            guard try isKnown(target, known, publication.key) else {
                throw SystemError(EBUSY, Self.conflictMark, publication.key)
            }
            if let attempt = StagingAttempt(
                folderName: ObjectKey.name(of: ObjectKey.folder(of: publication.staged)))
            {
                try makeAttemptFolder(attempt)
            }
            do throws(SystemError) {
                try files.rename(publication.key, to: publication.staged, .noReplace)
            } catch {
                // Gone by itself: what was wanted.
                if error.errno != ENOENT { throw error }
                return
            }
            CrashPoint.hit(.publishDeleted)
            try verifyDeleted(publication, known, try files.status(publication.staged))
        } else {
            return
        }
        // Staging first: until the outcome is settled the old version must be there to be put back.
        try files.syncFolder(ObjectKey.folder(of: publication.staged))
        try files.syncFolder(Self.ownFolder)
        try files.syncFolder(ObjectKey.folder(of: publication.key))
        CrashPoint.hit(.publishFolderSynced)
    }

    private func verifyDeleted(
        _ publication: Publication, _ known: ObjectVersion, _ moved: FileStatus
    ) throws(SystemError) {
        if try isKnown(moved, known, publication.staged) { return }
        publications.noteRestored(key: publication.key, moved.stamp)
        try returnFile(publication)
        CrashPoint.hit(.publishPutBack)
        throw SystemError(EBUSY, Self.conflictMark, publication.key)
    }

    /// The version to be put into the index: the published one, with the ctime that the rename gave it.
    private func sighting(of publication: Publication) throws(SystemError) -> ObjectSighting {
        var stamp = ObjectStamp(
            device: publication.device, inode: publication.inode, size: publication.size,
            modified: publication.modified, changed: 0)
        if let found = try existing(publication.key), publication.isOurs(found.stamp) { stamp = found.stamp }
        return ObjectSighting(bucket: name, key: publication.key, stamp: stamp, sample: publication.sample)
    }

    func existing(_ path: String) throws(SystemError) -> FileStatus? {
        do throws(SystemError) {
            return try files.status(path)
        } catch {
            // A file in the place of a folder is not "nothing there": `makeParents` says so.
            if error.isMissing { return nil }
            throw error
        }
    }

    static let conflictMark = "conflict"
    static let vanishedMark = "vanished"
}

import Glibc
import Synchronization

extension Bucket {
    /// Takes a publication back, after one of the same invocation failed for good: what is still ours goes back to
    /// staging, what it replaced or deleted goes back under its key. Harmless for one that was never made. What a user
    /// has changed since stays as it is.
    ///
    /// Undo in the reverse order of publishing. Afterwards the staged files are as they were sealed, so the publication
    /// can be tried again (the redrive of a `PublishFailed`), or discarded.
    package func undo(_ publication: Publication) throws(ObjectStoreError) {
        let given = publication
        do throws(SystemError) {
            let publication = try restored(given)
            let staged = try existing(publication.staged)
            let target = try existing(publication.key)
            switch publication.kind {
            case .delete:
                guard let staged, target == nil else { return }
                publications.noteRestored(key: publication.key, staged.stamp)
                try files.rename(publication.staged, to: publication.key, .noReplace)
            case .create, .replace:
                guard let target, publication.isOurs(target.stamp) else {
                    // Where nothing was made there may be no folders to sync.
                    guard try returnTaken(publication, staged, target) else { return }
                    break
                }
                if let staged, publication.isOurs(staged.stamp) {
                    // Both names, after a power loss between two folders.
                    try files.removeFile(publication.key)
                } else if let staged {
                    publications.noteRestored(key: publication.key, staged.stamp)
                    try putBack(publication, staged, for: publication.stamp)
                } else {
                    try takeAway(publication)
                }
            }
            CrashPoint.hit(.undoRenamed)
            // Where the sealed file now is comes first: it must not be lost.
            let folders = [ObjectKey.folder(of: publication.staged), ObjectKey.folder(of: publication.key)]
            for folder in publication.isDeletion ? folders.reversed() : folders { try files.syncFolder(folder) }
            CrashPoint.hit(.undoFolderSynced)
        } catch {
            throw failure(error, doing: "take back \(name)/\(publication.key)", key: publication.key)
        }
    }

    /// Exchanges the staged file `former` for what is under the key, which should be the file with the stamps `wanted`
    /// (the inode alone says little: the next file may get the number of one that is gone). Whatever else comes out was
    /// put there by a user since the look, and goes back.
    func putBack(_ publication: Publication, _ former: FileStatus, for wanted: ObjectStamp) throws(SystemError) {
        var placed = former.stamp
        try files.rename(publication.staged, to: publication.key, .exchange)
        var out = try files.status(publication.staged)
        if out.stamp.isSameContentByStamp(as: wanted) { return }
        // Each time something newer still may have come.
        for _ in 0..<100 {
            publications.noteRestored(key: publication.key, out.stamp)
            do throws(SystemError) {
                try files.rename(publication.staged, to: publication.key, .exchange)
            } catch {
                guard error.errno == ENOENT else { throw error }
                return try returnFile(publication)
            }
            let next = try files.status(publication.staged)
            if next.stamp.isSameContentByStamp(as: placed) { return }
            placed = out.stamp
            out = next
        }
        throw SystemError(EBUSY, Self.conflictMark, publication.key)
    }

    /// Takes a created object back into staging, unless it is a user's by now.
    private func takeAway(_ publication: Publication) throws(SystemError) {
        do throws(SystemError) {
            try files.rename(publication.key, to: publication.staged, .noReplace)
        } catch {
            // Gone meanwhile: nothing is ours any more. Unless it is the place in staging that is gone.
            guard error.isMissing else { throw error }
            if let now = try existing(publication.key), publication.isOurs(now.stamp) { throw error }
            return
        }
        let taken = try files.status(publication.staged)
        if publication.isOurs(taken.stamp) { return }
        publications.noteRestored(key: publication.key, taken.stamp)
        try returnFile(publication)
    }

    /// A user's file that an earlier try took away by mistake, and was cut off before it put it back. False: there is
    /// none.
    private func returnTaken(
        _ publication: Publication, _ staged: FileStatus?, _ target: FileStatus?
    ) throws(SystemError) -> Bool {
        guard let staged, !publication.isOurs(staged.stamp) else { return false }
        switch publication.kind {
        case .create, .replace(nil): try returnFile(publication)
        case .replace(let known?):
            // What it replaced is there by right.
            if try isCopy(staged, publication.staged, of: known) { return false }
            if let target {
                // Anything but what it replaced is newer still.
                guard try isCopy(target, publication.key, of: known) else { return false }
                publications.noteRestored(key: publication.key, staged.stamp)
                try putBack(publication, staged, for: target.stamp)
            } else {
                try returnFile(publication)
            }
        case .delete: return false
        }
        return true
    }

    /// Gives a user's file in staging its key again; an even newer one there stands.
    func returnFile(_ publication: Publication) throws(SystemError) {
        // Its folder may be gone meanwhile.
        for isRetried in [false, true] {
            do throws(SystemError) {
                return try files.rename(publication.staged, to: publication.key, .noReplace)
            } catch {
                if error.errno == EEXIST { return }
                guard error.isMissing, !isRetried else { throw error }
                try makeParents(of: publication.key)
            }
        }
    }

    /// Makes the folders of `key` that are missing, and all of them durable.
    func makeParents(of key: String) throws(SystemError) {
        let parts = ObjectKey.folder(of: key).utf8.split(separator: UInt8(ascii: "/"))
        var path = ""
        for part in parts {
            let above = path
            path = path.isEmpty ? String(Substring(part)) : "\(path)/\(Substring(part))"
            var made = false
            if try existing(path) == nil {
                do throws(SystemError) {
                    try files.makeFolder(path, mode: folderMode)
                    made = true
                    CrashPoint.hit(.publishParentMade)
                } catch {
                    if error.errno != EEXIST { throw error }
                }
            }
            let found = try files.status(path)
            if found.kind != .folder { throw SystemError(ENOTDIR, Self.notFolderMark, path) }
            // One that was there may have been made by a try that did not come to its fsync.
            let name = ByteKey(path)
            if !made, state.withLock({ $0.durableFolders[name] }) == found.stamp.inode { continue }
            try files.syncFolder(above)
            CrashPoint.hit(.publishParentSynced)
            state.withLock { state in
                if state.durableFolders.count > 100_000 { state.durableFolders = [:] }
                state.durableFolders[name] = found.stamp.inode
            }
        }
    }

    /// The destination folder of a rename.
    func syncFolder(_ folder: String) throws(SystemError) {
        do throws(SystemError) {
            try files.syncFolder(folder)
        } catch {
            // Taken away by a user meanwhile, with what was in it: nothing is left to be made durable.
            if !error.isMissing { throw error }
        }
    }

    static let notFolderMark = "a file is in the place of a folder"

    /// The error of a publication, and whether another try can help.
    func publishFailure(_ error: SystemError, _ publication: Publication) -> ObjectStoreError {
        let place = "\(name)/\(publication.key)"
        func make(_ code: ObjectStoreError.Code, _ message: String, permanent: Bool? = nil) -> ObjectStoreError {
            ObjectStoreError(
                code, message, bucket: name, key: publication.key, path: error.path, errno: error.errno,
                permanent: permanent, cause: error)
        }
        switch error.call {
        case Self.conflictMark:
            return make(
                .conflict,
                "\(place) holds a version that the journal does not know, or somebody is writing to it; it "
                    + "was left as it is. Handle the newer version first, then redrive")
        case Self.vanishedMark:
            return make(
                .publishFailed,
                "the staged file for \(place) is gone and the object is not there: somebody removed it "
                    + "from \(Self.ownFolder)")
        case Self.notFolderMark:
            return make(.publishFailed, "cannot publish \(place): \(error.path) is a file where a folder is needed")
        case "fsync" where error.errno != ENOSPC && error.errno != EDQUOT:
            return make(.syncFailed, "the disk did not take the folder of \(place): \(error.reason)")
        default: break
        }
        switch error.errno {
        case EEXIST:
            if (try? files.status(publication.key))?.kind == .folder {
                return make(.publishFailed, "cannot publish \(place): a folder has that name")
            }
            return make(.keyExists, "\(place) exists; pass overwrite to replace it")
        case EISDIR: return make(.publishFailed, "cannot publish \(place): a folder has that name")
        case ENOTDIR, ELOOP, ENAMETOOLONG, EXDEV, EINVAL, EMLINK:
            return make(.publishFailed, "cannot publish \(place): \(error.call): \(error.reason)")
        case ENOENT:
            // A folder was removed between two steps; the next try makes it again.
            return make(.inputOutput, "cannot publish \(place): \(error.call): \(error.reason)")
        default:
            var failed = failure(error, doing: "publish \(place)", key: publication.key)
            if failed.code == .noSuchKey || failed.code == .invalidKey { failed.code = .publishFailed }
            return failed
        }
    }
}

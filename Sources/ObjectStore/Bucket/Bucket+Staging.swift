import Glibc
import Synchronization

extension Bucket {
    /// Makes an empty staged file for `attempt`, open for reading and writing; the descriptor is the caller's to close,
    /// and must be closed before `seal`.
    ///
    /// Throws `StagingQuotaExceeded` when the attempt's files here already hold `quota` bytes.
    package func createStage(
        _ attempt: StagingAttempt, quota: Int64? = nil
    ) throws(ObjectStoreError) -> (file: StagedFile, descriptor: Int32) {
        try requireWritable()
        if let quota {
            let used = stagedBytes(attempt)
            if used >= quota { throw quotaExceeded(attempt, used: used, quota: quota) }
        }
        do throws(SystemError) {
            try makeAttemptFolder(attempt)
            while true {
                let index = nextStage(of: attempt)
                let path = "\(attempt.folder)/\(index)"
                do throws(SystemError) {
                    let descriptor = try files.createFile(path, mode: 0o600)
                    let inode = try files.status(path).stamp.inode
                    CrashPoint.hit(.stageCreated)
                    return (StagedFile(bucket: name, attempt: attempt, index: index, inode: inode), descriptor)
                } catch {
                    // A copy of the same attempt that failed meanwhile took the folder away.
                    if error.errno == ENOENT {
                        try makeAttemptFolder(attempt)
                    } else if error.errno != EEXIST {
                        throw error
                    }
                }
            }
        } catch {
            throw failure(error, doing: "stage a file in bucket \(name)")
        }
    }

    /// Stages a copy of what `source` has open for reading; blocks are shared where the file system can. Throws
    /// `ObjectChanged` when the source changed while it was read.
    package func stageCopy(
        _ attempt: StagingAttempt, from source: Int32, quota: Int64? = nil
    ) throws(ObjectStoreError) -> StagedFile {
        let (file, descriptor) = try createStage(attempt, quota: quota)
        let target = Descriptor(descriptor)
        var failed: ObjectStoreError
        do throws(SystemError) {
            let before = try Self.status(of: source, file.path)
            // A sparse file may be as long as numbers go.
            let (used, isOverflow) = stagedBytes(attempt).addingReportingOverflow(before.size)
            if let quota, isOverflow || used > quota {
                failed = quotaExceeded(attempt, used: isOverflow ? .max : used, quota: quota)
            } else {
                _ = try FileCopy.copy(from: source, to: target.number, size: before.size, path: file.path)
                let after = try Self.status(of: source, file.path)
                if before.size == after.size, before.modified == after.modified {
                    CrashPoint.hit(.stageCopied)
                    return file
                }
                failed = ObjectStoreError(
                    .objectChanged, "the object changed while it was copied", bucket: name, path: file.path)
            }
        } catch {
            failed = failure(error, doing: "copy an object into staging of bucket \(name)")
        }
        try? files.removeFile(file.path)
        // Nobody hears of this stage, so nobody would discard it; with other files in it the folder stays.
        try? files.removeFolder(attempt.folder)
        throw failed
    }

    /// Removes one staged file that will not be published.
    package func discardStage(_ file: StagedFile) {
        try? files.removeFile(file.path)
    }

    /// Completes staged files: each must be the regular file that was made, under one name and with no writer; then
    /// content and names are made durable. What comes back is what commit 1 records.
    ///
    /// Throws `StageInvalid` (what is wrong with which file), `StagingQuotaExceeded`, `NoSpace`, and `SyncFailed`: a
    /// failed fsync is never repeated, the attempt has failed.
    package func seal(_ staged: [StagedFile], quota: Int64? = nil) throws(ObjectStoreError) -> [SealedFile] {
        if staged.isEmpty { return [] }
        var sealed: [SealedFile] = []
        do throws(SystemError) {
            _ = try measure(staged, quota: quota)
            for file in staged {
                try files.setMode(file.path, publishedMode)
                try files.syncFile(file.path)
                CrashPoint.hit(.sealFileSynced)
                let stamp = try files.status(file.path).stamp
                sealed.append(
                    SealedFile(
                        file: file, device: stamp.device, size: stamp.size, modified: stamp.modified,
                        sample: try files.sample(file.path)))
            }
            for attempt in Set(staged.map(\.attempt)) { try files.syncFolder(attempt.folder) }
            try files.syncFolder(Self.ownFolder)
            CrashPoint.hit(.sealFolderSynced)
            return sealed
        } catch {
            throw sealFailure(error)
        }
    }

    /// The bytes of staged files that may be published together, looked at as `seal` does.
    package func size(ofStaged staged: [StagedFile], quota: Int64) throws(ObjectStoreError) -> Int64 {
        do throws(SystemError) {
            return try measure(staged, quota: quota)
        } catch {
            throw sealFailure(error)
        }
    }

    private func measure(_ staged: [StagedFile], quota: Int64?) throws(SystemError) -> Int64 {
        var used: Int64 = 0
        for file in staged { used += try check(file) }
        if let quota, used > quota, let attempt = staged.first?.attempt {
            throw SystemError(EDQUOT, Self.quotaMark + "\(used) of \(quota)", "\(attempt)")
        }
        return used
    }

    private func sealFailure(_ error: SystemError) -> ObjectStoreError {
        if error.call.hasPrefix(Self.quotaMark) {
            return ObjectStoreError(
                .stagingQuota,
                "the attempt staged more than it may (\(error.call.dropFirst(Self.quotaMark.count)) bytes); raise "
                    + "stagingSize in function.yaml and redrive",
                bucket: name, path: error.path, errno: EDQUOT)
        }
        if error.call.hasPrefix(Self.flawMark) {
            return ObjectStoreError(
                .stageInvalid, "a staged file cannot be published: \(error.call.dropFirst(Self.flawMark.count))",
                bucket: name, path: error.path, errno: error.errno)
        }
        if error.call == "fsync", error.errno != ENOSPC, error.errno != EDQUOT {
            return ObjectStoreError(
                .syncFailed, "the disk did not take a staged file: \(error.reason)", bucket: name, path: error.path,
                errno: error.errno, cause: error)
        }
        return failure(error, doing: "complete the staged files of bucket \(name)")
    }

    /// The file's size, if nothing speaks against publishing it.
    private func check(_ file: StagedFile) throws(SystemError) -> Int64 {
        let status = try files.status(file.path)
        if status.kind != .regular || status.stamp.inode != file.inode {
            throw SystemError(EINVAL, Self.flawMark + "it is not the file that was made for it", file.path)
        }
        if status.links != 1 {
            throw SystemError(EMLINK, Self.flawMark + "it has another name, by which it could change", file.path)
        }
        if try hasWriter(file.path) {
            throw SystemError(
                EBUSY, Self.flawMark + "it is still open for writing; close it before you put it", file.path)
        }
        return status.stamp.size
    }

    /// Whether somebody has the file open for writing, and keeps it so for a tenth of a second: a process that was
    /// forked anywhere holds copies of all descriptors until its exec closes them, and means nothing by it.
    func hasWriter(_ path: String) throws(SystemError) -> Bool {
        var left = linuxFiles == nil ? 0 : 50
        while try files.writers(path) == .open {
            if left == 0 { return true }
            left -= 1
            usleep(2000)
        }
        return false
    }

    // What `check` found wrong travels as a `SystemError` whose call begins with one of these.
    private static let flawMark = "flaw: "
    private static let quotaMark = "quota: "

    func makeAttemptFolder(_ attempt: StagingAttempt) throws(SystemError) {
        do throws(SystemError) {
            try files.makeFolder(attempt.folder, mode: 0o700)
        } catch {
            if error.errno == EEXIST { return }
            guard error.errno == ENOENT else { throw error }
            // Somebody removed `.sluice`, or this is the first write ever.
            try makeOwnFolder()
            try files.makeFolder(attempt.folder, mode: 0o700)
        }
    }

    func nextStage(of attempt: StagingAttempt) -> Int { stages.next(of: attempt) }

    /// Bytes in the attempt's staging folder.
    package func stagedBytes(_ attempt: StagingAttempt) -> Int64 {
        ((try? files.names(in: attempt.folder)) ?? []).reduce(0) { sum, name in
            let (total, isOverflow) = sum.addingReportingOverflow(
                (try? files.status("\(attempt.folder)/\(name)"))?.stamp.size ?? 0)
            return isOverflow ? .max : total
        }
    }

    private func quotaExceeded(_ attempt: StagingAttempt, used: Int64, quota: Int64) -> ObjectStoreError {
        ObjectStoreError(
            .stagingQuota,
            "the attempt would stage \(used) bytes and may stage \(quota) here; raise stagingSize in function.yaml and "
                + "redrive", bucket: name,
            path: attempt.folder, errno: EDQUOT)
    }

    static func status(of descriptor: Int32, _ path: String) throws(SystemError) -> ObjectStamp {
        var raw = Glibc.stat()
        if fstat(descriptor, &raw) != 0 { throw .last("stat", path) }
        return FileStatus(raw).stamp
    }
}

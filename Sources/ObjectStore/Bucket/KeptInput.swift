import CLinux
import Glibc

/// The file of a dead letter, kept so that a redrive finds it whatever becomes of the object.
package struct KeptInput: Codable, Sendable, Hashable {
    /// How the bytes are kept.
    package enum Kind: String, Codable, Sendable {
        /// Shares the object's blocks until one of the two changes.
        case reflink
        case copy
        /// The object itself under another name: it survives deletion and replacement, not rewriting in place.
        case hardLink
    }

    package var bucket: String
    /// The object's key.
    package var key: String
    /// Name below `Bucket.keptFolder`; what `cleanKept` takes.
    package var id: String
    package var kind: Kind
    package var size: Int64
    /// Of the object when it was kept.
    package var original: ObjectStamp

    package var path: String { "\(Bucket.keptFolder)/\(id)" }
}

extension Bucket {
    /// Keeps the object's content as the version `version`: by reflink where the file system can, else as a copy if it
    /// has at most `copyLimit` bytes and there is room, else as a hard link. Durable when it returns.
    ///
    /// `id` names it and must be unique in the bucket (`<boot>-<n>-<i>`); an earlier one of the same name is replaced.
    /// Throws as `open(_:expecting:)` does when the version is gone, and `AccessDenied` or `InputOutput` when nothing
    /// of the three is possible.
    package func keepInput(
        _ key: String, version: ObjectVersion, id: String, copyLimit: Int64 = 64 << 20
    ) throws(ObjectStoreError) -> KeptInput {
        let opened = try open(key, expecting: version)
        let source = Descriptor(opened.descriptor)
        try requireWritable()
        do throws(SystemError) {
            for folder in [Self.ownFolder, Self.keptFolder] {
                do throws(SystemError) {
                    try files.makeFolder(folder, mode: 0o700)
                } catch {
                    if error.errno != EEXIST { throw error }
                }
            }
            try files.syncFolder(Self.ownFolder)
            var kept = KeptInput(
                bucket: name, key: key, id: id, kind: .hardLink, size: opened.stamp.size, original: opened.stamp)
            try? files.removeFile(kept.path)
            if let means = try keepCopy(source.number, kept, copyLimit) {
                kept.kind = means
            } else {
                guard let linuxFiles else { throw SystemError(EOPNOTSUPP, "link", kept.path) }
                try linuxFiles.link(source.number, to: kept.path)
            }
            try files.syncFolder(Self.keptFolder)
            CrashPoint.hit(.keepSynced)
            let after = try source.status(key).stamp
            if after.size != opened.stamp.size || after.modified != opened.stamp.modified {
                try? files.removeFile(kept.path)
                throw SystemError(ESTALE, "keep", key)
            }
            return kept
        } catch {
            if error.errno == ESTALE {
                throw ObjectStoreError(
                    .objectChanged, "the object \(name)/\(key) changed while it was kept", bucket: name, key: key,
                    cause: error)
            }
            throw failure(error, doing: "keep the object \(name)/\(key) for its dead letter", key: key)
        }
    }

    /// nil: only a hard link will do.
    private func keepCopy(
        _ source: Int32, _ kept: KeptInput, _ copyLimit: Int64
    ) throws(SystemError) -> KeptInput.Kind? {
        let target = Descriptor(try files.createFile(kept.path, mode: 0o600))
        do throws(SystemError) {
            let means = try FileCopy.copy(
                from: source, to: target.number, size: kept.size, path: kept.path, reflinkOnly: kept.size > copyLimit)
            CrashPoint.hit(.keepCopied)
            if fsync(target.number) != 0 { throw .last("fsync", kept.path) }
            return means == .reflink ? .reflink : .copy
        } catch {
            // Too large, no room, or a failing disk: a name costs nothing.
            try? files.removeFile(kept.path)
            return nil
        }
    }

    /// Opens a kept input for a redrive. `ObjectChanged` when it was kept as a hard link and the object was rewritten
    /// in place since; `NoSuchKey` when somebody removed it.
    package func openKept(_ kept: KeptInput) throws(ObjectStoreError) -> OpenedObject {
        do throws(SystemError) {
            let file = Descriptor(try files.openFile(kept.path))
            let stamp = try file.status(kept.path).stamp
            // Its inode is another one where the bucket was restored from a copy.
            let intact = kept.kind == .hardLink ? stamp.isCopy(of: kept.original) : stamp.size == kept.size
            guard intact else {
                throw SystemError(ESTALE, "open", kept.path)
            }
            return OpenedObject(descriptor: file.release(), stamp: stamp)
        } catch {
            if error.errno == ESTALE {
                throw ObjectStoreError(
                    .objectChanged, "the input kept for \(name)/\(kept.key) was rewritten since (it is a hard link)",
                    bucket: name, key: kept.key, path: kept.path, cause: error)
            }
            throw failure(error, doing: "open the input kept for \(name)/\(kept.key)", key: kept.key)
        }
    }

    /// Lets a kept input go: its dead letter succeeded or was purged.
    package func releaseKept(_ kept: KeptInput) {
        try? files.removeFile(kept.path)
        CrashPoint.hit(.keepReleased)
    }
}

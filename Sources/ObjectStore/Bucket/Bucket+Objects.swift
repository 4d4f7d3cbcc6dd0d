import Glibc

/// An object opened for reading. `descriptor` is the receiver's to close.
package struct OpenedObject: Sendable {
    package var descriptor: Int32
    package var stamp: ObjectStamp
}

/// An object of a page.
package struct ListedObject: Sendable, Hashable {
    package var key: String
    package var stamp: ObjectStamp
}

/// One page of a listing; `next` is passed as `after` for the following one, nil at the end.
package struct ObjectPage: Sendable {
    package var objects: [ListedObject]
    package var next: String?
}

extension Bucket {
    /// Opens an object for reading, beneath the bucket and through no symbolic link. Never map the descriptor: a
    /// truncation by its owner is SIGBUS.
    ///
    /// Throws `NoSuchKey`, `AccessDenied`, `NotRegular`, `InvalidKey`.
    package func open(_ key: String) throws(ObjectStoreError) -> OpenedObject {
        try ObjectKey.validate(key, bucket: name)
        do throws(SystemError) {
            let file = Descriptor(try files.openFile(key))
            let stamp = try file.status(key).stamp
            return OpenedObject(descriptor: file.release(), stamp: stamp)
        } catch {
            if error.errno == ENOENT { throw missing(key, error) }
            throw failure(error, doing: "open the object \(name)/\(key)", key: key)
        }
    }

    /// Opens an object if it is still that version; `ObjectChanged` when it is another. A version whose metadata alone
    /// changed since (chmod, touched times) counts as the same when its sampled hash is.
    package func open(_ key: String, expecting version: ObjectVersion) throws(ObjectStoreError) -> OpenedObject {
        let opened = try open(key)
        do throws(ObjectStoreError) {
            try confirm(opened.descriptor, opened.stamp, is: version, key: key)
            return opened
        } catch {
            close(opened.descriptor)
            throw error
        }
    }

    /// Throws unless `key` still is that version (`ObjectChanged`, or what `open` throws): the read set's comparison.
    package func confirm(_ key: String, is version: ObjectVersion) throws(ObjectStoreError) {
        let found = try stat(key)
        if found.isSameVersion(as: version.stamp) { return }
        close(try open(key, expecting: version).descriptor)
    }

    private func confirm(
        _ descriptor: Int32, _ stamp: ObjectStamp, is version: ObjectVersion, key: String
    ) throws(ObjectStoreError) {
        if stamp.isSameVersion(as: version.stamp) { return }
        if stamp.inode == version.stamp.inode, stamp.size == version.stamp.size, version.sample != 0,
            (try? SampledHash.hash(descriptor, size: stamp.size, path: key)) == version.sample
        {
            return
        }
        throw ObjectStoreError(
            .objectChanged,
            "the object \(name)/\(key) was replaced or rewritten since (it now has \(stamp.size) bytes)",
            bucket: name, key: key)
    }

    /// The stamps of an object. Throws as `open` does, but needs no permission to read it.
    package func stat(_ key: String) throws(ObjectStoreError) -> ObjectStamp {
        try ObjectKey.validate(key, bucket: name)
        do throws(SystemError) {
            let found = try files.status(key)
            guard found.kind == .regular else {
                throw SystemError(found.kind == .symbolicLink ? ELOOP : EISDIR, "stat", key)
            }
            return found.stamp
        } catch {
            if error.errno == ENOENT { throw missing(key, error) }
            throw failure(error, doing: "look at the object \(name)/\(key)", key: key)
        }
    }

    private func missing(_ key: String, _ error: SystemError) -> ObjectStoreError {
        ObjectStoreError(
            .noSuchKey, "there is no object \(name)/\(key)", bucket: name, key: key, path: error.path,
            errno: error.errno, cause: error)
    }

    /// The version of an object as it is now, its sampled hash included (0 if it may not be read).
    package func version(_ key: String) throws(ObjectStoreError) -> ObjectVersion {
        let stamp = try stat(key)
        return ObjectVersion(stamp: stamp, sample: (try? files.sample(key)) ?? 0)
    }

    /// Up to `limit` objects whose keys begin with `prefix` and follow `after`, in the order of the keys' bytes.
    package func list(prefix: String = "", after: String? = nil, limit: Int = 1000) throws(ObjectStoreError)
        -> ObjectPage
    {
        do throws(SystemError) {
            let walk = try TreeWalk(bucket: self, prefix: prefix, after: after)
            var objects: [ListedObject] = []
            while let found = try walk.next() {
                if objects.count == limit {
                    return ObjectPage(objects: objects, next: objects.last?.key)
                }
                objects.append(found)
            }
            return ObjectPage(objects: objects, next: nil)
        } catch {
            throw failure(error, doing: "list bucket \(name)")
        }
    }
}

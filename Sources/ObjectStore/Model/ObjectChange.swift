/// Something happened to a key: what the watcher reports and the journal makes events and index rows of.
package enum ObjectChange: Sendable, Hashable {
    /// A complete new version: an event `Object Created` and its index row.
    case created(ObjectSighting)
    /// The key the journal knew is gone: an event `Object Deleted`; the index row goes.
    case deleted(KnownObject)
    /// A file that was there before the bucket was known and is not to be announced: an index row, no event.
    case adopted(ObjectSighting)
    /// The known version's stamps moved without its content (chmod, a new hard link, `shutil.copy2` setting times after
    /// it wrote; the whole bucket was restored from a copy): the index row gets the new stamp and sample, and keeps
    /// etag, sequencer and event. No event.
    case refreshed(KnownObject)

    /// It is told of by an event.
    var makesEvent: Bool {
        switch self {
        case .created, .deleted: true
        case .adopted, .refreshed: false
        }
    }

    package var key: String {
        switch self {
        case .created(let sighting), .adopted(let sighting): sighting.key
        case .deleted(let known), .refreshed(let known): known.key
        }
    }
}

/// A version of an object as it was found.
package struct ObjectSighting: Sendable, Hashable {
    package var bucket: String
    package var key: String
    package var stamp: ObjectStamp
    /// Sampled content hash; 0 when the host may not read the file.
    package var sample: UInt64
    package var etag: String

    package init(bucket: String, key: String, stamp: ObjectStamp, sample: UInt64) {
        self.bucket = bucket
        self.key = key
        self.stamp = stamp
        self.sample = sample
        etag = stamp.etag
    }
}

/// The journal's object index, as the watcher reads it. Both calls block and are made on the watcher's threads; they
/// see everything that a `ChangeSink.commit` that has returned wrote.
package protocol ObjectIndexReading: Sendable {
    /// The known version of a key.
    func known(bucket: String, key: String) throws -> KnownObject?
    /// Up to `limit` known versions whose keys follow `after`, in the order of the keys' bytes.
    func page(bucket: String, after: String, limit: Int) throws -> [KnownObject]
}

/// Where the watcher's changes go.
package protocol ChangeSink: Sendable {
    /// Makes the events and the index rows of `changes` durable, together, and returns then. It blocks; the batch is
    /// what came up while the previous call ran (at most some 500), in order, at most one change a key.
    ///
    /// When it throws, nothing was written; the watcher looks at the same keys again after a pause, and calls with what
    /// it finds then.
    func commit(_ changes: [ObjectChange]) throws
}

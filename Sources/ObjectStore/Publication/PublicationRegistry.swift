import Synchronization

/// A bucket's publications between their rename and the commit that makes events and index rows of them. The watcher
/// asks here, so that the host's own outputs are announced by that commit and by nothing else.
///
/// `Bucket.publish` enters a publication before it renames. The committer takes it out, after the commit is durable:
/// from then on the index knows it.
package final class PublicationRegistry: Sendable {
    /// What a sighting of a key means.
    enum Match: Sendable {
        /// No publication touches this key: compare with the index.
        case none
        /// It is the published file, as it was published: nothing to report.
        case ours
        /// A publication of this key is under way, and something else is there: ask again when it is settled.
        case busy
    }

    private struct Identity: Hashable {
        var inode: UInt64
        var size: Int64
        var modified: Int64
    }

    private struct Entry {
        var publication: Publication
        /// With the inode that its file has.
        var found: Publication
    }

    private struct State {
        var pending: [ByteKey: [Entry]] = [:]
        var restored: [ByteKey: Identity] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Idempotent.
    package func add(_ publication: Publication) {
        state.withLock { state in
            let key = ByteKey(publication.key)
            if state.pending[key]?.contains(where: { $0.publication == publication }) == true { return }
            state.pending[key, default: []].append(Entry(publication: publication, found: publication))
        }
    }

    /// What a publication that is entered looks like on the disk, where that is not as it was written down.
    func add(_ publication: Publication, as found: Publication) {
        state.withLock { state in
            let key = ByteKey(publication.key)
            guard let index = state.pending[key]?.firstIndex(where: { $0.publication == publication }) else { return }
            state.pending[key]?[index].found = found
        }
    }

    /// To be called once commit 2 is durable, or the publications are undone for good.
    package func remove(_ publications: [Publication]) {
        state.withLock { state in
            for publication in publications {
                let key = ByteKey(publication.key)
                guard var left = state.pending[key] else { continue }
                left.removeAll { $0.publication == publication }
                state.pending[key] = left.isEmpty ? nil : left
            }
        }
    }

    /// How many publications are under way.
    package var count: Int { state.withLock { $0.pending.values.reduce(0) { $0 + $1.count } } }

    /// `stamp` is nil when the key is gone. Ask before reading the index: a publication leaves here only after its
    /// index row is there.
    func match(key: String, stamp: ObjectStamp?) -> Match {
        state.withLock { state in
            guard let pending = state.pending[ByteKey(key)] else { return .none }
            if let stamp, pending.contains(where: { !$0.found.isDeletion && $0.found.isOurs(stamp) }) { return .ours }
            return .busy
        }
    }

    /// Notes that an object was moved away and back unharmed: its rename will show, and is no new version.
    func noteRestored(key: String, _ stamp: ObjectStamp) {
        state.withLock {
            $0.restored[ByteKey(key)] = Identity(inode: stamp.inode, size: stamp.size, modified: stamp.modified)
        }
    }

    /// Whether `noteRestored` was called for this; answers true once.
    func takeRestored(key: String, _ stamp: ObjectStamp) -> Bool {
        state.withLock { state in
            guard
                state.restored[ByteKey(key)]
                    == Identity(inode: stamp.inode, size: stamp.size, modified: stamp.modified)
            else { return false }
            state.restored[ByteKey(key)] = nil
            return true
        }
    }
}

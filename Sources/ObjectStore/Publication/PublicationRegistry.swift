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

    struct Identity: Hashable {
        var inode: UInt64
        var size: Int64
        var modified: Int64

        init(_ stamp: ObjectStamp) {
            inode = stamp.inode
            size = stamp.size
            modified = stamp.modified
        }
    }

    struct Entry {
        var publication: Publication
        /// With the inode that its file has.
        var found: Publication
        /// The watcher has met it because of its rename.
        var hasArrived = false
    }

    struct State {
        var pending: [ByteKey: [Entry]] = [:]
        /// Files that the host itself moved to their keys, of each key the newest few: when their rename shows, it is
        /// no new version.
        var moved: [ByteKey: [Identity]] = [:]
        /// Those of them whose rename was reported before the watcher last emptied the kernel's queue.
        var movedBefore: [ByteKey: [Identity]] = [:]
        /// The keys whose publications were settled since the watcher's looks began; nil: it does not look.
        var settled: Set<ByteKey>?
        /// What the watcher is just committing changes of.
        var announced: Set<ByteKey> = []
    }

    let state = Mutex(State())
    /// Held while the watcher commits.
    private let announcing = Mutex(())

    package init() {}

    /// Idempotent. Waits while the watcher commits a change of the key, which is older than what is published then.
    package func add(_ publication: Publication) {
        let key = ByteKey(publication.key)
        while true {
            let isAdded = state.withLock { state in
                if state.pending[key]?.contains(where: { $0.publication == publication }) == true { return true }
                if state.announced.contains(key) { return false }
                state.pending[key, default: []].append(Entry(publication: publication, found: publication))
                return true
            }
            if isAdded { return }
            announcing.withLock { _ in }
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
                state.settled?.insert(key)
                guard var left = state.pending[key] else { continue }
                // Its rename is still to be read, and whoever reads it may find newer metadata.
                for entry in left where entry.publication == publication && !entry.hasArrived {
                    if !publication.isDeletion { state.note(key, Identity(entry.found.stamp)) }
                }
                left.removeAll { $0.publication == publication }
                state.pending[key] = left.isEmpty ? nil : left
            }
        }
    }

    /// How many publications are under way.
    package var count: Int { state.withLock { $0.pending.values.reduce(0) { $0 + $1.count } } }

    /// `stamp` is nil when the key is gone; `isArrival`: a rename to the key was reported. Ask before reading the
    /// index: a publication leaves here only after its index row is there.
    func match(key: String, stamp: ObjectStamp?, isArrival: Bool = false) -> Match {
        state.withLock { state in
            let key = ByteKey(key)
            guard let pending = state.pending[key] else { return .none }
            guard let stamp,
                let index = pending.firstIndex(where: { !$0.found.isDeletion && $0.found.isOurs(stamp) })
            else { return .busy }
            if isArrival { state.pending[key]?[index].hasArrived = true }
            return .ours
        }
    }

    // MARK: The watcher's commits

    /// The watcher's looks begin: what is settled from now on may be newer than what they see.
    func beginLooks() { state.withLock { $0.settled = [] } }

    func endLooks() { state.withLock { $0.settled = nil } }

    /// Runs `commit`, which announces what looks have found of `keys`. It is given those of them of which a publication
    /// was under way since: what was found of them may be older than the index, and is to be looked at again. No
    /// publication of the others begins before it returns.
    func announce(_ keys: Set<ByteKey>, _ commit: (_ outdated: Set<ByteKey>) throws -> Void) rethrows {
        try announcing.withLock { _ in
            let outdated = state.withLock { state in
                let outdated = keys.filter {
                    state.pending[$0] != nil || state.settled?.contains($0) == true
                }
                state.announced = keys.subtracting(outdated)
                return outdated
            }
            defer { state.withLock { $0.announced = [] } }
            try commit(outdated)
        }
    }
}

// MARK: - What the host has moved

extension PublicationRegistry {
    /// Notes that an object was moved away and back unharmed: its rename will show, and is no new version.
    func noteRestored(key: String, _ stamp: ObjectStamp) {
        state.withLock { $0.note(ByteKey(key), Identity(stamp)) }
    }

    /// Whether the host itself moved this file to its key.
    func wasMoved(key: String, _ stamp: ObjectStamp) -> Bool {
        state.withLock { state in
            let (key, identity) = (ByteKey(key), Identity(stamp))
            return state.moved[key]?.contains(identity) == true || state.movedBefore[key]?.contains(identity) == true
        }
    }

    /// The index has newer versions of `keys` than those that were moved.
    func forgetMoved(_ keys: Set<ByteKey>) {
        state.withLock { state in
            if state.moved.isEmpty, state.movedBefore.isEmpty { return }
            for key in keys {
                state.moved[key] = nil
                state.movedBefore[key] = nil
            }
        }
    }

    /// To be called before the kernel's queue is emptied; false: nothing is noted. Of a key of which nothing is left to
    /// be looked at afterwards, all that was moved before has shown: `endForgetting`.
    func beginForgetting() -> Bool {
        state.withLock { state in
            // What is under way may be moved only after it was noted.
            for (key, identities) in state.moved where state.pending[key] == nil {
                for identity in identities { State.note(key, identity, in: &state.movedBefore) }
                state.moved[key] = nil
            }
            return !state.movedBefore.isEmpty
        }
    }

    /// `isLeft`: whether a key is still to be looked at.
    func endForgetting(_ isLeft: (String) -> Bool) {
        state.withLock { state in state.movedBefore = state.movedBefore.filter { isLeft($0.key.string) } }
    }

    /// How many files are noted as moved by the host itself.
    package var movedCount: Int {
        state.withLock { state in
            (Array(state.moved.values) + Array(state.movedBefore.values)).reduce(0) { $0 + $1.count }
        }
    }
}

extension PublicationRegistry.State {
    mutating func note(_ key: ByteKey, _ identity: PublicationRegistry.Identity) {
        // A bucket that nobody watches never comes to forget; there is none whose queue holds so many.
        if moved.count >= 10_000 {
            movedBefore = moved
            moved = [:]
        }
        Self.note(key, identity, in: &moved)
    }

    /// Only the file that is there when its key is looked at counts, and that is one of the last.
    static func note(
        _ key: ByteKey, _ identity: PublicationRegistry.Identity,
        in table: inout [ByteKey: [PublicationRegistry.Identity]]
    ) {
        var noted = table[key] ?? []
        noted.removeAll { $0 == identity }
        noted.append(identity)
        table[key] = noted.suffix(16)
    }
}

import Glibc
import ObjectStore
import Synchronization

/// The journal as the watcher sees it: an index that `commit` keeps in step with what was committed, and a record of
/// all changes. It outlives watchers, as the journal outlives the host.
final class MemoryIndex: ObjectIndexReading, ChangeSink {
    private struct State {
        var rows: [[UInt8]: KnownObject] = [:]
        /// The keys of `rows`, sorted.
        var order: [[UInt8]] = []
        var sequence = 0
        var log: [ObjectChange] = []
        var batches: [Int] = []
        var failuresLeft = 0
        var refusesEvents = false
        var indexFailuresLeft = 0
        var violations: [String] = []
        var hook: (@Sendable (String) -> Void)?

        /// Where `key` is in `order`, or belongs.
        func place(_ key: [UInt8]) -> Int {
            var low = 0
            var high = order.count
            while low < high {
                let middle = (low + high) / 2
                if order[middle].lexicographicallyPrecedes(key) { low = middle + 1 } else { high = middle }
            }
            return low
        }

        mutating func put(_ row: KnownObject) {
            let key = Array(row.key.utf8)
            if rows.updateValue(row, forKey: key) == nil { order.insert(key, at: place(key)) }
        }

        mutating func remove(_ text: String) -> Bool {
            let key = Array(text.utf8)
            guard rows.removeValue(forKey: key) != nil else { return false }
            order.remove(at: place(key))
            return true
        }
    }

    private let state = Mutex(State())
    private let flag: Int32

    init() {
        var ends: [Int32] = [0, 0]
        _ = pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        flag = ends[0]
        writing = ends[1]
    }

    private let writing: Int32

    deinit {
        close(flag)
        close(writing)
    }

    func known(bucket: String, key: String) throws -> KnownObject? {
        state.withLock(\.hook)?(key)
        return try state.withLock { state in
            if state.indexFailuresLeft > 0 {
                state.indexFailuresLeft -= 1
                throw TestFailure("index")
            }
            return state.rows[Array(key.utf8)]
        }
    }

    func page(bucket: String, after: String, limit: Int) throws -> [KnownObject] {
        state.withLock { state in
            let start = Array(after.utf8)
            var place = state.place(start)
            if place < state.order.count, state.order[place] == start { place += 1 }
            return state.order[place...].prefix(limit).compactMap { state.rows[$0] }
        }
    }

    func commit(_ changes: [ObjectChange]) throws {
        try state.withLock { state in
            if state.failuresLeft > 0 {
                state.failuresLeft -= 1
                throw TestFailure("sink")
            }
            if state.refusesEvents,
                changes.contains(where: { change in
                    switch change {
                    case .created, .deleted: true
                    case .adopted, .refreshed: false
                    }
                })
            {
                throw TestFailure("no room")
            }
            if Set(changes.map { Array($0.key.utf8) }).count != changes.count {
                state.violations.append("a key twice in a batch")
            }
            for change in changes {
                switch change {
                case .created(let sighting), .adopted(let sighting):
                    state.sequence += 1
                    state.put(
                        KnownObject(
                            bucket: sighting.bucket, key: sighting.key, stamp: sighting.stamp,
                            sample: sighting.sample, etag: sighting.etag, sequencer: "\(state.sequence)"))
                case .deleted(let known):
                    if !state.remove(known.key) {
                        state.violations.append("deleted an unknown \(known.key)")
                    }
                case .refreshed(let known):
                    if state.rows[Array(known.key.utf8)]?.etag != known.etag {
                        state.violations.append("refreshed another version of \(known.key)")
                    }
                    state.put(known)
                }
            }
            state.log += changes
            state.batches.append(changes.count)
        }
        if let hook = state.withLock(\.hook) {
            for change in changes { hook(change.key) }
        }
        var byte: UInt8 = 0
        _ = write(writing, &byte, 1)
    }

    /// What the runtime's commit 2 does with a published object.
    func put(_ sighting: ObjectSighting) {
        state.withLock {
            $0.put(
                KnownObject(
                    bucket: sighting.bucket, key: sighting.key, stamp: sighting.stamp, sample: sighting.sample,
                    etag: sighting.etag))
        }
    }

    func remove(_ key: String) {
        state.withLock { _ = $0.remove(key) }
    }

    func failNext(commits: Int = 0, lookups: Int = 0) {
        state.withLock {
            $0.failuresLeft = commits
            $0.indexFailuresLeft = lookups
        }
    }

    /// Called on the watcher's thread with each key whose row a look asks for, having seen the file, and with each that
    /// was committed.
    func setHook(_ hook: (@Sendable (String) -> Void)?) {
        state.withLock { $0.hook = hook }
    }

    /// Like a journal whose disk is short of space.
    func refuseEvents(_ isRefused: Bool) {
        state.withLock { $0.refusesEvents = isRefused }
    }

    var log: [ObjectChange] { state.withLock { $0.log } }
    var count: Int { state.withLock { $0.log.count } }
    var batches: [Int] { state.withLock { $0.batches } }
    var violations: [String] { state.withLock { $0.violations } }
    var keys: [String] { state.withLock { $0.rows.values.map(\.key).sorted() } }
    func row(_ key: String) -> KnownObject? { state.withLock { $0.rows[Array(key.utf8)] } }

    /// Waits for commits until `condition` holds.
    func wait(
        _ what: String, seconds: Int = 60, _ status: () -> String, until condition: (MemoryIndex) -> Bool
    ) throws {
        let deadline = time(nil) + seconds
        while !condition(self) {
            var wanted = pollfd(fd: flag, events: Int16(POLLIN), revents: 0)
            _ = poll(&wanted, 1, 100)
            var bytes = [UInt8](repeating: 0, count: 4096)
            _ = read(flag, &bytes, bytes.count)
            if time(nil) > deadline {
                throw TestFailure("waited in vain for \(what); status \(status()); last changes \(log.suffix(20))")
            }
        }
    }
}

import Glibc

/// Looks at one key on the disk and says what has become of it. Reads; changes nothing.
struct KeyLook {
    enum Outcome {
        /// Nothing to report.
        case nothing
        case change(ObjectChange)
        /// Only stamps moved: to be reported once it is certain that no completed write waits unread in the queue.
        case refreshed(KnownObject)
        /// Not decidable yet; look again after so many nanoseconds (or later, up to `atMost`).
        case later(delay: Int64, atMost: Int64)
        /// No object; the known one, if there was one, is gone with it.
        case refused(reason: String, deleted: KnownObject?)
    }

    let bucket: Bucket
    let index: any ObjectIndexReading
    /// How far the clock of file systems is taken to be behind, for tests.
    var clockLag: Int64 = 0
    /// Files that are waited for although their stamps lie in the future, and since when, by the monotonic clock.
    private var ahead: [ByteKey: (stamp: ObjectStamp, since: Int64)] = [:]

    init(bucket: Bucket, index: any ObjectIndexReading) {
        self.bucket = bucket
        self.index = index
    }

    private static let millisecond: Int64 = 1_000_000
    /// A new file is empty between the creation of its name and its writer's opening it, without the lease telling;
    /// an empty file that nobody closed is believed after this time.
    private static let emptyFileAge = 500 * millisecond

    mutating func look(_ key: String, _ cause: LookCause, adoptBefore: Int64?) throws -> Outcome {
        // The index is read after the disk: a whole publication may have come between, and then what was seen on the
        // disk is older than the row it is compared with. So nothing is reported that is not there afterwards, too.
        for _ in 0..<4 {
            let outcome = try lookOnce(key, cause, adoptBefore: adoptBefore)
            let seen: ObjectStamp?
            switch outcome {
            case .change(.created(let sighting)), .change(.adopted(let sighting)): seen = sighting.stamp
            case .change(.refreshed(let known)), .refreshed(let known): seen = known.stamp
            case .change(.deleted): seen = nil
            case .nothing, .later, .refused: return outcome
            }
            let now = try? bucket.files.status(key)
            if (now?.kind == .regular ? now?.stamp : nil) == seen { return outcome }
        }
        return .later(delay: 10 * Self.millisecond, atMost: 1000 * Self.millisecond)
    }

    private mutating func lookOnce(_ key: String, _ cause: LookCause, adoptBefore: Int64?) throws -> Outcome {
        // An ignored key is an object only if a function published it.
        if bucket.configuration.ignore.ignores(key: key), try index.known(bucket: bucket.name, key: key) == nil {
            return .nothing
        }
        let status: FileStatus
        switch Self.result({ () throws(SystemError) in try bucket.files.status(key) }) {
        case .success(let found): status = found
        case .failure(let error):
            guard error.isMissing || error.errno == ELOOP else { throw error }
            return try missing(key)
        }
        guard status.kind == .regular else {
            let known = try index.known(bucket: bucket.name, key: key)
            // Where a folder came, the keys below it are the objects.
            if status.kind == .folder { return known.map { .change(.deleted($0)) } ?? .nothing }
            return .refused(reason: RefusedReason.of(status.kind), deleted: known)
        }
        let number: Int32
        switch Self.result({ () throws(SystemError) in try bucket.files.openFile(key) }) {
        case .success(let opened): number = opened
        case .failure(let error):
            if error.isMissing { return try missing(key) }
            guard error.errno == EACCES || error.errno == EPERM else { throw error }
            // Announced all the same: its handler fails with AccessDenied, and the dead letter says so.
            return try decide(key, cause, status.stamp, sample: 0, .unknown, adoptBefore)
        }
        let file = Descriptor(number)
        let (stamp, sample, writers) = FileLease.withLease(file.number) {
            writers -> (ObjectStamp?, UInt64, WriterState) in
            guard let stamp = try? file.status(key).stamp else { return (nil, 0, writers) }
            // The sample of a file that is being written is not needed.
            let sample = writers == .open ? 0 : (try? SampledHash.hash(file.number, size: stamp.size, path: key)) ?? 0
            return (stamp, sample, writers)
        }
        guard let stamp else { return .later(delay: 10 * Self.millisecond, atMost: 1000 * Self.millisecond) }
        return try decide(key, cause, stamp, sample: sample, writers, adoptBefore)
    }

    private mutating func decide(
        _ key: String, _ cause: LookCause, _ stamp: ObjectStamp, sample: UInt64, _ writers: WriterState,
        _ adoptBefore: Int64?
    ) throws -> Outcome {
        // The registry before the index: what has left the registry is in the index.
        switch bucket.publications.match(key: key, stamp: stamp, isArrival: cause.contains(.arrived)) {
        case .ours: return .nothing
        case .busy: return .later(delay: Self.millisecond, atMost: 250 * Self.millisecond)
        case .none: break
        }
        let known = try index.known(bucket: bucket.name, key: key)
        if writers == .open {
            // Its writer's close comes as an event, unless the writer came by another name.
            return .later(delay: 20 * Self.millisecond, atMost: 2000 * Self.millisecond)
        }
        let differs = known.map { !stamp.isSameVersion(as: $0.stamp) } ?? true
        if differs, !cause.isCompletion, cause != .attributes {
            let rest = restTime(of: key, stamp)
            if stamp.size == 0, rest < Self.emptyFileAge {
                return .later(delay: Self.emptyFileAge, atMost: Self.emptyFileAge)
            }
            let quiet = bucket.configuration.quiet.nanoseconds
            // Between the close and the setting of its times (`cp -p`) a copy looks complete. Where changes are
            // reported the second tells; a poll would take it for another version.
            // What was there before the bucket starts nothing, and waits for nothing.
            let isOlder =
                known == nil && adoptBefore.map { stamp.changed < $0 } == true
                && cause.isDisjoint(with: [.closed, .arrived, .linked])
            if writers == .unknown || cause.contains(.polled), rest < quiet, !isOlder {
                return .later(delay: max(quiet - rest, Self.millisecond), atMost: quiet)
            }
        }
        if !ahead.isEmpty { ahead[ByteKey(key)] = nil }
        let restored = differs && cause.isCompletion && known != nil && bucket.publications.wasMoved(key: key, stamp)
        let verdict = VersionComparison.verdict(
            found: ObjectVersion(stamp: stamp, sample: sample), known: known?.version, cause: cause,
            adoptBefore: adoptBefore, isRestored: restored)
        switch verdict {
        case .unchanged: return .nothing
        case .created:
            return .change(.created(ObjectSighting(bucket: bucket.name, key: key, stamp: stamp, sample: sample)))
        case .adopted:
            return .change(.adopted(ObjectSighting(bucket: bucket.name, key: key, stamp: stamp, sample: sample)))
        case .refreshed:
            guard var known else { return .nothing }
            known.stamp = stamp
            if sample != 0 { known.sample = sample }
            return .refreshed(known)
        }
    }

    /// For how long a file has been left alone. A change in the future (a server's clock is ahead, the host's was set
    /// back) tells nothing of that: then it is since a look first saw the file as it is.
    private mutating func restTime(of key: String, _ stamp: ObjectStamp) -> Int64 {
        let now = Clock.files - clockLag
        if stamp.changed <= now {
            // mtime can be set to anything, also to the future: only a past one counts.
            return now - (stamp.modified <= now ? max(stamp.changed, stamp.modified) : stamp.changed)
        }
        let (name, clock) = (ByteKey(key), Clock.monotonic)
        if let seen = ahead[name], seen.stamp.isSameVersion(as: stamp) { return clock - seen.since }
        ahead[name] = (stamp, clock)
        return 0
    }

    // `catch … where` on typed errors stops the compiler (Swift 6.3.1), so errors are taken apart as results.
    private static func result<Value>(
        _ body: () throws(SystemError) -> Value
    ) -> Result<Value, SystemError> {
        do throws(SystemError) { return .success(try body()) } catch { return .failure(error) }
    }

    private mutating func missing(_ key: String) throws -> Outcome {
        if !ahead.isEmpty { ahead[ByteKey(key)] = nil }
        if case .busy = bucket.publications.match(key: key, stamp: nil) {
            return .later(delay: Self.millisecond, atMost: 250 * Self.millisecond)
        }
        guard let known = try index.known(bucket: bucket.name, key: key) else { return .nothing }
        return .change(.deleted(known))
    }
}

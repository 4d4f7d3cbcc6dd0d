/// Rules compiled for matching: one pass over an event finds every rule that matches it.
///
/// A matcher is an immutable value. `adding`, `removing` and `replacing` return a new one that shares what did not
/// change, while any number of threads go on matching with the old one, each with its own `MatchScratch`.
///
///     let matcher = Matcher([("images", pattern)])
///     let scratch = MatchScratch()
///     try matcher.forEachMatch(in: event, scratch: scratch) { id in … }
///
/// Cost: the reading of the event, plus a few lookups for each value at a path that rules name, plus the rules that
/// come near to matching. It does not grow with the number of rules as such.
public struct Matcher<ID: Hashable & Sendable>: Sendable {
    /// Rules that were compiled together.
    fileprivate struct Part: Sendable {
        var segment: Segment
        var ids: [ID]
        /// The positions of rules taken away since; their index entries stay until the part is compiled anew.
        var removed: Set<Int32> = []

        var liveCount: Int { ids.count - removed.count }
    }

    @usableFromInline
    final class Storage: Sendable {
        fileprivate let parts: [Part]
        @usableFromInline let rules: CompiledRules
        /// The identifiers of all parts' rules, one part after the other: the number of a rule in the scratch is its
        /// place. A plain pointer, for an array of a generic type would be looked up in the run-time's tables for every
        /// match.
        @usableFromInline nonisolated(unsafe) let ids: UnsafeMutablePointer<ID>
        @usableFromInline let idCount: Int

        fileprivate init(paths: PathTable, parts: [Part]) {
            self.parts = parts
            // Not key paths: in generic code each would be made anew at run time.
            rules = CompiledRules(paths: paths, segments: parts.map { $0.segment }, removed: parts.map { $0.removed })
            idCount = parts.reduce(0) { $0 + $1.ids.count }
            ids = .allocate(capacity: max(1, idCount))
            var place = ids
            for part in parts {
                for id in part.ids {
                    place.initialize(to: id)
                    place += 1
                }
            }
        }

        deinit {
            ids.deinitialize(count: idCount)
            ids.deallocate()
        }

        var idBytes: Int { (idCount + parts.reduce(0) { $0 + $1.ids.capacity }) * MemoryLayout<ID>.stride }

        /// Calls `body` with a rule of the scratch. Compiled where it is called: only there the type of identifiers is
        /// known, and to copy one of which nothing is known costs more than to find the match.
        @inlinable
        @inline(__always)
        func report(_ rule: Int32, _ body: (ID) -> Void) {
            // Only a closure that used the scratch itself, against the rules, could make the number too high.
            if Int(rule) < idCount { body(ids[Int(rule)]) }
        }

        var paths: PathTable { rules.paths }
    }

    @usableFromInline let storage: Storage

    /// A matcher without rules.
    public init() { storage = Storage(paths: PathTable(paths: []), parts: []) }

    /// Compiles rules. An identifier may occur several times; each rule is matched on its own.
    public init(_ rules: some Sequence<(ID, EventPattern)>) { self = Matcher().adding(rules) }

    private init(storage: Storage) { self.storage = storage }

    /// The number of rules.
    public var count: Int { storage.parts.reduce(0) { $0 + $1.liveCount } }

    /// The number of bytes that the compiled rules hold, without the identifiers' own.
    public var byteCount: Int {
        storage.rules.byteCount + storage.idBytes
    }

    // MARK: changing the rules

    /// A matcher with more rules. Only the new rules, and of the old ones a share that is small on average, are
    /// compiled.
    public func adding(_ rules: some Sequence<(ID, EventPattern)>) -> Matcher {
        let rules = Array(rules)
        return rules.isEmpty ? self : Matcher(storage: Matcher.adding(rules, to: storage))
    }

    /// A matcher without the rules of these identifiers.
    public func removing(_ ids: Set<ID>) -> Matcher {
        guard !ids.isEmpty else { return self }
        var parts: [Part] = []
        for var part in storage.parts {
            for (position, id) in part.ids.enumerated() where ids.contains(id) { part.removed.insert(Int32(position)) }
            if part.liveCount == 0 { continue }
            // With half of a part gone, compiling it anew pays for itself.
            parts.append(part.removed.count * 2 > part.ids.count ? Matcher.merge([part], storage.paths) : part)
        }
        return Matcher(storage: Matcher.compact(paths: storage.paths, parts: parts))
    }

    /// Parts with their table of paths; if most paths are of rules that are gone, as one part with a new table.
    private static func compact(paths: PathTable, parts: [Part]) -> Storage {
        let rules = parts.reduce(0) { $0 + $1.ids.count }
        // To compile all rules anew must be rare.
        guard paths.paths.count > 64 + rules / 8 else { return Storage(paths: paths, parts: parts) }
        var isUsed = [Bool](repeating: false, count: paths.paths.count)
        for part in parts {
            let conditions = part.segment.store.conditions
            for index in 0..<conditions.count { isUsed[Int(conditions[index].path)] = true }
        }
        let kept = isUsed.indices.filter { isUsed[$0] }
        guard paths.paths.count > 64 + rules / 8 + 2 * kept.count else { return Storage(paths: paths, parts: parts) }
        let table = PathTable(paths: kept.map { paths.paths[$0] })
        let places = Dictionary(uniqueKeysWithValues: kept.enumerated().map { (Int32($1), Int32($0)) })
        let merged = merge(parts, table) { places[$0] ?? 0 }
        return Storage(paths: table, parts: merged.ids.isEmpty ? [] : [merged])
    }

    /// A matcher in which these rules stand instead of those of the same identifiers.
    public func replacing(_ rules: some Sequence<(ID, EventPattern)>) -> Matcher {
        let rules = Array(rules)
        return removing(Set(rules.map { $0.0 })).adding(rules)
    }

    private static func adding(_ rules: [(ID, EventPattern)], to storage: Storage) -> Storage {
        guard !rules.isEmpty else { return storage }
        var known = storage.paths.paths
        var added: [FieldPath: Int32] = [:]
        for (_, pattern) in rules {
            for condition in pattern.conditions
            where storage.paths.number(of: condition.path) == nil && added[condition.path] == nil {
                added[condition.path] = Int32(known.count)
                known.append(condition.path)
            }
        }
        let paths = added.isEmpty ? storage.paths : PathTable(paths: known)
        var builder = SegmentBuilder()
        for (_, pattern) in rules { builder.add(pattern) { paths.number(of: $0) ?? 0 } }
        var parts = storage.parts
        parts.append(Part(segment: builder.build(pathCount: known.count), ids: rules.map { $0.0 }))
        // Parts at least double in size from the last to the first, so there are few and each rule moves few times.
        while parts.count > 1, parts[parts.count - 1].ids.count * 2 > parts[parts.count - 2].ids.count {
            let merged = merge(Array(parts.suffix(2)), paths)
            parts.removeLast(2)
            parts.append(merged)
        }
        return compact(paths: paths, parts: parts)
    }

    private static func merge(
        _ parts: [Part], _ paths: PathTable, path: (Int32) -> Int32 = { $0 }
    ) -> Part {
        var builder = SegmentBuilder()
        var ids: [ID] = []
        for part in parts {
            builder.add(part.segment, path: path) { !part.removed.contains(Int32($0)) }
            for (position, id) in part.ids.enumerated() where !part.removed.contains(Int32(position)) { ids.append(id) }
        }
        return Part(segment: builder.build(pathCount: paths.paths.count), ids: ids)
    }

    // MARK: matching

    /// Calls `body` with the identifier of every rule that the event matches, in no particular order, each rule once.
    ///
    /// Then calls `undecided` with every rule of which no answer was found: its fields lie in arrays so large and so
    /// nested that the search for elements that go together was given up. The event may match it or not; the other
    /// rules are not affected.
    ///
    /// Throws if the event is not a JSON object or, read strictly, breaks JSON's grammar; then nothing was called. The
    /// closures must not match with the same scratch.
    @inlinable
    public func forEachMatch(
        in event: UnsafeBufferPointer<UInt8>, reading: EventReading = .strict, scratch: MatchScratch,
        undecided: (ID) -> Void, _ body: (ID) -> Void
    ) throws(EventError) {
        try forEachMatch(in: event, reading: reading, scratch: scratch, body)
        let count = scratch.undecidedCount
        if count == 0 { return }
        for index in 0..<count {
            if let rule = storage.rules.undecided(index, scratch) { storage.report(rule, undecided) }
        }
    }

    /// See `forEachMatch(in:reading:scratch:undecided:_:)`; rules of which no answer was found are left out.
    @inlinable
    public func forEachMatch(
        in event: UnsafeBufferPointer<UInt8>, reading: EventReading = .strict, scratch: MatchScratch,
        _ body: (ID) -> Void
    ) throws(EventError) {
        try storage.rules.match(event, reading, scratch)
        var index = 0
        while index < scratch.matchedCount {
            storage.report(scratch.matchedRule(index), body)
            index += 1
        }
    }

    /// See `forEachMatch(in:reading:scratch:undecided:_:)`; rules of which no answer was found are left out.
    public func forEachMatch(
        in event: Span<UInt8>, reading: EventReading = .strict, scratch: MatchScratch, _ body: (ID) -> Void
    ) throws(EventError) {
        try event.withUnsafeBufferPointer { bytes throws(EventError) in
            try forEachMatch(in: bytes, reading: reading, scratch: scratch, body)
        }
    }

    /// What a matcher says of an event.
    public struct Answer: Sendable {
        /// The rules that the event matches, in no particular order.
        public var matched: [ID] = []
        /// The rules of which no answer was found; see `forEachMatch(in:reading:scratch:undecided:_:)`.
        public var undecided: [ID] = []
    }

    /// The rules that the event matches, and those of which that could not be found out.
    public func answer(
        in event: [UInt8], reading: EventReading = .strict, scratch: MatchScratch = MatchScratch()
    ) throws(EventError) -> Answer {
        var answer = Answer()
        try event.withUnsafeBufferPointer { bytes throws(EventError) in
            try forEachMatch(in: bytes, reading: reading, scratch: scratch, undecided: { answer.undecided.append($0) })
            {
                answer.matched.append($0)
            }
        }
        return answer
    }

    /// The identifiers of all rules that the event is known to match. Those that `answer` calls undecided are left out.
    public func matches(
        in event: [UInt8], reading: EventReading = .strict, scratch: MatchScratch = MatchScratch()
    ) throws(EventError) -> [ID] {
        try answer(in: event, reading: reading, scratch: scratch).matched
    }

    /// The identifiers of all rules that the event is known to match. See `matches(in:reading:scratch:)` for bytes.
    public func matches(
        in event: String, reading: EventReading = .strict, scratch: MatchScratch = MatchScratch()
    ) throws(EventError) -> [ID] {
        try matches(in: Array(event.utf8), reading: reading, scratch: scratch)
    }

    /// The most places that a lookup of a text or a field name that rules ask for goes through: for tests.
    package var longestSearch: Int {
        storage.parts.reduce(storage.paths.longestSearch) {
            max($0, $1.segment.hashes.longestSearch, $1.segment.grams.longestSearch)
        }
    }

    /// The number of a path that some rule uses.
    func number(of path: FieldPath) -> Int32? { storage.paths.number(of: path) }

    /// Calls `body` with every rule, and how many fields of its nearest branch pass for the event in the scratch.
    func forEachRule(_ scratch: MatchScratch, _ body: (ID, Int, Int) -> Void) {
        for part in storage.parts {
            for (position, nearness) in part.segment.nearness(scratch).enumerated()
            where !part.removed.contains(Int32(position)) {
                body(part.ids[position], nearness.passed, nearness.total)
            }
        }
    }

    /// Reads the event without looking any rule up: the floor of matching.
    package func scan(
        _ event: UnsafeBufferPointer<UInt8>, reading: EventReading, scratch: MatchScratch
    ) throws(EventError) {
        do throws(ScanFault) { try storage.rules.read(event, reading, scratch) } catch { throw EventError(error) }
    }
}

extension EventPattern {
    /// Whether an event matches; fails with `tooManyCombinations` if that could not be found out. Compiles the pattern
    /// each time: to match more than a few events, build a `Matcher`.
    public func matches(_ event: [UInt8]) throws(EventError) -> Bool {
        let answer = try Matcher([(true, self)]).answer(in: event)
        guard answer.undecided.isEmpty else { throw .undecided }
        return !answer.matched.isEmpty
    }

    /// Whether an event matches. See `matches(_:)` for bytes.
    public func matches(_ event: String) throws(EventError) -> Bool {
        try matches(Array(event.utf8))
    }
}

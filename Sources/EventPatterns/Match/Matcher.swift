/// Rules compiled for matching: one pass over an event finds every rule that matches it.
///
/// A matcher is an immutable value. `adding`, `removing` and `replacing` return a new one that shares what did not change,
/// while any number of threads go on matching with the old one, each with its own `MatchScratch`.
///
///     let matcher = Matcher([("images", pattern)])
///     let scratch = MatchScratch()
///     try matcher.forEachMatch(in: event, scratch: scratch) { id in … }
///
/// Cost: the reading of the event, plus a few lookups for each value at a path that rules name, plus the rules that come
/// near to matching. It does not grow with the number of rules as such.
public struct Matcher<ID: Hashable & Sendable>: Sendable {
    /// Rules that were compiled together.
    private struct Part: Sendable {
        var segment: Segment
        var ids: [ID]
        /// The positions of rules taken away since; their index entries stay until the part is compiled anew.
        var removed: Set<Int32> = []

        var liveCount: Int { ids.count - removed.count }
    }

    private final class Storage: Sendable {
        let paths: PathTable
        let parts: [Part]
        let bases: [SegmentBase]
        let subRules: Int
        let rules: Int
        let shared: Int
        let grams: Int

        init(paths: PathTable, parts: [Part]) {
            self.paths = paths
            self.parts = parts
            var next = SegmentBase(subRule: 0, rule: 0, shared: 0, gram: 0)
            var bases: [SegmentBase] = []
            for part in parts {
                bases.append(next)
                next.subRule += part.segment.subRuleCount
                next.rule += part.segment.ruleCount
                next.shared += part.segment.sharedCount
                next.gram += part.segment.grams.slots.count
            }
            self.bases = bases
            subRules = next.subRule
            rules = next.rule
            shared = next.shared
            grams = next.gram
        }
    }

    private let storage: Storage

    /// A matcher without rules.
    public init() { storage = Storage(paths: PathTable(paths: []), parts: []) }

    /// Compiles rules. An identifier may occur several times; each rule is matched on its own.
    public init(_ rules: some Sequence<(ID, EventPattern)>) { self = Matcher().adding(rules) }

    private init(storage: Storage) { self.storage = storage }

    /// The number of rules.
    public var count: Int { storage.parts.reduce(0) { $0 + $1.liveCount } }

    /// The number of bytes that the compiled rules hold, without the identifiers' own.
    public var byteCount: Int {
        storage.paths.byteCount
            + storage.parts.reduce(0) { $0 + $1.segment.byteCount + $1.ids.capacity * MemoryLayout<ID>.stride }
    }

    // MARK: changing the rules

    /// A matcher with more rules. Only the new rules, and of the old ones a share that is small on average, are compiled.
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
        return Matcher(storage: Storage(paths: storage.paths, parts: parts))
    }

    /// A matcher in which these rules stand instead of those of the same identifiers.
    public func replacing(_ rules: some Sequence<(ID, EventPattern)>) -> Matcher {
        let rules = Array(rules)
        return removing(Set(rules.map(\.0))).adding(rules)
    }

    private static func adding(_ rules: [(ID, EventPattern)], to storage: Storage) -> Storage {
        guard !rules.isEmpty else { return storage }
        var known = storage.paths.paths
        var added: [FieldPath: Int32] = [:]
        for (_, pattern) in rules {
            for branch in pattern.branches {
                for condition in branch
                where storage.paths.number(of: condition.path) == nil && added[condition.path] == nil {
                    added[condition.path] = Int32(known.count)
                    known.append(condition.path)
                }
            }
        }
        let paths = added.isEmpty ? storage.paths : PathTable(paths: known)
        var builder = SegmentBuilder()
        for (_, pattern) in rules { builder.add(pattern) { paths.number(of: $0) ?? 0 } }
        var parts = storage.parts
        parts.append(Part(segment: builder.build(pathCount: known.count), ids: rules.map(\.0)))
        // Parts at least double in size from the last to the first, so there are few and each rule moves few times.
        while parts.count > 1, parts[parts.count - 1].ids.count * 2 > parts[parts.count - 2].ids.count {
            let merged = merge(Array(parts.suffix(2)), paths)
            parts.removeLast(2)
            parts.append(merged)
        }
        return Storage(paths: paths, parts: parts)
    }

    private static func merge(_ parts: [Part], _ paths: PathTable) -> Part {
        var builder = SegmentBuilder()
        var ids: [ID] = []
        for part in parts {
            builder.add(part.segment) { !part.removed.contains(Int32($0)) }
            for (position, id) in part.ids.enumerated() where !part.removed.contains(Int32(position)) { ids.append(id) }
        }
        return Part(segment: builder.build(pathCount: paths.paths.count), ids: ids)
    }

    // MARK: matching

    /// Calls `body` with the identifier of every rule that the event matches, in no particular order, each rule once.
    ///
    /// Throws if the event is not a JSON object or, read strictly, breaks JSON's grammar; then `body` was not called. `body`
    /// must not match with the same scratch.
    public func forEachMatch(
        in event: Span<UInt8>, reading: EventReading = .strict, scratch: MatchScratch, _ body: (ID) -> Void
    ) throws(EventError) {
        try event.withUnsafeBufferPointer { bytes throws(EventError) in
            try forEachMatch(in: bytes, reading: reading, scratch: scratch, body)
        }
    }

    /// See `forEachMatch(in:reading:scratch:_:)`.
    public func forEachMatch(
        in event: UnsafeBufferPointer<UInt8>, reading: EventReading = .strict, scratch: MatchScratch,
        _ body: (ID) -> Void
    ) throws(EventError) {
        do throws(ScanFault) {
            try find(event, reading, scratch)
        } catch {
            throw EventError(error)
        }
        for index in 0..<scratch.matched.count {
            let number = Int(scratch.matched[index])
            var part = storage.parts.count - 1
            while storage.bases[part].rule > number { part -= 1 }
            let position = number - storage.bases[part].rule
            // Only a body that used the scratch itself, against the rules, could make this false.
            guard position < storage.parts[part].ids.count else { return }
            if !storage.parts[part].removed.isEmpty, storage.parts[part].removed.contains(Int32(position)) { continue }
            body(storage.parts[part].ids[position])
        }
    }

    /// The identifiers of all rules that the event matches.
    public func matches(
        in event: [UInt8], reading: EventReading = .strict, scratch: MatchScratch = MatchScratch()
    ) throws(EventError) -> [ID] {
        var ids: [ID] = []
        try event.withUnsafeBufferPointer { bytes throws(EventError) in
            try forEachMatch(in: bytes, reading: reading, scratch: scratch) { ids.append($0) }
        }
        return ids
    }

    /// The identifiers of all rules that the event matches.
    public func matches(
        in event: String, reading: EventReading = .strict, scratch: MatchScratch = MatchScratch()
    ) throws(EventError) -> [ID] {
        try matches(in: Array(event.utf8), reading: reading, scratch: scratch)
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
        do throws(ScanFault) { try read(event, reading, scratch) } catch { throw EventError(error) }
    }

    private func read(
        _ event: UnsafeBufferPointer<UInt8>, _ reading: EventReading, _ scratch: MatchScratch
    ) throws(ScanFault) {
        guard let base = event.baseAddress else { throw ScanFault(.notAnObject, 0) }
        scratch.begin(
            paths: storage.paths.paths.count, subRules: storage.subRules, rules: storage.rules,
            shared: storage.shared, grams: storage.grams)
        var scanner = EventScanner(
            event, base: base, paths: storage.paths, strict: reading.isStrict, scratch: scratch)
        try scanner.scan()
    }

    private func find(
        _ event: UnsafeBufferPointer<UInt8>, _ reading: EventReading, _ scratch: MatchScratch
    ) throws(ScanFault) {
        try read(event, reading, scratch)
        for index in 0..<storage.parts.count {
            try storage.parts[index].segment.match(scratch, storage.bases[index])
        }
    }
}

extension EventPattern {
    /// Whether an event matches. Compiles the pattern each time: to match more than a few events, build a `Matcher`.
    public func matches(_ event: [UInt8]) throws(EventError) -> Bool {
        try !Matcher([(true, self)]).matches(in: event).isEmpty
    }

    /// Whether an event matches. See `matches(_:)` for bytes.
    public func matches(_ event: String) throws(EventError) -> Bool {
        try matches(Array(event.utf8))
    }
}

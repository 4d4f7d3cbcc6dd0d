import EventModel
package import EventPatterns
package import HostAPI
package import Journal

/// A replay as the journal keeps it. Its cursor commits with the deliveries it has made (or with the report of what it
/// has compared), so the next host goes on where this one stopped.
package struct ReplayRecord: Codable, Sendable {
    /// One target that events go to, pinned at the start.
    package struct Path: Codable, Sendable {
        /// The rule's pattern, or the one given where no rule was.
        package var pattern: String
        /// How it is delivered. Of a replay: the id is that of its temporary subscription; of a dry run, the
        /// original's.
        package var settings: SubscriptionSettings
        /// The subscription that the events had the first time; nil where no rule was named.
        package var original: SubscriptionID?

        package init(pattern: String, settings: SubscriptionSettings, original: SubscriptionID?) {
            self.pattern = pattern
            self.settings = settings
            self.original = original
        }
    }

    package var request: ReplayRequest
    package var state: JobState
    package var reason: String?
    package var started: Milliseconds
    package var ended: Milliseconds?
    package var paths: [Path]
    /// Versions that only this replay runs, as `NAME@VERSION`.
    package var versions: [String: FunctionVersion]
    /// Of the log: what is looked at is in `(first, last]`, and up to the cursor it has been.
    package var first: Position
    package var last: Position
    package var cursor: Position
    package var replayed: Int64 = 0
    package var deliveries: Int64 = 0
    package var lastReplayed: Milliseconds?
    /// The temporary subscriptions are still there: their counts are the journal's.
    package var isOpen: Bool
    /// Counts of temporary subscriptions that are gone.
    package var succeeded: Int64 = 0
    package var dropped: Int64 = 0
    package var superseded: Int64 = 0
    package var dead: Int64 = 0
    package var shadow: ShadowReport?
    /// For how many milliseconds of hosts' lives it has stood still, or, once it has ended, what is parked of it has
    /// (`ReplayJobs.noteStill`); nil: it goes on.
    package var still: Int64?
    /// What is parked of it, although it has ended, is being dropped: the next host goes on with that. It stays so, for
    /// nothing more of it can be parked.
    package var dropsParked: Bool?
    /// What whoever asked for it was told.
    package var warnings: [String]?

    package init(
        request: ReplayRequest, started: Milliseconds, paths: [Path], versions: [String: FunctionVersion],
        first: Position, last: Position
    ) {
        self.request = request
        state = .running
        self.started = started
        self.paths = paths
        self.versions = versions
        self.first = first
        self.last = max(first, last)
        cursor = first
        isOpen = !request.dryRun
        if request.dryRun { shadow = ShadowReport() }
    }

    static let prefix = "replay/"
    var name: String { Self.prefix + request.name }

    /// The functions that replays which are not over go to. Blocking.
    package static func functions(in journal: any JournalStore) throws(JournalError) -> Set<String> {
        let replays = try journal.values(prefix: prefix).compactMap {
            JSONText.decode(ReplayRecord.self, from: $0.body)
        }
        return Set(
            replays.lazy.filter { $0.isOpen || $0.ended == nil }.flatMap(\.paths).filter { !$0.settings.isOutside }
                .map(\.settings.function))
    }

    /// Everything of the range has been looked at.
    package var isThrough: Bool { cursor >= last }

    /// What of the log is to be read next.
    package func admits(_ record: StoredRecord) -> Bool {
        record.position > cursor && record.position <= last && record.ingested >= request.from.milliseconds
            && record.ingested < request.to.milliseconds
    }
}

/// Which paths want an event: the patterns of a replay, compiled. For one thread at a time.
package struct ReplayMatcher: Sendable {
    private let matcher: Matcher<Int>
    private let filter: Matcher<Int>?

    /// Throws `InvalidRequest` for a pattern that does not parse. `limits`: of the filter, where nobody has accepted it
    /// yet.
    package init(
        _ paths: [ReplayRecord.Path], filter text: String?, limits: PatternLimits = .stored
    ) throws(APIError) {
        var patterns: [(Int, EventPattern)] = []
        do throws(PatternError) {
            for (index, path) in paths.enumerated() {
                patterns.append((index, try StoredPatterns.parse(path.pattern)))
            }
            if let text {
                filter = Matcher([(0, try EventPattern(parsing: text, dialect: .extended, limits: limits))])
            } else {
                filter = nil
            }
        } catch {
            throw .invalidRequest("the event pattern is not valid: \(error)")
        }
        matcher = Matcher(patterns)
    }

    /// Indexes of paths, in order. What cannot be decided or read is wanted by nobody.
    package func paths(for event: [UInt8]) -> [Int] {
        let payload = StreamFilter.subject(of: event)
        let scratch = MatchScratch()
        if let filter, (try? filter.answer(in: payload, scratch: scratch))?.matched.isEmpty ?? true { return [] }
        return (try? matcher.answer(in: payload, scratch: scratch))?.matched.sorted() ?? []
    }
}

import AppConfig
import EventModel
package import EventPatterns
import FunctionProtocol
package import Journal
import Synchronization

/// Which subscriptions want an event or a record: the compiled rules of one deployment, by bus. Immutable; swapped
/// whole.
package struct RuleSet: Sendable {
    package var number: Int64
    var matchers: [String: Matcher<SubscriptionID>]
    package var buses: Set<String>
    /// By name; those that the app has.
    var streams: [String: StreamRoute] = [:]
    /// Subscriptions of rules whose patterns cannot be read, and why: they have all that the rule may want, undecided.
    package var unreadable: [SubscriptionID: String] = [:]
    /// Subscriptions with two patterns, which may both take an event.
    private(set) var twofold: Set<SubscriptionID> = []

    /// Compiles a deployment's enabled rules. A pattern that does not parse is a defect of the deployment step, which
    /// checked it, also what it costs; it is reported by throwing.
    /// - Parameter isStored: it was checked by another life of the host, and what it needs (a time zone) may be gone:
    ///   nothing is thrown, and see `unreadable`.
    package init(_ deployment: Deployment, isStored: Bool = false) throws(PatternError) {
        number = deployment.ruleSet
        buses = Set(deployment.app.buses.map(\.name))
        for stream in deployment.streams where stream.isRemoved != true { streams[stream.name] = StreamRoute(stream) }
        var rules: [String: [(SubscriptionID, EventPattern)]] = [:]
        for rule in deployment.app.rules where rule.enabled {
            var (pattern, refusal): (EventPattern, String?)
            do throws(PatternError) {
                (pattern, refusal) = (try StoredPatterns.parse(rule.pattern), nil)
            } catch {
                guard isStored, let wider = StoredPatterns.widened(rule.pattern) else { throw error }
                (pattern, refusal) = (wider, "\(error)")
            }
            // What takes every record of a stream needs no document to match.
            let stream = rule.pattern == StreamFilter.everything ? StreamLog.stream(of: rule.bus) : nil
            for settings in deployment.subscriptions
            where settings.bus == rule.bus && settings.rule == rule.name && !settings.draining {
                if let refusal { unreadable[settings.id] = refusal }
                if let stream {
                    streams[stream]?.everything.append(settings.id)
                } else {
                    rules[rule.bus, default: []].append((settings.id, pattern))
                }
            }
        }
        // What a rule waits for that takes no manifests any more is told to its targets all the same.
        for settings in deployment.subscriptions where settings.hearsOfManifests {
            let isRouted = deployment.app.rules.contains {
                $0.bus == settings.bus && $0.name == settings.rule && $0.enabled && $0.manifest != nil
            }
            // A target that such a rule has lost was told of what it had matched.
            guard !isRouted else { continue }
            twofold.insert(settings.id)
            let pattern = try EventPattern(parsing: ManifestEvents.pattern(rule: settings.rule, bus: settings.bus))
            rules[settings.bus, default: []].append((settings.id, pattern))
        }
        matchers = rules.mapValues { Matcher($0) }
    }

    package init() {
        number = 0
        matchers = [:]
        buses = ["default"]
    }

    /// Whether the app has a bus, or a stream by its log.
    func has(log: String) -> Bool { StreamLog.stream(of: log).map { streams[$0] != nil } ?? buses.contains(log) }
}

/// Routes events on the accepting threads: any number of them, each with scratch memory of its own.
package final class EventRouter: Sendable {
    /// Working memory of one matching at a time. Unchecked: a session has it to itself.
    final class Scratch: @unchecked Sendable {
        let memory = MatchScratch()
        /// A list to be filled again and again.
        fileprivate var found: [SubscriptionID] = []
    }

    /// The rules in force at one moment, with memory to match by them: for one thread, until `end`.
    struct Session {
        let rules: RuleSet
        fileprivate let scratch: Scratch
    }

    private struct State {
        var current = RuleSet()
        /// Rule sets whose deployment is on its way into the journal.
        var coming: [Int64: RuleSet] = [:]
        var scratch: [Scratch] = []
        var unmatchable: Unmatchable?
        var undecided = 0
    }

    /// Events that went to nobody because they could not be read.
    package struct Unmatchable: Sendable, Hashable {
        /// How often that happened since the host started. An event that is matched again by newer rules and fails
        /// again counts twice.
        package var count: Int
        /// The bus of the last one.
        package var bus: String
        /// What was wrong with the last one.
        package var error: EventError
    }

    /// What becomes of an event.
    package struct Route: Sendable, Hashable {
        /// Who wants it.
        package var subscriptions: [SubscriptionID] = []
        /// Those of which no answer was found: their rules' fields lie in arrays with too many combinations of
        /// elements.
        package var undecided: [SubscriptionID] = []
        /// By which rule set.
        package var ruleSet: Int64

        /// Those that the journal gives the event.
        var wanting: [SubscriptionID] { undecided.isEmpty ? subscriptions : subscriptions + undecided }

        /// Names each subscription once.
        static func makeOnefold(_ found: inout [SubscriptionID], _ undecided: inout [SubscriptionID]) {
            var seen: Set<SubscriptionID> = []
            found.removeAll { !seen.insert($0).inserted }
            undecided.removeAll { !seen.insert($0).inserted }
        }
    }

    private let state = Mutex(State())

    package init() {}

    package var current: RuleSet { state.withLock { $0.current } }

    /// Whether nothing was routed by other rules since the rule set was taken up, and nothing is about to be.
    func isSettled(on ruleSet: Int64) -> Bool {
        state.withLock { $0.current.number == ruleSet && $0.coming.isEmpty }
    }

    /// Makes a rule set available for the records that commit after its deployment.
    package func prepare(_ rules: RuleSet) {
        state.withLock { $0.coming[rules.number] = rules }
    }

    /// The deployment has committed.
    package func activate(_ number: Int64) {
        state.withLock { state in
            if let rules = state.coming.removeValue(forKey: number) { state.current = rules }
        }
    }

    /// The deployment was refused.
    package func abandon(_ number: Int64) {
        state.withLock { _ = $0.coming.removeValue(forKey: number) }
    }

    /// Nil as long as every event could be matched.
    package var unmatchable: Unmatchable? { state.withLock { $0.unmatchable } }

    /// How many times a rule could not decide about an event since the host started.
    package var undecided: Int { state.withLock { $0.undecided } }

    package func hasBus(_ name: String) -> Bool { state.withLock { $0.current.buses.contains(name) } }

    /// Why nothing may be put into a log any more: the rules in force do not have it, or those of a deployment on its
    /// way.
    func missing(log: String) -> Failure? {
        let isThere = state.withLock { state in
            state.current.has(log: log) && state.coming.values.allSatisfy { $0.has(log: log) }
        }
        if isThere { return nil }
        let (code, what) =
            StreamLog.stream(of: log).map { ("NoSuchStream", "stream \($0)") } ?? ("NoSuchBus", "event bus \(log)")
        return Failure(
            code: code,
            message: "there is no \(what) any more: a deployment took it away before this could be put there; declare "
                + "it in sluice.yaml again, and redrive")
    }

    /// Who wants the event (a whole envelope), and by which rule set. Envelopes are validated before they come here;
    /// one that cannot be read all the same is wanted by nobody, and counted in `unmatchable`.
    ///
    /// - Parameter reading: `.validated` where the validation has also found that no field name occurs twice or has a
    ///   dot: then matching stops at the last field that rules use, so that an event is read to its end once.
    package func route(_ payload: [UInt8], reading: EventPatterns.EventReading, bus: String) -> Route {
        let session = session()
        defer { end(session) }
        return match(payload, reading, bus, session)
    }

    /// The record as the rule set makes it that is in force at its position: another than the one it was matched with,
    /// for a deployment came in between.
    package func rematch(_ append: Append, ruleSet: Int64) -> Append {
        let session = session(ruleSet: ruleSet)
        defer { end(session) }
        if let stream = StreamLog.stream(of: append.log) { return rematch(append, of: stream, session) }
        let route = match(append.payload, .strict, append.log, session)
        var matched = append
        matched.ruleSet = ruleSet
        matched.subscriptions = route.wanting
        matched.lineage = Lineage.marking(append.lineage, undecided: route.undecided)
        return matched
    }

    /// `route` within a session.
    func match(
        _ payload: [UInt8], _ reading: EventPatterns.EventReading, _ bus: String, _ session: Session
    ) -> Route {
        var route = Route(ruleSet: session.rules.number)
        match(payload, reading, bus, session, after: &route)
        return route
    }

    /// The same for one event after another: nearly always as many want it as wanted the last one, and then the list is
    /// the same, too.
    func match(
        _ payload: [UInt8], _ reading: EventPatterns.EventReading, _ bus: String, _ session: Session,
        after route: inout Route
    ) {
        if !route.undecided.isEmpty { route.undecided = [] }
        guard let matcher = session.rules.matchers[bus] else { return route.subscriptions = [] }
        var found: [SubscriptionID] = []
        swap(&found, &session.scratch.found)
        defer { swap(&found, &session.scratch.found) }
        found.removeAll(keepingCapacity: true)
        do throws(EventError) {
            // Collected here and not by `answer`: in generic code a list of identifiers costs four times as much.
            try payload.withUnsafeBufferPointer { bytes throws(EventError) in
                try matcher.forEachMatch(
                    in: bytes, reading: reading, scratch: session.scratch.memory,
                    undecided: { route.undecided.append($0) }
                ) { found.append($0) }
            }
            if !session.rules.twofold.isEmpty { Route.makeOnefold(&found, &route.undecided) }
            if !route.undecided.isEmpty { state.withLock { $0.undecided += route.undecided.count } }
            let unreadable = session.rules.unreadable
            if !unreadable.isEmpty {
                route.undecided += found.filter { unreadable[$0] != nil }
                found.removeAll { unreadable[$0] != nil }
            }
        } catch {
            state.withLock { state in
                let count = (state.unmatchable?.count ?? 0) + 1
                state.unmatchable = Unmatchable(count: count, bus: bus, error: error)
            }
        }
        if found != route.subscriptions { route.subscriptions = found.map { $0 } }
    }

    /// - Parameter ruleSet: one whose deployment is on its way, for the rules in force otherwise.
    func session(ruleSet: Int64? = nil) -> Session {
        state.withLock { state in
            let rules = ruleSet.flatMap { state.coming[$0] } ?? state.current
            return Session(rules: rules, scratch: state.scratch.popLast() ?? Scratch())
        }
    }

    func end(_ session: Session) {
        state.withLock { $0.scratch.append(session.scratch) }
    }
}

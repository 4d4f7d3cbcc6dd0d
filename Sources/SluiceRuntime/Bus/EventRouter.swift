import AppConfig
package import EventPatterns
package import Journal
import Synchronization

/// Which subscriptions want an event: the compiled rules of one deployment, by bus. Immutable; swapped whole.
package struct RuleSet: Sendable {
    package var number: Int64
    var matchers: [String: Matcher<SubscriptionID>]
    package var buses: Set<String>

    /// Compiles a deployment's enabled rules. A pattern that does not parse is a defect of the deployment step, which
    /// checked it; it is reported by throwing.
    package init(_ deployment: Deployment) throws(PatternError) {
        number = deployment.ruleSet
        buses = Set(deployment.app.buses.map(\.name))
        var rules: [String: [(SubscriptionID, EventPattern)]] = [:]
        for rule in deployment.app.rules where rule.enabled {
            let pattern = try EventPattern(parsing: rule.pattern, dialect: .extended)
            for settings in deployment.subscriptions
            where settings.bus == rule.bus && settings.rule == rule.name && !settings.draining {
                rules[rule.bus, default: []].append((settings.id, pattern))
            }
        }
        matchers = rules.mapValues { Matcher($0) }
    }

    package init() {
        number = 0
        matchers = [:]
        buses = ["default"]
    }
}

/// Routes events on the accepting threads: any number of them, each with scratch memory of its own.
package final class EventRouter: Sendable {
    /// Working memory of one matching at a time. Unchecked: whoever took it from the pool has it to himself.
    private final class Scratch: @unchecked Sendable {
        let memory = MatchScratch()
    }

    private struct State {
        var current = RuleSet()
        /// Rule sets whose deployment is on its way into the journal.
        var coming: [Int64: RuleSet] = [:]
        var scratch: [Scratch] = []
        var unmatchable: Unmatchable?
    }

    /// Events that went to nobody because matching them failed.
    package struct Unmatchable: Sendable, Hashable {
        /// How often matching failed since the host started. An event that is matched again by newer rules and fails
        /// again counts twice.
        package var count: Int
        /// The bus of the last one.
        package var bus: String
        /// What was wrong with the last one.
        package var error: EventError
    }

    private let state = Mutex(State())

    package init() {}

    package var current: RuleSet { state.withLock { $0.current } }

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

    package func hasBus(_ name: String) -> Bool { state.withLock { $0.current.buses.contains(name) } }

    /// Who wants the event (a whole envelope), and by which rule set. Envelopes are validated before they come here; an
    /// event that cannot be matched all the same (its arrays allow too many combinations) is wanted by nobody, and
    /// counted in `unmatchable`.
    package func route(_ payload: [UInt8], bus: String) -> (subscriptions: [SubscriptionID], ruleSet: Int64) {
        let (rules, scratch) = take(nil)
        defer { give(scratch) }
        return (match(payload, bus, rules, scratch), rules.number)
    }

    /// The same with the rule set that is in force at the record's position.
    package func rematch(_ payload: [UInt8], bus: String, ruleSet: Int64) -> [SubscriptionID] {
        let (rules, scratch) = take(ruleSet)
        defer { give(scratch) }
        return match(payload, bus, rules, scratch)
    }

    private func match(_ payload: [UInt8], _ bus: String, _ rules: RuleSet, _ scratch: Scratch) -> [SubscriptionID] {
        guard let matcher = rules.matchers[bus] else { return [] }
        do throws(EventError) {
            return try matcher.matches(in: payload, scratch: scratch.memory)
        } catch {
            state.withLock { state in
                let count = (state.unmatchable?.count ?? 0) + 1
                state.unmatchable = Unmatchable(count: count, bus: bus, error: error)
            }
            return []
        }
    }

    private func take(_ number: Int64?) -> (RuleSet, Scratch) {
        state.withLock { state in
            let rules = number.flatMap { state.coming[$0] } ?? state.current
            return (rules, state.scratch.popLast() ?? Scratch())
        }
    }

    private func give(_ scratch: Scratch) {
        state.withLock { $0.scratch.append(scratch) }
    }
}

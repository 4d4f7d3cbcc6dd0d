import EventModel

/// Finds the ways in which rules can start each other for ever: rule → function → what the function may write or put →
/// rule. It goes by grants and patterns, so it sees what could happen, not what does.
struct LoopSearch {
    /// What a target's function may cause.
    private enum Emission: Hashable {
        case objects(bucket: String)
        case deletions(bucket: String)
        case events(bus: String)
        case records(stream: String)
        case success(bus: String, function: String)
        case failure(bus: String, function: String)

        var inWords: String {
            switch self {
            case .objects(let bucket): "bucket \(bucket)"
            case .deletions(let bucket): "deletions in bucket \(bucket)"
            case .events(let bus): "events on bus \(bus)"
            case .records(let stream): "records of stream \(stream)"
            case .success(let bus, let function): "success of \(function) on bus \(bus)"
            case .failure(let bus, let function): "failure of \(function) on bus \(bus)"
            }
        }
    }

    /// One target of one rule.
    private struct Node: Hashable {
        var rule: Int
        var target: Int
    }

    private struct Step {
        var node: Node
        var emission: Emission
    }

    private let rules: [RuleFile]
    private let buckets: [String]
    private let buses: [String]
    private let streams: [String]
    private let functions: [String: FunctionFile]
    private let places: RulePlaces
    private let known = Known()

    /// What was found out once.
    private final class Known {
        var takers: [Emission: [Int]] = [:]
    }

    init(rules: [RuleFile], functions: [FunctionFile], buckets: [String], buses: [String], streams: [String]) {
        self.streams = streams
        self.rules = rules
        self.buckets = buckets
        self.buses = buses
        self.functions = Dictionary(
            functions.map { ($0.definition.name, $0) }, uniquingKeysWith: { first, _ in first })
        places = RulePlaces(rules)
    }

    /// Warns of each loop once, at the target at which it is entered.
    func report() {
        var told: Set<Set<Node>> = []
        for (index, rule) in rules.enumerated() where rule.definition.enabled && told.count < 50 {
            for target in rule.definition.targets.indices {
                let start = Node(rule: index, target: target)
                guard let loop = shortest(from: start), told.insert(Set(loop.map(\.node))).inserted else { continue }
                warn(loop)
            }
        }
    }

    private func warn(_ loop: [Step]) {
        guard let first = loop.first else { return }
        let rule = rules[first.node.rule]
        let steps = loop.map { step in
            let definition = rules[step.node.rule].definition
            return
                "rule \(definition.name) → \(definition.targets[step.node.target].function) → \(step.emission.inWords)"
        }
        let hint =
            switch loop[loop.count - 1].emission {
            case .objects:
                "make the rule's key filter exclude what the function writes, or take the bucket from its grants"
            case .deletions:
                "make the rule's key filter exclude what the function deletes, or take the bucket from its grants"
            case .events, .records, .success, .failure:
                "narrow the rule's pattern so that it does not take what comes back, or take the grant away"
            }
        rule.file.report(
            .possibleLoop,
            "possible loop: \(steps.joined(separator: " → ")) → rule \(rule.definition.name); the hop budget would end it",
            at: rule.functionPlaces.indices.contains(first.node.target)
                ? rule.functionPlaces[first.node.target] : rule.place,
            hint: hint, severity: .warning)
    }

    /// The shortest way from a target back to its own rule, breadth first.
    private func shortest(from start: Node) -> [Step]? {
        var queue: [[Step]] = emissions(of: start).map { [Step(node: start, emission: $0)] }
        var seen: Set<Int> = []
        var met = Set(queue.compactMap { $0.last?.emission })
        var head = 0
        while head < queue.count {
            let path = queue[head]
            head += 1
            guard let last = path.last else { continue }
            for next in takers(of: last.emission) {
                // Back at the start: what follows is known.
                if next == start.rule { return path }
                guard seen.insert(next).inserted else { continue }
                for target in rules[next].definition.targets.indices {
                    let node = Node(rule: next, target: target)
                    // Whoever takes it was reached on a way that is no longer.
                    for emission in emissions(of: node) where met.insert(emission).inserted {
                        queue.append(path + [Step(node: node, emission: emission)])
                    }
                }
            }
        }
        return nil
    }

    private func emissions(of node: Node) -> [Emission] {
        let target = rules[node.rule].definition.targets[node.target]
        var emissions: [Emission] = []
        let function = functions[target.function]
        let grants = function?.definition.grants ?? Grants()
        for bucket in buckets where grants.mayWrite(bucket: bucket) {
            emissions += [.objects(bucket: bucket), .deletions(bucket: bucket)]
        }
        emissions += buses.filter(grants.mayPutEvents).map { .events(bus: $0) }
        emissions += streams.filter(grants.mayPutRecords).map { .records(stream: $0) }
        switch target.forward?.kind {
        case .stream: emissions.append(.records(stream: target.forward?.name ?? ""))
        case .bus: emissions.append(.events(bus: target.forward?.name ?? ""))
        case nil: break
        }
        let destinations = (target.destinations ?? Destinations()).filled(
            from: function?.definition.destinations ?? Destinations())
        if let bus = destinations.onSuccess { emissions.append(.success(bus: bus, function: target.function)) }
        if let bus = destinations.onFailure { emissions.append(.failure(bus: bus, function: target.function)) }
        return emissions
    }

    /// The rules that may take it.
    private func takers(of emission: Emission) -> [Int] {
        if let known = known.takers[emission] { return known }
        let takers = rules.indices.filter { index in
            let rule = rules[index].definition
            guard rule.enabled, rule.schedule == nil else { return false }
            // What is in a record nobody knows beforehand: its stream's rules may all take it.
            if case .records(let stream) = emission { return rule.bus == StreamLog.name(of: stream) }
            guard let view = places.views[index] else { return false }
            switch emission {
            case .records: return false
            case .objects(let bucket):
                return rule.bus == "default" && view.mayTakeObject(of: bucket)
            case .deletions(let bucket):
                return rule.bus == "default" && view.mayTakeDeletion(of: bucket)
            case .events(let bus): return rule.bus == bus && view.mayTakeOwn
            case .success(let bus, let function):
                return rule.bus == bus && view.mayTakeOutcome("Success", of: function)
            case .failure(let bus, let function):
                return rule.bus == bus && view.mayTakeOutcome("Failure", of: function)
            }
        }
        known.takers[emission] = takers
        return takers
    }
}

/// What the rules' patterns say of the fields that tell where an event comes from.
private struct RulePlaces {
    let views: [PatternView?]

    init(_ rules: [RuleFile]) {
        views = rules.map { $0.pattern.map(PatternView.init) }
    }
}

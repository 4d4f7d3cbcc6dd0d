import AppConfig
import EventModel
import FunctionJSON
import FunctionProtocol
package import HostAPI
import Journal
import UVLoop

extension HostController {
    package func trace(id: String) async throws -> Trace {
        let focus = try await eventID(of: id)
        guard let record = try await read({ try $0.record(eventID: focus) }) else {
            throw APIError.notFound(
                "event", id,
                hint: "`sluice events list` shows the newest events; older ones are kept for archive.retentionDays")
        }
        var (root, isBeginningGone) = (record, false)
        for hop in Lineage(text: record.lineage)?.hops ?? [] where hop.rule != "invoke" {
            if let found = try await read({ try $0.record(eventID: hop.event) }) {
                root = found
                break
            }
            isBeginningGone = true
        }
        // What tells of a manifest was not caused by a function: it hangs on the manifest's arrival.
        if let manifest = Self.manifest(toldOfBy: root),
            let found = try await read({ try $0.record(eventID: manifest) })
        {
            root = found
        }
        let app = await host.deployment.app
        var builder = TraceBuilder(
            controller: self, names: await host.subscriptionNames, replays: await host.replays.targets,
            rules: app.rules.filter { $0.manifest != nil }, waiting: await host.waitingManifests)
        let tree = try await builder.event(root)
        return Trace(focus: focus, root: tree, isCut: builder.isCut, isBeginningGone: isBeginningGone)
    }

    /// The event of the manifest that an event tells of; nil for any other event.
    private static func manifest(toldOfBy record: StoredRecord) -> String? {
        guard let root = try? JSONDocument(parsing: record.payload).root,
            root["source"]?.string == ManifestEvents.source
        else { return nil }
        return root["detail"]?["manifest"]?["event-id"]?.string
    }

    /// The event behind the id of an event, an attempt, an invocation or a dead letter, or behind `bucket/key`.
    private func eventID(of id: String) async throws -> String {
        // By bytes: a mark at the beginning of the key is one character with the slash.
        if let slash = id.utf8.firstIndex(of: UInt8(ascii: "/")) {
            let (bucket, key) = (
                String(decoding: id.utf8[..<slash], as: UTF8.self),
                String(decoding: id.utf8[id.utf8.index(after: slash)...], as: UTF8.self)
            )
            guard let object = try await read({ try $0.object(bucket: bucket, key: key) }) else {
                throw await unseen(bucket, key)
            }
            guard !object.eventID.isEmpty else {
                throw APIError.notFound(
                    "event of object", id,
                    hint:
                        "it was there before its bucket was known; `sluice buckets trigger \(bucket)` makes an event of it"
                )
            }
            return object.eventID
        }
        if AttemptID(id) != nil {
            guard let event = try await attempts(of: id).last?.eventIDs.first else {
                throw APIError.notFound("attempt", id, hint: "`sluice invocations list` shows those that are kept")
            }
            return event
        }
        if let number = Int64(id) {
            guard let letter = try await read({ try $0.deadLetter(id: number) }) else {
                throw APIError.notFound("dead letter", id, hint: "`sluice dlq list --letters` shows their ids")
            }
            return letter.eventID
        }
        if StreamSequence.ofRecord(id) != nil, let record = try await record(id) { return record.eventID }
        // An event's id may look like anything; an invocation's is made of one.
        if try await read({ try $0.record(eventID: id) }) == nil, let found = try await attempts(of: id).last {
            return found.eventIDs.first ?? id
        }
        return id
    }
}

/// Follows events through the invocations they caused, down to what came of them.
private struct TraceBuilder {
    let controller: HostController
    let names: [SubscriptionID: SubscriptionSettings]
    let replays: [SubscriptionID: (replay: String, settings: SubscriptionSettings)]
    /// Those that take manifests.
    let rules: [RuleDefinition]
    /// Manifests whose files are waited for: bus, rule and event.
    let waiting: Set<[String]>
    private var seen: Set<String> = []
    private(set) var isCut = false

    init(
        controller: HostController, names: [SubscriptionID: SubscriptionSettings],
        replays: [SubscriptionID: (replay: String, settings: SubscriptionSettings)], rules: [RuleDefinition],
        waiting: Set<[String]>
    ) {
        self.rules = rules
        self.waiting = waiting
        self.controller = controller
        self.names = names
        self.replays = replays
    }

    mutating func event(_ record: StoredRecord) async throws -> TraceEvent {
        seen.insert(record.eventID)
        var event = TraceEvent(
            id: record.eventID, bus: record.log, ingested: .init(record.ingested),
            subject: EventReading.subject(of: record.payload))
        let deliveries = try await controller.deliveries(of: record, names: names)
        // Read last: what settled a delivery has committed its invocation too.
        let invocations = try await controller.read { try $0.invocations(eventID: record.eventID) }
            .sorted { ($0.attempt.boot, $0.attempt.number) < ($1.attempt.boot, $1.attempt.number) }
        for (place, state) in zip(record.deliveries, deliveries) {
            var traced: [TraceInvocation] = []
            for invocation in invocations where invocation.subscription == place.subscription {
                traced.append(try await self.invocation(invocation, of: record.eventID))
            }
            event.deliveries.append(TraceDelivery(delivery: state, invocations: traced))
        }
        // What replays made of it: they deliver copies, which are in no bus. Of a success without effects nothing but
        // the copy tells; of an old replay whose copies were trimmed, only what its invocations left.
        let own = Set(record.deliveries.map(\.subscription))
        var told: Set<SubscriptionID> = []
        let copies = try await copies(of: record)
        for (copy, place) in copies.flatMap({ copy in copy.deliveries.map { (copy, $0) } }) {
            guard told.insert(place.subscription).inserted else { continue }
            var state: EventDetail.Delivery?
            if names[place.subscription] != nil {
                let alone = copy.wanted(by: [place])
                state = try await controller.deliveries(of: alone, names: names).first
            }
            let made = invocations.filter { $0.subscription == place.subscription }
            event.deliveries.append(try await replayed(record.eventID, place.subscription, made, state))
        }
        for subscription in invocations.compactMap(\.subscription)
        where !own.contains(subscription) && told.insert(subscription).inserted {
            let made = invocations.filter { $0.subscription == subscription }
            event.deliveries.append(try await replayed(record.eventID, subscription, made, nil))
        }
        event.manifests = try await manifests(of: record)
        return event
    }

    /// What became of an event as a manifest.
    private mutating func manifests(of record: StoredRecord) async throws -> [TraceManifest]? {
        let takers = rules.filter { $0.bus == record.log }
        guard !takers.isEmpty, EventReading.objectInput(of: record.payload) != nil else { return nil }
        var found: [TraceManifest] = []
        for rule in takers {
            if waiting.contains([rule.bus, rule.name, record.eventID]) {
                found.append(TraceManifest(rule: rule.name, state: "waiting"))
                continue
            }
            for isComplete in [true, false] {
                let id = ManifestRunner.eventID(rule.bus, rule.name, record.eventID, isComplete: isComplete)
                guard !seen.contains(id), let told = try await controller.read({ try $0.record(eventID: id) }) else {
                    continue
                }
                found.append(
                    TraceManifest(
                        rule: rule.name, state: isComplete ? "complete" : "incomplete", events: [try await event(told)])
                )
            }
        }
        return found.isEmpty ? nil : found
    }

    /// Of replays that are known: those of others tell nothing.
    private func copies(of record: StoredRecord) async throws -> [StoredRecord] {
        guard !replays.isEmpty else { return [] }
        let known = replays
        let (id, position) = (record.eventID, record.position)
        return try await controller.read { journal in
            try journal.replays(ofEvent: id, after: position).map { copy in
                copy.wanted(by: copy.deliveries.filter { known[$0.subscription] != nil })
            }
        }
    }

    /// `state`: of the delivery, while its temporary subscription is there; else it follows from what is left of it.
    private mutating func replayed(
        _ event: String, _ subscription: SubscriptionID, _ invocations: [InvocationRecord],
        _ delivery: EventDetail.Delivery?
    ) async throws -> TraceDelivery {
        let known = replays[subscription]
        var (state, letter) = (delivery?.state ?? "settled", delivery?.deadLetter)
        if delivery == nil, let last = invocations.last, last.outcome == "failed" || last.outcome == "partial" {
            let filter = DeadLetterFilter(
                states: [.dead, .redriving, .redriven, .purged], subscription: subscription, limit: 1000)
            let found = try await controller.read { try $0.deadLetters(filter).first { $0.eventID == event } }
            if let found { (state, letter) = (found.state.rawValue, found.id) }
        }
        var traced: [TraceInvocation] = []
        for invocation in invocations { traced.append(try await self.invocation(invocation, of: event)) }
        return TraceDelivery(
            delivery: EventDetail.Delivery(
                rule: known?.settings.rule ?? "?", target: known?.settings.target ?? "?",
                function: known?.settings.function ?? invocations.last?.function ?? "?", state: state,
                deadLetter: letter),
            replay: known?.replay ?? "?", invocations: traced)
    }

    /// What an attempt has done for an event: of a batch nothing that it has done for others.
    private mutating func invocation(_ record: InvocationRecord, of event: String) async throws -> TraceInvocation {
        var effects: [TraceEffect] = []
        for effect in JSONText.decode(InvocationDetails.self, from: record.details)?.effects ?? [] {
            if let index = effect.record, record.eventIDs.indices.contains(index), record.eventIDs[index] != event {
                continue
            }
            var events: [TraceEvent] = []
            if let id = effect.event, !seen.contains(id) {
                if seen.count >= Trace.maximumEvents {
                    isCut = true
                } else if let next = try await controller.read({ try $0.record(eventID: id) }) {
                    events.append(try await self.event(next))
                }
            }
            effects.append(TraceEffect(effect: effect, events: events))
        }
        return TraceInvocation(summary: InvocationSummary(record), effects: effects)
    }
}

extension HostRuntime {
    /// Manifests whose files are waited for: bus, rule and event.
    fileprivate var waitingManifests: Set<[String]> {
        Set(manifests.open.map { [$0.manifest.id.bus, $0.manifest.id.rule, $0.manifest.eventID] })
    }
}

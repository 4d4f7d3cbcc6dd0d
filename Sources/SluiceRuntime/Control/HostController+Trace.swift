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
        var builder = TraceBuilder(controller: self, names: await host.subscriptionNames)
        let tree = try await builder.event(root)
        return Trace(focus: focus, root: tree, isCut: builder.isCut, isBeginningGone: isBeginningGone)
    }

    /// The event behind an event's, an attempt's or a dead letter's id, or `bucket/key`.
    private func eventID(of id: String) async throws -> String {
        if let slash = id.firstIndex(of: "/") {
            let (bucket, key) = (String(id[..<slash]), String(id[id.index(after: slash)...]))
            guard let object = try await read({ try $0.object(bucket: bucket, key: key) }) else {
                throw APIError.notFound(
                    "object", id, hint: "name it BUCKET/KEY; `sluice buckets list` shows the buckets")
            }
            guard !object.eventID.isEmpty else {
                throw APIError.notFound(
                    "event of object", id,
                    hint: "it was there before its bucket was known; `sluice buckets trigger` makes an event of it")
            }
            return object.eventID
        }
        if let attempt = AttemptID(id) {
            guard let found = try await read({ try $0.invocation(attempt) }), let event = found.eventIDs.first else {
                throw APIError.notFound("invocation", id, hint: "`sluice invocations list` shows those that are kept")
            }
            return event
        }
        if let number = Int64(id) {
            guard let letter = try await read({ try $0.deadLetter(id: number) }) else {
                throw APIError.notFound("dead letter", id, hint: "`sluice dlq list` shows what is there")
            }
            return letter.eventID
        }
        return id
    }
}

/// Follows events through the invocations they caused, down to what came of them.
private struct TraceBuilder {
    let controller: HostController
    let names: [SubscriptionID: SubscriptionSettings]
    private var seen: Set<String> = []
    private(set) var isCut = false

    init(controller: HostController, names: [SubscriptionID: SubscriptionSettings]) {
        self.controller = controller
        self.names = names
    }

    mutating func event(_ record: StoredRecord) async throws -> TraceEvent {
        seen.insert(record.eventID)
        var event = TraceEvent(
            id: record.eventID, bus: record.log, ingested: .init(record.ingested),
            subject: EventReading.subject(of: record.payload))
        let deliveries = try await controller.deliveries(of: record, names: names)
        // Read last: what settled a delivery has committed its invocation too.
        let invocations = try await controller.read { try $0.invocations(eventID: record.eventID) }
        for (place, state) in zip(record.deliveries, deliveries) {
            var traced: [TraceInvocation] = []
            for invocation in invocations.sorted(by: {
                ($0.attempt.boot, $0.attempt.number) < ($1.attempt.boot, $1.attempt.number)
            })
            where invocation.subscription == place.subscription {
                traced.append(try await self.invocation(invocation))
            }
            event.deliveries.append(TraceDelivery(delivery: state, invocations: traced))
        }
        return event
    }

    private mutating func invocation(_ record: InvocationRecord) async throws -> TraceInvocation {
        var effects: [TraceEffect] = []
        for effect in JSONText.decode(InvocationDetails.self, from: record.details)?.effects ?? [] {
            var events: [TraceEvent] = []
            if let id = effect.event, !seen.contains(id) {
                if seen.count >= Trace.mostEvents {
                    isCut = true
                } else if let next = try await controller.read({ try $0.record(eventID: id) }) {
                    events.append(try await event(next))
                }
            }
            effects.append(TraceEffect(effect: effect, events: events))
        }
        return TraceInvocation(summary: InvocationSummary(record), effects: effects)
    }
}

import AppConfig
import EventModel
import EventPatterns
import FunctionJSON
package import HostAPI
import Journal
import UVLoop

extension HostController {
    package func putEvents(_ submission: EventSubmission) async throws -> EventReceipt {
        let receipt = await withCheckedContinuation { continuation in
            putEvents(submission) { continuation.resume(returning: $0) }
        }
        return try receipt()
    }

    package func putEvents(
        _ submission: EventSubmission, done: @escaping @Sendable (_ receipt: @escaping EventReceipt.Making) -> Void
    ) {
        do {
            try host.admission.check()
        } catch {
            return done { throw error }
        }
        bus.put(submission) { outcome in
            switch outcome {
            case .success(let put) where put.hasDuplicates:
                Task {
                    do {
                        let receipt = try await receipt(of: put.answers)
                        done { receipt }
                    } catch {
                        done { throw error }
                    }
                }
            case .success(let put):
                done { put.receipt }
            case .failure(let error):
                done {
                    throw APIError.unavailable(
                        "nothing was accepted: \(error.message)",
                        hint: error.code == .diskFull ? "free space on the data folder's disk" : nil)
                }
            }
        }
    }

    /// With the ids of the events that duplicates stand for.
    private func receipt(of answers: [EventBus.Answer]) async throws -> EventReceipt {
        var results: [EventReceipt.Result] = []
        for answer in answers {
            if case .duplicate(let position) = answer {
                let first = try await read { try $0.record(at: position) }
                results.append(.init(eventID: first?.eventID ?? ""))
            } else {
                results.append(answer.result)
            }
        }
        return EventReceipt(results: results)
    }

    package func listEvents(_ query: EventQuery, page: PageRequest) async throws -> Page<EventRecord> {
        try await require(query)
        let names = await host.subscriptionNames
        let before = page.after.flatMap { Int64($0) }
        var found: [StoredRecord] = []
        var window = 500
        let last = try await read { try $0.lastRecords(log: query.bus, limit: 1).last?.position ?? 0 }
        var end = min(before ?? .max, last + 1)
        // Each window is a read of its own: a search through a long log must not keep a thread from everybody else.
        while found.count < page.limit, end > 1 {
            try Task.checkCancellation()
            let (start, size) = (max(0, end - 1 - Int64(window)), window)
            let read = try await read { journal in
                try journal.records(log: query.bus, after: start, limit: size, bytes: Self.listedBytes)
            }
            if window > 1, read.reduce(0, { $0 + $1.payload.count }) > Self.listedBytes / 2 {
                // The newest of them may not have been among those that there was room for.
                window = max(1, window / 8)
                continue
            }
            let before = end
            let records = read.filter { $0.position < before }
            found += records.reversed().filter { query.admits($0, names) }
            // Positions rise with the time of ingestion, but for a clock that was set back.
            if let since = query.since?.milliseconds, let first = records.first, first.ingested < since - 86_400_000 {
                break
            }
            end = start + 1
            window = min(window * 2, 5000)
        }
        found = Array(found.prefix(page.limit))
        let items = found.compactMap { EventRecord($0, names) }
        return Page(items: items, next: found.count == page.limit ? found.last.map { "\($0.position)" } : nil)
    }

    /// Payload that a page is looked for in at a time.
    private static let listedBytes = 64 << 20

    package func event(id: String) async throws -> EventDetail {
        let names = await host.subscriptionNames
        guard let record = try await record(id), let event = EventRecord(record, names) else {
            throw APIError.notFound("event", id, hint: "`sluice events list` shows the newest events")
        }
        let deliveries = try await deliveries(of: record, names: names)
        // Read last: what settled a delivery has committed its invocation too.
        let invocations = try await read { try $0.invocations(eventID: record.eventID) }
        return EventDetail(
            record: event, deliveries: deliveries, invocations: invocations.map { InvocationSummary($0) })
    }

    /// What became of a record's deliveries, in their order.
    func deliveries(
        of record: StoredRecord, names: [SubscriptionID: SubscriptionSettings]
    ) async throws -> [EventDetail.Delivery] {
        var deliveries: [EventDetail.Delivery] = []
        let running = await host.runningDeliveries
        for delivery in record.deliveries {
            let name = names[delivery.subscription]
            var state = try await state(of: delivery, running: running.contains(delivery))
            var behind: [Int64]?
            if ["waiting", "parked"].contains(state.text) {
                behind = try await parkedBehind(delivery, record.payload)
                // The log has it as waiting: it is held back all the same, as `status` counts it.
                if behind != nil { state.text = "parked" }
            }
            deliveries.append(
                EventDetail.Delivery(
                    rule: name?.rule ?? "?", target: name?.target ?? "?", function: name?.function ?? "?",
                    state: state.text, deadLetter: state.deadLetter, parkedBehind: behind))
        }
        return deliveries
    }

    private func state(of delivery: Delivery, running: Bool) async throws -> (text: String, deadLetter: Int64?) {
        try await read { journal in
            if running { return ("in flight", nil) }
            // Each is read on its own, in the order in which a delivery passes through them: one that moves on
            // meanwhile is met at the next place, never missed.
            let next = try journal.waiting(delivery.subscription, after: delivery.position - 1, limit: 1).first
            if next?.position == delivery.position { return ("waiting", nil) }
            let pending = try journal.pending(delivery.subscription, after: delivery.ordinal - 1, limit: 1).first
            if let pending, pending.delivery == delivery {
                return (pending.state.rawValue, pending.deadLetter)
            }
            let filter = DeadLetterFilter(
                states: [.dead, .redriving, .redriven, .purged], subscription: delivery.subscription,
                ordinal: delivery.ordinal)
            if let letter = try journal.deadLetters(filter).last(where: { $0.delivery == delivery }) {
                return (letter.state.rawValue, letter.id)
            }
            return ("settled", nil)
        }
    }

    /// Throws `NotFound` for a bus or a rule that is not there.
    private func require(_ query: EventQuery) async throws {
        if let bus = query.bus, !ReplayLog.isReplay(bus) { try await requireBus(bus) }
        guard let rule = query.rule else { return }
        let names = await host.deployment.app.rules.map(\.name) + host.subscriptionNames.values.map(\.rule)
        guard !names.contains(rule) else { return }
        throw APIError.notFound(
            "rule", rule, hint: NearestName.hint(for: rule, among: Set(names), known: "the rules"))
    }

    package func tailEvents(_ query: EventQuery) async throws -> AsyncThrowingStream<EventRecord, any Error> {
        try await require(query)
        let names = await host.subscriptionNames
        let source = events.listen()
        // An element is taken from the feed when the reader wants the next one: what it is behind stays in the feed,
        // which has a bound.
        return AsyncThrowingStream(unfolding: {
            while let record = try await source.next() {
                if query.admits(record, names), let event = EventRecord(record, names) { return event }
            }
            return nil
        })
    }

    package func testRules(_ request: RuleTestRequest) async throws -> RuleTestResult {
        let bus = request.bus ?? "default"
        try await requireBus(bus)
        let deployment = await host.deployment
        let source = (try? JSONDocument(parsing: request.event.bytes).root)?["source"]?.string
        var verdicts: [RuleTestResult.Verdict] = []
        for rule in deployment.app.rules where rule.bus == bus {
            let answer: Matcher<Bool>.Answer
            do {
                let pattern = try StoredPatterns.parse(rule.pattern(forSource: source))
                answer = try Matcher([(true, pattern)]).answer(in: StreamFilter.subject(of: request.event.bytes))
            } catch {
                throw APIError.invalidRequest("the event cannot be matched: \(error)")
            }
            verdicts.append(
                .init(
                    rule: rule.name, matches: !answer.matched.isEmpty, undecided: !answer.undecided.isEmpty,
                    enabled: rule.enabled, functions: rule.targets.map(\.function)))
        }
        return RuleTestResult(bus: bus, verdicts: verdicts)
    }
}

extension EventBus.Answer {
    /// What a producer hears; of a duplicate, as long as nobody has looked for the first.
    var result: EventReceipt.Result {
        switch self {
        case .accepted(let id, _, _): .init(eventID: id)
        case .duplicate: .init(eventID: "")
        case .refused(let code, let message): .init(code: code, message: message)
        }
    }
}

extension EventQuery {
    func admits(_ record: CommittedRecord, _ names: [SubscriptionID: SubscriptionSettings]) -> Bool {
        // What a replay delivered again is not archived: it is seen only where the replay's log is named.
        if let bus {
            guard record.log == bus else { return false }
        } else if ReplayLog.isReplay(record.log) {
            return false
        }
        if let rule, !record.deliveries.contains(where: { names[$0.subscription]?.rule == rule }) { return false }
        if let since, record.ingested < since.milliseconds { return false }
        if let until, record.ingested >= until.milliseconds { return false }
        guard source != nil || detailType != nil || object != nil else { return true }
        guard let root = try? JSONDocument(parsing: record.payload).root else { return false }
        if let source, root["source"]?.string != source { return false }
        if let detailType, root["detail-type"]?.string != detailType { return false }
        guard let object else { return true }
        guard let name = EventReading.object(of: root) else { return false }
        return object.hasSuffix("*")
            ? name.utf8.starts(with: object.utf8.dropLast()) : name.utf8.elementsEqual(object.utf8)
    }
}

extension EventRecord {
    init?(_ record: CommittedRecord, _ names: [SubscriptionID: SubscriptionSettings]) {
        guard let event = try? RawJSON(record.payload) else { return nil }
        self.init(
            position: record.position, bus: record.log, id: record.eventID, ingested: .init(record.ingested),
            subscriptions: record.deliveries.map { delivery in
                names[delivery.subscription].map { "\($0.rule)/\($0.target)" }
                    ?? "subscription \(delivery.subscription.value)"
            }, event: event)
    }
}

import AppConfig
import FunctionProtocol
import HostAPI
import Journal
import UVLoop

extension Dispatcher {
    /// The events that tell of works which succeeded, for the commit that settles them.
    func successes(
        of context: AttemptContext, _ report: AttemptReport, _ indices: some Sequence<Int>
    ) -> [(bus: String, event: OutcomeEvent)] {
        guard let settings = context.settings, settings.destinations?.onSuccess != nil else { return [] }
        var output: [UInt8] = []
        if case .success(let bytes) = report.outcome { output = bytes }
        return indices.compactMap { index in
            let work = context.attempt.works[index]
            return told(
                settings,
                OutcomeEvent(
                    function: context.attempt.function, version: context.version.version, attempt: context.id,
                    invocations: work.history.count + 1, delivery: work.delivery, request: request(of: work, settings),
                    outcome: .succeeded(output), time: clock.wall))
        }
    }

    /// The append that tells of a delivery which is given up, for the commit that makes it a dead letter; nil where
    /// nobody wants to hear of it.
    func failure(
        of work: Work, _ death: Death, _ settings: SubscriptionSettings?, attempt: AttemptID, version: Int,
        lineage: Lineage
    ) -> Append? {
        if case .direct = work.source { return nil }
        guard let settings, settings.destinations?.onFailure != nil else { return nil }
        let event = OutcomeEvent(
            function: settings.function, version: version, attempt: attempt, invocations: work.history.count,
            delivery: work.delivery, request: request(of: work, settings),
            outcome: .failed(death, backtrace: work.history.last?.backtrace ?? []), time: clock.wall)
        return told(settings, event).map { append($0, lineage: lineage) }
    }

    /// An outcome's event as a record for the log. It carries the lineage of what the invocation produced, so that the
    /// hop budget counts it.
    func append(_ told: (bus: String, event: OutcomeEvent), lineage: Lineage) -> Append {
        publisher.announcer.append(
            bus: told.bus, id: told.event.id, payload: told.event.payload(bus: told.bus),
            lineage: JSONText.encode(lineage))
    }

    private func told(
        _ settings: SubscriptionSettings, _ event: OutcomeEvent
    ) -> (bus: String, event: OutcomeEvent)? {
        event.bus(settings.destinations ?? Destinations()).map { ($0, event) }
    }

    /// What the handler got; the event itself where its input could not be made.
    private func request(of work: Work, _ settings: SubscriptionSettings) -> [UInt8] {
        (try? handlerInputs.input(of: work.payload, ingested: work.ingested, settings: settings)) ?? work.payload
    }
}

extension EffectInfo {
    /// The event that tells of an outcome, for the invocation's row: `sluice trace` follows it.
    static func outcome(_ append: Append, record: Int?) -> EffectInfo {
        EffectInfo(kind: "outcome", subject: append.log, event: append.eventID, record: record)
    }
}

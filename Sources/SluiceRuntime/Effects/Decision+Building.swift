import EventModel
import FunctionProtocol
package import HostAPI
import Journal
package import ObjectStore
import UVLoop

extension Decision {
    /// The lineage's text of what a work has produced; nil: of what the invocation as a whole has.
    func lineage(of record: Int?) -> Lineage {
        guard let record, let lineages, lineages.indices.contains(record) else { return lineage }
        return lineages[record]
    }

    /// The journal's name for the kept outcome of an attempt whose publication failed.
    package static func parkedName(_ staging: StagingAttempt) -> String { "publish/\(staging)" }
    package static let parkedPrefix = "publish/"

    /// What it publishes, for `invocations show`.
    package var effectList: [EffectInfo] { effects(telling: [:]) }

    /// The same with the events that tell of the objects.
    func effects(telling events: [ObjectAddress: String]) -> [EffectInfo] {
        var owners: [ObjectAddress: Int] = [:]
        func owner(_ bucket: String, _ key: String) -> Int? { owners[ObjectAddress(bucket: bucket, key: key)] }
        for (publication, owner) in zip(publications, self.owners ?? []) {
            owners[ObjectAddress(bucket: publication.bucket, key: publication.key)] = owner
        }
        return publications.map { publication in
            EffectInfo(
                kind: publication.isRemoval ? "delete" : "put", subject: "\(publication.bucket)/\(publication.key)",
                note: publication.isRemoval ? nil : "\(publication.size) bytes",
                event: events[ObjectAddress(bucket: publication.bucket, key: publication.key)],
                record: owner(publication.bucket, publication.key))
        }
            + outbox.map {
                EffectInfo(
                    kind: $0.isOutcome == true ? "outcome" : StreamLog.isStream($0.bus) ? "record" : "event",
                    subject: $0.bus, note: $0.id, event: $0.id, record: eventIDs.count > 1 ? $0.record : nil)
            }
            + files.map {
                EffectInfo(
                    kind: "register", subject: "\($0.database).\($0.table)",
                    note: "\($0.file.bucket)/\($0.file.key), \($0.rows) \($0.rows == 1 ? "row" : "rows")",
                    // A file is registered by who has put it.
                    record: owner($0.file.bucket, $0.file.key))
            }
    }

    /// The invocation's row, written with commit 2; `events` tell of the objects.
    func record(telling events: [ObjectAddress: String]) -> InvocationRecord {
        InvocationRecord(
            attempt: attempt, invocationID: invocationID, subscription: subscription, function: function,
            version: version, eventIDs: eventIDs, attemptNumber: attemptNumber, started: started,
            durationMicroseconds: durationMicroseconds, outcome: partial == nil ? "succeeded" : "partial",
            code: partial?.code ?? "", message: partial?.message ?? "", coldStart: coldStart,
            details: JSONText.encode(
                InvocationDetails(output: output, effects: effects(telling: events), backtrace: [], rule: rule)),
            logFile: logFile, logOffset: logOffset, logLength: logLength)
    }
}

extension Publisher {
    static func decision(
        _ context: AttemptContext, _ report: AttemptReport, succeeded: Set<Int>,
        _ prepared: PublicationPlan.Prepared, telling told: [(bus: String, event: OutcomeEvent)],
        _ logs: LogReference
    ) -> Decision {
        let (output, dropped, partial) = summary(of: report, without: context.supersededWorks)
        let works = context.attempt.works
        let settled: [Decision.Settled] = works.indices.filter(succeeded.contains).compactMap { index in
            if case .direct = works[index].source { return nil }
            return Decision.Settled(
                delivery: works[index].delivery, isPending: works[index].source != .log,
                deadLetter: works[index].deadLetter, dropped: dropped.contains(index))
        }
        let outbox =
            events(of: prepared, context) + records(of: prepared, context) + outcomes(told, of: works)
        let isShared =
            works.count > 1 && (outbox.contains { $0.record != nil } || prepared.owners.contains { $0 != nil })
        return Decision(
            attempt: context.id, staging: context.id.staging, parked: nil, invocationID: context.invocationID,
            function: context.attempt.function, version: context.version.version, rule: context.rule,
            subscription: context.settings?.id, attemptNumber: context.attempt.number,
            eventIDs: works.map(\.eventID), started: context.startedWall,
            durationMicroseconds: report.durationMicroseconds, coldStart: report.coldStart, output: output,
            logFile: logs.file, logOffset: logs.offset, logLength: logs.length, settled: settled,
            lineage: context.lineage, lineages: isShared ? works.indices.map { context.lineage(of: $0) } : nil,
            owners: isShared ? prepared.owners : nil, publications: prepared.publications, outbox: outbox,
            files: prepared.files, partial: partial)
    }

    /// The output that is kept, the records that were dropped, and what is said of those that failed.
    private static func summary(
        of report: AttemptReport, without superseded: Set<Int>
    ) -> (output: String, dropped: Set<Int>, partial: Failure?) {
        var output = ""
        var dropped: Set<Int> = []
        var partial: Failure?
        switch report.outcome {
        case .success(let bytes): output = Dispatcher.text(bytes)
        case .batch(let answer):
            dropped = Set(answer.results.indices.filter { answer.results[$0].status == .dropped })
            var failures = PartialFailure()
            for (index, result) in answer.results.enumerated() where !superseded.contains(index) {
                if let stop = report.stoppedAt, index > stop {
                    failures.addNotReached()
                } else if result.status == .failed {
                    let failure = result.failure ?? .recordFailed
                    failures.add(code: failure.code, message: failure.message)
                }
            }
            partial = failures.failure(of: answer.results.count)
        case .failure: break
        }
        return (output, dropped, partial)
    }

    private static func events(
        of prepared: PublicationPlan.Prepared, _ context: AttemptContext
    ) -> [Decision.OutboxEvent] {
        prepared.events.map { entry, id, record in
            let time = entry.time.flatMap { Timestamp(rfc3339: $0) } ?? Timestamp(milliseconds: context.startedWall)
            let payload = EventEnvelope(
                id: id, detailType: entry.detailType, source: entry.source, account: ObjectEvents.account,
                time: time.wholeSeconds, region: ObjectEvents.region, resources: entry.resources
            ).bytes(detail: Array(entry.detail.utf8))
            return Decision.OutboxEvent(
                id: id, bus: entry.bus ?? "default", payload: String(decoding: payload, as: UTF8.self),
                record: record)
        }
    }

    private static func records(
        of prepared: PublicationPlan.Prepared, _ context: AttemptContext
    ) -> [Decision.OutboxEvent] {
        prepared.records.map { entry, id, shard, record in
            let payload = StreamRecordText.bytes(
                stream: entry.stream, shard: shard, partitionKey: entry.partitionKey, data: entry.data.utf8,
                arrived: context.startedWall)
            return Decision.OutboxEvent(
                id: id, bus: StreamLog.name(of: entry.stream), payload: String(decoding: payload, as: UTF8.self),
                record: record)
        }
    }

    /// The events that tell of the outcomes.
    private static func outcomes(
        _ told: [(bus: String, event: OutcomeEvent)], of works: [Work]
    ) -> [Decision.OutboxEvent] {
        let indices =
            told.isEmpty
            ? [:] : Dictionary(works.enumerated().map { ($1.delivery, $0) }, uniquingKeysWith: { first, _ in first })
        return told.map { bus, event in
            Decision.OutboxEvent(
                id: event.id, bus: bus, payload: String(decoding: event.payload(bus: bus), as: UTF8.self),
                isOutcome: true, record: indices[event.delivery])
        }
    }
}

extension Publication {
    var isRemoval: Bool {
        if case .delete = kind { true } else { false }
    }
}

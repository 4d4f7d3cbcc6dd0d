import EventModel
package import FunctionProtocol
package import HostAPI
package import Journal
package import ObjectStore
import UVLoop

/// A run whose effects are collected and not published: nothing of it reaches the journal, the buckets, the catalog,
/// the logs or the dead letters.
struct Shadow {
    /// The delivery that it repeats; its target's input, names of generated keys and rule hold.
    var settings: SubscriptionSettings?
    /// The dead letter whose kept input stands in for an object that is gone.
    var deadLetter: Int64?
    /// Nil: it could not run, or the host stops.
    var done: @LoopActor (ShadowRun?) -> Void
}

/// Why what a run asked for would not be published as things are, in the order in which publishing asks.
package struct ShadowRefusals: Sendable {
    /// Keys that are taken.
    package var taken: [(key: ObjectAddress, failure: Failure)] = []
    /// What comes behind them; where what was read or staged is not as it should be, keys were not asked for.
    package var other: Failure?

    package var first: Failure? { taken.first?.failure ?? other }
}

/// What a run in the shadow came to. Its staged files stay until `Dispatcher.release` is called.
package struct ShadowRun: Sendable {
    package let attempt: AttemptID
    package let version: FunctionVersion
    package let report: AttemptReport
    /// What would have been published, in the order asked.
    package let operations: [EffectSet.Operation]
    package let stages: [Int: StagedFile]
    /// The object of its event was replaced by a newer version with an event of its own.
    package let isSuperseded: Bool
    /// Why what it asked for would not have been published.
    package var refusals = ShadowRefusals()
    /// The first of it.
    package var refusal: Failure? { refusals.first }

    /// Why it would not have succeeded.
    package var failure: Failure? { handlerFailure ?? refusal }

    /// Why it would not have succeeded, whatever it asked for; of a batch handler its one record's failure.
    package var handlerFailure: Failure? {
        switch report.outcome {
        case .success: return nil
        case .failure(let failure): return failure
        case .batch(let answer):
            guard let result = answer.results.first else {
                return Failure(code: "MalformedAnswer", message: "the handler answered no result for its record")
            }
            guard result.status == .failed else { return nil }
            return result.failure ?? Failure(code: "RecordFailed", message: "the handler gave no reason")
        }
    }

    /// What it would have published, a line each.
    package var effectList: [EffectInfo] {
        operations.map { operation in
            switch operation {
            case .put(_, let to, _): EffectInfo(kind: "put", subject: "\(to.bucket)/\(to.key)")
            case .delete(let what, _): EffectInfo(kind: "delete", subject: "\(what.bucket)/\(what.key)")
            case .event(let entry, let id):
                EffectInfo(
                    kind: "event", subject: "\(entry.bus ?? "default") \(entry.source) \(entry.detailType)", note: id)
            case .record(let entry, let id, _):
                EffectInfo(
                    kind: "record", subject: "\(StreamLog.name(of: entry.stream)) \(entry.partitionKey)", note: id)
            case .register(let request):
                EffectInfo(
                    kind: "register", subject: "\(request.database).\(request.table)",
                    note:
                        "\(request.file.bucket)/\(request.file.key), \(request.rows) \(request.rows == 1 ? "row" : "rows")"
                )
            }
        }
    }

    /// The handler settled its record without effect on purpose.
    package var isDropped: Bool {
        if case .batch(let answer) = report.outcome { answer.results.first?.status == .dropped } else { false }
    }
}

extension Dispatcher {
    /// Runs a function once with an event, in the shadow, under the function's limits. Nil where the function is not
    /// deployed, or the host stops meanwhile.
    package func shadow(
        _ function: String, payload: [UInt8], eventID: String, ingested: Milliseconds, lineage: [UInt8] = [],
        settings: SubscriptionSettings? = nil, deadLetter: Int64? = nil
    ) async -> ShadowRun? {
        guard deployment.function(function) != nil, !isStopping else { return nil }
        let token = nextDirect()
        let work = Work(
            delivery: Delivery(subscription: directSubscription(of: function), position: 0, ordinal: token),
            source: .direct(token), eventID: eventID, ingested: ingested, expires: .max, payload: payload,
            lineage: lineage)
        return await withCheckedContinuation { continuation in
            shadows[token] = Shadow(
                settings: settings, deadLetter: deadLetter, done: { continuation.resume(returning: $0) })
            core.invoke(work)
            pump()
        }
    }

    /// An attempt in the shadow has ended: hands over what it asked for, and frees its place.
    func finish(_ shadow: Shadow, of context: AttemptContext, _ report: AttemptReport) async {
        // Nobody waits any more where the host stops: who did was told so by `endShadows`.
        var isAwaited = false
        if case .direct(let token)? = context.attempt.works.first?.source {
            isAwaited = shadows.removeValue(forKey: token) != nil
        }
        // Where it had been a failure nothing would have been published.
        var operations: [EffectSet.Operation] = []
        let run = ShadowRun(
            attempt: context.id, version: context.version, report: report, operations: [], stages: [:],
            isSuperseded: context.isSuperseded)
        var refusals = ShadowRefusals()
        if run.failure == nil, !run.isSuperseded {
            let asked = context.effects.committed(succeeded: [0], records: context.attempt.works.count)
            operations = asked.map(\.operation)
            if !asked.isEmpty { refusals = await publisher.refusals(of: asked, context) }
        }
        _ = core.resolve(context.id, .succeeded, now: clock.now)
        core.settled(context.id)
        forget(context)
        var ended = ShadowRun(
            attempt: context.id, version: context.version, report: report, operations: operations,
            stages: context.effects.stages, isSuperseded: context.isSuperseded)
        ended.refusals = refusals
        if isAwaited { shadow.done(ended) } else { release(ended) }
        pump()
    }

    /// Removes what a run in the shadow has staged.
    package func release(_ run: ShadowRun) {
        guard !run.stages.isEmpty else { return }
        publisher.discardStaging(run.attempt.staging, buckets: Set(run.stages.values.map(\.bucket)))
    }

    /// The host stops: runs in the shadow end with that answer.
    func endShadows() {
        let left = shadows
        shadows = [:]
        for shadow in left.values { shadow.done(nil) }
    }
}

extension HostRuntime {
    /// One run in the shadow that is only looked at: what it staged is gone when this returns.
    func shadow(
        _ function: String, payload: [UInt8], eventID: String, ingested: Milliseconds, lineage: [UInt8],
        settings: SubscriptionSettings?, deadLetter: Int64?
    ) async -> ShadowRun? {
        let run = await dispatcher.shadow(
            function, payload: payload, eventID: eventID, ingested: ingested, lineage: lineage, settings: settings,
            deadLetter: deadLetter)
        if let run { dispatcher.release(run) }
        return run
    }
}

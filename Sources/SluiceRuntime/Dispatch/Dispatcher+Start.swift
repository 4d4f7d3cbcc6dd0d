import AppConfig
import EventModel
import FunctionProtocol
package import HostAPI
package import Journal
import Logging
import UVLoop

extension Dispatcher {
    /// The virtual subscription that carries a function's direct invocations: never persisted, id below zero.
    func directSubscription(of function: String) -> SubscriptionID {
        if let known = directSubscriptions[function] { return known }
        let id = SubscriptionID(-1 - Int64(directSubscriptions.count))
        directSubscriptions[function] = id
        return id
    }

    /// How the attempt's works are delivered: by their target, for a redrive to another function as that function takes
    /// events, in a shadow as the delivery that it repeats.
    private func settings(of attempt: DeliveryCore.Attempt) -> SubscriptionSettings? {
        guard let first = attempt.works.first else { return nil }
        if case .direct(let token) = first.source { return shadows[token]?.settings }
        guard first.note?.lane != nil else { return deployment.subscription(attempt.subscription) }
        return deployment.subscription(first.delivery.subscription)?.redirected(
            to: attempt.function, deployment.function(attempt.function)?.definition)
    }

    /// Sends an attempt to a worker.
    func start(_ attempt: DeliveryCore.Attempt) {
        let settings = settings(of: attempt)
        guard let version = deployment.function(attempt.function) ?? settings?.outsideVersion else {
            if case .direct(let token)? = attempt.works.first?.source {
                core.workerDone(attempt.id)
                _ = core.resolve(attempt.id, .superseded, now: clock.now)
                directWaiters.removeValue(forKey: token)?(
                    .refused("WorkerUnavailable", "the function \(attempt.function) was removed"))
                shadows.removeValue(forKey: token)?.done(nil)
                // Its slot is free for the next one; not from within the pump that called this.
                LoopActor.submit { [weak self] in self?.pump() }
                return
            }
            // Its function is gone although the subscription is not: configuration cannot say that, but a damaged
            // journal could. The work waits for the next deployment.
            core.workerDone(attempt.id)
            core.setStranded(attempt.subscription, true)
            core.giveBack(attempt.id)
            log.error("a subscription has no function", metadata: ["function": "\(TargetName.shown(attempt.function))"])
            return
        }
        // `Deployment.rules` sees to it that there are no such attempts; should there be one, no event of it is lost.
        guard attempt.works.count == 1 || settings?.takesSeveral(version) ?? version.isBatch else {
            core.workerDone(attempt.id)
            core.giveBack(attempt.id, singly: true)
            log.error(
                "several events for what takes one; they go one by one",
                metadata: ["function": "\(TargetName.shown(attempt.function))"])
            LoopActor.submit { [weak self] in self?.pump() }
            return
        }
        let first = attempt.works.first
        let context = AttemptContext(
            attempt: attempt, version: version, settings: settings, started: clock.now, startedWall: clock.wall)
        if case .direct(let token)? = first?.source { context.shadow = shadows[token] }
        attempts[attempt.id.number] = context
        // One such event in a batch refuses all of it: it is halved until that one is alone.
        if let spent = context.origins.exhausting(deployment.app.limits.hopBudget) {
            return refuse(context, Failure(code: "HopBudgetExceeded", message: spent.exhaustionMessage, retry: false))
        }
        // A redrive, which comes from the pending set, is the user's decision that the function shall have it.
        if let first, first.source == .log,
            context.origins[0].undecided?.contains(attempt.subscription.value) == true
        {
            switch decide(about: first, settings) {
            case .wanted: break
            case .unwanted: return drop(context)
            case .undecided:
                log.warning(
                    "a rule could not decide whether it wants an event: now a dead letter",
                    metadata: ["event": "\(first.eventID)", "rule": "\(settings?.rule ?? "?")"])
                return refuse(
                    context, Failure(code: "MatchUndecided", message: Self.undecidedMessage, retry: false))
            }
        }
        // A redrive or a retry is handed out all the same: its age is the retry policy's.
        if let first, first.source == .log, first.isSolitary, let settings,
            hasLeftRetention(settings.id, ingested: first.ingested, at: clock.wall)
        {
            let hours = settings.retentionHours ?? 0
            let failure = Failure(
                code: "RecordExpired",
                message:
                    "the record waited for longer than its stream keeps records (\(hours) hours) and was not handed out; "
                    + "redrive it to hand it out all the same, or purge it", retry: false)
            return refuse(context, failure)
        }
        if let parked = first?.parked {
            core.workerDone(attempt.id)
            Task { @LoopActor in await self.resumeParked(context, name: parked) }
            return
        }
        if let settings, settings.awaitsManifest == true {
            let redriven = attempt.works.indices.filter { index in
                let work = attempt.works[index]
                return work.deadLetter != nil && work.note?.original == nil
                    && ManifestRefusal.asksAgain(work.payload, rule: settings.rule, bus: settings.bus)
            }
            if !redriven.isEmpty {
                Task { @LoopActor in await self.lookAgain(at: redriven, of: context, settings) }
                return
            }
        }
        handOut(context)
    }

    /// Redriven events of manifests that were incomplete: complete by now, or what is missing is told anew.
    private func lookAgain(at redriven: [Int], of context: AttemptContext, _ settings: SubscriptionSettings) async {
        for index in redriven {
            let payload = context.attempt.works[index].payload
            guard let answer = await lookAtManifest(payload, settings) else {
                // The host stops: the next one does it again.
                core.workerDone(context.id)
                return abandon(context)
            }
            guard attempts[context.id.number] === context else { return }
            switch answer {
            case .success(let event): context.lookedUp[index] = event
            case .failure(let failure): return refuse(context, failure)
            }
        }
        handOut(context)
    }

    /// Gives an attempt to what runs it.
    private func handOut(_ context: AttemptContext) {
        let (settings, version) = (context.settings, context.version)
        do throws(Failure) {
            if let target = settings?.forward {
                forward(context, to: target, try payloads(of: context))
            } else if settings?.isOutside == true {
                outside.start(OutsideTargets.Call(context: context, payload: try request(for: context).payload.bytes))
            } else {
                let request = try request(for: context)
                watch?.note(.handedOut, context.positions)
                workers.start(request, on: version.workerVersion)
            }
        } catch {
            return refuse(context, error)
        }
        watchLongRunning()
    }

    private static let undecidedMessage =
        "the rule could not decide whether it wants this event, for the rule's fields lie in arrays with too many "
        + "combinations of elements; redrive it to hand it to the function all the same, or purge it"

    /// Ends an attempt that never reached a worker.
    private func refuse(_ context: AttemptContext, _ failure: Failure) {
        core.workerDone(context.id)
        // The target does not hear of it: it costs nothing of what the target takes.
        core.giveBackRates(of: context.attempt)
        Task { @LoopActor in
            await self.conclude(context, AttemptReport(outcome: .failure(failure)))
        }
    }

    /// Each event as its target wants it.
    private func payloads(of context: AttemptContext) throws(Failure) -> [[UInt8]] {
        let works = context.attempt.works
        var payloads: [[UInt8]] = []
        payloads.reserveCapacity(works.count)
        guard let settings = context.settings, settings.changesEvent || settings.awaitsManifest == true else {
            // Nearly always the events themselves.
            for index in works.indices { payloads.append(works[index].payload) }
            return payloads
        }
        for (index, work) in works.enumerated() {
            payloads.append(
                try handlerInputs.input(
                    of: context.lookedUp[index] ?? work.payload, ingested: work.ingested, settings: settings))
        }
        if settings.changesEvent || !context.lookedUp.isEmpty { context.given = payloads }
        return payloads
    }

    private func request(for context: AttemptContext) throws(Failure) -> AttemptRequest {
        var payloads = try payloads(of: context)
        let isBatch = context.version.isBatch
        // A handler of several inputs at once takes a list of them; everything else all records in one.
        let isOne =
            context.settings?.isKinesisBatch == true && (!isBatch || context.settings?.isOutside == true)
        if isOne { payloads = [try HandlerInputs.kinesisEvent(of: context.attempt.works.map(\.payload))] }
        return AttemptRequest(
            id: UInt64(context.id.number), requestID: "\(context.id)",
            invocationID: InvocationIDs.text(of: context.attempt.works),
            attempt: context.attempt.number,
            payload: isBatch && !isOne ? HandlerPayload(list: payloads) : HandlerPayload(payloads.first ?? []),
            batch: isBatch, timeout: context.version.definition.timeoutSeconds)
    }

    // MARK: Direct invocations

    /// A number for one direct invocation.
    func nextDirect() -> Int64 {
        lastDirect += 1
        return lastDirect
    }

    /// What `sluice invoke` gets back.
    package struct DirectResult: Sendable {
        package var report: AttemptReport
        package var effects: [EffectInfo]
        package var attempt: AttemptID
        package var version: Int
        /// Nil where it never ran.
        package var invocationID: String?

        /// It never ran, or its outcome could not be committed.
        static func refused(_ code: String, _ message: String) -> DirectResult {
            DirectResult(
                report: AttemptReport(outcome: .failure(Failure(code: code, message: message))), effects: [],
                attempt: AttemptID(boot: 0, number: 0), version: 0)
        }
    }

    /// Runs a function once with a payload, under its limits; effects commit as for any invocation. Nil where the
    /// function is not deployed.
    package func invoke(_ function: String, payload: [UInt8], eventID: String) async -> DirectResult? {
        guard deployment.function(function) != nil else { return nil }
        guard !isStopping else { return .refused("HostStopping", "the host is stopping") }
        let token = nextDirect()
        let subscription = directSubscription(of: function)
        let work = Work(
            delivery: Delivery(subscription: subscription, position: 0, ordinal: token), source: .direct(token),
            eventID: eventID, ingested: clock.wall, expires: .max, payload: payload, lineage: [])
        return await withCheckedContinuation { continuation in
            directWaiters[token] = { continuation.resume(returning: $0) }
            core.invoke(work)
            pump()
        }
    }
}

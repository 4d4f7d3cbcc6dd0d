package import FunctionProtocol
package import Journal
package import UVLoop

/// One attempt from its start to its commit: what runs, for whom, and what it has asked for.
@LoopActor
package final class AttemptContext {
    package let attempt: DeliveryCore.Attempt
    package let version: FunctionVersion
    /// Nil for a direct invocation.
    package let settings: SubscriptionSettings?
    package let started: Instant
    package let startedWall: Milliseconds
    /// Where its events come from, work by work.
    package let origins: Origins
    /// Of what the attempt as a whole produces: it comes from the work with the longest chain, and from an alarm where
    /// any does. Most produce nothing.
    package private(set) lazy var lineage: Lineage = {
        var whole = lineage(ofWork: origins.longest)
        whole.alarm = alarm
        return whole
    }()
    /// The object each work is about, where it is an object event; empty where none is. Read when it is asked for: most
    /// attempts ask for none.
    package private(set) lazy var inputs: [ObjectInput?] = attempt.works.objectInputs
    package var effects = EffectSet()
    /// The works, by index, of whose input a newer version has its own event: whatever the handler answers, these
    /// deliveries are superseded.
    package var supersededWorks: Set<Int> = []
    /// That is all there is.
    package var isSuperseded: Bool { attempt.works.count == 1 && !supersededWorks.isEmpty }
    /// After its report an attempt may ask for nothing more.
    package var isClosed = false
    /// It is noted in the journal as running for long (see `HostLost`).
    package var isNoted = false
    /// The name of its kept outcome, when the publication failed for good.
    package var parked: String?
    /// The outcome it went on with is given up: its delivery starts over with the handler.
    package var dropsParked = false
    /// Events that are handed over in another form than they were stored in, by the index of their work.
    var lookedUp: [Int: [UInt8]] = [:]
    /// What the handler got, work by work, where that is not the event itself.
    package var given: [[UInt8]] = []
    /// Its effects are collected for the caller, and not published.
    var shadow: Shadow?
    /// Called when the last open call has been answered.
    package var drained: (() -> Void)?
    /// Calls being answered; the outcome waits for them.
    package var openCalls = 0

    package init(
        attempt: DeliveryCore.Attempt, version: FunctionVersion, settings: SubscriptionSettings?, started: Instant,
        startedWall: Milliseconds
    ) {
        self.attempt = attempt
        self.version = version
        self.settings = settings
        self.started = started
        self.startedWall = startedWall
        origins = Origins(of: attempt.works)
    }

    package var id: AttemptID { attempt.id }

    /// It was asked for by `sluice invoke`, with an event that stands for itself: its id is nobody's, and an object
    /// that it names is meant as it is now. Runs in the shadow for a dead letter or a replay are of that delivery's
    /// event.
    package var isInvokedByHand: Bool {
        guard case .direct? = attempt.works.first?.source else { return false }
        return shadow.map { $0.settings == nil && $0.deadLetter == nil } ?? true
    }

    package var rule: String { settings?.rule ?? "" }

    /// The alarm that any of its events follows from.
    package var alarm: String? { origins.alarm }

    /// Of what a work has produced; nil: of what the attempt as a whole has.
    package func lineage(of work: Int?) -> Lineage {
        guard let work, attempt.works.count > 1 else { return lineage }
        return lineage(ofWork: work)
    }

    private func lineage(ofWork index: Int?) -> Lineage {
        let work = index.map { attempt.works[$0] }
        let hop = Lineage.Hop(
            event: work?.eventID ?? "", rule: settings?.rule ?? "invoke", function: attempt.function,
            subject: work.map { EventReading.subject(of: $0.payload) } ?? "")
        return (index.map { origins[$0] } ?? Lineage()).adding(hop)
    }

    /// The same for every attempt of a delivery: the idempotency key handlers pass on.
    package nonisolated static func invocationID(of work: Work) -> String {
        switch work.source {
        case .direct(let token): "direct-\(token)-\(work.eventID)"
        case .log, .pending:
            // A replay's subscription is its own: so are its invocations, and the events they put.
            "\(work.eventID)-\(work.delivery.subscription.value)"
        }
    }

    /// The event of the delivery that an invocation's id names; nil for what is none, and for a batch's.
    package nonisolated static func eventID(ofInvocation id: String) -> String? {
        let parts = id.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count > 1, parts[0] != "batch" else { return nil }
        if parts[0] == "direct", parts.count > 2 { return parts.dropFirst(2).joined(separator: "-") }
        return parts.dropLast().joined(separator: "-")
    }

    /// Of its events in the log.
    var positions: some Sequence<Position> { attempt.works.lazy.map(\.delivery.position) }

    package var invocationID: String { InvocationIDs.own(of: attempt.works) }

    /// The name under which it is noted while it runs for long.
    package var noteName: String { "running/\(id)" }
}

/// The object an `Object Created` event is about.
package struct ObjectInput: Codable, Sendable, Hashable {
    package var bucket: String
    package var key: String
    package var size: Int64
    package var etag: String
    package var sequencer: String

    package init(bucket: String, key: String, size: Int64, etag: String, sequencer: String) {
        self.bucket = bucket
        self.key = key
        self.size = size
        self.etag = etag
        self.sequencer = sequencer
    }

    package var address: ObjectAddress { ObjectAddress(bucket: bucket, key: key) }
}
